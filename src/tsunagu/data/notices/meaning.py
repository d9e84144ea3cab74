"""What a notice means for a version that is published here: which one, in which relation to what."""

from __future__ import annotations

from dataclasses import dataclass

from tsunagu.data.notices.reading import Notice
from tsunagu.data.publication import api as publication
from tsunagu.standards import api as standards

_FRBR, _CITO, _TERMS = "purl.org/vocab/frbr/core#", "purl.org/spar/cito/", "purl.org/dc/terms/"
# From the subject to the object; what is not here only says that one speaks of the other.
_RELATIONS = {
    f"{_FRBR}supplement": "isSupplementedBy",
    f"{_FRBR}supplementOf": "isSupplementTo",
    f"{_CITO}cites": "cites",
    f"{_CITO}citesAsDataSource": "cites",
    f"{_CITO}citesAsEvidence": "cites",
    f"{_CITO}usesDataFrom": "cites",
    f"{_CITO}isCitedBy": "isCitedBy",
    f"{_CITO}isCitedAsDataSourceBy": "isCitedBy",
    f"{_TERMS}references": "references",
    f"{_TERMS}isReferencedBy": "isReferencedBy",
    "www.w3.org/ns/prov#wasDerivedFrom": "isDerivedFrom",
    "schema.org/isBasedOn": "isDerivedFrom",
    "schema.org/citation": "cites",
}
_TURNED = {
    "isSupplementedBy": "isSupplementTo",
    "cites": "isCitedBy",
    "references": "isReferencedBy",
    "isDerivedFrom": "isSourceOf",
}
_TURNED |= {other: one for one, other in _TURNED.items()}
_LONGEST = 500  # of an address in a record
_REVIEWS = {"announce-review", "announce-endorsement"}
PROPOSING = {
    "announce-relationship": "relations",
    "announce-review": "reviews",
    "announce-endorsement": "endorsements",
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """A version of this node (empty: none was named), its relation to an address, and the sender's word for that."""

    publication_id: str = ""
    relation: str = ""
    address: str = ""
    said: str = ""


def meaning_of(notice: Notice) -> Meaning:
    """Which published version is meant; ours may stand in the object or in the context."""
    named = (*notice.object, *notice.context, notice.subject, notice.other)
    spots = publication.targets(one for one in named if one)
    if notice.pattern == "announce-relationship" and notice.subject and notice.other:
        return _related(notice, spots)
    for own, others in ((notice.context, notice.object), (notice.object, notice.context)):
        uid = _first(own, spots)
        address = next((one for one in others if one not in spots and _is_web(one)), "")
        if uid and (address or notice.pattern not in PROPOSING):
            relation = "isReviewedBy" if notice.pattern in _REVIEWS else "isReferencedBy"
            return Meaning(uid, relation if notice.pattern in PROPOSING else "", _full(address))
    return Meaning()


def _related(notice: Notice, spots: dict[str, tuple[str, int]]) -> Meaning:
    word = _RELATIONS.get(notice.relation.partition("://")[2], "")
    relation = word or "references"
    if (uid := _first((notice.other,), spots)) and _is_web(notice.subject):
        return Meaning(uid, _TURNED[relation], _full(notice.subject), notice.relation)
    if (uid := _first((notice.subject,), spots)) and _is_web(notice.other):
        return Meaning(uid, relation, _full(notice.other), notice.relation)
    # Only the context is ours: the object speaks of it in words that name two other things.
    if (uid := _first(notice.context, spots)) and _is_web(notice.subject):
        return Meaning(uid, "isReferencedBy", _full(notice.subject), notice.relation)
    return Meaning()


def _first(addresses: tuple[str, ...], spots: dict[str, tuple[str, int]]) -> str:
    found = (publication.published_version(*spots[one]) for one in addresses if one in spots)
    return next((uid for uid in found if uid), "")


def _is_web(address: str) -> bool:
    is_known = address.startswith(("https://", "http://")) or bool(standards.doi_of(address))
    return is_known and len(_full(address)) <= _LONGEST


def _full(address: str) -> str:
    doi = standards.doi_of(address)
    return f"https://doi.org/{doi}" if doi else address
