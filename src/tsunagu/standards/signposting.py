"""The links of a landing page that machines follow (FAIR Signposting): headers, and a link set that says it all.

Sources: https://signposting.org/FAIR/ (levels 1 and 2), RFC 8288 (Link), RFC 9264 (link sets).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tsunagu.standards.citations import address_of, kind_of
from tsunagu.standards.published import PublicRecord

# Above it the header would not fit through proxies (8 kB); the link set names them all.
MOST_ITEMS_IN_HEADER = 20
_TYPES = {
    "data": "Dataset",
    "software": "SoftwareSourceCode",
    "article": "ScholarlyArticle",
    "thesis": "Thesis",
    "report": "Report",
    "other": "CreativeWork",
}
_SCHEMA = "https://schema.org/"
_IN_ADDRESS = "%/:=&?~#+!$,;'@()*[]"


@dataclass(frozen=True, slots=True)
class Document:
    """Another form of the description: its address, media type and, where there is one, profile."""

    url: str
    media_type: str
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """One link from ``anchor``."""

    anchor: str
    rel: str
    href: str
    media_type: str = ""
    profile: str = ""


def links_of(record: PublicRecord, documents: Sequence[Document] = ()) -> list[Link]:
    """Every link: of the landing page, of each file back to it, of each description to what it describes."""
    page = _address(record.url)
    links = [Link(page, "cite-as", _address(address_of(record)))]
    links += [
        Link(page, "author", _address(one.url or one.value))
        for party in record.creators
        for one in party.ids
        if one.scheme in {"ORCID", "ROR", "ISNI"} and (one.url or one.value).startswith("https://")
    ]
    links += [
        Link(page, "type", f"{_SCHEMA}AboutPage"),
        Link(page, "type", _SCHEMA + _TYPES[kind_of(record)]),
    ]
    links += [Link(page, "license", _address(right.uri)) for right in record.rights if right.uri][:1]
    links += [Link(page, "describedby", _address(one.url), one.media_type, one.profile) for one in documents]
    files = [file for file in record.files if file.url and file.url != record.url]
    links += [Link(page, "item", _address(file.url), file.media_type) for file in files]
    links += [Link(_address(file.url), "collection", page, "text/html") for file in files]
    links += [Link(_address(one.url), "describes", page, "text/html") for one in documents]
    return links


def link_header(links: Sequence[Link], anchor: str, linkset: str = "") -> str:
    """The ``Link`` header of a page, file or description.

    Args:
        links: Those of the record.
        anchor: The address that answers.
        linkset: Where the whole set is; named in any case, and instead of the files where these are many.
    """
    own = [link for link in links if _address(link.anchor) == _address(anchor)]
    if sum(link.rel == "item" for link in own) > MOST_ITEMS_IN_HEADER:
        own = [link for link in own if link.rel != "item"]
    if linkset:
        own.append(Link(_address(anchor), "linkset", _address(linkset), "application/linkset+json"))
    return ", ".join(_one(link) for link in own)


def to_linkset(links: Sequence[Link]) -> dict[str, Any]:
    """The link set as JSON (RFC 9264)."""
    by_anchor: dict[str, dict[str, list[dict[str, str]]]] = {}
    for link in links:
        target = {"href": link.href}
        if link.media_type:
            target["type"] = link.media_type
        if link.profile:
            target["profile"] = link.profile
        by_anchor.setdefault(link.anchor, {}).setdefault(link.rel, []).append(target)
    return {"linkset": [{"anchor": anchor, **targets} for anchor, targets in by_anchor.items()]}


def _one(link: Link) -> str:
    said = f'<{_address(link.href)}>; rel="{link.rel}"'
    if link.media_type:
        said += f'; type="{_quoted(link.media_type)}"'
    if link.profile:
        said += f'; profile="{_quoted(link.profile)}"'
    return said


def _quoted(text: str) -> str:
    return "".join(
        letter for letter in text if letter.isprintable() and letter.isascii() and letter not in '"\\'
    )


def _address(text: str) -> str:
    """An address as headers carry it: whatever is not ASCII, or would end the link, is encoded."""
    return quote(text, safe=_IN_ADDRESS)
