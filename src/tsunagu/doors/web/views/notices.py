"""Notices of other services: the office of administrators, and the part of a publication's page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _

from tsunagu.core.errors import InvalidInputError, TsunaguError
from tsunagu.data.notices import api as notices
from tsunagu.data.publication import api as publication
from tsunagu.doors.web import notice_words as words
from tsunagu.doors.web.views.frame import done, member, problem_context
from tsunagu.foundation.identity.api import Actor

_LISTED = 50


@member
def office(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Partner services, notices that wait for an administrator, what was sent."""
    context: dict[str, Any] = {"partners": notices.list_partners(actor)}
    status = 200
    if request.method == "POST":
        try:
            return done(request, _do(actor, request.POST), "notices")
        except TsunaguError as error:
            status = error.status
            context |= {
                **problem_context(error),
                "form": request.POST,
                "chosen": request.POST.getlist("may"),
            }
    elif wanted := next((one for one in context["partners"] if one.name == request.GET.get("service")), None):
        context |= {"form": _shown(wanted), "chosen": wanted.may}
    after = request.GET.get("after", "")
    held = notices.list_received(actor, state="held", after=after, limit=_LISTED + 1)
    context |= {
        "held": held[:_LISTED],
        "after": held[_LISTED - 1].id if len(held) > _LISTED else "",
        "sent": notices.list_sent(actor, limit=_LISTED),
        "rights": notices.RIGHTS,
        "inbox": notices.inbox(),
    }
    return render(request, "web/notices.html", context, status=status)


def _shown(card: notices.PartnerCard) -> dict[str, str]:
    return {
        "name": card.name,
        "title": card.title,
        "origin_id": card.origin_id,
        "inbox": card.inbox,
        "holds": "\n".join(card.holds),
    }


def _do(actor: Actor, form: QueryDict) -> str:
    """Do what a form of the office asks for; what was done, in words."""
    if "let_through" in form:
        notices.let_through(actor, form.get("let_through", ""))
        return _("The notice was let through.")
    if "throw_away" in form:
        notices.throw_away(actor, form.get("throw_away", ""))
        return _("The notice was thrown away.")
    if "again" in form:
        notices.try_again(actor, form.get("again", ""))
        return _("The notice is being sent again.")
    if "remove" in form:
        notices.remove(actor, form.get("remove", ""))
        return _("The service was removed.")
    token = form.get("token", "").strip()
    notices.write(
        actor,
        form.get("name", "").strip(),
        title=form.get("title", ""),
        origin_id=form.get("origin_id", "").strip(),
        inbox=form.get("inbox", "").strip(),
        may=form.getlist("may"),
        holds=form.get("holds", "").splitlines(),
        token=token or ("" if "no_token" in form else None),
    )
    return _("The service was saved.")


def to_decide(actor: Actor) -> list[notices.NoticeCard]:
    """Proposals and offers of other services that wait for a curator."""
    found = [*notices.list_received(actor, state="proposed"), *notices.list_received(actor, state="offered")]
    return [one for one in found if one.partner]


def about(actor: Actor, card: publication.PublicationCard) -> dict[str, Any]:
    """What the page of a publication shows of notices, for those who decide about it."""
    came, went = notices.of_publication(actor, card.id)
    is_public = card.state == "published"
    return {
        "came": came,
        "went": went,
        "relation_types": publication.RELATION_TYPES,
        "notice_answers": [(name, str(word)) for name, word in words.ANSWERS.items()],
        "offers": [
            (kind, str(words.OFFERS[kind]), services)
            for kind in notices.OFFERS
            if is_public and (services := notices.partners_for(kind))
        ],
    }


def _decide(actor: Actor, _key: str, form: Mapping[str, str]) -> None:
    verdict, _sep, notice = form.get("verdict", "").partition(" ")
    notices.decide(actor, notice, verdict, relation=form.get("relation", ""))


def _answer(actor: Actor, _key: str, form: Mapping[str, str]) -> None:
    word, _sep, notice = form.get("answer", "").partition(" ")
    notices.answer(actor, notice, word)


def _offer(actor: Actor, key: str, form: Mapping[str, str]) -> None:
    kind, sep, service = form.get("service", "").partition(" ")
    if not sep:
        raise InvalidInputError(_("Choose a service."))
    notices.offer(actor, key, service, kind)


STEPS: dict[str, Callable[[Actor, str, Mapping[str, str]], Any]] = {
    "notice": _decide,
    "answer_offer": _answer,
    "offer": _offer,
}
