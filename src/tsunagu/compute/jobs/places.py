"""Which places this node's settings name, and what runs jobs there."""

from __future__ import annotations

from tsunagu.compute.jobs.errors import BadJobError, NoExecutorError
from tsunagu.compute.jobs.executors import Executor, Sandbox
from tsunagu.compute.jobs.slurm import Slurm
from tsunagu.compute.partners import api as partners
from tsunagu.compute.runner import api as runner
from tsunagu.core import settings

# What no site may be called.
RESERVED = ("sandbox", "slurm", "dask", "here", "local", "notebooks")
# Where servers for people run: beside the jobs, so that one that stays open all day keeps no job waiting.
SERVING = "notebooks"
# Where runs of other nodes may go: what does not end a running wrapper when it is told to is none of these.
LENDABLE = ("sandbox",)


def offered() -> tuple[str, ...]:
    """The places where this node runs jobs, the default first."""
    node = settings.current()
    named = {"sandbox": True, "dask": bool(node.dask_scheduler), "slurm": bool(node.slurm_folder)}
    return tuple(name for name, is_there in named.items() if is_there)


def configured() -> dict[str, Executor]:
    """What runs jobs at each of them; Dask's program is loaded where it is used alone."""
    node = settings.current()
    found: dict[str, Executor] = {"sandbox": Sandbox(node.compute_slots)}
    if node.notebook_slots:
        found[SERVING] = Sandbox(node.notebook_slots, keeps_spare=False)
    if node.dask_scheduler:
        from tsunagu.compute.jobs.dask_cluster import DaskCluster

        found["dask"] = DaskCluster(node.dask_slots)
    if node.slurm_folder:
        found["slurm"] = Slurm(node)
    return found


def slurm_problem() -> str:
    """Why jobs cannot be handed to the cluster that the settings name; empty when they can be."""
    return Slurm(settings.current()).problem()


def require(name: str, *, serves: bool = False) -> partners.SiteCard | None:
    """Go on only with a place that there is and, where that is known at once, that works; the site, where it is one.

    Raises:
        BadJobError: there is none of that name.
        NoExecutorError: it does not work.
    """
    if serves and not settings.current().notebook_slots:
        raise NoExecutorError(
            "This node opens no notebooks.",
            remedy="Have its administrator set notebook_slots to how many may be open at the same time.",
        )
    if not serves and name not in offered():
        sites = {site.name: site for site in partners.open_sites()}
        if name in sites:
            return sites[name]
        raise BadJobError(
            f"There is no place named {name[:40]!r} to run jobs.",
            remedy=f"Use one of: {', '.join((*offered(), *sites))}.",
        )
    if (serves or name == "sandbox") and (why := runner.problem()):
        raise NoExecutorError(
            f"This node cannot wall jobs in, so it runs none: {why}",
            remedy="Have its administrator install bubblewrap and allow user namespaces; tsunagu check says more.",
        )
    return None
