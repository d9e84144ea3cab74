"""Reading by the Hub's wire: who am I, what is there, what does a revision hold, where are its bytes.

Paths and answers: huggingface_hub 2.4.0, ``hf_api.py`` and ``file_download.py``; ids are ``project/dataset``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import urlencode

from tsunagu.core import settings
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.data.usage import api as usage
from tsunagu.doors import counting
from tsunagu.doors.hub import card, trees
from tsunagu.doors.hub.answers import ASKED, answer, door, signed_in
from tsunagu.doors.hub.revisions import EMPTY, Revision, find, is_at_nothing, readable, versions
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.storage import api as storage

_MOST_PATHS = 1000


@door
def whoami(request: HttpRequest, actor: Actor) -> HttpResponse:
    """``GET /api/whoami-v2``."""
    del request
    somebody = signed_in(actor)
    may_write = somebody.scope is None or "write" in somebody.scope.verbs
    token = {"displayName": somebody.name, "role": "write" if may_write else "read"}
    return answer(
        {
            "type": "user",
            "id": somebody.id,
            "name": somebody.name,
            "fullname": somebody.name,
            "orgs": [],
            "auth": {"type": "access_token", "accessToken": token},
        }
    )


@door
def list_repositories(request: HttpRequest, actor: Actor) -> HttpResponse:
    """``GET /api/datasets``: frozen datasets that the actor may see, last changed first."""
    limit = _number(request.GET.get("limit"), 100, 1000)
    cards, more = datasets.list_datasets(actor, after=request.GET.get("cursor", ""), limit=limit)
    shown = [one for one in cards if one.has_frozen]
    used = usage.public_uses(shown)
    rows = [_short(one, used.get(one.id)) for one in shown]
    headers = _next(request, more)
    return answer(rows, headers=headers)


@door
def repository(
    request: HttpRequest, actor: Actor, *, project: str, dataset: str, revision: str = "main"
) -> HttpResponse:
    """``GET /api/datasets/ID`` and ``.../revision/REV``."""
    if empty := is_at_nothing(actor, project, dataset, revision):
        nothing = {"sha": EMPTY, "lastModified": empty.updated_at, "usedStorage": 0, "siblings": []}
        return answer({**_short(empty), **nothing})
    found = find(actor, project, dataset, revision)
    with_sizes = request.GET.get("blobs", "").lower() == "true"
    files = _every_file(actor, found)
    siblings = [
        {"rfilename": one["path"], **(_blob(one) if with_sizes else {})}
        for one in files
        if one["type"] == "file"
    ]
    is_free = ai_use.would_permit(actor, found.card, version=found.version.number, **ASKED)
    gate = {"gated": False if is_free else "manual"}
    counting.viewed(request, actor, found.card.slug, found.version.number)
    return answer(
        {**_short(found.card, usage.public_use(found.card)), **gate, **_of(found), "siblings": siblings}
    )


@door
def auth_check(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """``GET .../auth-check``: whether the actor may read, terms for AI included."""
    del request
    _permit(actor, find(actor, project, dataset, "main"))
    return answer({})


@door
def tree(
    request: HttpRequest, actor: Actor, *, project: str, dataset: str, revision: str, folder: str = ""
) -> HttpResponse:
    """``GET .../tree/REV[/FOLDER]``: a page of 1,000; the ``Link`` header leads to the next."""
    folder = folder.strip("/")
    if empty := is_at_nothing(actor, project, dataset, revision):
        if folder:
            raise datasets.NoSuchFileError(f"There is no {folder} in {empty.slug}.", commit=EMPTY)
        return answer([], headers={"X-Repo-Commit": EMPTY})
    found = find(actor, project, dataset, revision)
    after = request.GET.get("cursor", "")
    is_recursive = request.GET.get("recursive", "").lower() in {"true", "1"}
    listing = trees.flat if is_recursive else trees.one_level
    entries, more = listing(actor, found, folder, after)
    if not after and not folder and (made := trees.made_file(actor, found)):
        entries.append(made)
    if not entries and folder and not after:
        raise _no_file(found, folder)
    if request.GET.get("expand", "").lower() in {"true", "1"}:
        entries = [{**one, "lastCommit": _commit(found)} for one in entries]
    return answer(entries, headers={"X-Repo-Commit": found.commit, **_next(request, more)})


@door
def paths_info(
    request: HttpRequest, actor: Actor, *, project: str, dataset: str, revision: str
) -> HttpResponse:
    """``POST .../paths-info/REV``: those of the paths that are there."""
    found = find(actor, project, dataset, revision)
    rows = []
    for path in request.POST.getlist("paths")[:_MOST_PATHS]:
        try:
            file = datasets.get_file(actor, found.card, path, version=found.version.number)
            rows.append(trees.large_file(file))
        except datasets.NoSuchFileError:
            if path == card.NAME and (made := trees.made_file(actor, found)):
                rows.append(made)
            elif trees.flat(actor, found, path.strip("/"), "")[0]:
                rows.append(trees.folder_entry(path.strip("/")))
    return answer(rows)


@door
def refs(request: HttpRequest, actor: Actor, *, project: str, dataset: str) -> HttpResponse:
    """``GET .../refs``: main is the one branch; every version is a tag."""
    del request
    several = versions(readable(actor, project, dataset))
    branches = [
        {"name": "main", "ref": "refs/heads/main", "targetCommit": one.version_hash[:40]}
        for one in several[:1]
    ]
    tags = [
        {"name": f"v{one.number}", "ref": f"refs/tags/v{one.number}", "targetCommit": one.version_hash[:40]}
        for one in several
    ]
    return answer({"branches": branches, "tags": tags, "converts": [], "pullRequests": []})


@door
def page(
    request: HttpRequest,
    actor: Actor,
    *,
    project: str,
    dataset: str,
    revision: str = "",
    folder: str = "",
    path: str = "",
) -> HttpResponse:
    """``GET /datasets/ID`` and below: people who follow an address of a client come to the page that it means."""
    del request
    slug = datasets.get_dataset(actor, project, dataset).slug
    if not revision or is_at_nothing(actor, project, dataset, revision):
        return HttpResponseRedirect(f"/d/{slug}")
    number = find(actor, project, dataset, revision).version.number
    below = f"/files/{quote(folder.rstrip('/'))}" if folder else f"/file/{quote(path)}" if path else ""
    return HttpResponseRedirect(f"/d/{slug}{below}?version={number}")


@door
def commits(request: HttpRequest, actor: Actor, *, project: str, dataset: str, revision: str) -> HttpResponse:
    """``GET .../commits/REV``: the version and those before it."""
    del request
    found = find(actor, project, dataset, revision)
    several = [one for one in versions(found.card) if one.number <= found.version.number]
    return answer([_commit(Revision(found.card, one)) for one in several])


@door
def resolve(
    request: HttpRequest, actor: Actor, *, project: str, dataset: str, revision: str, path: str
) -> HttpResponse:
    """``GET`` and ``HEAD`` of a file: the guard is asked, then a signed address of the byte server answers."""
    found = find(actor, project, dataset, revision)
    try:
        file = datasets.get_file(actor, found.card, path, version=found.version.number)
    except datasets.NoSuchFileError:
        if path != card.NAME:
            raise _no_file(found, path) from None
        return _made(request, card.made_card(actor, found), found)
    if (
        path != card.NAME
    ):  # a card says what data are and how they may be used: it may be read before they may
        _permit(actor, found)
        # A loader asks for every part of a file here anew.
        counting.fetched(request, actor, found.card.slug, found.version.number, "hub", is_job=True)
    digest = file.sha256.hex()
    moved = HttpResponseRedirect(
        storage.get_url(storage.require_location(file.sha256, found.card.domains), name=file.name)
    )
    moved["X-Repo-Commit"] = found.commit
    moved["ETag"] = moved["X-Linked-Etag"] = f'"{digest}"'
    moved["X-Linked-Size"] = str(file.byte_count)
    moved["Accept-Ranges"] = "bytes"
    return moved


def _made(request: HttpRequest, content: bytes, found: Revision) -> HttpResponse:
    result = HttpResponse(
        b"" if request.method == "HEAD" else content, content_type="text/markdown; charset=utf-8"
    )
    result["Content-Length"] = str(len(content))
    result["X-Repo-Commit"] = found.commit
    result["ETag"] = f'"{trees.git_hash(content)}"'
    result["Accept-Ranges"] = "none"
    return result


def _permit(actor: Actor, found: Revision) -> None:
    ai_use.permit(actor, found.card, version=found.version.number, **ASKED)


def _no_file(found: Revision, path: str) -> datasets.NoSuchFileError:
    # The commit goes into the answer, so that clients remember that there is no such file.
    return datasets.NoSuchFileError(
        f"There is no file {path} in this revision.", path=path, commit=found.commit
    )


def _every_file(actor: Actor, found: Revision) -> list[dict[str, Any]]:
    rows, after = trees.flat(actor, found, "", "")
    while after:
        more, after = trees.flat(actor, found, "", after)
        rows += more
    made = trees.made_file(actor, found)
    return [*rows, made] if made else rows


def _blob(one: dict[str, Any]) -> dict[str, Any]:
    lfs = one.get("lfs")
    found: dict[str, Any] = {"size": one["size"], "blobId": one["oid"]}
    if lfs:
        found["lfs"] = {"sha256": lfs["oid"], "size": lfs["size"], "pointerSize": lfs["pointerSize"]}
    return found


def _short(one: datasets.DatasetCard, used: usage.PublicUse | None = None) -> dict[str, Any]:
    return {
        "_id": one.id,
        "id": one.slug,
        "author": one.project,
        "private": str(one.access) != "open" or bool(one.embargo_until),
        "disabled": False,
        "tags": [],
        "downloads": used.downloads if used else 0,
        "likes": 0,
        "createdAt": one.created_at,
        "lastModified": one.updated_at,
        "description": one.title,
    }


def _of(found: Revision) -> dict[str, Any]:
    return {
        "sha": found.commit,
        "lastModified": found.version.frozen_at,
        "usedStorage": found.version.byte_count,
    }


def _commit(found: Revision) -> dict[str, Any]:
    version = found.version
    return {
        "id": found.commit,
        "title": version.note or f"v{version.number}",
        "message": "",
        "date": version.frozen_at,
        "authors": [],
    }


def _number(text: str | None, default: int, most: int) -> int:
    return max(1, min(int(text), most)) if text and text.isdigit() else default


def _next(request: HttpRequest, after: str) -> dict[str, str]:
    if not after:
        return {}
    query = urlencode({**{name: request.GET[name] for name in request.GET}, "cursor": after})
    place = f"{settings.current().control_address}{quote(request.path)}?{query}"
    return {"Link": f'<{place}>; rel="next"'}
