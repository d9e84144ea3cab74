"""Which places this node's settings name, and what runs jobs there."""

from __future__ import annotations

from tsunagu.compute.jobs.errors import BadJobError, NoExecutorError
from tsunagu.compute.jobs.executors import Executor, Sandbox
from tsunagu.compute.jobs.slurm import Slurm
from tsunagu.compute.runner import api as runner
from tsunagu.core import settings


def offered() -> tuple[str, ...]:
    """The places where this node runs jobs, the default first."""
    node = settings.current()
    named = {"sandbox": True, "dask": bool(node.dask_scheduler), "slurm": bool(node.slurm_folder)}
    return tuple(name for name, is_there in named.items() if is_there)


def configured() -> dict[str, Executor]:
    """What runs jobs at each of them; Dask's program is loaded where it is used alone."""
    node = settings.current()
    found: dict[str, Executor] = {"sandbox": Sandbox(node.compute_slots)}
    if node.dask_scheduler:
        from tsunagu.compute.jobs.dask_cluster import DaskCluster

        found["dask"] = DaskCluster(node.dask_slots)
    if node.slurm_folder:
        found["slurm"] = Slurm(node)
    return found


def slurm_problem() -> str:
    """Why jobs cannot be handed to the cluster that the settings name; empty when they can be."""
    return Slurm(settings.current()).problem()


def require(name: str) -> None:
    """Go on only with a place that this node has and, where that is known at once, that works.

    Raises:
        BadJobError: there is none of that name.
        NoExecutorError: it does not work.
    """
    if name not in offered():
        raise BadJobError(
            f"There is no place named {name[:40]!r} to run jobs.",
            remedy=f"Use one of: {', '.join(offered())}.",
        )
    if name == "sandbox" and (why := runner.problem()):
        raise NoExecutorError(
            f"This node cannot wall jobs in, so it runs none: {why}",
            remedy="Have its administrator install bubblewrap and allow user namespaces; tsunagu check says more.",
        )
