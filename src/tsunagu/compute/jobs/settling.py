"""How a job ends: by its one signed result, or without one; its run ends with it and its budget is settled."""

from __future__ import annotations

import contextlib
from typing import Any

from django.db import transaction
from django.utils import translation

from tsunagu.compute.jobs.leaving import require_may_leave
from tsunagu.compute.jobs.models import Job
from tsunagu.compute.jobs.reasons import SENTENCES, sentence
from tsunagu.compute.jobs.types import State
from tsunagu.compute.partners import api as partners
from tsunagu.compute.runner.api import Result
from tsunagu.core import clock
from tsunagu.core.errors import CapabilityRefusedError, TsunaguError
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_OUTCOMES = {
    State.SUCCEEDED: runs.Outcome.OK,
    State.FAILED: runs.Outcome.FAILED,
    State.CANCELLED: runs.Outcome.ABORTED,
}
_REMOVE_AT_ONCE = 5000
_OUTPUTS_KEPT = 1000  # beside the run; all of them are in the version


class _ChangedError(Exception):
    """The draft does not hold what the result says."""


def actor_of(job: Job) -> Actor:
    """Who asked for a job, with what the account and the token let through now.

    Raises:
        CapabilityRefusedError: the account or the token was closed.
    """
    kind: Any = job.actor_kind
    actor = identity.actor_of_record(kind, job.actor_id, job.actor_name, job.token_id)
    if not identity.is_active(actor):
        raise CapabilityRefusedError("The account or access token behind this run was closed.")
    return actor


def require_rights(job: Job) -> Actor:
    """Who asked for a job, if it may still be done: run there, and read everything that it reads.

    Asked when the order goes out, when outputs begin to arrive and when they become a version.

    Raises:
        CapabilityRefusedError: the account or the token was closed.
        NotFoundError, ActionDeniedError: a right was taken away.
    """
    actor = actor_of(job)
    policy.require(actor, "compute.run", policy.Resource("project", job.project_id))
    site = partners.find_site(job.executor)
    for one in job.inputs.all():
        card = datasets.get_dataset_by_id(actor, one.dataset_id)
        policy.require(actor, "dataset.read", card.resource)
        if site is not None:
            require_may_leave(actor, card, site)
    return actor


def require_still(run_id: str) -> None:
    """Go on only while what a job reads and where it runs is still its asker's to use.

    Raises:
        TsunaguError: as for ``require_rights``.
    """
    require_rights(Job.objects.get(pk=run_id))


def settle(job: Job, result: Result, signature: str) -> None:
    """End a job by its signed result; call it in a transaction that holds the job's row."""
    job.result = {
        **result.as_json(),
        "outputs": list(result.outputs[:_OUTPUTS_KEPT]),
        "output_count": len(result.outputs),
    }
    job.signature = signature
    code, facts = result.code, dict(result.facts)
    if code == "stopped" and job.is_cancelled:  # it was ended before it heard why
        code = "cancelled"
    if code not in SENTENCES:
        code, facts = "machine_failed", {"why": code[:40]}
    if code == "ok":
        try:
            with transaction.atomic():
                job.version = _publish(job, result)
        except _ChangedError:
            code = "output_changed"
        except TsunaguError as error:
            code, facts = "refused", {"why": error.message, "error": error.code}
    if code == "stopped" and job.is_cancelled:  # the place ended it before it heard why
        code = "cancelled"
    state = {"ok": State.SUCCEEDED, "cancelled": State.CANCELLED}.get(code, State.FAILED)
    used = {
        "cpu_s": result.cpu_s,
        "memory_gb_h": result.peak_memory_bytes / 1e9 * result.duration_s / 3600,
        "output_bytes": result.output_bytes if state is State.SUCCEEDED else 0,
    }
    close(job, state, code, facts, used=used)


def close(
    job: Job,
    state: State,
    code: str,
    facts: dict[str, Any] | None = None,
    *,
    used: dict[str, float] | None = None,
) -> None:
    """End a job and its run; without ``used`` nothing is charged."""
    job.state, job.code, job.facts = state, code, facts or {}
    job.is_delivering, job.ended_at, job.waiting = False, clock.now(), {}
    for name in ("cpu_s", "memory_gb_h", "output_bytes"):
        setattr(job, name, (used or {}).get(name, 0))
    job.save()
    _end_push(job)
    links = []
    if job.version is not None:
        card = datasets.get_dataset_by_id(identity.SYSTEM, job.output_id)
        version = datasets.get_version(card, job.version)
        links = [runs.Link("out", "version", version.version_hash, f"{card.slug}@{job.version}")]
    measured = {
        name: job.result[name]
        for name in ("exit_code", "signal", "cpu_s", "peak_memory_bytes", "duration_s", "input_bytes")
        if name in job.result
    }
    held = {"in_force": job.result["in_force"], "host": job.result["host"]} if job.result else {}
    with translation.override("en"):  # the record is in one language, whoever asked last
        reason = "" if code == "ok" else sentence(code, job.facts)
    runs.finish(
        job.run_id,
        _OUTCOMES[state],
        reason=reason,
        links=links,
        parameters={"code": code, **measured, **held},
    )


def _publish(job: Job, result: Result) -> int | None:
    """Make exactly the reported outputs a version; its number, None where there are none."""
    if not result.outputs:
        return None
    actor = require_rights(job)
    card = datasets.get_dataset_by_id(actor, job.output_id)
    wanted = {path: (size, bytes.fromhex(sha256)) for path, size, sha256 in result.outputs}
    held = {file.path: (file.byte_count, file.sha256) for file in datasets.all_files(card, card.draft_number)}
    if any(held.get(path) != content for path, content in wanted.items()):
        raise _ChangedError
    earlier = sorted(held.keys() - wanted.keys())
    for start in range(0, len(earlier), _REMOVE_AT_ONCE):
        datasets.remove_files(actor, card.id, earlier[start : start + _REMOVE_AT_ONCE])
    try:
        return datasets.freeze_version(actor, card.id, note=f"run {job.run_id}").number
    except datasets.NothingToFreezeError:
        return card.last_version  # the same outputs as before, byte for byte


def _end_push(job: Job) -> None:
    """A push that a job left open must not stay open for a week."""
    if job.push_run_id:
        actor = Actor("person", job.actor_id, job.actor_name)
        with contextlib.suppress(TsunaguError):
            capture.finish_push(actor, job.push_run_id, outcome="aborted", reason="The run ended.")
