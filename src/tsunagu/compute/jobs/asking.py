"""Asking for jobs: what may be run on which versions, by whom, within which budget; and taking the wish back."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from django.db import transaction

from tsunagu.compute.environments import api as environments
from tsunagu.compute.jobs import bell, budgets, folders, places, selectors
from tsunagu.compute.jobs.errors import (
    BadJobError,
    JobOverError,
    NoExecutorError,
    NoSuchJobError,
    NotFrozenError,
    OutputNotSealedError,
    OutputTakenError,
)
from tsunagu.compute.jobs.leaving import require_may_leave
from tsunagu.compute.jobs.models import Job, JobInput
from tsunagu.compute.jobs.settling import close
from tsunagu.compute.jobs.types import OPEN, JobCard, State, Wanted
from tsunagu.compute.partners import api as partners
from tsunagu.compute.runner.api import Input, Limits, Order
from tsunagu.core import clock, settings
from tsunagu.core.errors import NotFoundError
from tsunagu.core.ids import new_id
from tsunagu.core.paths import check_path
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,49}\Z")
_MOST_INPUTS, _MOST_PARAMETERS, _MOST_PARTS, _MOST_TEXT = 50, 100, 1000, 100_000
_LEAST_MEMORY_BYTES, _MOST_FILES, _MOST_ELSEWHERE = 32 << 20, 50_000, 1 << 50
_INDEX, _MOST_TOGETHER = "array_index", 1000


@dataclass(frozen=True, slots=True)
class _Read:
    """A version that a job is to read."""

    card: datasets.DatasetCard
    version: datasets.VersionRef
    folder: str
    use: str

    @property
    def input(self) -> Input:
        return Input(self.card.slug, self.version.number, self.folder)


def submit(actor: Actor, wanted: Wanted) -> JobCard:
    """Queue a job; its run exists from here on.

    Raises:
        NotFoundError: an input, the code or the project of the outputs does not exist for this actor.
        NotFrozenError: an input has no frozen version.
        ActionDeniedError: the actor may not run jobs in that project or not write the outputs.
        BadJobError: the command, a parameter or a limit cannot be used.
        OutputTakenError, OutputNotSealedError: the dataset for the outputs cannot take them.
        BudgetExceededError: the project's allocation does not cover the limits.
        ActionDeniedError: what it reads may not leave for the node where it shall run.
        NoExecutorError: the place where it shall run does not exist or does not work.
        BadLockError: the environment's lock file cannot be used.
    """
    return _submit(actor, wanted, [wanted.parameters])[0]


def submit_each(actor: Actor, wanted: Wanted, name: str, values: Sequence[Any]) -> list[JobCard]:
    """Queue the same job once for each value of a parameter: all of them, or none.

    Each is a run of its own with the value and its place in the row, ``array_index`` from 0, as parameters.

    Raises:
        TsunaguError: as for ``submit``.
    """
    if not 1 <= len(values) <= _MOST_TOGETHER:
        raise BadJobError(f"1 to {_MOST_TOGETHER} runs can be asked for together.")
    if {name, _INDEX} & wanted.parameters.keys() or name == _INDEX:
        raise BadJobError(f"The parameter {name[:80]!r} or {_INDEX!r} is given twice.")
    each = [{**wanted.parameters, name: value, _INDEX: n} for n, value in enumerate(values)]
    return _submit(actor, wanted, each, is_array=True)


def _submit(
    actor: Actor, wanted: Wanted, each: Sequence[Mapping[str, Any]], *, is_array: bool = False
) -> list[JobCard]:
    site = places.require(wanted.executor, serves=wanted.serves)
    command = _command(wanted.command)
    for parameters in each:
        _check_parameters(parameters)
    limits = _checked(wanted.limits, wanted.executor, is_here=site is None)
    if not 1 <= len(wanted.inputs) <= _MOST_INPUTS:
        raise BadJobError(f"A run has 1 to {_MOST_INPUTS} inputs.")
    reads = [_read(actor, place, "in") for place in wanted.inputs]
    if len({one.card.id for one in reads}) != len(reads):
        raise BadJobError("The same dataset is named as an input twice.")
    code = _read(actor, wanted.code, "code") if wanted.code else None
    slug = wanted.output or f"{reads[0].card.slug}-runs"
    project_name, _slash, output_name = slug.partition("/")
    project = datasets.get_project(actor, project_name)
    policy.require(actor, "compute.run", project.resource)
    everything = [*reads, *([code] if code else [])]
    if site is not None:
        for one in everything:
            require_may_leave(actor, one.card, site)
    lock = _environment(wanted.lock, is_here=site is None)
    jobs: list[Job] = []
    with transaction.atomic():
        # A server goes on with what the last one left: its "code" may be an earlier version of its own output.
        read_only = [one for one in everything if not (wanted.serves and one.use == "code")]
        output = _output(actor, project_name, output_name, everything, never=read_only)
        _check_sealed(output, everything, wanted.executor, limits)
        for parameters in each:
            order = Order(
                run=new_id(),
                command=command,
                inputs=tuple(one.input for one in reads),
                output=output.slug,
                limits=limits,
                parameters=dict(parameters),
                code=code.input if code else None,
                serves=wanted.serves,
            )
            _start_run(actor, order, output, everything, wanted=wanted, environment_hash=lock, site=site)
            job = _queue(actor, order, output, everything, executor=wanted.executor, environment_hash=lock)
            if is_array:
                job.array_id = jobs[0].run_id if jobs else job.run_id
                job.save(update_fields=["array_id"])
            jobs.append(job)
        transaction.on_commit(bell.ring)
    return [selectors.card_of(job) for job in jobs]


def _queue(
    actor: Actor,
    order: Order,
    output: datasets.DatasetCard,
    reads: Sequence[_Read],
    *,
    executor: str,
    environment_hash: str,
) -> Job:
    job = Job.objects.create(
        run_id=order.run,
        project_id=output.project_id,
        output_id=output.id,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        agent=actor.agent,
        token_id=actor.token_id,
        executor=executor,
        state=State.QUEUED,
        order=order.as_json(),
        environment_hash=environment_hash,
        is_sealed=bool(output.key_domain),
        asked_at=clock.now(),
        **asdict(budgets.reserve(output.project_id, order.limits)),
    )
    JobInput.objects.bulk_create(
        JobInput(
            job=job, dataset_id=one.card.id, place=one.card.slug, version=one.version.number, use=one.use
        )
        for one in reads
    )
    return job


def again(actor: Actor, run_id: str) -> JobCard:
    """Queue the same job once more: same versions, code, command, parameters, environment and limits.

    Raises:
        NoSuchJobError: unknown, or the actor may not see all that it used.
        TsunaguError: as for ``submit``.
    """
    card = selectors.get_job(actor, run_id)
    if card.serves:
        raise BadJobError(
            "What people did in a notebook cannot be run again.",
            remedy="Open a notebook on the page of the dataset; it goes on with what the last one left.",
        )
    order = Order.of(Job.objects.get(pk=card.run).order)
    code, run = order.code, runs.get(card.run)
    said = run.parameters if run else {}
    return submit(
        actor,
        Wanted(
            inputs=tuple(f"{one.place}@{one.version}" for one in order.inputs),
            command=order.command,
            output=order.output,
            code=f"{code.place}@{code.version}/{code.folder}".rstrip("/") if code else "",
            parameters=order.parameters,
            limits=order.limits,
            executor=card.executor,
            lock=environments.lock_of(card.environment_hash) if card.environment_hash else "",
            title=said.get("title", ""),
            workflow=said.get("workflow", {}),
        ),
    )


@transaction.atomic
def cancel(actor: Actor, run_id: str) -> JobCard:
    """End a job: a waiting one at once, a running one as soon as its wrapper hears of it.

    Its asker may, and whoever manages the project that pays for it.

    Raises:
        NoSuchJobError: unknown, or the actor may not see all that it used.
        ActionDeniedError: it is somebody else's.
        JobOverError: it has ended.
    """
    card = selectors.get_job(actor, run_id)
    project = policy.Resource("project", card.project_id)
    is_mine = (actor.kind, actor.id) == ("person", card.actor_id)
    policy.require(actor, "compute.run" if is_mine else "project.manage", project)
    job = Job.objects.select_for_update().get(pk=card.run)
    if State(job.state).is_over:
        raise JobOverError
    job.is_cancelled = True
    job.save(update_fields=["is_cancelled"])
    if job.state == State.QUEUED:
        close(job, State.CANCELLED, "cancelled")
    return selectors.card_of(job)


def cancel_array(actor: Actor, array_id: str) -> list[JobCard]:
    """End all jobs that were asked for together and go on; those that the actor sees, afterwards.

    Raises:
        NoSuchJobError: unknown, or the actor may not see all that they used.
        ActionDeniedError: they are somebody else's.
    """
    if not array_id or not selectors.list_jobs(actor, array=array_id, limit=1):
        raise NoSuchJobError
    for run_id in Job.objects.filter(array_id=array_id, state__in=OPEN).values_list("pk", flat=True):
        with contextlib.suppress(JobOverError):
            cancel(actor, run_id)
    return selectors.list_jobs(actor, array=array_id, limit=_MOST_TOGETHER)


def _command(parts: Sequence[str]) -> tuple[str, ...]:
    if not parts or not parts[0].strip():
        raise BadJobError("There is no command to run.")
    if len(parts) > _MOST_PARTS or sum(map(len, parts)) > _MOST_TEXT or any("\0" in one for one in parts):
        raise BadJobError("The command is too long, or holds what no command can hold.")
    if len(parts) == 1 and any(c.isspace() for c in parts[0].strip()):
        return ("/bin/sh", "-c", parts[0])
    return tuple(parts)


def _check_parameters(parameters: Mapping[str, Any]) -> None:
    if len(parameters) > _MOST_PARAMETERS:
        raise BadJobError(f"A run takes at most {_MOST_PARAMETERS} parameters.")
    for name, value in parameters.items():
        if not _PARAMETER.match(name):
            raise BadJobError(
                f"The parameter {name[:80]!r} has a name that cannot be used.",
                remedy="Use lower-case letters, digits and underscores, a letter first.",
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise BadJobError(f"The parameter {name} is no finite number.")
        if not isinstance(value, str | int | float | bool) or "\0" in str(value) or len(str(value)) > 10_000:  # noqa: PLR2004
            raise BadJobError(
                f"The parameter {name} is neither a number, a text, nor yes or no, or it is too long."
            )


def _environment(lock: str, *, is_here: bool) -> str:
    """The hash of a lock file; its environment is built where the job runs."""
    if not lock:
        return ""
    return environments.want(lock) if is_here else environments.keep(lock)


def _checked(limits: Limits, executor: str, *, is_here: bool) -> Limits:
    """The limits, when this node allows them in that place; another node says itself what it allows."""
    node = settings.current()
    is_slurm = executor == "slurm"
    most = {
        "cores": node.slurm_cores if is_slurm else node.compute_cores,
        "memory_bytes": node.slurm_memory_bytes if is_slurm else node.compute_memory_bytes,
        "duration_s": node.slurm_duration_s if is_slurm else node.compute_duration_s,
        "disk_bytes": node.compute_disk_bytes,
        "file_count": _MOST_FILES,
    }
    least = {"memory_bytes": _LEAST_MEMORY_BYTES}
    for one in fields(limits):
        value = getattr(limits, one.name)
        highest = most.get(one.name, value) if is_here else _MOST_ELSEWHERE
        if one.name in most and not least.get(one.name, 1) <= value <= highest:
            raise BadJobError(
                f"The limit {one.name} = {value} is outside of what this node allows"
                f" ({least.get(one.name, 1)} to {highest})."
            )
    return replace(limits, process_count=Limits().process_count, log_bytes=node.compute_log_bytes)


def _read(actor: Actor, place: str, use: str) -> _Read:
    """A frozen version by ``PROJECT/DATASET[@VERSION][/FOLDER]``."""
    parts = place.split("/", 2)
    if len(parts) < 2 or (use == "in" and len(parts) > 2):  # noqa: PLR2004 - project, dataset, folder
        raise BadJobError(f"{place[:200]!r} is not PROJECT/DATASET or PROJECT/DATASET@VERSION.")
    name, _at, number = parts[1].partition("@")
    folder = check_path(parts[2].strip("/")) if len(parts) > 2 and parts[2].strip("/") else ""  # noqa: PLR2004
    card = datasets.get_dataset(actor, parts[0], name)
    policy.require(actor, "dataset.read", card.resource)
    if number and not (number.isdigit() and len(number) < 10):  # noqa: PLR2004 - the column's size
        raise BadJobError(f"{number[:20]!r} is no version.")
    wanted = int(number) if number else card.last_version
    if wanted < 1:
        raise NotFrozenError(
            f"{card.slug} has no frozen version; a run uses frozen versions, so that it can be repeated."
        )
    return _Read(card, datasets.get_version(card, wanted), folder, use)


def _output(
    actor: Actor, project: str, name: str, reads: Sequence[_Read], *, never: Sequence[_Read]
) -> datasets.DatasetCard:
    """The dataset that the outputs go to, made when it is not there; none of ``never``."""
    try:
        card = datasets.get_dataset(actor, project, name)
    except NotFoundError:
        with contextlib.suppress(datasets.NameTakenError):  # two jobs were asked for at once
            datasets.create_dataset(actor, project, name)
        card = datasets.get_dataset(actor, project, name)
    for action in ("dataset.push", "dataset.write", "dataset.freeze"):
        policy.require(actor, action, card.resource)
    if card.id in {one.card.id for one in never}:
        raise OutputTakenError("A run cannot write into a dataset that it reads.")
    if (card.file_count or card.has_frozen) and not Job.objects.filter(output_id=card.id).exists():
        raise OutputTakenError
    if any(one.card.key_domain for one in reads) and not card.key_domain:
        raise OutputNotSealedError
    return card


def _check_sealed(
    output: datasets.DatasetCard, reads: Sequence[_Read], executor: str, limits: Limits
) -> None:
    """What goes into a sealed dataset is kept in memory while the run goes on: there must be room."""
    if not output.key_domain:
        return
    if executor == "dask" or (executor == "slurm" and not settings.current().slurm_folder_in_memory):
        raise BadJobError(
            "An input or the output is sealed, and on that cluster it would lie plain on a disk.",
            remedy="Run it on this node; or, for Slurm, its administrator puts the shared folder into memory"
            " and says so (slurm_folder_in_memory).",
        )
    byte_count = sum(one.version.byte_count for one in reads)
    if byte_count > limits.memory_bytes:
        raise BadJobError(
            f"Sealed inputs stay in memory while a run goes on, and these ({byte_count:,} bytes) are larger than"
            f" the run's memory limit ({limits.memory_bytes:,}).",
            remedy="Ask for more memory.",
        )
    if executor in {"sandbox", places.SERVING} and (why := folders.memory_problem(byte_count)):
        raise NoExecutorError(f"Sealed inputs stay in memory while a run goes on: {why}")


def _start_run(
    actor: Actor,
    order: Order,
    output: datasets.DatasetCard,
    reads: Sequence[_Read],
    *,
    wanted: Wanted,
    environment_hash: str,
    site: partners.SiteCard | None,
) -> None:
    links = [runs.Link("out", "dataset", output.id, output.slug)]
    for one in reads:
        name = f"{one.card.slug}@{one.version.number}"
        links += [
            runs.Link("in", "dataset", one.card.id, one.card.slug),
            runs.Link("in", "version", one.version.version_hash, name),
        ]
    basis = [policy.decide(actor, "dataset.read", one.card.resource).basis for one in reads]
    runs.start(
        actor,
        "compute",
        run_id=order.run,
        dataset_id=output.id,
        parameters={
            "command": list(order.command),
            "parameters": dict(order.parameters),
            "limits": asdict(order.limits),
            "executor": wanted.executor,
            "basis": sorted(set(basis)),
            **({"environment": environment_hash} if environment_hash else {}),
            **({"title": wanted.title} if wanted.title else {}),
            **({"workflow": dict(wanted.workflow)} if wanted.workflow else {}),
            **(
                {"site": {"title": site.title, "address": site.address, "country": site.country}}
                if site
                else {}
            ),
        },
        links=links,
    )
