"""What a machine can find before people look: required values, rights, labels, the plan, readiness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import translation

from tsunagu.core import clock, settings
from tsunagu.core.errors import TsunaguError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.publication import behind, record
from tsunagu.data.publication.types import Finding
from tsunagu.data.publication.wording import FINDINGS
from tsunagu.data.readiness import api as readiness
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.standards import api as standards

_PERSONAL_FROM, _CONTROLLED_FROM = 4, 2  # "yes" of personal information, "review" of export control
_LANGUAGES = ("en", "ja")


def check(
    owner: Actor,
    card: datasets.DatasetCard,
    number: int,
    *,
    access: str,
    opens_on: str = "",
    corrected: Mapping[str, Any] | None = None,
    article: Mapping[str, Any] | None = None,
    data_count: int = 0,
) -> list[Finding]:
    """What stands against publishing a version, the blocking first.

    Args:
        owner: Who asks for it and must be allowed to open the dataset.
        card: The dataset.
        number: Of the frozen version.
        access: What it is to become, one of ``ACCESSES``.
        opens_on: The day on which an embargoed one opens.
        corrected: Values that replace described ones.
        article: What was said of an article; empty of data.
        data_count: How many data behind it were named.
    """
    version = datasets.get_version(card, number)
    said = {name: one["value"] for name, one in record.values_of(version.described, corrected or {}).items()}
    found = [
        *_described(said, opens=access != "metadata"),
        *_content(card, version, access),
        *_planned(owner, card, access, opens_on),
        *_readiness(card, number),
        *_article(article or {}, access, data_count),
    ]
    return sorted(found, key=lambda one: one.severity)


def blocking(found: list[Finding]) -> list[Finding]:
    """Those that must be put right first."""
    return [one for one in found if one.severity == "block"]


def _finding(code: str, severity: str, field: str = "", **words: Any) -> Finding:
    says, todo = FINDINGS[code]
    return Finding(
        code,
        "block" if severity == "block" else "warn",
        {language: says[language].format(**words) for language in _LANGUAGES},
        {language: todo[language].format(**words) for language in _LANGUAGES},
        field,
    )


def _described(said: Mapping[str, Any], *, opens: bool) -> Iterator[Finding]:
    titles = record.texts(said, "title")
    if not titles:
        yield _finding("no_title", "block", "title")
    elif len(titles) == 1:
        yield _finding("one_language", "warn", "title_en" if titles[0].language == "ja" else "title_ja")
    creators = record.names(said.get("creators"))
    if not creators:
        yield _finding("no_creators", "block", "creators")
    bare = [one for one in creators if not standards.agent_named(one).id]
    if bare:
        yield _finding("no_orcid", "warn", "creators", count=len(bare), total=len(creators))
    licence = str(said.get("licence") or "")
    if not licence:
        yield _finding("no_licence", "block" if opens else "warn", "licence")
    elif not record.rights(licence)[0].uri:
        yield _finding("unknown_licence", "warn", "licence", licence=licence[:100])
    if str(said.get("metadata_access") or "open") != "open":
        yield _finding("closed_metadata", "block", "metadata_access")
    if not record.texts(said, "description"):
        yield _finding("no_description", "warn", "description")
    if not record.names(said.get("keywords")):
        yield _finding("no_keywords", "warn", "keywords")


def _content(card: datasets.DatasetCard, version: datasets.VersionRef, access: str) -> Iterator[Finding]:
    if access == "metadata":
        return
    if not version.file_count:
        yield _finding("no_files", "block")
    if card.seal_state == "shredded":
        yield _finding("shredded", "block")
    labels = policy.labels_of([card.id, version.version_hash]).values()
    personal = max((one.levels["personal"] for one in labels), default=0)
    if personal >= _PERSONAL_FROM:
        yield _finding("personal", "block")
    elif not personal:
        yield _finding("personal_undecided", "block", place=card.slug)
    if max((one.levels["export_control"] for one in labels), default=0) >= _CONTROLLED_FROM:
        yield _finding("controlled", "block")


def _planned(owner: Actor, card: datasets.DatasetCard, access: str, opens_on: str) -> Iterator[Finding]:
    """The rules' own answer to opening the dataset, with what the plan promised, in both languages."""
    wish = opening(access, opens_on)
    if wish is None:
        return
    said: dict[str, policy.Decision] = {}
    for language in _LANGUAGES:
        with translation.override(language):
            said[language] = policy.decide(owner, "dataset.manage", card.resource, wish)
    if said["en"]:
        return
    yield Finding(
        "rules",
        "block",
        {language: " ".join(one.reasons) for language, one in said.items()},
        {language: one.remedy for language, one in said.items()},
    )


def opening(access: str, opens_on: str) -> dict[str, Any] | None:
    """What the dataset is to become, in the words that holds ask for; None where nothing is opened."""
    if access == "metadata":
        return None
    opens_s = 0
    if access == "embargoed" and opens_on:
        moment = clock.start_of(opens_on, settings.current().time_zone)
        opens_s = max(int(moment.timestamp()), int(clock.now().timestamp()))
    return {"access": "shared" if access == "restricted" else "open", "opens_s": opens_s}


def _article(said: Mapping[str, Any], access: str, data_count: int) -> Iterator[Finding]:
    if not said:
        return
    if said["text_version"] not in behind.FINAL and not said.get("doi"):
        yield _finding("no_publisher_doi", "warn", "doi")
    if access != "open" and said.get("duty") != "no" and not said.get("reason_code"):
        yield _finding("no_oa_reason", "warn", "reason_code")
    if not data_count and not said.get("no_data"):
        yield _finding("no_data_behind", "warn", "data")


def _readiness(card: datasets.DatasetCard, number: int) -> Iterator[Finding]:
    try:
        found = readiness.card(SYSTEM, card, version=number)
    except TsunaguError:  # what cannot be judged is no obstacle
        return
    missing = found.counts.get("fail", 0)
    if missing:
        yield _finding("readiness", "warn", score=found.score, count=missing)
