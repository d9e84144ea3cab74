"""A check of a project: facts in, findings and a run out, and holds for what is broken and must not happen."""

from __future__ import annotations

import datetime as dt
import mimetypes
import zoneinfo
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from tsunagu.core import clock, settings
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard, ProjectCard
from tsunagu.data.description import api as description
from tsunagu.data.keeping import api as keeping
from tsunagu.data.plans import madmp, packs, selectors
from tsunagu.data.plans.errors import NoPlanError
from tsunagu.data.plans.models import PlanFinding
from tsunagu.data.plans.rules import OF_ROWS, RULES, Case, DatasetFacts, PlanFacts
from tsunagu.data.plans.types import Check, Found, PlanCard, PlannedDataset
from tsunagu.data.plans.wording import in_words
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

SOURCE = "plans"
_FILES_LOOKED_AT = 2000
_REASONS_KEPT = 50
_HELD = {"freeze": "freeze", "share": "shared", "open": "open"}


@dataclass(frozen=True, slots=True)
class _Result:
    check: Check
    found: Found
    place: str
    dataset_id: str = ""


def check(actor: Actor, project: ProjectCard, *, why: str = "asked") -> str:
    """Check a project's plan against what lies here, as a run; the findings replace those of the last check.

    Looks at the first 2,000 files of a dataset for their formats, so it costs no more for a million.

    Args:
        actor: Who asks; the node itself at night.
        project: Which project.
        why: ``asked``, ``nightly``, ``freeze``, ``share``, ``publish`` or ``plan``.

    Returns:
        The id of the run.

    Raises:
        NotFoundError: the actor may not see the project.
        NoPlanError: it has no plan.
    """
    policy.require(actor, "project.read", project.resource)
    plan = selectors.find_plan(project.id)
    if plan is None:
        raise NoPlanError
    # The node itself looks: what is broken is so whoever asks, and its holds bind everybody.
    cards = list(selectors.every_dataset(SYSTEM, project))
    seen = _Seen(project, plan, cards)
    results = list(seen.results())
    with transaction.atomic():
        run_id = runs.start(
            actor,
            "plan_check",
            parameters={"why": why, "plan": plan.number, "checks": sorted(RULES)},
            links=[
                runs.Link("in", "project", project.id, project.name),
                runs.Link("in", "plan", f"{project.id}/{plan.number}", f"v{plan.number}"),
            ],
        )
        _keep(project, results, run_id)
        policy.place_holds(SOURCE, project.id, seen.holds())
        seen.promise()
        states = [result.found.state for result in results]
        counts = {state: states.count(state) for state in ("broken", "due", "green")}
        told = [f"{r.place}: {r.check.id} {r.found.code}" for r in results if r.found.state == "broken"]
        runs.finish(run_id, runs.Outcome.OK, reason="; ".join(told[:_REASONS_KEPT]), parameters=counts)
    return run_id


def _keep(project: ProjectCard, results: list[_Result], run_id: str) -> None:
    PlanFinding.objects.filter(project_id=project.id).delete()
    now = clock.now()
    PlanFinding.objects.bulk_create(
        PlanFinding(
            project_id=project.id,
            dataset_id=one.dataset_id,
            place=one.place[:300],
            check_id=one.check.id,
            state=one.found.state,
            code=one.found.code,
            said=dict(one.found.said),
            due_on=one.found.due_on.isoformat() if one.found.due_on else "",
            run_id=run_id,
            checked_at=now,
        )
        for one in results
    )


class _Seen:
    """The facts of one check, gathered once."""

    def __init__(self, project: ProjectCard, plan: PlanCard, cards: list[DatasetCard]) -> None:
        self.project, self.cards = project, cards
        self.checks = [one for one in packs.checks() if one.id in RULES]
        self.rows = madmp.planned(plan.body)
        self.plan = _plan_facts(plan, has_data=any(card.file_count for card in cards))
        labels = policy.labels_of([card.id for card in cards])
        self.facts = {card.id: _facts(card, labels.get(card.id, policy.Labels())) for card in cards}
        self.row_of = {card.id: madmp.row_for(self.rows, card.name) for card in cards}
        self.bytes_of: dict[int, int] = defaultdict(int)
        for card in cards:
            if (row := self.row_of[card.id]) is not None:
                self.bytes_of[row.number] += card.byte_count

    def results(self) -> Iterator[_Result]:
        """What every check says of the plan, its rows and the datasets."""
        taken = {row.number for row in self.row_of.values() if row is not None}
        for one in self.checks:
            yield from self._result(one, self.project.name)
            for row in self.rows:
                if one.id in OF_ROWS or row.number not in taken:
                    yield from self._result(one, row.title, row)
            for card in self.cards if one.id not in OF_ROWS else ():
                yield from self._result(one, card.slug, self.row_of[card.id], card)

    def _result(
        self, one: Check, place: str, row: PlannedDataset | None = None, card: DatasetCard | None = None
    ) -> Iterator[_Result]:
        found = self._ask(one, row, self.facts[card.id] if card else None)
        if found is not None:
            yield _Result(one, found, place, card.id if card else "")

    def holds(self) -> Iterator[policy.HeldAction]:
        """What must not be done to a dataset: the same checks, asked of what it would become."""
        for card in self.cards:
            row, facts = self.row_of[card.id], self.facts[card.id]
            for action, held in _HELD.items():
                wish = facts if action == "freeze" else replace(facts, access=held, after=held, opens_on=None)
                for one in self.checks:
                    if one.severity != "block" or one.status != "active" or action not in _blocks(one):
                        continue
                    found = self._ask(one, row, wish)
                    if found is not None and found.state == "broken":
                        yield _hold(card, one, found, held)

    def promise(self) -> None:
        """Keep what is frozen as long as the plan says; a plan that says less later shortens nothing."""
        for card in self.cards:
            row = self.row_of[card.id]
            if row is not None and row.keep_until is not None:
                keeping.promise(SYSTEM, card, row.keep_until, reason=row.title)

    def _ask(
        self, one: Check, row: PlannedDataset | None = None, dataset: DatasetFacts | None = None
    ) -> Found | None:
        total = self.bytes_of[row.number] if row is not None else 0
        found = RULES[one.id](Case(self.plan, one.settings, row, dataset, total))
        if found is not None and found.state == "broken" and one.status != "active":
            return replace(found, state="due")  # what nobody here has confirmed cannot be red
        return found


def _blocks(one: Check) -> frozenset[str]:
    # Open is wider than shared: what must not be shared must not be open.
    return frozenset({*one.blocks, "open"}) if "share" in one.blocks else frozenset(one.blocks)


def _hold(card: DatasetCard, one: Check, found: Found, held: Any) -> policy.HeldAction:
    lifts = 0
    if found.due_on is not None:
        zone = zoneinfo.ZoneInfo(settings.current().time_zone)
        lifts = int(dt.datetime.combine(found.due_on, dt.time(), zone).timestamp())
    says, todo = in_words(one, found.code, found.said)
    return policy.HeldAction(card.id, held, says, one.basis, todo, lifts)


def _plan_facts(plan: PlanCard, *, has_data: bool) -> PlanFacts:
    address = str(plan.body["dmp"]["contact"]["mbox"])
    person = identity.find_person(address)
    state = "unknown" if person is None else "active" if _works(person) else "closed"
    return PlanFacts(
        today=today(),
        modified_on=madmp.modified_on(plan.body),
        ends_on=madmp.ends_on(plan.body),
        contact=address,
        contact_state=state,
        host=urlsplit(settings.current().control_address).hostname or "",
        has_data=has_data,
    )


def _works(person: identity.PersonCard) -> bool:
    return identity.is_active(Actor("person", person.id, person.name))


def today() -> dt.date:
    """The day in the node's time zone."""
    return _local_day(clock.now())


def _local_day(moment: dt.datetime) -> dt.date:
    return moment.astimezone(zoneinfo.ZoneInfo(settings.current().time_zone)).date()


def _facts(card: DatasetCard, labels: policy.Labels) -> DatasetFacts:
    seen = "closed" if card.embargo_until or not card.has_frozen else str(card.access)
    opens = _local_day(dt.datetime.fromisoformat(card.embargo_until)) if card.embargo_until else None
    return DatasetFacts(
        name=card.name,
        access=seen,
        after=str(card.access),
        opens_on=opens,
        byte_count=card.byte_count,
        file_count=card.file_count,
        formats=_formats(card),
        licence=_licence(card.described),
        personal=labels.levels["personal"],
    )


def _licence(described: Mapping[str, Any]) -> str:
    found = described.get("licence")
    return str(found.get("value") or "") if isinstance(found, dict) else ""


def _formats(card: DatasetCard) -> tuple[frozenset[str], ...]:
    """Every kind of file with its names: ending, media type, and the reader that understood it."""
    files = datasets.list_files(SYSTEM, card, limit=_FILES_LOOKED_AT).files
    readings = description.readings(card, [file.sha256 for file in files])
    kinds = set()
    for file in files:
        ending = file.name.lower().rpartition(".")[2] if "." in file.name else ""
        media = mimetypes.guess_type(file.name)[0] or ""
        reading = readings.get(file.sha256)
        names = {ending, media, (reading.reader or "") if reading else ""} - {""}
        if names:
            kinds.add(frozenset(names))
    return tuple(sorted(kinds, key=sorted))
