"""What all views share: who looks, errors as pages, the way back."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext

from tsunagu.core.errors import TsunaguError
from tsunagu.doors.who import actor_of
from tsunagu.foundation.identity.api import Actor, NotSignedInError
from tsunagu.foundation.policy.api import ActionDeniedError

View = Callable[..., HttpResponse]


def page(view: View) -> View:
    """A view whose first arguments are the request and the actor; errors of the tree become pages."""

    @functools.wraps(view)
    def answer(request: HttpRequest, **parts: Any) -> HttpResponse:
        actor = actor_of(request)
        try:
            return view(request, actor, **parts)
        except NotSignedInError:
            return to_sign_in(request)
        except TsunaguError as error:
            if isinstance(error, ActionDeniedError) and actor.kind == "anonymous":
                return to_sign_in(request)
            return problem_page(request, error)

    return answer


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


def problem_page(request: HttpRequest, error: TsunaguError) -> HttpResponse:
    """An error of the tree: what happened, why, what to do, its code."""
    status = error.status if error.status != 460 else 422  # noqa: PLR2004 - tus's own status
    context = {
        "error": error,
        "plain": error.default_message,
        # The kind of error in the viewer's language; what is special about this one stands below it.
        "general": gettext(error.default_message) if error.default_message else error.message,
        "remedy": gettext(error.remedy) if error.remedy else "",
    }
    return render(request, "web/problem.html", context, status=status)


def done(request: HttpRequest, message: str, target: str, **parts: Any) -> HttpResponse:
    """Say what was done and go on."""
    messages.success(request, message)
    answer: HttpResponse = redirect(target, **parts)
    return answer


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Nothing at this address."""
    from tsunagu.core.errors import NotFoundError

    del exception
    return problem_page(request, NotFoundError())
