"""A commit of the Hub: lines of JSON, read one by one, become a version.

Source: huggingface_hub 2.4.0, ``_commit_api.py`` (``_prepare_commit_payload``).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from tsunagu.core import settings
from tsunagu.core.errors import InvalidInputError
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.hub import card
from tsunagu.doors.hub.answers import answer, writing_door
from tsunagu.doors.hub.uploads import writable
from tsunagu.foundation.identity.api import Actor

_PIECE = 1 << 20
_MOST_LINE = 24 << 20  # a file of 16 MiB in base64; larger ones go to the byte server
_OID = re.compile(r"[0-9a-f]{64}\Z")
_PARENT = re.compile(r"[0-9a-f]{7,64}\Z")


class CommitFormError(InvalidInputError):
    """A line of a commit that is none."""

    code = "hub.commit_form"
    status = 400
    default_message = "A line of the commit cannot be read."


@writing_door
def commit(request: HttpRequest, actor: Actor, *, project: str, dataset: str, revision: str) -> HttpResponse:
    """``POST .../commit/main``: change the files and freeze them as a new version, or change nothing."""
    found = writable(actor, project, dataset, request, revision)
    lines = _lines(request)
    header = _header(next(lines, b""))
    version = capture.commit(
        actor,
        found.id,
        _meant(found, map(_change, lines)),
        note="\n\n".join(filter(None, [header["summary"].strip(), header["description"].strip()])),
        parent=header["parent"],
        client=request.headers.get("User-Agent", "").partition(";")[0],
    )
    oid = version.version_hash[:40]
    address = f"{settings.current().control_address}/datasets/{found.slug}/commit/{oid}"
    return answer({"success": True, "commitOid": oid, "commitUrl": address, "hookOutput": ""})


def _meant(
    found: datasets.DatasetCard, changes: Iterator[capture.CommitChange]
) -> Iterator[capture.CommitChange]:
    """The changes, but for the removal of a card that the node made: clients remove whatever they see in a list."""
    made = capture.RemovedFile(card.NAME)
    for change in changes:
        if change != made or datasets.draft_hashes(found, [card.NAME]):
            yield change


def _lines(request: HttpRequest) -> Iterator[bytes]:
    """The body line by line; never more of it in memory than one line may be long."""
    held = b""
    while piece := request.read(_PIECE):
        *whole, held = (held + piece).split(b"\n")
        yield from filter(None, map(bytes.strip, whole))
        if len(held) > _MOST_LINE:
            raise CommitFormError(
                "A file in the commit is larger than 16 MiB.",
                remedy="Send it by LFS or Xet, then commit its name.",
            )
    if held.strip():
        yield held


def _read(line: bytes) -> tuple[str, dict[str, Any]]:
    try:
        match orjson.loads(line):
            case {"key": str(key), "value": dict(value)}:
                return key, value
    except orjson.JSONDecodeError:
        pass
    raise CommitFormError


def _header(line: bytes) -> dict[str, Any]:
    key, value = _read(line)
    match value:
        case {"summary": str(summary)} if key == "header":
            parent, description = value.get("parentCommit"), value.get("description") or ""
            if isinstance(description, str) and (
                parent is None or (isinstance(parent, str) and _PARENT.match(parent))
            ):
                return {"summary": summary, "description": description, "parent": parent}
    raise CommitFormError("The first line of a commit must be its header, with a summary.")


def _change(line: bytes) -> capture.CommitChange:
    key, value = _read(line)
    match key, value:
        case "file", {"path": str(path), "content": str(content)}:
            return capture.NewFile(path, _content(content, value.get("encoding", "utf-8")))
        case "lfsFile", {"path": str(path), "oid": str(oid)} if _OID.match(oid):
            size = value.get("size")
            if value.get("algo", "sha256") == "sha256" and (size is None or type(size) is int):
                return capture.NamedFile(path, bytes.fromhex(oid), size)
        case "deletedFile", {"path": str(path)}:
            return capture.RemovedFile(path)
        case "deletedFolder", {"path": str(path)}:
            return capture.RemovedFolder(path.rstrip("/"))
    raise CommitFormError(f"The commit holds a change of an unknown form: {key[:40]!r}.")


def _content(text: str, encoding: object) -> bytes:
    try:
        if encoding == "base64":
            return base64.b64decode(text, validate=True)
        if encoding == "utf-8":
            return text.encode()
    except (binascii.Error, UnicodeEncodeError):
        pass
    raise CommitFormError("The content of a file is not in the encoding that the commit says.")
