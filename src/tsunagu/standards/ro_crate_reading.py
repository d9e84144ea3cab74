"""A crate that somebody else made, as our record: what its metadata document says of the root dataset.

Source: https://w3id.org/ro/crate/1.2 (root data entity, contextual entities); earlier versions say the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tsunagu.core.errors import InvalidInputError
from tsunagu.standards.identifiers import doi_of
from tsunagu.standards.licences import known_licence
from tsunagu.standards.published import (
    Dated,
    Description,
    Funding,
    Party,
    PartyId,
    PublicRecord,
    Relation,
    Right,
    Subject,
    Text,
)

_ORCID = re.compile(r"https?://orcid\.org/(\d{4}-\d{4}-\d{4}-\d{3}[\dX])")
_ROR = re.compile(r"https?://ror\.org/0[a-z0-9]{8}")
_JAPANESE = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_MOST = 1000


class UnreadableCrateError(InvalidInputError):
    """What came is not the metadata document of a crate."""

    code = "standards.unreadable_crate"


@dataclass(frozen=True, slots=True)
class CrateFile:
    """A file that a crate describes; ``sha256`` (hex) and ``byte_count`` where it says them."""

    path: str
    byte_count: int | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Crate:
    """What a crate says of itself, and of the files that lie beside its document."""

    record: PublicRecord
    files: tuple[CrateFile, ...]


def from_ro_crate(data: bytes | str) -> Crate:
    """The record and the files of a crate.

    Args:
        data: ``ro-crate-metadata.json``.

    Raises:
        UnreadableCrateError: no JSON, no graph, or no root dataset.
    """
    try:
        document = json.loads(data)
        graph = document["@graph"]
        entities = {str(one["@id"]): one for one in graph if isinstance(one, dict) and "@id" in one}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableCrateError(
            "This is no metadata document of an RO-Crate: it has no @graph."
        ) from error
    root = _root(entities)
    return Crate(_record(root, entities), tuple(_files(root, entities)))


def _root(entities: Mapping[str, Any]) -> Mapping[str, Any]:
    for key, entity in entities.items():
        if key.rpartition("/")[2] not in {"ro-crate-metadata.json", "ro-crate-metadata.jsonld"}:
            continue
        for about in _ids(entity.get("about")):
            if about in entities:
                found: Mapping[str, Any] = entities[about]
                return found
    raise UnreadableCrateError("The RO-Crate does not say which of its entities is the root dataset.")


def _record(root: Mapping[str, Any], entities: Mapping[str, Any]) -> PublicRecord:
    names = [*_values(root.get("identifier")), *_values(root.get("cite-as")), str(root.get("@id", ""))]
    named = [*names, *(_said(one.get("value")) for one in _linked(root.get("identifier"), entities))]
    doi = next((found for one in named if (found := doi_of(one))), "")
    dates = (("datePublished", "Issued"), ("dateCreated", "Created"), ("dateModified", "Updated"))
    creators = root.get("author") or root.get("creator")
    return PublicRecord(
        id="",
        url=next((one for one in _ids(root.get("url")) if one.startswith("http")), ""),
        resource_type="dataset",
        access="",
        doi=doi,
        titles=_texts(root.get("name")),
        descriptions=tuple(Description(one) for one in _texts(root.get("description"))),
        creators=tuple(_party(one) for one in _linked(creators, entities)),
        contributors=tuple(_party(one) for one in _linked(root.get("contributor"), entities)),
        publishers=tuple(_party(one) for one in _linked(root.get("publisher"), entities)),
        rights=tuple(_right(one) for one in _linked(root.get("license"), entities)),
        subjects=tuple(Subject(one) for one in _keywords(root.get("keywords"), entities)),
        dates=tuple(
            Dated(value, kind) for name, kind in dates for value in _values(root.get(name))[:1] if value
        ),
        version=_said(root.get("version")),
        fundings=tuple(_fundings(root, entities)),
        relations=tuple(
            Relation(kind, "DOI" if doi_of(one) else "URI", one)
            for name, kind in (
                ("isBasedOn", "isDerivedFrom"),
                ("citation", "cites"),
                ("isPartOf", "isPartOf"),
            )
            for one in _ids(root.get(name))
            if one.startswith("http")
        ),
    )


def _files(root: Mapping[str, Any], entities: Mapping[str, Any]) -> Iterator[CrateFile]:
    """Files beside the document: those of the web have addresses, those in the crate relative paths."""
    del root
    for key, entity in entities.items():
        kinds = {_said(one) for one in _list(entity.get("@type"))}
        path = key.removeprefix("./")
        if not kinds & {"File", "MediaObject"} or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|#|/", path):
            continue
        size = _said(entity.get("contentSize"))
        digest = _said(entity.get("sha256")).lower()
        yield CrateFile(
            path,
            int(size) if size.isascii() and size.isdigit() else None,
            digest if re.fullmatch(r"[0-9a-f]{64}", digest) else "",
        )


def _list(value: Any) -> list[Any]:
    several = value if isinstance(value, list) else [] if value is None else [value]
    return several[:_MOST]


def _said(value: Any) -> str:
    """A literal as text; of ``{"@value": ...}`` its value."""
    if isinstance(value, dict):
        value = value.get("@value", "")
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _values(value: Any) -> list[str]:
    return [said for one in _list(value) if (said := _said(one))]


def _ids(value: Any) -> list[str]:
    found = (one.get("@id") if isinstance(one, dict) else one for one in _list(value))
    return [one for one in found if isinstance(one, str) and one]


def _linked(value: Any, entities: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a property refers to: entities of the graph, nested ones, and bare words as entities with that name."""
    found: list[Mapping[str, Any]] = []
    for one in _list(value):
        if isinstance(one, dict) and "@value" not in one:
            found.append(entities.get(str(one.get("@id", "")), one))
        elif said := _said(one):
            found.append(entities.get(said, {"@id": said if said.startswith("http") else "", "name": said}))
    return found


def _texts(value: Any) -> tuple[Text, ...]:
    return tuple(
        Text(said, _language(one, said))
        for one in _list(value)
        if (said := _said(one))
    )  # fmt: skip


def _language(value: Any, said: str) -> str:
    tag = value.get("@language", "") if isinstance(value, dict) else ""
    return str(tag) or ("ja" if _JAPANESE.search(said) else "en")


def _keywords(value: Any, entities: Mapping[str, Any]) -> list[Text]:
    words: list[Text] = []
    for one in _list(value):
        if isinstance(one, dict) and "@value" not in one:
            words += _texts(entities.get(str(one.get("@id", "")), one).get("name"))
        else:
            said = (part.strip() for part in re.split(r"[,、;；]", _said(one)))
            words += [Text(part, _language(one, part)) for part in said if part]
    return words[:_MOST]


def _party(entity: Mapping[str, Any]) -> Party:
    kinds = set(_values(entity.get("@type")))
    family, given = _said(entity.get("familyName")), _said(entity.get("givenName"))
    names = _texts(entity.get("name"))
    if not names and (family or given):
        both = f"{family}, {given}" if family and given else family or given
        names = (Text(both, "ja" if _JAPANESE.search(both) else "en"),)
    keys = [str(entity.get("@id", "")), *_ids(entity.get("identifier")), *_ids(entity.get("sameAs"))]
    ids: dict[str, PartyId] = {}
    for key in keys:
        if found := _ORCID.fullmatch(key):
            ids["ORCID"] = PartyId("ORCID", found[1], f"https://orcid.org/{found[1]}")
        elif _ROR.fullmatch(key):
            ids["ROR"] = PartyId("ROR", key, key)
    is_organization = bool(kinds & {"Organization", "CollegeOrUniversity", "ResearchOrganization"})
    return Party(
        names or (Text(keys[0]),), is_organization=is_organization or "ROR" in ids, ids=tuple(ids.values())
    )


def _right(entity: Mapping[str, Any]) -> Right:
    key, name = str(entity.get("@id", "")), (_texts(entity.get("name")) or (Text(""),))[0]
    known = known_licence(key) or known_licence(name.value)
    if known is not None:
        return Right(Text(known.name, "en"), known.url, identifier=known.name)
    return Right(name if name.value else Text(key), key if key.startswith("http") else "")


def _fundings(root: Mapping[str, Any], entities: Mapping[str, Any]) -> Iterator[Funding]:
    for one in [*_linked(root.get("funding"), entities), *_linked(root.get("funder"), entities)]:
        kinds = set(_values(one.get("@type")))
        if "Grant" in kinds or "MonetaryGrant" in kinds:
            funders = [_party(other) for other in _linked(one.get("funder"), entities)]
            number = next(iter(_values(one.get("identifier"))), "")
            funder = funders[0] if funders else None
            yield Funding(
                funder.names if funder else (),
                funder.ids[0] if funder and funder.ids else None,
                award_number=number,
                award_titles=_texts(one.get("name")),
                award_type="JGN" if number.startswith("JP") else "",
            )
        else:
            party = _party(one)
            yield Funding(party.names, party.ids[0] if party.ids else None, award_type="")
