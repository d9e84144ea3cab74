"""What projects may use: an allocation, reserved when a job is asked for, settled with what it used."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from tsunagu.compute.jobs.errors import BudgetExceededError
from tsunagu.compute.jobs.models import Allocation, Job
from tsunagu.compute.jobs.types import OPEN, Amounts, Budget
from tsunagu.compute.runner.api import Limits
from tsunagu.core import clock, settings
from tsunagu.core.errors import InvalidInputError
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.policy import api as policy

_MOST = 10.0**15


def budget(actor: Actor, project: str) -> Budget:
    """What a project may use and has used.

    Raises:
        NotFoundError: there is no such project for this actor.
    """
    return _budget(datasets.get_project(actor, project).id)


@transaction.atomic
def allocate(actor: Actor, project: str, *, cpu_s: float, memory_gb_h: float, output_bytes: int) -> Budget:
    """Give a project an allocation in place of the one it had.

    Raises:
        ActionDeniedError: the actor does not administer the node.
        NotFoundError: there is no such project.
        InvalidInputError: an amount cannot be.
    """
    policy.require(actor, "node.admin", policy.NODE)
    if not all(0 <= amount <= _MOST for amount in (cpu_s, memory_gb_h, output_bytes)):
        raise InvalidInputError("An amount of an allocation is negative or too large.")
    card = datasets.any_project(project)
    given = {"cpu_s": cpu_s, "memory_gb_h": memory_gb_h, "output_bytes": output_bytes}
    Allocation.objects.update_or_create(
        project_id=card.id, defaults={**given, "given_by": actor.id, "given_at": clock.now()}
    )
    ledger.append("allocation", {"project": card.id, **given, "by": actor.id})
    return _budget(card.id)


def reserve(project_id: str, limits: Limits) -> Amounts:
    """What a job with these limits reserves; call it in the transaction that makes the job.

    Raises:
        BudgetExceededError: with what is left in words.
    """
    _locked(project_id)
    left = _budget(project_id).left
    asked = Amounts(float(limits.cpu_s), limits.memory_gb_h, limits.disk_bytes)
    short = []
    if asked.cpu_s > left.cpu_s:
        amounts = {"asked": f"{asked.cpu_s:,.0f}", "left": f"{left.cpu_s:,.0f}"}
        short.append(_("CPU time: %(asked)s s asked for, %(left)s s left") % amounts)
    if asked.memory_gb_h > left.memory_gb_h:
        amounts = {"asked": f"{asked.memory_gb_h:,.2f}", "left": f"{left.memory_gb_h:,.2f}"}
        short.append(_("memory: %(asked)s GB h asked for, %(left)s GB h left") % amounts)
    if asked.output_bytes > left.output_bytes:
        amounts = {"asked": f"{asked.output_bytes / 1e9:,.2f}", "left": f"{left.output_bytes / 1e9:,.2f}"}
        short.append(_("outputs: %(asked)s GB asked for, %(left)s GB left") % amounts)
    if short:
        raise BudgetExceededError(
            _("The project's allocation is not enough for this run (%(short)s).")
            % {"short": "; ".join(short)}
        )
    return asked


def _locked(project_id: str) -> None:
    """Two jobs that are asked for at once must not both take the rest: the project's row is the lock."""
    made, _is_new = Allocation.objects.get_or_create(project_id=project_id, defaults=_default_row())
    Allocation.objects.select_for_update().get(pk=made.pk)


def _default_row() -> dict[str, object]:
    node = settings.current()
    return {
        "cpu_s": node.compute_budget_cpu_s,
        "memory_gb_h": node.compute_budget_memory_gb_h,
        "output_bytes": node.compute_budget_output_bytes,
        "given_at": clock.now(),
    }


def _budget(project_id: str) -> Budget:
    node = settings.current()
    row = Allocation.objects.filter(project_id=project_id).exclude(given_by="").first()
    allocation = (
        Amounts(row.cpu_s, row.memory_gb_h, row.output_bytes)
        if row
        else Amounts(
            node.compute_budget_cpu_s, node.compute_budget_memory_gb_h, node.compute_budget_output_bytes
        )
    )
    mine = Job.objects.filter(project_id=project_id)
    return Budget(allocation, _sum(mine.exclude(state__in=OPEN)), _sum(mine.filter(state__in=OPEN)))


def _sum(jobs: object) -> Amounts:
    found = jobs.aggregate(c=Sum("cpu_s"), m=Sum("memory_gb_h"), o=Sum("output_bytes"))  # type: ignore[attr-defined]
    return Amounts(found["c"] or 0.0, found["m"] or 0.0, found["o"] or 0)
