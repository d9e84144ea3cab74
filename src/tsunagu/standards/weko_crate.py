"""A published version as an RO-Crate 1.1 that WEKO takes: its root says the record, and WEKO's own words steer the deposit.

WEKO follows every ``@id`` without looking whether it was there before, so nothing here points back: the document that
describes the crate names its root, and beside that links only go from the root outwards.

Sources: https://w3id.org/ro/crate/1.1; WEKO's description of its words (RO-Crate import, ``wk:``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tsunagu.standards.published import Party, PublicRecord

NAME = "ro-crate-metadata.json"
_VERSION = "https://w3id.org/ro/crate/1.1"
_CONTEXT = [f"{_VERSION}/context", "http://purl.org/wk/v1/wk-context.jsonld"]


@dataclass(frozen=True, slots=True)
class DepositedFile:
    """A file as it lies in the payload: a flat name, and the path that it has in the dataset."""

    name: str
    path: str
    byte_count: int
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True)
class WekoWish:
    """What WEKO is to do with the item.

    Attributes:
        publish_status: ``public`` or ``private``.
        index: Ids of the indexes in which it is to stand.
        grants_doi: Whether WEKO is told the DOI as that of its item.
    """

    publish_status: str = "public"
    index: tuple[int, ...] = ()
    grants_doi: bool = True


def to_weko_crate(
    record: PublicRecord, files: Sequence[DepositedFile], wish: WekoWish, *, links: Sequence[str] = ()
) -> dict[str, Any]:
    """The metadata document of the crate.

    Args:
        record: The public record.
        files: What lies beside the document; none where only the description is deposited.
        wish: What WEKO is to do with it.
        links: Where the files are instead.
    """
    people = [(_person_id(one, place), one) for place, one in enumerate(record.creators)]
    homes = [(_party_id(one, f"#publisher-{place}"), one) for place, one in enumerate(record.publishers)]
    rights = record.rights[0] if record.rights else None
    licence = (rights.uri or "#licence") if rights else "#licence"
    root: dict[str, Any] = {
        "@id": "./",
        "@type": "Dataset",
        **_words(record),
        "datePublished": next((one.value for one in record.dates if one.type == "Issued"), ""),
        "license": {"@id": licence},
        "creator": [{"@id": key} for key, _ in people],
        "publisher": [{"@id": key} for key, _ in homes],
        "hasPart": [{"@id": quote(one.name)} for one in files],
        "wk:publishStatus": wish.publish_status,
        "wk:index": list(wish.index),
        "wk:editMode": "Keep",
    }
    if links:
        root["distribution"] = [{"@id": one} for one in links]
    grant = _grant(record) if wish.grants_doi else None
    if grant:
        root["wk:grant"] = [{"@id": grant["@id"]}]
    paid = _fundings(record)
    if paid:
        root["funding"] = [{"@id": one["@id"]} for one in paid if one["@type"] == "Grant"]
    said = rights.text.value if rights else "No licence was named: ask the publisher."
    graph = [
        {
            "@id": NAME,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": _VERSION},
        },
        root,
        {"@id": licence, "@type": "CreativeWork", "name": said, "description": said},
        *[_file(one) for one in files],
        *[{"@id": one, "@type": "DataDownload", "name": one, "contentUrl": one} for one in links],
        *[_entity(key, one, "Organization" if one.is_organization else "Person") for key, one in people],
        *[_entity(key, one, "Organization") for key, one in homes],
        *([grant] if grant else []),
        *paid,
    ]
    return {"@context": _CONTEXT, "@graph": list({one["@id"]: one for one in graph}.values())}


def _words(record: PublicRecord) -> dict[str, Any]:
    """What the root says in plain words; ``identifier`` stays away, as it is the number of the item in WEKO."""
    title = record.titles[0]
    told = record.descriptions[0].text.value if record.descriptions else title.value
    found: dict[str, Any] = {
        "name": title.value,
        "description": told,
        "additionalType": record.resource_type,
        "conditionsOfAccess": record.access,
        "version": record.version,
        "url": record.url,
    }
    others = [one.value for one in (*record.titles[1:], *record.alternatives)]
    more = {
        "alternateName": others,
        "keywords": ", ".join(one.text.value for one in record.subjects),
        "inLanguage": list(record.languages),
        "sameAs": f"https://doi.org/{record.doi}" if _is_known(record) else "",
    }
    return found | {name: value for name, value in more.items() if value}


def _is_known(record: PublicRecord) -> bool:
    return bool(record.doi) and record.is_doi_registered


def _grant(record: PublicRecord) -> dict[str, Any] | None:
    if not _is_known(record) or record.doi_agency not in {"JaLC", "DataCite"}:
        return None
    return {
        "@id": record.doi,
        "@type": "Property",
        "jpcoar:identifier": "DOI",
        "jpcoar:identifierRegistration": record.doi_agency,
    }


def _person_id(party: Party, place: int) -> str:
    return _party_id(party, f"#creator-{place}")


def _party_id(party: Party, otherwise: str) -> str:
    return next((one.url for one in party.ids if one.url), otherwise)


def _entity(key: str, party: Party, kind: str) -> dict[str, Any]:
    names = [one.value for one in party.names]
    found: dict[str, Any] = {"@id": key, "@type": kind, "name": names[0]}
    return {**found, "alternateName": names[1:]} if names[1:] else found


def _file(file: DepositedFile) -> dict[str, Any]:
    found = {
        "@id": quote(file.name),
        "@type": "File",
        "name": file.name,
        "contentSize": str(file.byte_count),
        "encodingFormat": file.media_type,
        "sha256": file.sha256,
    }
    return found if file.path == file.name else {**found, "alternateName": file.path}


def _fundings(record: PublicRecord) -> list[dict[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for place, one in enumerate(record.fundings):
        funder = one.funder_id.url if one.funder_id and one.funder_id.url else f"#funder-{place}"
        name = one.funder_names[0].value
        grant: dict[str, Any] = {"@id": f"#grant-{place}", "@type": "Grant", "funder": {"@id": funder}}
        title = one.award_titles[0].value if one.award_titles else one.award_number or name
        grant |= {"name": title, **({"identifier": one.award_number} if one.award_number else {})}
        found[grant["@id"]] = grant
        found[funder] = {"@id": funder, "@type": "Organization", "name": name}
    return [dict(one) for one in found.values()]
