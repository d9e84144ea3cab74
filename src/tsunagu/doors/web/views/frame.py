"""What all views share: who looks, errors as pages, the way back."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext

from tsunagu.core import clock
from tsunagu.core.errors import InvalidInputError, NotFoundError, TsunaguError
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.who import actor_of_session
from tsunagu.foundation.identity.api import ANONYMOUS, Actor, NotSignedInError, StrongerSignInError
from tsunagu.foundation.policy.api import ActionDeniedError

View = Callable[..., HttpResponse]


def page(view: View) -> View:
    """A view whose first arguments are the request and the actor; errors of the tree become pages."""

    @functools.wraps(view)
    def answer(request: HttpRequest, **parts: Any) -> HttpResponse:
        actor = ANONYMOUS
        try:
            actor = actor_of_session(request)
            return view(request, actor, **parts)
        except NotSignedInError:
            return to_sign_in(request)
        except StrongerSignInError as error:
            return to_confirm(request, error)
        except datasets.DatasetRemovedError as error:
            stone = datasets.get_tombstone(actor, str(error.fields["dataset_id"]))
            return render(request, "web/tombstone.html", {"stone": stone}, status=error.status)
        except TsunaguError as error:
            if isinstance(error, ActionDeniedError) and actor.kind == "anonymous":
                return to_sign_in(request)
            return problem_page(request, error, ask=_may_ask(actor, error, parts))

    return answer


def _may_ask(actor: Actor, error: TsunaguError, parts: dict[str, Any]) -> dict[str, Any]:
    """The dataset that a person was refused: the page offers to ask for it, whether there is one or not."""
    if (
        actor.kind != "person"
        or not isinstance(error, NotFoundError)
        or not {"project", "dataset"} <= set(parts)
    ):
        return {}
    try:
        datasets.get_dataset(actor, parts["project"], parts["dataset"])
    except NotFoundError:
        return {"project": parts["project"], "dataset": parts["dataset"]}
    return {}  # it is something else in it that is not there


def member(view: View) -> View:
    """A page for signed-in people."""

    @page
    @functools.wraps(view)
    def answer(request: HttpRequest, actor: Actor, **parts: Any) -> HttpResponse:
        if actor.kind != "person":
            raise NotSignedInError
        shown: HttpResponse = view(request, actor, **parts)
        return shown

    return answer


def to_sign_in(request: HttpRequest) -> HttpResponseRedirect:
    """To the sign-in page and back here afterwards."""
    return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}")


def to_confirm(request: HttpRequest, error: StrongerSignInError) -> HttpResponseRedirect:
    """To the page that raises the session, and back to where the person was."""
    messages.warning(request, error.message)
    path = request.get_full_path() if request.method == "GET" else urlsplit(_back(request)).path
    return HttpResponseRedirect(f"{reverse('step_up')}?{urlencode({'next': path})}")


def problem_page(
    request: HttpRequest, error: TsunaguError, *, ask: dict[str, Any] | None = None
) -> HttpResponse:
    """An error of the tree: what happened, why, what to do, its code."""
    status = error.status if error.status != 460 else 422  # noqa: PLR2004 - tus's own status
    context = problem_context(error, _back(request)) | (ask or {})
    return render(request, "web/problem.html", context, status=status)


def problem_context(error: TsunaguError, back: str = "") -> dict[str, Any]:
    """What the problem part of a page shows."""
    return {
        "error": error,
        "plain": error.default_message,
        # The kind of error in the viewer's language; what is special about this one stands below it.
        "general": gettext(error.default_message) if error.default_message else error.message,
        "reason": _reason(error),
        "remedy": gettext(error.remedy) if error.remedy else "",
        "now": clock.isoformat(clock.now()),
        "back": back,
    }


def _reason(error: TsunaguError) -> str:
    """What is special about this error; in the viewer's language where it is one that everybody meets."""
    known = {
        "There is no dataset {dataset}, or you may not see it.": gettext(
            "There is no dataset %(dataset)s, or you may not see it."
        ),
        "There is no project {project}, or you may not see it.": gettext(
            "There is no project %(project)s, or you may not see it."
        ),
        "There is no file {path} in this version.": gettext("There is no file %(path)s in this version."),
    }
    for said, words in known.items():
        with contextlib.suppress(KeyError):
            if said.format(**error.fields) == error.message:
                return words % error.fields
    return error.message


def _back(request: HttpRequest) -> str:
    """Where a form was sent from, on this node only."""
    came_from = request.headers.get("Referer", "")
    if request.method != "POST" or not url_has_allowed_host_and_scheme(came_from, {request.get_host()}):
        return ""
    return came_from


def done(request: HttpRequest, message: str, target: str, **parts: Any) -> HttpResponse:
    """Say what was done and go on."""
    messages.success(request, message)
    answer: HttpResponse = redirect(target, **parts)
    return answer


class PageStaleError(InvalidInputError):
    """A form without the secret of the session that it was made for."""

    code = "web.page_stale"
    status = 403
    default_message = "The page was too old, or cookies are switched off, so nothing was changed."
    default_remedy = "Open the page again and repeat what you did."


class BrokenError(TsunaguError):
    """A defect of ours; what happened stands in the log."""

    code = "web.defect"
    status = 500
    default_message = "The node met an error of its own. Nothing that you sent before is lost."
    default_remedy = "Try again; if it stays, tell the administrator the time below."


class NotNowError(TsunaguError):
    """A page that this account cannot use as it is, such as confirming a password that it does not have."""

    code = "web.not_now"
    status = 403
    default_message = "This page does not fit your account as it is."
    default_remedy = "Sign in anew; for that, set a password or a passkey on the account page first."


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Nothing at this address."""
    del exception
    return problem_page(request, NotFoundError())


def refused(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Somebody else's view said no."""
    del exception
    return problem_page(request, NotNowError())


def stale(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that failed the check against forged requests."""
    del reason
    return problem_page(request, PageStaleError())


def broken(request: HttpRequest) -> HttpResponse:
    """A page for a defect; needs neither the database nor the session."""
    return problem_page(request, BrokenError())
