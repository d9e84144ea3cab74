"""What a repository answers, read without believing it: OAI-PMH 2.0 (https://www.openarchives.org/OAI/openarchivesprotocol.html)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tsunagu.data.harvesting.errors import BadAnswerError, SourceSaysError
from tsunagu.standards import api as standards

_SPACE = "{http://www.openarchives.org/OAI/2.0/}"
# What XML has no word for, as bytes of UTF-8: one of them spoils a whole page.
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?")
_COUNT = re.compile(r"[0-9]{1,15}")
_MOST_IDENTIFIER = 500
_MOST_TOKEN = 8000
_MOST_SETS = 50
_MOST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Identified:
    """Who a repository says that it is."""

    title: str
    contact: str
    is_day_granular: bool
    deletions: str


@dataclass(frozen=True, slots=True)
class Item:
    """A record of a page; ``content`` is its metadata as bytes, empty of a deleted one."""

    identifier: str
    datestamp: str
    is_deleted: bool
    sets: tuple[str, ...]
    content: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list. ``token`` is empty at its end; ``answered_at`` is the source's clock, or empty."""

    items: tuple[Item, ...]
    token: str
    announced_count: int
    answered_at: str


def identified(data: bytes) -> Identified:
    """What ``Identify`` said.

    Raises:
        BadAnswerError, SourceSaysError: see ``_inside``.
    """
    _, root = _inside(data, "Identify")
    return Identified(
        _said(root, "repositoryName")[:_MOST_WORDS],
        _said(root, "adminEmail")[:_MOST_WORDS],
        "T" not in _said(root, "granularity"),
        _said(root, "deletedRecord")[:12],
    )


def offered(data: bytes) -> tuple[str, ...]:
    """The prefixes of ``ListMetadataFormats``. Raises the same."""
    _, root = _inside(data, "ListMetadataFormats")
    return tuple(_said(one, "metadataPrefix") for one in root.findall(f"{_SPACE}metadataFormat"))


def page(data: bytes) -> Page:
    """A page of ``ListRecords``; one that says that nothing matches is empty. Raises the same."""
    try:
        answered_at, root = _inside(data, "ListRecords")
    except SourceSaysError as error:
        if error.fields["said"] != "noRecordsMatch":
            raise
        return Page((), "", 0, error.fields["answered_at"])
    items = tuple(_items(root))
    end = root.find(f"{_SPACE}resumptionToken")
    token = (end.text or "").strip() if end is not None else ""
    if len(token) > _MOST_TOKEN:
        raise BadAnswerError(f"The resumptionToken of the source is longer than {_MOST_TOKEN:,} characters.")
    size = end.get("completeListSize", "") if end is not None else ""
    announced_count = int(size) if _COUNT.fullmatch(size) else 0
    return Page(items, token, announced_count, answered_at)


def _items(root: Any) -> Iterator[Item]:
    from lxml import etree

    for record in root.findall(f"{_SPACE}record"):
        header = record.find(f"{_SPACE}header")
        identifier = _said(header, "identifier") if header is not None else ""
        if not identifier or len(identifier) > _MOST_IDENTIFIER:
            raise BadAnswerError("A record of the source has no identifier, or one that is too long.")
        stamp = _said(header, "datestamp")
        metadata = record.find(f"{_SPACE}metadata")
        inside = metadata[0] if metadata is not None and len(metadata) else None
        is_deleted = header.get("status") == "deleted"
        yield Item(
            identifier,
            stamp if _STAMP.fullmatch(stamp) else "",
            is_deleted,
            tuple((one.text or "").strip() for one in header.findall(f"{_SPACE}setSpec")[:_MOST_SETS]),
            b""
            if inside is None or is_deleted
            else etree.tostring(inside, encoding="utf-8", with_tail=False),
        )


def _inside(data: bytes, verb: str) -> tuple[str, Any]:
    """When the source answered, and the element of the verb.

    Raises:
        BadAnswerError: no XML, no OAI-PMH, or another verb's answer.
        SourceSaysError: an error of the protocol.
    """
    try:
        root = standards.parsed_xml(_FORBIDDEN.sub(b"", data))
    except standards.UnreadableXmlError as error:
        raise BadAnswerError(f"The source did not answer in readable XML. {error.message}") from error
    if root.tag != f"{_SPACE}OAI-PMH":
        raise BadAnswerError("The source answered with XML that is no OAI-PMH.")
    answered_at = _said(root, "responseDate")
    answered_at = answered_at if _STAMP.fullmatch(answered_at) else ""
    error_element = root.find(f"{_SPACE}error")
    if error_element is not None:
        code, words = error_element.get("code", ""), (error_element.text or "").strip()
        raise SourceSaysError(
            f"The source says {code[:60]}: {words[:_MOST_WORDS]}", said=code, answered_at=answered_at
        )
    found = root.find(f"{_SPACE}{verb}")
    if found is None:
        raise BadAnswerError(f"The source did not answer what was asked ({verb}).")
    return answered_at, found


def _said(element: Any, name: str) -> str:
    found = element.find(f"{_SPACE}{name}")
    return (found.text or "").strip() if found is not None else ""


def believed(answered_at: str, now: dt.datetime) -> str:
    """The moment from which to ask the next time: the source's own clock, unless it runs ahead of ours, or says nothing."""
    ours = now.astimezone(dt.UTC)
    try:
        theirs = dt.datetime.fromisoformat(answered_at) if answered_at else None
    except ValueError:
        theirs = None
    if theirs is not None and theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=dt.UTC)
    # A day of doubt where its clock cannot be used: asking for what is there already costs little.
    found = (
        ours - dt.timedelta(days=1) if theirs is None or theirs > ours + dt.timedelta(minutes=5) else theirs
    )
    return found.strftime("%Y-%m-%dT%H:%M:%SZ")
