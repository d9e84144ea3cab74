"""What partner nodes may ask for: to run something within their offer, how it goes, and to end it."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from tsunagu.compute.environments import api as environments
from tsunagu.compute.hosting.errors import GuestOverError, NoSuchGuestError
from tsunagu.compute.hosting.models import Guest
from tsunagu.compute.hosting.selectors import card_of, get_guest, lent
from tsunagu.compute.hosting.settling import close
from tsunagu.compute.hosting.types import GuestCard
from tsunagu.compute.jobs.api import Limits, State
from tsunagu.compute.partners import api as partners
from tsunagu.core import clock
from tsunagu.core.errors import InvalidInputError
from tsunagu.core.ids import is_id, new_id
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_LONGEST_NAME, _SECRET_DIGITS, _MOST_LOCK, _MOST_LOOKED = 200, 64, 1 << 20, 500


def answer(request: partners.Request) -> dict[str, Any]:
    """Do what a partner asks.

    Raises:
        NotOfferedError: its offer ended, or does not cover this.
        BadLockError: the environment's lock file cannot be used.
        InvalidInputError: the message cannot be read.
    """
    if request.do == "run":
        return _run(request)
    if request.do == "look":
        named = request.content.get("runs")
        if not isinstance(named, list):
            raise InvalidInputError("The message names no runs.")
        return {"runs": {str(run): _look(request.offer, str(run)) for run in named[:_MOST_LOOKED]}}
    if request.do == "cancel":
        return _cancel(request)
    raise InvalidInputError("The message asks for something unknown.")


def _run(request: partners.Request) -> dict[str, Any]:
    content, offer = request.content, request.offer
    try:
        run, secret, asker = str(content["run"]), str(content["secret"]), str(content["asker"])
        limits, lock = _limits(content["limits"]), str(content["lock"])
    except (KeyError, TypeError, ValueError):
        raise InvalidInputError("The message does not say what to run.") from None
    if not is_id(run) or len(secret) != _SECRET_DIGITS or len(lock) > _MOST_LOCK:
        raise InvalidInputError("The message does not say what to run.")
    shown = "".join(c for c in asker if c.isprintable())[:_LONGEST_NAME]
    with transaction.atomic():
        offer = partners.lock_offer(offer.id)
        known = _mine(offer, run).first()
        if known is not None:  # the answer was lost
            return {"run": known.run_id}
        _require_offered(offer, limits)
        guest = Guest.objects.create(
            run_id=new_id(),
            offer_id=offer.id,
            partner_run=run,
            asker=shown,
            executor=offer.executor,
            limits=asdict(limits),
            environment_hash=environments.want(lock) if lock else "",
            secret=secret,
            state=State.QUEUED,
            cpu_s=float(limits.cpu_s),
            memory_gb_h=limits.memory_gb_h,
            output_bytes=limits.disk_bytes,
            asked_at=clock.now(),
        )
        said = {"partner": offer.title, "offer": offer.id, "partner_run": run, "limits": guest.limits}
        asked_by = Actor("service", partners_key(offer), f"{shown} ({offer.title})"[:_LONGEST_NAME])
        runs.start(asked_by, "compute", run_id=guest.run_id, parameters=said)
    return {"run": guest.run_id}


def partners_key(offer: partners.OfferCard) -> str:
    """What a partner's acts are recorded under: the beginning of its key's fingerprint."""
    return offer.fingerprint.replace(" ", "")[:16]


def _limits(said: Any) -> Limits:
    made = Limits(**{name: int(value) for name, value in said.items()})
    if any(getattr(made, one.name) < 1 for one in fields(made)):
        raise ValueError
    return made


def _require_offered(offer: partners.OfferCard, limits: Limits) -> None:
    if not offer.is_open:
        raise partners.NotOfferedError(_("The offer of the other node was withdrawn or has ended."))
    for one in fields(limits):
        if one.name == "log_bytes":  # the partner keeps the log
            continue
        asked, most = getattr(limits, one.name), getattr(offer.limits, one.name)
        if asked > most:
            said = {"name": one.name, "asked": f"{asked:,}", "most": f"{most:,}"}
            raise partners.NotOfferedError(
                _("The limit %(name)s = %(asked)s is more than the other node offers (%(most)s).") % said
            )
    left = lent(offer).left
    asked_for = (float(limits.cpu_s), limits.memory_gb_h, limits.disk_bytes)
    if any(
        asked > rest
        for asked, rest in zip(asked_for, (left.cpu_s, left.memory_gb_h, left.output_bytes), strict=True)
    ):
        said = {
            "cpu": f"{left.cpu_s:,.0f}",
            "memory": f"{left.memory_gb_h:,.2f}",
            "output": f"{left.output_bytes / 1e9:,.2f}",
        }
        raise partners.NotOfferedError(
            _(
                "The budget does not cover this run; left are %(cpu)s s of CPU time, %(memory)s GB h, %(output)s GB."
            )
            % said
        )


def _mine(offer: partners.OfferCard, run: str) -> QuerySet[Guest]:
    """A run of the partner by its own id for it."""
    return Guest.objects.filter(offer_id__in=partners.offers_to(offer.public_key), partner_run=run)


def _look(offer: partners.OfferCard, run: str) -> dict[str, Any] | None:
    guest = _mine(offer, run).first()
    if guest is None:
        return None
    state = State(guest.state)
    said: dict[str, Any] = {"run": guest.run_id, "state": state, "is_over": state.is_over}
    if state.is_over:
        said |= {"code": guest.code, "why": guest.why, "account": guest.account, "signature": guest.signature}
        if guest.left:
            said["left"] = guest.left
    return said


@transaction.atomic
def _cancel(request: partners.Request) -> dict[str, Any]:
    run = str(request.content.get("run", ""))
    guest = _mine(request.offer, run).select_for_update().first()
    if guest is None or State(guest.state).is_over:
        return {}
    guest.is_cancelled = True
    guest.save(update_fields=["is_cancelled"])
    if guest.state == State.QUEUED:
        close(guest, State.CANCELLED, "cancelled")
    return {"run": guest.run_id}


@transaction.atomic
def end_guest(actor: Actor, run_id: str) -> GuestCard:
    """End a run of a partner node; the partner hears of it.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        NoSuchGuestError: there is none.
        GuestOverError: it has ended.
    """
    get_guest(actor, run_id)
    policy.require(actor, "node.admin", policy.NODE)
    guest = Guest.objects.select_for_update().filter(pk=run_id).first()
    if guest is None:
        raise NoSuchGuestError
    if State(guest.state).is_over:
        raise GuestOverError
    guest.is_withdrawn = True
    guest.save(update_fields=["is_withdrawn"])
    runs.record(actor, "end_guest", parameters={"run": run_id})
    if guest.state == State.QUEUED:
        close(guest, State.CANCELLED, "withdrawn")
    return card_of(guest)
