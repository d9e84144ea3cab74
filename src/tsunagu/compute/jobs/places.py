"""Which places this node's settings name, and what runs jobs there."""

from __future__ import annotations

from tsunagu.compute.jobs.errors import BadJobError, NoExecutorError
from tsunagu.compute.jobs.executors import Executor, Sandbox
from tsunagu.compute.jobs.slurm import Slurm
from tsunagu.compute.runner import api as runner
from tsunagu.core import settings


def names() -> tuple[str, ...]:
    """The places that this node's settings name."""
    node = settings.current()
    return ("sandbox", *(("slurm",) if node.slurm_folder else ()))


def configured() -> dict[str, Executor]:
    """Place -> what runs jobs there, by the settings."""
    found: dict[str, Executor] = {"sandbox": Sandbox(settings.current().compute_slots)}
    if settings.current().slurm_folder:
        found["slurm"] = Slurm(settings.current())
    return found


def slurm_problem() -> str:
    """Why jobs cannot be handed to the cluster that the settings name; empty when they can be."""
    return Slurm(settings.current()).problem()


def require(name: str) -> None:
    """Go on only with an executor that exists and, where that is known at once, works.

    Raises:
        BadJobError: there is none of that name.
        NoExecutorError: it does not work.
    """
    if name not in names():
        raise BadJobError(
            f"There is no place named {name[:40]!r} to run jobs.", remedy=f"Use one of: {', '.join(names())}."
        )
    if name == "sandbox" and (why := runner.problem()):
        raise NoExecutorError(
            f"This node cannot wall jobs in, so it runs none: {why}",
            remedy="Have its administrator install bubblewrap and allow user namespaces; tsunagu check says more.",
        )
