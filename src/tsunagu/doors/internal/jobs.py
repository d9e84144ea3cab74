"""What the wrappers of compute jobs say to control: one address per run, every message signed with the run's secret."""

from __future__ import annotations

import contextlib
import re
from dataclasses import asdict
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from tsunagu.compute.jobs import api as jobs
from tsunagu.core.errors import InvalidInputError, TsunaguError
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.rest import pushes, schemas

_PLACE = re.compile(r"/datasets/([^/]+)/([^/]+)/(pulls|pushes)\Z")
_PUSH = re.compile(r"/pushes/([0-9A-Z]{26})/(capability|plan|finish)\Z")
_MOST_PLANNED = 10_000
_MOST_AHEAD = 4


@csrf_exempt  # no browser comes here, and the signature says who speaks
@require_POST
def line(request: HttpRequest, run: str) -> HttpResponse:
    """Hear a message and answer it."""
    try:
        heard = jobs.hear(run, request.body, request.headers.get("Tsunagu-Signature", ""))
        said = _call(heard) if heard.do == "call" else jobs.answer(heard)
        if heard.do == "order":
            said["pages"] = _first_pages(heard.run, said)
    except TsunaguError as error:
        problem = orjson.dumps(error.as_problem())
        return HttpResponse(problem, content_type="application/problem+json", status=error.status)
    content = {"answer": said, "is_cancelled": heard.is_cancelled}
    return HttpResponse(orjson.dumps(content), content_type="application/json")


def _call(heard: jobs.Heard) -> dict[str, Any]:
    """What REST would be asked, for the inputs and the outputs of this run alone; the rules are asked each time."""
    path, content = str(heard.content.get("path")), heard.content.get("content")
    if not isinstance(content, dict):
        content = {}
    if match := _PLACE.match(path):
        project, dataset, what = match.groups()
        if what == "pulls":
            return _pull(heard.run, f"{project}/{dataset}", content)
        actor, card = jobs.begin_delivery(heard.run, f"{project}/{dataset}")
        opened = capture.open_push(
            actor, card.project, card.name, create=False, kind="compute", client="runner", note=heard.run
        )
        jobs.delivered_by(heard.run, opened.run)
        return asdict(opened)
    if match := _PUSH.match(path):
        push, what = match.groups()
        return _push(heard.run, push, what, content)
    raise InvalidInputError("A run may not ask this.")


def _first_pages(run: str, order: dict[str, Any]) -> list[dict[str, Any]]:
    """What the wrapper would ask for next, question and answer: small jobs begin sooner without these questions.

    A page that cannot be had is left out, and the wrapper hears why when it asks.
    """
    found = []
    for one in jobs.reads_of(order)[:_MOST_AHEAD]:
        content = {"version": one.version, "prefix": one.prefix, "after": ""}
        with contextlib.suppress(TsunaguError):
            page = _pull(run, one.place, content)
            found.append({"path": f"/datasets/{one.place}/pulls", "content": content, "answer": page})
    return found


def _pull(run: str, place: str, content: dict[str, Any]) -> dict[str, Any]:
    actor, card = jobs.reader(run, place, content.get("version"))
    try:
        asked = schemas.PullRequest(**content)
    except ValueError:
        raise InvalidInputError("The request for a page cannot be read.") from None
    return pushes.page_of(actor, card, datasets.resolve_version(actor, card, asked.version), asked)


def _push(run: str, push: str, what: str, content: dict[str, Any]) -> dict[str, Any]:
    actor = jobs.deliverer(run, push)
    if what == "capability":
        return asdict(capture.renew(actor, push))
    if what == "finish":
        outcome = content.get("outcome")
        is_known = outcome in {"ok", "failed", "aborted"}
        return capture.finish_push(
            actor, push, outcome=str(outcome) if is_known else "failed", reason=str(content.get("reason", ""))
        )
    try:
        files = [
            (str(path), int(size), str(sha256)) for path, size, sha256 in content["files"][:_MOST_PLANNED]
        ]
        for _path, _size, sha256 in files:
            bytes.fromhex(sha256)
    except (KeyError, TypeError, ValueError):
        raise InvalidInputError("The plan cannot be read.") from None
    return asdict(capture.plan(actor, push, files))
