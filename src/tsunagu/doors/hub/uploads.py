"""Before a commit: which way each file goes, and where its bytes are sent.

Paths and answers: huggingface_hub 2.4.0, ``_commit_api.py`` and ``lfs.py``; git-lfs, docs/api/batch.md.
"""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest, HttpResponse

from tsunagu.core import settings
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.core.paths import check_path
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.hub.answers import OneLineError, answer, read_json, writing_door
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

# Smaller files come with the commit and lie together in one object; the others go to the byte server.
_SMALL = 64 << 10
# ``push_to_hub`` removes each shard once it is uploaded, so no shard may wait for the commit.
_NEVER_SMALL = (".parquet",)
_IN_PARTS = 256 << 20
_MOST_OBJECTS = 1000
_LFS = "application/vnd.git-lfs+json"
_OID = re.compile(r"[0-9a-f]{64}\Z")


def writable(
    actor: Actor, project: str, dataset: str, request: HttpRequest, revision: str = "main"
) -> datasets.DatasetCard:
    """A dataset to which the actor may push.

    Raises:
        NotFoundError: there is none for this actor.
        ActionDeniedError: the actor may not push there.
        OneLineError: the revision is not ``main``, or a pull request is asked for.
    """
    card = datasets.get_dataset(actor, project, dataset)
    policy.require(actor, "dataset.push", card.resource)
    if revision != "main" or request.GET.get("create_pr"):
        raise OneLineError
    return card


@writing_door
def preupload(
    request: HttpRequest, actor: Actor, *, project: str, dataset: str, revision: str
) -> HttpResponse:
    """``POST .../preupload/REV``: which files come with the commit, and which are there already."""
    card = writable(actor, project, dataset, request, revision)
    files = [_asked_file(one) for one in _several(read_json(request), "files")]
    standing = datasets.draft_hashes(card, [path for path, _ in files])
    rows = []
    for path, size in files:
        is_small = size <= _SMALL and not path.lower().endswith(_NEVER_SMALL)
        row: dict[str, Any] = {
            "path": path,
            "uploadMode": "regular" if is_small else "lfs",
            "shouldIgnore": False,
        }
        if not is_small and path in standing:
            row["oid"] = standing[path].hex()
        rows.append(row)
    return answer({"files": rows})


def _asked_file(one: object) -> tuple[str, int]:
    match one:
        case {"path": str(path), "size": int(size)} if size >= 0:
            check_path(path)
            return path, size
    raise InvalidInputError("A file is named by path and size.")


def _several(body: dict[str, Any], name: str) -> list[object]:
    found = body.get(name)
    if not isinstance(found, list) or len(found) > _MOST_OBJECTS:
        raise InvalidInputError(f"The body holds at most {_MOST_OBJECTS:,} {name}.")
    return found


@writing_door
def batch(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """``POST /datasets/ID.git/info/lfs/objects/batch``: where to send each object; no address: it need not be sent."""
    card = writable(actor, project, dataset, request)
    asked = read_json(request)
    if asked.get("operation") != "upload" or asked.get("hash_algo", "sha256") != "sha256":
        raise InvalidInputError("Only uploads by SHA-256 are answered here; downloads go through resolve.")
    objects = [_asked_object(one) for one in _several(asked, "objects")]
    there = capture.available(actor, card, [oid for oid, _ in objects])
    takes_parts = "multipart" in (asked.get("transfers") or [])
    verify = f"{settings.current().control_address}/datasets/{card.slug}.git/info/lfs/objects/verify"
    rows, has_parts = [], False
    for oid, size in objects:
        row: dict[str, Any] = {"oid": oid.hex(), "size": size}
        if there.get(oid) != size:
            in_parts = takes_parts and size > _IN_PARTS
            has_parts = has_parts or in_parts
            place = capture.permit_object(actor, card, oid, size, in_parts=in_parts)
            upload = {"href": place, **({"header": _parts(place, size)} if in_parts else {})}
            row |= {"authenticated": True, "actions": {"upload": upload, "verify": {"href": verify}}}
        rows.append(row)
    found = answer({"transfer": "multipart" if has_parts else "basic", "objects": rows})
    found["Content-Type"] = _LFS
    return found


def _asked_object(one: object) -> tuple[bytes, int]:
    match one:
        case {"oid": str(oid), "size": int(size)} if _OID.match(oid) and 0 <= size < 2**53:
            return bytes.fromhex(oid), size
    raise InvalidInputError("An object is named by the 64 hexadecimal digits of its SHA-256, and its size.")


def _parts(place: str, size: int) -> dict[str, str]:
    part = capture.part_size(size)
    numbers = range(1, -(-size // part) + 1)
    return {"chunk_size": str(part), **{str(number): f"{place}/{number}" for number in numbers}}


class NotArrivedError(NotFoundError):
    """An object that was to be sent and is not there."""

    code = "hub.not_arrived"
    default_message = "This object did not arrive, or has another size."
    default_remedy = "Send it again."


@writing_door
def verify(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """``POST .../verify``: whether an object arrived whole; it was hashed while it came."""
    card = writable(actor, project, dataset, request)
    oid, size = _asked_object(read_json(request))
    if capture.available(actor, card, [oid]).get(oid) != size:
        raise NotArrivedError(sha256=oid.hex())
    return answer({})


@writing_door
def xet_token(
    request: HttpRequest, actor: Actor, *, project: str, dataset: str, revision: str
) -> HttpResponse:
    """``GET .../xet-write-token/REV``: where a Xet client sends its data, and with which token."""
    access = capture.permit_xet(actor, writable(actor, project, dataset, request, revision))
    expires = access.expires_at_s
    headers = {
        "X-Xet-Cas-Url": access.address,
        "X-Xet-Access-Token": access.token,
        "X-Xet-Token-Expiration": str(expires),
    }
    body = {"casUrl": access.address, "accessToken": access.token, "exp": expires}
    return answer(body, headers=headers)
