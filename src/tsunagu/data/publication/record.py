"""A frozen version as the record that libraries see, and that record as JSON in the publication's row.

Nothing of a version's bytes is read: the record is made of what was described, of the plan and of the institution.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import mimetypes
import re
import zoneinfo
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from tsunagu.core import clock, settings
from tsunagu.data.datasets import api as datasets
from tsunagu.data.plans import api as plans
from tsunagu.data.publication import behind
from tsunagu.data.publication.models import Concept, Institution, Publication
from tsunagu.foundation.identity.api import ANONYMOUS, SYSTEM
from tsunagu.foundation.policy import api as policy
from tsunagu.standards import api as standards

RIGHTS = {
    "open": "open access",
    "embargoed": "embargoed access",
    "restricted": "restricted access",
    "metadata": "metadata only access",
}
# The values of a description that the record is made from; a correction may replace them, nothing else.
SAID = (
    "title",
    "title_ja",
    "title_en",
    "description",
    "description_ja",
    "description_en",
    "creators",
    "contributors",
    "keywords",
    "licence",
    "rights_holder",
    *standards.COMMON_NAMES,
)
_JAPANESE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_ADDRESS = re.compile(r"https?://[^\s<>\"'{}|\\^`]+")
_NAMED_FILES = 20
_LOOKED_AT = 500


def build(row: Publication, card: datasets.DatasetCard, concept: Concept | None) -> standards.PublicRecord:
    """The record of a publication as it is now.

    Args:
        row: The publication.
        card: Its dataset as the node itself sees it; the access is read from it.
        concept: What names all versions together, where there is one.
    """
    version = datasets.get_version(card, row.number)
    said = {name: found["value"] for name, found in values_of(version.described, row.corrected).items()}
    files = datasets.list_files(SYSTEM, card, version=row.number, limit=_LOOKED_AT)
    access = access_of(card, version, row)
    institution = row.institution
    page = behind.landing_address(row.place, row.number)
    made = standards.PublicRecord(
        id=row.uid,
        url=page,
        resource_type=row.resource_type,
        titles=texts(said, "title") or (_text(card.title or card.slug),),
        access=access,
        creators=tuple(_person(name) for name in names(said.get("creators"))),
        contributors=tuple(
            dataclasses.replace(_person(name), role="Other") for name in names(said.get("contributors"))
        ),
        rights=rights(str(said.get("licence") or "")),
        rights_holders=tuple(_person(name) for name in names(said.get("rights_holder"))),
        subjects=tuple(standards.Subject(_text(word)) for word in names(said.get("keywords"))),
        descriptions=tuple(standards.Description(text) for text in texts(said, "description")),
        publishers=(_organisation(institution),),
        dates=tuple(_dates(row, version, card, access)),
        languages=_languages(said),
        version=str(row.number),
        doi="" if row.is_test_doi else row.doi,
        doi_agency="" if row.is_test_doi else row.doi_agency,
        is_doi_registered=row.is_doi_registered and not row.is_test_doi,
        relations=(
            *_relations(row, concept),
            *behind.relations(row),
            *behind.articles_of(row),
            *behind.stated(row),
        ),
        fundings=tuple(_fundings(row.project_id)),
        extents=(
            standards.Text(f"{version.file_count} files", "en"),
            standards.Text(_size(version.byte_count), "en"),
        ),
        formats=tuple(sorted({_media_type(file.name) for file in files.files}))
        if access == RIGHTS["open"]
        else (),
        files=tuple(_files(row, card, version, files, access)),
        institution=institution.name,
        withdrawn_on=_day(row.withdrawn_at) if row.withdrawn_at else "",
        **_printed(row.article),
    )
    return standards.with_common_items(made, said)


def _printed(said: Mapping[str, str]) -> dict[str, Any]:
    """Where an article was published, in the fields that journals have."""
    if not said:
        return {}
    return {
        "text_version": said["text_version"],
        "source_titles": (_text(said["journal"]),) if said.get("journal") else (),
        "source_ids": (standards.Identifier("EISSN", said["issn"]),) if said.get("issn") else (),
        **{name: said.get(name, "") for name in ("volume", "issue", "first_page", "last_page")},
    }


def values_of(described: Mapping[str, Any], corrected: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the record is made from: the frozen description, with what was corrected since."""
    kept = {name: one for name, one in described.items() if name in SAID and isinstance(one, dict)}
    return {name: one for name, one in (kept | dict(corrected)).items() if one.get("value")}


def is_waiting(row: Publication) -> bool:
    """Whether the embargo that was asked for goes on."""
    if row.access != "embargoed" or not row.opens_on:
        return False
    return clock.start_of(row.opens_on, settings.current().time_zone) > clock.now()


def access_of(
    card: datasets.DatasetCard, version: datasets.VersionRef | None = None, row: Publication | None = None
) -> str:
    """JPCOAR's word for who may read the dataset, or a version of it, now: asked of the rules, and not of a column.

    Args:
        card: The dataset.
        version: One of its versions.
        row: The publication of that version.
    """
    if version is not None and not version.is_released:
        return RIGHTS["embargoed" if row is not None and is_waiting(row) else "metadata"]
    if policy.decide(ANONYMOUS, "dataset.read", card.resource):
        return RIGHTS["open"]
    if card.access == policy.Access.OPEN and card.embargo_until:
        return RIGHTS["embargoed"]
    # Open, but a rule of the node keeps strangers out; or open to those who sign in.
    return RIGHTS["metadata"] if card.access == policy.Access.CLOSED else RIGHTS["restricted"]


def _text(value: str) -> standards.Text:
    return standards.Text(value.strip(), "ja" if _JAPANESE.search(value) else "en")


def texts(said: Mapping[str, Any], name: str) -> tuple[standards.Text, ...]:
    """A title or description, once in each language; what names its language itself comes first."""
    found: dict[str, standards.Text] = {}
    plain = str(said.get(name) or "")
    if plain.strip():
        found[_text(plain).language] = _text(plain)
    for language in ("ja", "en"):
        value = str(said.get(f"{name}_{language}") or "")
        if value.strip():
            found[language] = standards.Text(value.strip(), language)
    return tuple(found.values())


def names(value: Any) -> list[str]:
    """The people or words of a value: a list, or a text with commas or, where names hold those, semicolons."""
    if isinstance(value, str):
        value = re.split(r"[;；\n]" if re.search(r"[;；\n]", value) else r"[,、]", value)
    return [str(one).strip() for one in value if str(one).strip()] if isinstance(value, list) else []


def _person(text: str) -> standards.Party:
    agent = standards.agent_named(text)
    number = standards.erad_number(text)
    ids = [standards.PartyId("ORCID", agent.id.rpartition("/")[2], agent.id)] if agent.id else []
    ids += [standards.PartyId("e-Rad_Researcher", number)] if number else []
    return standards.Party((_text(_family_first(agent.name)),), ids=tuple(ids))


def _family_first(name: str) -> str:
    """``Family, Given``: Japanese names are written so, of Latin ones the last word is the family's."""
    parts = name.replace("\u3000", " ").split()
    if "," in name or len(parts) < 2:  # noqa: PLR2004 - a family and a given name
        return name
    if _JAPANESE.search(name):
        return f"{parts[0]}, {' '.join(parts[1:])}"
    return f"{parts[-1]}, {' '.join(parts[:-1])}"


def _organisation(row: Institution) -> standards.Party:
    names = [standards.Text(row.name_ja, "ja")]
    if row.name_en != row.name_ja:
        names.append(standards.Text(row.name_en, "en"))
    ids = (standards.PartyId("ROR", row.ror, row.ror),) if row.ror else ()
    return standards.Party(tuple(names), is_organization=True, ids=ids)


def rights(licence: str) -> tuple[standards.Right, ...]:
    """A licence in words and with its address."""
    if not licence:
        return ()
    known = standards.known_licence(licence)
    if known:
        return (standards.Right(standards.Text(known.name, "en"), known.url),)
    return (standards.Right(_text(licence), licence if _ADDRESS.fullmatch(licence) else ""),)


def _dates(
    row: Publication, version: datasets.VersionRef, card: datasets.DatasetCard, access: str
) -> Iterator[standards.Dated]:
    if row.published_at:
        yield standards.Dated(row.article.get("published_on") or _day(row.published_at), "Issued")
        if access == RIGHTS["open"]:
            opened = max(row.published_at, _opens(row, card))
            yield standards.Dated(_day(opened), "Available")
    if access == RIGHTS["embargoed"]:
        yield standards.Dated(_day(_opens(row, card)), "Available")
    yield standards.Dated(row.made_on or made_on(version), "Created")


def _opens(row: Publication, card: datasets.DatasetCard) -> dt.datetime:
    """When an embargo ends: that of the dataset, or where it has none that of the version alone."""
    if not card.embargo_until_s and row.access == "embargoed" and row.opens_on:
        return clock.start_of(row.opens_on, settings.current().time_zone)
    return dt.datetime.fromtimestamp(card.embargo_until_s, dt.UTC)


def made_on(version: datasets.VersionRef) -> str:
    """The day on which a version was frozen."""
    return _day(dt.datetime.fromisoformat(version.frozen_at))


def _day(moment: dt.datetime) -> str:
    return moment.astimezone(zoneinfo.ZoneInfo(settings.current().time_zone)).date().isoformat()


def _languages(said: Mapping[str, Any]) -> tuple[str, ...]:
    # ISO 639-3, as JPCOAR has it.
    spoken = {text.language for text in texts(said, "description") or texts(said, "title")}
    return tuple({"ja": "jpn", "en": "eng"}[one] for one in sorted(spoken, reverse=True))


def _relations(row: Publication, concept: Concept | None) -> Iterator[standards.Relation]:
    if concept and concept.is_doi_registered and not concept.is_test_doi:
        yield standards.Relation("isVersionOf", "DOI", f"https://doi.org/{concept.doi}")
    others = Publication.objects.filter(dataset_id=row.dataset_id, state="published").exclude(pk=row.pk)
    before = others.filter(number__lt=row.number).order_by("-number").first()
    after = others.filter(number__gt=row.number).order_by("number").first()
    if before:
        yield behind.related("replaces", before)
    if after:
        yield behind.related("isReplacedBy", after)


def _fundings(project_id: str) -> Iterator[standards.Funding]:
    """Who paid, as the project's plan says; the plan itself stays where it is."""
    plan = plans.find_plan(project_id)
    homes = plan.body["dmp"].get("project") if plan else None
    for home in homes if isinstance(homes, list) else []:
        funded = home.get("funding") if isinstance(home, dict) else None
        for one in funded if isinstance(funded, list) else []:
            found = _funding(home, one) if isinstance(one, dict) else None
            if found:
                yield found


def _funding(home: Mapping[str, Any], one: Mapping[str, Any]) -> standards.Funding | None:
    funder, grant = _identifier(one.get("funder_id")), _identifier(one.get("grant_id"))
    name = str(one.get("funder_name") or one.get("name") or "").strip()
    if not (name or funder):
        return None
    doi = standards.doi_of(grant)
    return standards.Funding(
        (_text(name or funder),),
        standards.PartyId("ROR", funder, funder) if funder.startswith("https://ror.org/") else None,
        award_number="" if doi else grant,
        award_url=f"https://doi.org/{doi}" if doi else "",
        award_titles=(_text(str(home["title"])),) if home.get("title") else (),
    )


def _identifier(found: Any) -> str:
    return str(found.get("identifier") or "").strip() if isinstance(found, dict) else ""


def _files(
    row: Publication,
    card: datasets.DatasetCard,
    version: datasets.VersionRef,
    listed: datasets.Page,
    access: str,
) -> Iterator[standards.PublicFile]:
    """The files where anybody may have them; else, and where there are many, the page that leads to them."""
    page = behind.landing_address(row.place, row.number)
    kind = "fulltext" if behind.is_article(row.resource_type) else "dataset"
    if access == RIGHTS["open"] and version.file_count <= _NAMED_FILES:
        base = behind.landing_address(row.place)
        for file in listed.files:
            address = f"{base}/download/{quote(file.path)}?version={row.number}"
            yield standards.PublicFile(
                address, _media_type(file.name), file.byte_count, type=kind, label=file.path
            )
    elif access != RIGHTS["metadata"] and version.file_count:
        day = _day(_opens(row, card)) if access == RIGHTS["embargoed"] else ""
        yield standards.PublicFile(page, byte_count=version.byte_count, type=kind, available_on=day)


def _media_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _size(count: int) -> str:
    size, unit = float(count), 0
    units = ("B", "kB", "MB", "GB", "TB", "PB")
    while size >= 1000 and unit < len(units) - 1:  # noqa: PLR2004 - decimal units
        size, unit = size / 1000, unit + 1
    return f"{size:.3g} {units[unit]}"


def to_json(record: standards.PublicRecord) -> dict[str, Any]:
    """The record as plain values, as the row of a publication keeps it."""
    found: dict[str, Any] = json.loads(standards.to_kept(record))
    return found


def from_json(kept: Mapping[str, Any]) -> standards.PublicRecord:
    """The record of a row. Whoever reads thousands takes the column as text and ``standards.from_kept``."""
    return standards.from_kept(json.dumps(kept))
