"""Terms of a dataset: set by who manages it, strictest-first along its sources, remembered with versions."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from tsunagu.core import clock
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.ai_use.errors import NoReasonError
from tsunagu.data.ai_use.models import AiTerms, FrozenAiTerms
from tsunagu.data.ai_use.types import TERM_ANSWERS, USES, Terms, TermsCard
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

# Codes of the Data Use Ontology that limit a purpose.
LIMITS = (
    "GRU", "HMB", "DS", "POA", "NCU", "NPU", "PUB", "COL", "GSO", "MOR", "IRB", "TS", "US", "PS", "IS", "RTN",
    "GS",
)  # fmt: skip
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
Sources = Mapping[str, Sequence[str]]


def terms_of(card: datasets.DatasetCard, *, at: dt.datetime | None = None) -> TermsCard:
    """The terms that hold for a dataset, now or at a moment; the caller has asked the rules for it."""
    return _card(card, at, {})


def _card(card: datasets.DatasetCard, at: dt.datetime | None, seen: dict[str, Terms]) -> TermsCard:
    row = _row(card.id, at)
    own = _terms(row) if row else _default(card)
    # What is being walked counts as its own terms: a circle of derivations ends here.
    seen[card.id] = own
    parts, stricter = [own], dict[str, list[str]]()
    released: Mapping[str, list[str]] = row.released if row else {}
    for source in runs.sources_of(card.id):
        theirs = _of_source(source, at, seen)
        spared = [use for use, keys in released.items() if source in keys]
        uses = {use: "allow" if use in spared else answer for use, answer in theirs.uses.items()}
        for use, answer in uses.items():
            if _rank(answer) > _rank(own.uses[use]):
                stricter.setdefault(use, []).append(source)
        parts.append(Terms(uses, theirs.limits, theirs.countries, theirs.until))
    merged = strictest(parts)
    seen[card.id] = merged
    return TermsCard(merged, own, row is None, {use: tuple(found) for use, found in stricter.items()})


def _of_source(source: str, at: dt.datetime | None, seen: dict[str, Terms]) -> Terms:
    try:
        card = datasets.get_dataset_by_id(identity.SYSTEM, source)
    except datasets.DatasetRemovedError:
        return seen[source] if source in seen else _of_removed(source, at, seen)
    except NotFoundError:  # what cannot be asked any more is not permitted unasked
        return Terms(dict.fromkeys(USES, "ask"))
    return seen[source] if source in seen else _card(card, at, seen).terms


def _of_removed(source: str, at: dt.datetime | None, seen: dict[str, Terms]) -> Terms:
    """The last word of a destroyed source and of its own sources: removing it frees nothing that was made of it."""
    row = _row(source, at)
    asks = Terms(dict.fromkeys(USES, "ask"))
    seen[source] = strictest([asks, _terms(row)]) if row else asks
    parts = [_of_source(one, at, seen) for one in runs.sources_of(source)]
    seen[source] = strictest([seen[source], *parts])
    return seen[source]


def source_names(actor: Actor, card: datasets.DatasetCard, found: TermsCard) -> dict[str, list[str]]:
    """Use -> names of the stricter sources that the actor may see.

    Whoever sees no draft does not learn from which datasets this one was derived.
    """
    keys = {key for keys in found.inherited.values() for key in keys} if card.sees_draft else set()
    names = datasets.visible_names(actor, keys)
    return {use: [names[key] for key in keys if key in names] for use, keys in found.inherited.items()}


def strictest(several: Sequence[Terms]) -> Terms:
    """The terms of something made from all of these."""
    uses = {use: max((one.uses[use] for one in several), key=_rank) for use in USES}
    places = [set(one.countries) for one in several if one.countries is not None]
    ends = [one.until for one in several if one.until]
    return Terms(
        uses,
        tuple(code for code in LIMITS if any(code in one.limits for one in several)),
        tuple(sorted(set.intersection(*places))) if places else None,
        min(ends) if ends else None,
    )


@transaction.atomic
def set_terms(
    actor: Actor,
    card: datasets.DatasetCard,
    terms: Terms,
    *,
    reason: str = "",
    release: Collection[str] = (),
) -> TermsCard:
    """Set what AI may do with a dataset; looser than its sources only as a release, with a reason.

    Args:
        actor: Who manages the dataset.
        card: The dataset.
        terms: All of them; what was set before is replaced.
        reason: Why it may be looser than its sources.
        release: Uses to release from the sources although their own answer stays; one that becomes another answer,
            looser than a source's, is a release by itself. All others stay bound by the sources.

    Raises:
        ActionDeniedError: the actor does not manage the dataset, or may not release it.
        InvalidInputError: an unknown use, answer, limit or country.
        NoReasonError: a release without a reason.
    """
    policy.require(actor, "dataset.manage", card.resource)
    _check(terms)
    before = terms_of(card)
    row = _row(card.id, None)
    released = {use: list(keys) for use, keys in (row.released if row else {}).items()}
    meant = {use for use in USES if terms.uses[use] != before.own.uses[use] or use in release}
    found = _looser_than_sources(card, terms, released)
    looser = {use: keys for use, keys in found.items() if use in meant}
    if looser:
        policy.require(actor, "dataset.release", card.resource)
        if not reason.strip():
            raise NoReasonError
        for use, keys in looser.items():
            released[use] = sorted({*released.get(use, ()), *keys})
    AiTerms.objects.create(
        dataset_id=card.id,
        uses={use: terms.uses[use] for use in USES},
        limits=[code for code in LIMITS if code in terms.limits],
        countries=None if terms.countries is None else sorted(set(terms.countries)),
        until=terms.until,
        released=released,
        written_by=actor.id,
        written_at=clock.now(),
    )
    runs.record(
        actor,
        "release_ai_terms" if looser else "set_ai_terms",
        dataset_id=card.id,
        parameters={"before": as_json(before.own), "now": as_json(terms)},
        links=[runs.Link("in", "dataset", card.id, card.slug)],
        reason=reason,
    )
    return terms_of(card)


def _looser_than_sources(
    card: datasets.DatasetCard, terms: Terms, released: Mapping[str, list[str]]
) -> dict[str, list[str]]:
    """Use -> sources whose stricter answer an explicit ``allow`` or ``ask`` would override."""
    found: dict[str, list[str]] = {}
    for source in runs.sources_of(card.id):
        theirs = _of_source(source, None, {})
        for use in USES:
            is_known = source in released.get(use, ())
            if _rank(terms.uses[use]) < _rank(theirs.uses[use]) and not is_known:
                found.setdefault(use, []).append(source)
    return found


def remember(dataset_id: str, number: int) -> None:
    """Keep the terms that stood when a version was frozen."""
    card = datasets.get_dataset_by_id(identity.SYSTEM, dataset_id)
    version = datasets.get_version(card, number)
    stood = terms_of(card, at=dt.datetime.fromisoformat(version.frozen_at)).terms
    FrozenAiTerms.objects.get_or_create(
        version_hash=version.version_hash,
        defaults={"dataset_id": dataset_id, "number": number, "terms": as_json(stood)},
    )


def terms_of_version(card: datasets.DatasetCard, number: int) -> Terms:
    """The terms that stood when a version was frozen.

    Raises:
        NoSuchVersionError: there is no such version.
    """
    version = datasets.get_version(card, number)
    row = FrozenAiTerms.objects.filter(version_hash=version.version_hash).first()
    if row is not None:
        return parse(row.terms)
    return terms_of(card, at=dt.datetime.fromisoformat(version.frozen_at)).terms


def as_json(terms: Terms) -> dict[str, Any]:
    """Terms as JSON values."""
    return {
        "uses": {use: terms.uses[use] for use in USES},
        "limits": list(terms.limits),
        "countries": None if terms.countries is None else list(terms.countries),
        "until": terms.until.isoformat() if terms.until else None,
    }


def parse(content: Mapping[str, Any]) -> Terms:
    """Terms from JSON values; a use that is not named is ``ask``.

    Raises:
        InvalidInputError: an unknown use, answer, limit, country or day.
    """
    until, countries = content.get("until") or None, content.get("countries")
    try:
        day = dt.date.fromisoformat(until) if until else None
    except ValueError:
        raise InvalidInputError(f"{until!r} is no date.", remedy="Write a date as 2027-03-31.") from None
    uses = dict.fromkeys(USES, "ask") | dict(content.get("uses") or {})
    terms = Terms(
        uses,
        tuple(str(code).upper() for code in content.get("limits") or ()),
        None if countries is None else tuple(str(code).upper() for code in countries),
        day,
    )
    _check(terms)
    return terms


def _check(terms: Terms) -> None:
    _known("use", terms.uses, USES)
    _known("answer", terms.uses.values(), TERM_ANSWERS)
    _known("limit", terms.limits, LIMITS)
    wrong = [code for code in terms.countries or () if not _COUNTRY.match(code)]
    if wrong:
        raise InvalidInputError(f"{wrong[0]!r} is no country code.", remedy="Write two letters, as JP or US.")


def _known(what: str, given: Iterable[str], known: Sequence[str]) -> None:
    wrong = [one for one in given if one not in known]
    if wrong:
        raise InvalidInputError(f"{wrong[0]!r} is no {what} of AI terms.", remedy=f"Use {', '.join(known)}.")


def _row(dataset_id: str, at: dt.datetime | None) -> AiTerms | None:
    rows = AiTerms.objects.filter(dataset_id=dataset_id)
    return (rows.filter(written_at__lte=at) if at else rows).order_by("-pk").first()


def _terms(row: AiTerms) -> Terms:
    countries = None if row.countries is None else tuple(row.countries)
    return Terms(dict(row.uses), tuple(row.limits), countries, row.until)


def _default(card: datasets.DatasetCard) -> Terms:
    return Terms(dict.fromkeys(USES, "allow" if is_open(card) else "ask"))


def is_open(card: datasets.DatasetCard) -> bool:
    """Whether everybody may read it now."""
    return card.access == policy.Access.OPEN and card.has_frozen and not card.embargo_until


def _rank(answer: str) -> int:
    return TERM_ANSWERS.index(answer)
