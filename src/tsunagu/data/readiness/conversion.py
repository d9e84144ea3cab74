"""One preparation from its beginning to its end: plan from the readings, have tables and arrays made, freeze them."""

from __future__ import annotations

import contextlib
import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import metadata
from typing import Any

from django.db import IntegrityError, transaction

from tsunagu.core import clock, events, logs
from tsunagu.core.errors import NotFoundError, TsunaguError
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.readiness import choosing, making, readme, stores
from tsunagu.data.readiness.models import Preparation
from tsunagu.data.readiness.selectors import derived_name, require_place
from tsunagu.formats import api as formats
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

logger = logging.getLogger(__name__)

PROFILE = stores.PROFILE
_COLUMN = "column:"
_PAGE = 500
_NAMED_LEFT = 200
_READ_TOGETHER = 4  # tables at least


def claim(row: Preparation) -> bool:
    """Take a preparation up; not while another version of the same dataset is under way."""
    try:
        with transaction.atomic():
            Preparation.objects.filter(pk=row.pk).update(state="working", done_bytes=0)
    except IntegrityError:
        return False
    return True


def run(row: Preparation) -> None:
    """Do it; doing it again after a kill makes the same bytes. How it ended stands in the row and in its run."""
    actor = _actor(row)
    try:
        with logs.bind_run(row.run_id):
            _prepare(row, actor)
    except TsunaguError as error:
        _fail(row, actor, error.message)
    except Exception:
        _fail(row, actor, "The node made a mistake; its log says more.")
        raise


def give_up(row: Preparation) -> None:
    """End a preparation that no worker takes up any more; asked again, it begins anew."""
    _fail(row, _actor(row), "The node lost it.", outcome=runs.Outcome.UNCERTAIN)


def _actor(row: Preparation) -> Actor:
    return identity.actor_of_record(row.actor_kind, row.actor_id, row.actor_name, row.token_id)  # type: ignore[arg-type]


def _fail(
    row: Preparation, actor: Actor, reason: str, *, outcome: runs.Outcome = runs.Outcome.FAILED
) -> None:
    runs.start(actor, "derive", run_id=row.run_id, dataset_id=row.dataset_id, parameters=_parameters(row))
    runs.finish(row.run_id, outcome, reason=reason)
    Preparation.objects.filter(pk=row.pk).update(state="failed", reason=reason, ended_at=clock.now())


def _parameters(row: Preparation) -> dict[str, Any]:
    chosen = [choosing.name_of(one.kind, one.column, one.value) for one in choosing.rows_of(row)]
    return {"number": row.number, "recipe": row.recipe, **({"choices": chosen} if chosen else {})}


def _prepare(row: Preparation, actor: Actor) -> None:
    if not identity.is_active(actor):
        raise NotFoundError("The account of whoever asked for this was closed.")
    card = datasets.get_dataset_by_id(actor, row.dataset_id)
    policy.require(actor, "dataset.read", card.resource)
    version = datasets.get_version(card, row.number)
    files = {file.path: file for file in datasets.all_files(card, row.number)}
    words = description.labels("en")
    read = partial(_read_files, card, list(files.values()))
    plan = formats.plan_tables(read(), readers=formats.row_readers(), labels=words, words=_words(version))
    # Asked again rather than kept: the readings of a hundred thousand files are more than what they hold.
    arrays = formats.plan_arrays(read(), readers=formats.array_readers(), labels=words)
    choices = choosing.of_preparation(row)
    place = _place(row, actor, card, version)
    made = _Results(plan, arrays)
    made.problems += [*plan.problems, *arrays.problems]
    wanted: list[making.AnyPlan] = [one.with_choices(choices) for one in plan.tables]
    wanted += [one.with_choices(choices) for one in arrays.stores]
    with making.maker(is_sealed=bool(card.key_domain or place.key_domain)) as maker:
        work = making.Work(row, actor, card, place, files=files, maker=maker)
        reading = _Reading(place.id)
        for one in work.make([one for one in wanted if one.sources]):
            made.take(one)
            reading.take(one)
    for table in made.tables if row.recipe.endswith(stores.SHARDS) else ():
        if table.plan.reader == formats.SHARDED_READER:
            made.shards[table.plan.name] = work.make_shards(table.plan)
    documents = {
        PROFILE: json.dumps(made.report(card, version), ensure_ascii=False, indent=1).encode(),
        readme.NAME: readme.write(card, version, made.tables) + stores.write(made.stores, made.shards),
    }
    work.keep(documents)
    opened = [*(one.plan.path for one in made.tables), *documents]
    _finish(row, actor, place, version, opened, made.others())
    _close(row, place, {**made.counts(), "made_on": maker.name})


def _words(version: datasets.VersionRef) -> dict[str, tuple[str, str]]:
    """What people say of columns: values of the description named ``column:NAME``, with their units."""
    return {
        name.removeprefix(_COLUMN).strip(): (str(found.get("value", "")), str(found.get("unit") or ""))
        for name, found in version.described.items()
        if name.startswith(_COLUMN) and isinstance(found, dict)
    }


def _read_files(card: datasets.DatasetCard, files: Sequence[datasets.FileCard]) -> Iterator[formats.ReadFile]:
    """What the readers said of each file; one that was not read says nothing."""
    unread: dict[str, Any] = {
        "status": "unrecognised",
        "reader": None,
        "reading": {"tables": [], "fields": []},
    }
    for start in range(0, len(files), _PAGE):
        page = files[start : start + _PAGE]
        found = description.outcomes(card, [file.sha256 for file in page])
        for file in page:
            yield formats.ReadFile(file.path, file.byte_count, found.get(file.sha256, unread))


def _place(
    row: Preparation, actor: Actor, card: datasets.DatasetCard, version: datasets.VersionRef
) -> datasets.DatasetCard:
    """The dataset for what is made, labelled as its source before a byte is in it."""
    if row.derived_id:
        place = datasets.get_dataset_by_id(actor, row.derived_id)
    else:
        with transaction.atomic():
            found = require_place(actor, card)
            place = found or datasets.create_dataset(actor, card.project, derived_name(card))
            Preparation.objects.filter(pk=row.pk).update(derived_id=place.id)
            row.derived_id = place.id
    runs.start(
        actor,
        "derive",
        run_id=row.run_id,
        dataset_id=place.id,
        parameters=_parameters(row),
        software={"converter": formats.CONVERTER, "pyarrow": metadata.version("pyarrow")},
        links=[
            runs.Link("in", "dataset", card.id, card.slug),
            runs.Link("in", "version", version.version_hash, f"{card.slug}@{version.number}"),
            runs.Link("out", "dataset", place.id, place.slug),
        ],
    )
    if card.key_domain and not place.key_domain:
        # What is made of sealed bytes is sealed; the node sees to it, whoever asked.
        datasets.seal(SYSTEM, place.id)
    return datasets.get_dataset_by_id(actor, place.id)


class _Reading:
    """Has tables read while others are made; in ever larger groups, since each of them is a run."""

    def __init__(self, place_id: str) -> None:
        self._place_id = place_id
        self._waiting: list[tuple[str, int, bytes]] = []
        self._read = 0

    def take(self, one: formats.Made | formats.MadeStore | making.Unmade) -> None:
        """A table waits until there are enough of them; the last ones are read at the end."""
        if isinstance(one, formats.Made):
            self._waiting.append((one.plan.path, one.result.byte_count, one.result.sha256))
        if len(self._waiting) >= max(_READ_TOGETHER, self._read):
            description.read_files(SYSTEM, new_id(), self._place_id, self._waiting)
            self._read += len(self._waiting)
            self._waiting = []


@dataclass
class _Results:
    """What came out so far."""

    plan: formats.Plan
    arrays: formats.ArraysPlan
    tables: list[formats.Made] = field(default_factory=list)
    stores: list[formats.MadeStore] = field(default_factory=list)
    shards: dict[str, list[str]] = field(default_factory=dict)
    problems: list[formats.Problem] = field(default_factory=list)

    def others(self) -> list[str]:
        """Paths of what no reader needs to look into: parts of arrays, shards."""
        files = [path for one in self.stores for path in one.result]
        return [*files, *(path for several in self.shards.values() for path in several)]

    def take(self, one: formats.Made | formats.MadeStore | making.Unmade) -> None:
        """One thing that was made; what could not be made is a problem of its files."""
        if isinstance(one, formats.Made):
            self.tables.append(one)
        elif isinstance(one, formats.MadeStore):
            self.stores.append(one)
        self.problems += one.problems

    def counts(self) -> dict[str, int]:
        """For the run."""
        return {
            "table_count": len(self.tables),
            "row_count": sum(one.profile.row_count for one in self.tables),
            "store_count": len(self.stores),
            "array_count": sum(len(one.profile.arrays) for one in self.stores),
            "problem_count": len(self._problems()),
        }

    def _problems(self) -> list[formats.Problem]:
        # A file that holds tables and arrays and cannot be read is one problem.
        return list(dict.fromkeys(self.problems))

    def report(self, card: datasets.DatasetCard, version: datasets.VersionRef) -> dict[str, Any]:
        """What came out, beside the tables and arrays themselves; the card is judged by it."""
        left = [(path, reader) for path, reader in self.plan.left if path not in self.arrays.taken]
        source = {"dataset": card.slug, "version": version.number, "version_hash": version.version_hash}
        return {
            "format": "tsunagu-profile-1",
            "source": source,
            "converter": formats.CONVERTER,
            "tables": [
                {
                    **made.profile.as_json(),
                    "path": made.plan.path,
                    "reader": made.plan.reader,
                    "file_count": len(made.plan.sources),
                    "changes": [asdict(change) for change in made.changes],
                }
                for made in self.tables
            ],
            "stores": [
                {**made.profile.as_json(), "path": made.plan.path, "reader": made.plan.reader}
                for made in self.stores
            ],
            "shards": self.shards,
            "left": {
                "counts": dict(sorted(Counter(reader for _, reader in left).items())),
                "paths": [path for path, _ in left[:_NAMED_LEFT]],
            },
            "problems": [asdict(problem) for problem in self._problems()],
            "conflicts": [asdict(conflict) for conflict in self.plan.conflicts],
            "array_conflicts": [asdict(conflict) for conflict in self.arrays.conflicts],
            "schemas": dict(self.plan.schemas),
        }


def _finish(
    row: Preparation,
    actor: Actor,
    place: datasets.DatasetCard,
    source: datasets.VersionRef,
    opened: Sequence[str],
    others: Sequence[str],
) -> None:
    """Take away what is of an older version, describe and read what is new, freeze it.

    Args:
        row: The preparation.
        actor: Who asked.
        place: The dataset that is made.
        source: The version that it is made from.
        opened: Paths that readers look into.
        others: Paths that they need not: the parts of arrays.
    """
    card = datasets.get_dataset_by_id(actor, place.id)
    present = {file.path: file for file in datasets.all_files(card, card.draft_number)}
    if stale := sorted(set(present).difference(opened, others)):
        datasets.remove_files(actor, place.id, stale)
    name = f"{datasets.get_dataset_by_id(actor, row.dataset_id).slug}@{source.number}"
    description.carry_over(actor, place.id, source.described, source=name, run_id=row.run_id)
    files = [(path, present[path].byte_count, present[path].sha256) for path in opened]
    description.read_files(SYSTEM, new_id(), place.id, files)
    with contextlib.suppress(datasets.NothingToFreezeError):
        datasets.freeze_version(actor, place.id, note=f"made from {name}")


def _close(row: Preparation, place: datasets.DatasetCard, counts: Mapping[str, int | str]) -> None:
    number = datasets.get_dataset_by_id(SYSTEM, place.id).last_version
    made = datasets.get_version(place, number)
    runs.finish(
        row.run_id,
        runs.Outcome.OK,
        links=[runs.Link("out", "version", made.version_hash, f"{place.slug}@{number}")],
        parameters=counts,
    )
    Preparation.objects.filter(pk=row.pk).update(
        state="done", derived_number=number, done_bytes=row.total_bytes, ended_at=clock.now()
    )
    events.record("readiness.prepared", dataset_id=row.dataset_id)
