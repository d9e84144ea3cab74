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
from tsunagu.core.errors import InvalidInputError, NotFoundError, TsunaguError
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.ai_use.api import AiUseRefusedError
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.who import actor_of
from tsunagu.foundation.identity.api import Actor, NotSignedInError

# What this door asks the guard. What reads by this wire is made for training, so the strictest question is asked;
# answers of people hold for these very words, so they are the same in every language.
ASKED = {"service": ai_use.LOCAL, "kind": "training", "purpose": "read through the Hugging Face interface"}
View = Callable[..., HttpResponse]
_ASK = "Its owners can be asked for access:"
_MOST_JSON = 16 << 20


class NoSuchRevisionError(NotFoundError):
    """A revision that is none: no number, tag or commit of a frozen version."""

    code = "hub.no_such_revision"
    default_message = (
        "There is no such revision; frozen versions have numbers, and main is the newest of them."
    )


class NoSuchNamespaceError(NotFoundError):
    """A new dataset in a project that is none."""

    code = "hub.no_such_namespace"
    default_message = (
        "There is no such project, or you may not add datasets to it; an id here is project/dataset."
    )
    default_remedy = (
        "Make the project first (tsunagu project create NAME), or name one that you are a member of."
    )


class OneLineError(InvalidInputError):
    """A branch, a pull request, or a commit to something else than the newest version."""

    code = "hub.one_line"
    status = 400
    default_message = "A dataset here has one line of versions, main: no branches and no pull requests."
    default_remedy = "Commit to main; every commit becomes a numbered version, and none is ever lost."


def answer(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """JSON."""
    return HttpResponse(orjson.dumps(value), content_type="application/json", status=status, headers=headers)


def door(view: View) -> View:
    """A view that reads: the actor comes first, errors leave in the Hub's form.

    Nothing here changes anything, so that a missing form token is no danger.
    """
    return _door(view, actor_of)


def writing_door(view: View) -> View:
    """A view that writes: for access tokens alone, since a browser's session could be made to come here by any page."""
    return _door(view, _actor_with_token)


def _door(view: View, who: Callable[[HttpRequest], Actor]) -> View:
    @csrf_exempt
    @never_cache
    @functools.wraps(view)
    def wrapped(request: HttpRequest, **named: Any) -> HttpResponse:
        try:
            return view(request, who(request), **named)
        except TsunaguError as error:
            return refusal(error, named)

    return wrapped


def _actor_with_token(request: HttpRequest) -> Actor:
    if not request.headers.get("Authorization"):
        raise NotSignedInError
    return signed_in(actor_of(request))


def read_json(request: HttpRequest) -> dict[str, Any]:
    """The JSON object in the body.

    Raises:
        InvalidInputError: there is none, or it is too long.
    """
    if int(request.headers.get("Content-Length") or 0) > _MOST_JSON:
        raise InvalidInputError("The body is too long.")
    try:
        found = orjson.loads(request.read(_MOST_JSON))
    except orjson.JSONDecodeError:
        raise InvalidInputError("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise InvalidInputError("The body is not a JSON object.")
    return found


def refusal(error: TsunaguError, named: Mapping[str, str]) -> HttpResponse:
    """An error as the client understands it; its own words go into the body, for headers carry ASCII alone."""
    status, code, shown = _meaning(error)
    said = " ".join(filter(None, [str(error), error.remedy]))
    shown = shown or (said if said.isascii() and said.isprintable() else error.default_message)
    if isinstance(error, AiUseRefusedError) and {"project", "dataset"} <= set(named):
        query = urlencode({"version": error.fields.get("version", ""), **ASKED})
        place = f"{settings.current().control_address}/d/{named['project']}/{named['dataset']}/ai-use?{query}"
        said, shown = f"{said} {place}", f"{shown} {place}"
    if code == "RepoNotFound" and {"project", "dataset"} <= set(named):
        # Said of what is not there too: whoever may not know of a dataset hears the same.
        place = f"{settings.current().control_address}/d/{named['project']}/{named['dataset']}/ask"
        said, shown = f"{said} {_ASK} {place}", f"{shown} {_ASK} {place}"
    headers = {"X-Error-Message": shown}
    if code:
        headers["X-Error-Code"] = code
    commit = getattr(error, "fields", {}).get("commit")
    if commit:
        headers["X-Repo-Commit"] = str(commit)
    return answer({"error": said}, status=status, headers=headers)


_MEANINGS: tuple[tuple[tuple[type[TsunaguError], ...], tuple[int, str, str]], ...] = (
    ((AiUseRefusedError,), (403, "GatedRepo", "The terms for use by AI do not allow this yet; see")),
    ((NotSignedInError,), (401, "", "Invalid credentials in Authorization header")),
    ((datasets.NoSuchFileError,), (404, "EntryNotFound", "There is no such file in this revision.")),
    (
        (NoSuchRevisionError, datasets.NoSuchVersionError),
        (404, "RevisionNotFound", NoSuchRevisionError.default_message),
    ),
    ((NoSuchNamespaceError,), (404, "", "")),
    ((NotFoundError,), (404, "RepoNotFound", "There is no such dataset, or you may not see it.")),
)


def _meaning(error: TsunaguError) -> tuple[int, str, str]:
    """Status, the Hub's word for it, and the words for the header; empty: the error's own."""
    return next((meaning for kinds, meaning in _MEANINGS if isinstance(error, kinds)), (error.status, "", ""))


def signed_in(actor: Actor) -> Actor:
    """The actor, who must be somebody.

    Raises:
        NotSignedInError: nobody is signed in.
    """
    if actor.kind == "anonymous":
        raise NotSignedInError
    return actor
