"""Reading jobs: only for those who may see every version that a job used, and the dataset that it writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import QuerySet

from tsunagu.compute.jobs import logs
from tsunagu.compute.jobs.errors import NoSuchJobError
from tsunagu.compute.jobs.models import Job, LogPiece
from tsunagu.compute.jobs.reasons import sentence, waiting_sentence
from tsunagu.compute.jobs.types import OPEN, InputCard, JobCard, LogPage, State, Waiting
from tsunagu.compute.runner.api import Order
from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity.api import Actor

_BATCH, _MOST_BATCHES = 100, 20
_MOST_LOG_BYTES = 1 << 20


def get_job(actor: Actor, run_id: str) -> JobCard:
    """One job.

    Raises:
        NoSuchJobError: unknown, or the actor may not see all that it used.
    """
    found = _visible(actor, Job.objects.filter(pk=run_id).prefetch_related("inputs"))
    if not found:
        raise NoSuchJobError
    return card_of(found[0])


def list_jobs(
    actor: Actor,
    *,
    project: str = "",
    dataset: str = "",
    mine: bool = False,
    array: str = "",
    before: str = "",
    limit: int = 50,
) -> list[JobCard]:
    """Jobs that the actor may see, newest first.

    Args:
        actor: Who looks.
        project: With ``dataset``: only those that read it or write to it.
        dataset: See there.
        mine: Only those that the actor asked for.
        array: Only those that were asked for together with this one, the first of them.
        before: Id of the last one seen.
        limit: How many.

    Raises:
        NotFoundError: there is no such dataset for this actor.
    """
    rows = Job.objects.order_by("-run_id").prefetch_related("inputs")
    if dataset:
        card = datasets.get_dataset(actor, project, dataset)
        reads = Job.objects.filter(inputs__dataset_id=card.id).values("pk")
        rows = rows.filter(pk__in=reads) | rows.filter(output_id=card.id)
    if mine:
        rows = rows.filter(actor_kind=actor.kind, actor_id=actor.id)
    if array:
        rows = rows.filter(array_id=array)
    found: list[Job] = []
    for _batch in range(_MOST_BATCHES):
        page = list((rows.filter(pk__lt=before) if before else rows)[:_BATCH])
        found += _visible(actor, page)
        if len(page) < _BATCH or len(found) >= limit:
            break
        before = page[-1].pk
    return [card_of(job) for job in found[:limit]]


def read_log(actor: Actor, run_id: str, *, offset: int = 0) -> LogPage:
    """A part of what a job printed, from 0 or from where an earlier part ended, in bytes.

    Raises:
        NoSuchJobError: unknown, or the actor may not see all that it used.
        KeyDestroyedError, KeyMissingError: it is sealed and its key is gone.
    """
    card = get_job(actor, run_id)
    content = logs.read(card.run, offset, most=_MOST_LOG_BYTES)
    after = offset + len(content)
    has_more = LogPiece.objects.filter(job_id=card.run, offset__gte=after).exists()
    return LogPage(content.decode("utf-8", "replace"), after, card.is_over and not has_more)


def is_over(run_id: str) -> bool:
    """Whether a job has ended, or never was; for rooms that keep something beside it."""
    return not Job.objects.filter(pk=run_id, state__in=OPEN).exists()


def _visible(actor: Actor, jobs: QuerySet[Job] | Sequence[Job]) -> list[Job]:
    found = list(jobs)
    touched = {key for job in found for key in _touched(job)}
    seen = set(datasets.visible_names(actor, touched))
    return [job for job in found if seen.issuperset(_touched(job))]


def _touched(job: Job) -> Iterable[str]:
    return (job.output_id, *(one.dataset_id for one in job.inputs.all()))


def card_of(job: Job) -> JobCard:
    """A row as others see it; the caller has asked the rules."""
    order, state = Order.of(job.order), State(job.state)
    code = job.code or ("vanished" if state is State.UNCERTAIN else "")
    return JobCard(
        run=job.run_id,
        state=state,
        code=code,
        sentence=sentence(f"served_{job.facts['ended']}" if "ended" in job.facts else code, job.facts),
        actor_id=job.actor_id,
        actor_name=job.actor_name,
        agent=job.agent,
        executor=job.executor,
        project_id=job.project_id,
        output_id=job.output_id,
        output=order.output,
        version=job.version,
        inputs=tuple(InputCard(one.dataset_id, one.place, one.version, one.use) for one in job.inputs.all()),
        command=order.command,
        parameters=order.parameters,
        limits=order.limits,
        environment_hash=job.environment_hash,
        cpu_s=job.cpu_s,
        memory_gb_h=job.memory_gb_h,
        output_bytes=job.output_bytes,
        asked_at=clock.isoformat(job.asked_at),
        started_at=clock.isoformat(job.started_at) if job.started_at else None,
        ended_at=clock.isoformat(job.ended_at) if job.ended_at else None,
        is_cancelled=job.is_cancelled,
        array_id=job.array_id,
        result=job.result,
        serves=order.serves,
        waiting=_waiting_of(job),
    )


def _waiting_of(job: Job) -> Waiting | None:
    if not job.waiting or job.state != State.SUBMITTED:
        return None
    code, facts = job.waiting["code"], job.waiting["facts"]
    return Waiting(code, waiting_sentence(code, facts), facts.get("said", ""), job.waiting["begins_at"])
