"""The checks: from a plan's row and the facts of what lies here to green, due or broken. Pure; the words are data.

Unknown is due, never green. Each function yields at most one finding; nothing means that it does not apply.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tsunagu.data.plans.types import ACCESS_ORDER, Found, PlannedDataset

_PERSONAL_FROM = 3  # level of the label ``personal``: pseudonymised and stricter
_ANONYMISED = 2
_SOON = dt.timedelta(days=60)


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """What is known of a dataset here.

    Attributes:
        access: In force now; an embargo counts as closed.
        after: What it becomes when its embargo ends.
        opens_on: When that is; None where there is no embargo.
        formats: For each kind of file its names: ending, media type, reader; in lower case.
        personal: Level of the label; 0 is undecided.
    """

    name: str
    access: str
    after: str
    opens_on: dt.date | None = None
    byte_count: int = 0
    file_count: int = 0
    formats: tuple[frozenset[str], ...] = ()
    licence: str = ""
    personal: int = 0


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What is known of the plan as a whole."""

    today: dt.date
    modified_on: dt.date | None
    ends_on: dt.date | None
    contact: str
    contact_state: str
    host: str
    has_data: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule looks at; ``dataset`` is None for a planned row that nothing here belongs to."""

    plan: PlanFacts
    settings: Mapping[str, float] = field(default_factory=dict)
    row: PlannedDataset | None = None
    dataset: DatasetFacts | None = None
    row_bytes: int = 0


def planned_access(row: PlannedDataset, on: dt.date) -> str:
    """What the plan allows on a day: closed until its date."""
    if not row.access:
        return ""
    return "closed" if row.opens_on and row.opens_on > on else row.access


def volume(case: Case) -> Found | None:
    """Bytes of all datasets of a row against the planned ones."""
    if case.row is None:
        return None
    if case.row.byte_count is None:
        return Found("due", "unknown")
    said = {"have": case.row_bytes, "planned": case.row.byte_count}
    share = case.row_bytes / case.row.byte_count if case.row.byte_count else float(case.row_bytes > 0) * 1e9
    if share > case.settings["broken_over"]:
        return Found("broken", "over", said)
    return Found("due", "near", said) if share > case.settings["due_over"] else Found("green", "ok", said)


def formats(case: Case) -> Found | None:
    """Files against the planned media types, endings or readers."""
    if case.row is None or case.dataset is None or not case.dataset.formats:
        return None
    if not case.row.formats:
        return Found("due", "unknown")
    wanted = {name.lstrip(".") for name in case.row.formats}
    others = [names for names in case.dataset.formats if not names & wanted]
    if others:
        return Found("due", "other", {"formats": ", ".join(sorted({min(names) for names in others})[:8])})
    return Found("green", "ok")


def access(case: Case) -> Found | None:
    """Nobody sees more than the plan says, now and when an embargo here ends."""
    row, dataset, today = case.row, case.dataset, case.plan.today
    if row is None or dataset is None:
        return None
    if not row.access:
        return Found("due", "unknown")
    said = {"have": dataset.access, "planned": planned_access(row, today)}
    if ACCESS_ORDER[dataset.access] > ACCESS_ORDER[said["planned"]]:
        return Found("broken", "wider", said, row.opens_on if row.opens_on and row.opens_on > today else None)
    if dataset.opens_on and ACCESS_ORDER[dataset.after] > ACCESS_ORDER[planned_access(row, dataset.opens_on)]:
        said = {"have": dataset.after, "planned": planned_access(row, dataset.opens_on)}
        return Found("due", "will_be_wider", said, dataset.opens_on)
    return Found("green", "ok", said)


def publication(case: Case) -> Found | None:
    """What the plan promised for a date is open on that date."""
    row, dataset, today = case.row, case.dataset, case.plan.today
    if row is None or row.access not in {"open", "shared"} or row.opens_on is None:
        return None
    said = {"day": row.opens_on.isoformat()}
    if dataset is not None and ACCESS_ORDER[dataset.access] >= ACCESS_ORDER[row.access]:
        return Found("green", "ok", said)
    if today >= row.opens_on + dt.timedelta(days=case.settings["grace_days"]):
        return Found("broken", "overdue", said, row.opens_on)
    if today >= row.opens_on - _SOON:
        if dataset is not None and dataset.opens_on and dataset.opens_on <= row.opens_on:
            return Found("green", "ok", said)  # it opens by itself
        return Found("due", "due", said, row.opens_on)
    return Found("green", "later", said, row.opens_on)


def personal(case: Case) -> Found | None:
    """The plan's word on personal data against the labels and who may see it."""
    row, dataset = case.row, case.dataset
    if row is None or dataset is None:
        return None
    if dataset.personal >= _PERSONAL_FROM and row.personal == "no":
        return Found("broken", "not_planned")
    if dataset.access != "closed" and (code := _shown_wrongly(row, dataset)):
        return Found("due" if code == "differs" else "broken", code, {"have": dataset.access})
    if row.personal == "unknown":
        return Found("due", "unknown")
    return Found("due", "label") if row.personal == "yes" and dataset.personal == 0 else Found("green", "ok")


def _shown_wrongly(row: PlannedDataset, dataset: DatasetFacts) -> str:
    """Why nobody beyond the members should see this dataset; empty where nothing speaks against it."""
    if dataset.personal >= _PERSONAL_FROM:
        return "seen"
    if row.personal == "yes" and dataset.personal < _ANONYMISED:
        # The plan says yes: nothing on the label, or a plain "no", needs a person's word on how.
        return "unlabelled" if dataset.personal == 0 else "differs"
    return ""


def licence(case: Case) -> Found | None:
    """Open data need a licence in their own description, not in the plan alone."""
    row, dataset = case.row, case.dataset
    if dataset is not None and dataset.access == "open":
        return Found("green", "ok") if dataset.licence else Found("broken", "missing")
    if row is not None and row.access == "open" and not row.licence and not (dataset and dataset.licence):
        return Found("due", "planned")
    return None


def retention(case: Case) -> Found | None:
    """How long the data are kept is written down, and the end is decided on in time."""
    if case.row is None:
        return None
    if not case.row.keeps:
        return Found("due", "missing")
    until = case.row.keep_until
    if until and until - dt.timedelta(days=case.settings["ask_before_days"]) <= case.plan.today:
        return Found("due", "ends", {"day": until.isoformat()}, until)
    return Found("green", "ok")


def storage(case: Case) -> Found | None:
    """The data lie where the plan says."""
    if case.row is None or case.dataset is None:
        return None
    if not any(case.row.hosts):
        return Found("due", "unknown")
    planned = sorted({urlsplit(host).hostname or host for host in case.row.hosts if host})
    if case.plan.host in planned:
        return Found("green", "ok")
    return Found("due", "elsewhere", {"have": case.plan.host, "planned": ", ".join(planned)})


def in_plan(case: Case) -> Found | None:
    """Every dataset belongs to a row of the plan."""
    if case.dataset is None:
        return None
    if case.row is not None:
        return Found("green", "ok")
    is_over = case.plan.ends_on is not None and case.plan.ends_on < case.plan.today
    return Found("broken" if is_over else "due", "over" if is_over else "missing")


def contact(case: Case) -> Found | None:
    """The plan's contact has an account here that works."""
    if case.row is not None or case.dataset is not None:
        return None
    state, said = case.plan.contact_state, {"contact": case.plan.contact}
    if state == "active":
        return Found("green", "ok", said)
    return Found("broken", "closed", said) if state == "closed" else Found("due", "unknown", said)


def alive(case: Case) -> Found | None:
    """The plan was looked at within the year."""
    if case.row is not None or case.dataset is not None:
        return None
    changed = case.plan.modified_on
    if changed is None:
        return Found("due", "old", {"day": "-"})
    days = (case.plan.today - changed).days
    said, due_on = {"day": changed.isoformat()}, changed + dt.timedelta(days=int(case.settings["due_days"]))
    if days > case.settings["broken_days"] and case.plan.has_data:
        return Found("broken", "old", said, due_on)
    return (
        Found("due", "old", said, due_on)
        if days > case.settings["due_days"]
        else Found("green", "ok", said, due_on)
    )


RULES: Mapping[str, Callable[[Case], Found | None]] = {
    "plan.volume": volume,
    "plan.formats": formats,
    "plan.access": access,
    "plan.publication": publication,
    "plan.personal": personal,
    "plan.licence": licence,
    "plan.retention": retention,
    "plan.storage": storage,
    "plan.dataset": in_plan,
    "plan.contact": contact,
    "plan.alive": alive,
}
# One answer for a row and all its datasets, rather than one for each of them.
OF_ROWS = frozenset({"plan.volume", "plan.retention"})
