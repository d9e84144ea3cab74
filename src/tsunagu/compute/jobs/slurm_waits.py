"""Why Slurm has not begun a job: its listing of jobs, read line by line, and its many reasons in few groups."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from tsunagu.compute.jobs.executors import Wait

FORMAT = "%i|%T|%S|%r"  # the reason last: an administrator may write one, with bars
_NUMBER = re.compile(r"\d+(_\d+)?", re.ASCII)
_NO_REASON = frozenset({"", "None", "(null)", "N/A"})
_MOST_SAID = 200
# States in which the batch script does not run: it never did, or it was taken from its machines and would start again.
_GETS_READY = frozenset({"CONFIGURING", "POWER_UP_NODE"})
WAITING = _GETS_READY | {
    "LAUNCH_FAILED", "PENDING", "RECONFIG_FAIL", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD",
    "SPECIAL_EXIT",
}  # fmt: skip
# The first that fits counts. Names as Slurm 22.05 has them; later ones go by the same beginnings.
_GROUPS = tuple(
    (re.compile(pattern), code)
    for code, pattern in (
        ("dependency_never", r"DependencyNeverSatisfied"),
        ("dependency", r"Dependency"),
        # No end of another job helps against these: it asks for more than one job may, or for what there is not.
        ("refused", r"(QOS|Assoc)Max\w*(PerJob|PerNode)|(QOS|Assoc)MaxWallDuration|QOSMin|MaxMemPerLimit"),
        ("refused", r"(QOS|Association)TimeLimit|Partition(Node|Time)Limit|PartitionConfig|BadConstraints"),
        (
            "refused",
            r"InvalidAccount|InvalidQOS|\w+NotAllowed|ReservationDeleted|RESV_DEL|DeadLine|AccountingPolicy",
        ),
        ("limit", r"QOS|Assoc|Max\w+PerAccount|JobArrayTaskLimit"),
        ("turn", r"Priority"),
        ("held_user", r"JobHeldUser"),
        ("held_admin", r"JobHeld|JobHoldMaxRequeue|.*requeued[ _]held|.*held[ _]state|.*special[ _]exit"),
        ("down", r"ReqNodeNotAvail|Nodes[ _]required[ _]for[ _]job|Partition(Down|Inactive)"),
        ("down", r"NodeDown|FrontEndDown|Power(NotAvail|Reserved)"),
        ("begin", r"BeginTime"),
        ("licenses", r"Licenses"),
        ("reservation", r"Reservation"),
        ("machines", r"Resources|BurstBufferResources"),
        ("readying", r"Cleaning|Prolog|BurstBuffer"),
    )
)


@dataclass(frozen=True, slots=True)
class Row:
    """A job as squeue lists it; ``begins_at`` is aware, where Slurm has planned it or it has begun."""

    state: str
    reason: str
    begins_at: dt.datetime | None

    def wait(self, asked_at: dt.datetime) -> Wait | None:
        """Why it has not begun at this moment; None: it has, or is over."""
        if self.state not in WAITING:
            return None
        # A plan that has passed says nothing any more.
        begins_at = self.begins_at if self.begins_at and self.begins_at > asked_at else None
        said = self.reason or ("" if self.state == "PENDING" else self.state)
        code = "readying" if self.state in _GETS_READY else group_of(self.reason or self.state)
        return Wait(code, {"place": "Slurm", "said": said}, begins_at, asked_at)


def rows_of(said: str) -> dict[str, Row]:
    """What squeue printed in ``FORMAT``, its times in UTC: number of a job, or of one of an array -> row.

    A line that is none, as of a reason with a line break, is passed over; a job is known by its number and state alone.
    """
    found = {}
    for line in said.split("\n"):
        number, state, begins, reason = (*(part.strip() for part in line.split("|", 3)), "", "", "")[:4]
        if _NUMBER.fullmatch(number) and state:
            found[number] = Row(state, _plain(reason), _moment(begins))
    return found


def group_of(reason: str) -> str:
    """The group of a reason, a code of ``reasons.WAITS``; ``other`` where it is not known."""
    if reason in {*_NO_REASON, "PENDING"}:
        return "unseen"
    return next((code for pattern, code in _GROUPS if pattern.match(reason)), "other")


def _plain(reason: str) -> str:
    shown = "".join(sign for sign in reason if sign.isprintable())[:_MOST_SAID].strip()
    return "" if shown in _NO_REASON else shown


def _moment(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=dt.UTC)
    except ValueError:  # N/A, Unknown
        return None
