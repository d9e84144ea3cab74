"""Answers in the form that clients of the Hub expect, and our errors as theirs.

Source: huggingface_hub 2.4.0, ``utils/_http.py`` (which header or status raises which error).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from tsunagu.core import settings
from tsunagu.core.errors import NotFoundError, TsunaguError
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.ai_use.api import AiUseRefusedError
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.who import actor_of
from tsunagu.foundation.identity.api import Actor, NotSignedInError

# What this door asks the guard. What reads by this wire is made for training, so the strictest question is asked;
# answers of people hold for these very words, so they are the same in every language.
ASKED = {"service": ai_use.LOCAL, "kind": "training", "purpose": "read through the Hugging Face interface"}
View = Callable[..., HttpResponse]


class NoSuchRevisionError(NotFoundError):
    """A revision that is none: no number, tag or commit of a frozen version."""

    code = "hub.no_such_revision"
    default_message = (
        "There is no such revision; frozen versions have numbers, and main is the newest of them."
    )


def answer(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """JSON."""
    return HttpResponse(orjson.dumps(value), content_type="application/json", status=status, headers=headers)


def door(view: View) -> View:
    """A view of the Hub's wire: the actor comes first, errors leave in the Hub's form.

    Nothing here changes anything, so that a missing form token is no danger.
    """

    @csrf_exempt
    @never_cache
    @functools.wraps(view)
    def wrapped(request: HttpRequest, **named: Any) -> HttpResponse:
        try:
            return view(request, actor_of(request), **named)
        except TsunaguError as error:
            return refusal(error, named)

    return wrapped


def refusal(error: TsunaguError, named: Mapping[str, str]) -> HttpResponse:
    """An error as the client understands it; its own words go into the body, for headers carry ASCII alone."""
    status, code, shown = _meaning(error)
    said = " ".join(filter(None, [str(error), getattr(error, "remedy", "")]))
    if isinstance(error, AiUseRefusedError) and {"project", "dataset"} <= set(named):
        query = urlencode({"version": error.fields.get("version", ""), **ASKED})
        place = f"{settings.current().control_address}/d/{named['project']}/{named['dataset']}/ai-use?{query}"
        said, shown = f"{said} {place}", f"{shown} {place}"
    headers = {"X-Error-Message": shown}
    if code:
        headers["X-Error-Code"] = code
    commit = getattr(error, "fields", {}).get("commit")
    if commit:
        headers["X-Repo-Commit"] = str(commit)
    return answer({"error": said}, status=status, headers=headers)


def _meaning(error: TsunaguError) -> tuple[int, str, str]:
    if isinstance(error, AiUseRefusedError):
        return 403, "GatedRepo", "The terms for use by AI do not allow this yet; see"
    if isinstance(error, NotSignedInError):
        return 401, "", "Invalid credentials in Authorization header"
    if isinstance(error, datasets.NoSuchFileError):
        return 404, "EntryNotFound", "There is no such file in this revision."
    if isinstance(error, NoSuchRevisionError | datasets.NoSuchVersionError):
        return 404, "RevisionNotFound", NoSuchRevisionError.default_message
    if isinstance(error, NotFoundError):
        return 404, "RepoNotFound", "There is no such dataset, or you may not see it."
    return error.status, "", error.default_message


def signed_in(actor: Actor) -> Actor:
    """The actor, who must be somebody.

    Raises:
        NotSignedInError: nobody is signed in.
    """
    if actor.kind == "anonymous":
        raise NotSignedInError
    return actor
