"""What wrappers say: every message is checked for signature, number and run before anything is done."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Coalesce

from tsunagu.compute.jobs import bell, logs
from tsunagu.compute.jobs.errors import ForgedMessageError, JobOverError, OutputBusyError, OutputTakenError
from tsunagu.compute.jobs.models import Job
from tsunagu.compute.jobs.settling import actor_of, require_rights, settle
from tsunagu.compute.jobs.types import State
from tsunagu.compute.runner.api import BadOrderError, Input, Order, Result, is_signed
from tsunagu.core import clock, settings
from tsunagu.core.capabilities import Signer
from tsunagu.core.errors import InvalidInputError
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity.api import SYSTEM, Actor

_MOST_LOG_PIECE = 256 << 10


def secret_of(run_id: str) -> str:
    """The secret of a run: made from the node's key, so that it is written down nowhere but in the job file."""
    signer = Signer.from_file(settings.current().capability_key_file)
    return hashlib.sha256(signer.sign_message(b"job\0" + run_id.encode()).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that is the wrapper's own and new."""

    run: str
    do: str
    content: dict[str, Any]
    signature: str
    is_cancelled: bool


def hear(run_id: str, body: bytes, signature: str) -> Heard:
    """Check a message; from here on its number counts as heard.

    Raises:
        ForgedMessageError: not signed with this run's secret, about another run, or heard before.
        JobOverError: the job has ended; it was heard all the same if it was a result.
    """
    try:
        if not is_signed(secret_of(run_id), body, signature):
            raise ForgedMessageError
        message: dict[str, Any] = json.loads(body)
        number, do = int(message["number"]), str(message["do"])
    except (ValueError, KeyError, TypeError):
        raise ForgedMessageError from None
    if message.get("run") != run_id or not 0 < number < 2**62:
        raise ForgedMessageError
    fresh = Job.objects.filter(pk=run_id, number__lt=number)
    if not fresh.update(number=number, heard_at=clock.now()):
        raise ForgedMessageError
    job = Job.objects.get(pk=run_id)
    if State(job.state).is_over:
        raise JobOverError
    # It begins, or who was thought to have vanished speaks.
    Job.objects.filter(pk=run_id, state__in=(State.SUBMITTED, State.UNCERTAIN)).update(
        state=State.RUNNING, code="", facts={}, waiting={}, started_at=Coalesce("started_at", clock.now())
    )
    return Heard(run_id, do, message, signature, job.is_cancelled)


def answer(heard: Heard) -> dict[str, Any]:
    """Do what a message asks, for all that needs nothing but this room.

    Raises:
        TsunaguError: a rule says no, or the message cannot be read.
    """
    if heard.do == "order":
        return _order(heard.run)
    if heard.do == "log":
        return _log(heard.run, heard.content)
    if heard.do == "result":
        return _result(heard)
    if heard.do == "beat":
        return {}
    raise BadOrderError("The message asks for something unknown.")


def _order(run_id: str) -> dict[str, Any]:
    """The order, after asking the rules again: days may have passed in the queue."""
    job = Job.objects.get(pk=run_id)
    require_rights(job)
    order = Order.of(job.order)
    if job.environment_hash:
        order = replace(order, environment=job.environment_hash)
    return order.as_json()


def _log(run_id: str, content: dict[str, Any]) -> dict[str, Any]:
    try:
        offset, piece = int(content["offset"]), base64.b64decode(content["piece"], validate=True)
    except (KeyError, ValueError, TypeError, binascii.Error):
        raise InvalidInputError("The piece of the log cannot be read.") from None
    most = 2 * settings.current().compute_log_bytes + _MOST_LOG_PIECE
    if not piece or len(piece) > _MOST_LOG_PIECE or not 0 <= offset <= most:
        raise InvalidInputError("The piece of the log is too large, or too far behind.")
    logs.keep(run_id, offset, piece)
    return {}


@transaction.atomic
def _result(heard: Heard) -> dict[str, Any]:
    result = Result.of(heard.content["result"]) if isinstance(heard.content.get("result"), dict) else None
    if result is None:
        raise BadOrderError("The message holds no result.")
    job = Job.objects.select_for_update().get(pk=heard.run)
    if State(job.state).is_over:
        raise JobOverError
    settle(job, result, heard.signature)
    transaction.on_commit(bell.ring)  # a slot is free
    return {"state": job.state}


def reads_of(order: dict[str, Any]) -> tuple[Input, ...]:
    """What an order has its wrapper fetch."""
    read = Order.of(order)
    return (*read.inputs, *([read.code] if read.code else []))


# What a wrapper pulls and pushes, which the door then asks the other rooms for


def reader(run_id: str, place: str, version: object) -> tuple[Actor, datasets.DatasetCard]:
    """Who reads an input of a job, and the dataset.

    Raises:
        ForgedMessageError: that version is no input of this job.
        CapabilityRefusedError, NotFoundError: the account, the token or the right was taken away.
    """
    job = Job.objects.get(pk=run_id)
    allowed = {(one.place, one.version) for one in reads_of(job.order)}
    if (place, version) not in allowed:
        raise ForgedMessageError("A run reads nothing but its inputs.")
    actor = actor_of(job)
    project, _slash, name = place.partition("/")
    return actor, datasets.get_dataset(actor, project, name)


def begin_delivery(run_id: str, place: str) -> tuple[Actor, datasets.DatasetCard]:
    """Who delivers the outputs of a job, and where to; from here on no other run delivers there.

    Raises:
        ForgedMessageError: the place is not this job's.
        OutputBusyError: another run delivers there just now.
        OutputTakenError: somebody changed the draft since the last run.
        CapabilityRefusedError, NotFoundError: the account, the token or the right was taken away.
    """
    job = Job.objects.get(pk=run_id)
    if place != Order.of(job.order).output:
        raise ForgedMessageError("A run writes nothing but its outputs.")
    actor = require_rights(job)
    if not job.is_delivering:
        try:
            with transaction.atomic():
                Job.objects.filter(pk=run_id).update(is_delivering=True)
        except IntegrityError:
            raise OutputBusyError from None
        # Looked at from here on: what the run before left a moment ago would look like people's changes.
        card = datasets.get_dataset_by_id(SYSTEM, job.output_id)
        # What a run that failed left in the draft is replaced; what people put there is not.
        last = (
            Job.objects.filter(output_id=job.output_id).exclude(push_run_id="").order_by("-ended_at").first()
        )
        is_ours = last is not None and last.version is None
        is_touched = card.state == "changed" or (card.state == "draft" and card.file_count)
        if is_touched and not is_ours:
            Job.objects.filter(pk=run_id).update(is_delivering=False)
            raise OutputTakenError
    project, _slash, name = place.partition("/")
    return actor, datasets.get_dataset(actor, project, name)


def delivered_by(run_id: str, push_run_id: str) -> None:
    """Remember the push of a job; one that the wrapper gave up before is another's no more."""
    Job.objects.filter(pk=run_id).update(push_run_id=push_run_id)


def deliverer(run_id: str, push_run_id: str) -> Actor:
    """Who goes on with the push of a job.

    Raises:
        ForgedMessageError: it is not the push of this job.
        CapabilityRefusedError: the account or the token was closed.
    """
    job = Job.objects.get(pk=run_id)
    if not push_run_id or job.push_run_id != push_run_id:
        raise ForgedMessageError("A run goes on with no push but its own.")
    return actor_of(job)


__all__ = ["Heard", "answer", "begin_delivery", "delivered_by", "deliverer", "hear", "reader", "secret_of"]
