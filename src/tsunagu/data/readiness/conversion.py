"""One preparation from its beginning to its end: plan from the readings, make tables and arrays, freeze what came out."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from django.db import IntegrityError, transaction

from tsunagu.core import clock, events, logs, settings
from tsunagu.core.errors import NotFoundError, TsunaguError
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.readiness import choosing, readme, stores
from tsunagu.data.readiness.models import Preparation
from tsunagu.data.readiness.selectors import derived_name, require_place
from tsunagu.formats import api as formats
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

logger = logging.getLogger(__name__)

PROFILE = stores.PROFILE
_COLUMN = "column:"
_PAGE = 500
_NAMED_LEFT = 200
_SECONDS_PER_BYTE = 1 / (1 << 20)
_SAVED_EVERY_S = 1.0
T = TypeVar("T", formats.Made, formats.MadeStore)


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
    with formats.Converter() as converter:
        work = _Work(row, actor, card, place, files=files, converter=converter)
        made = _Results(plan, arrays)
        made.problems += [*plan.problems, *arrays.problems]
        for table in (one.with_choices(choices) for one in plan.tables):
            made.take(made.tables, partial(work.make, table), table)
        for one in made.tables if row.recipe.endswith(stores.SHARDS) else ():
            if one.plan.reader == formats.SHARDED_READER:
                made.shards[one.plan.name] = work.make_shards(one.plan)
        for store in (one.with_choices(choices) for one in arrays.stores):
            made.take(made.stores, partial(work.make_store, store), store)
    documents = {
        PROFILE: json.dumps(made.report(card, version), ensure_ascii=False, indent=1).encode(),
        readme.NAME: readme.write(card, version, made.tables) + stores.write(made.stores, made.shards),
    }
    work.keep(documents)
    opened = [*(one.plan.path for one in made.tables), *documents]
    _finish(row, actor, place, version, opened, made.others())
    _close(row, place, made.counts())


def _unmade(
    plan: formats.TablePlan | formats.StorePlan, error: formats.ConversionError
) -> list[formats.Problem]:
    """Every file of what was not made: with its own reason, where it is what failed."""
    own = {one["path"]: formats.Problem(**one) for one in error.fields.get("problems", ())}
    return [
        own.get(source.path) or formats.Problem(source.path, error.message, "not_converted")
        for source in plan.sources
    ]


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


class _Work:
    """Makes tables and puts them into the draft of the dataset that is made."""

    def __init__(
        self,
        row: Preparation,
        actor: Actor,
        card: datasets.DatasetCard,
        place: datasets.DatasetCard,
        *,
        files: dict[str, datasets.FileCard],
        converter: formats.Converter,
    ) -> None:
        self.row, self.actor, self.card, self.place = row, actor, card, place
        self.files, self.converter = files, converter
        self._done = self._current = 0
        self._saved_at = 0.0

    def make(self, table: formats.TablePlan) -> formats.Made:
        """One table, in as many attempts as it takes."""
        made = formats.settle(table, self._attempt)
        written: storage.Written = made.result
        self._commit({made.plan.path: written})
        self._done += table.byte_count
        self._tell(0)
        return made

    def make_store(self, store: formats.StorePlan) -> formats.MadeStore:
        """One store of arrays; the result names its files."""
        made = formats.settle_store(store, self._store_attempt)
        self._commit(made.result)
        self._done += store.byte_count
        self._tell(0)
        return made

    def make_shards(self, table: formats.TablePlan) -> list[str]:
        """The pictures of a table as tar files; returns their paths."""
        hashes = [self.files[source.path].sha256 for source in table.sources]
        places = storage.locate(hashes, self.card.domains)
        paths = []
        for path, pieces in formats.shards_of(
            table, lambda index: storage.read_pieces(places[hashes[index]])
        ):
            writer = storage.ContentWriter(self.place.key_domain)
            try:
                for piece in pieces:
                    writer.write(piece)
            except BaseException:
                writer.abort()
                raise
            self._commit({path: writer.finish()})
            paths.append(path)
        return paths

    def keep(self, documents: dict[str, bytes]) -> None:
        """Put small files beside the tables."""
        kept = {}
        for path, content in documents.items():
            writer = storage.ContentWriter(self.place.key_domain)
            writer.write(content)
            kept[path] = writer.finish()
        self._commit(kept)

    def _commit(self, written: dict[str, storage.Written]) -> None:
        with transaction.atomic():
            for one in written.values():
                storage.name_written(one)
            datasets.commit_files(
                self.actor,
                self.place.id,
                self.row.run_id,
                [(path, one.byte_count, one.sha256) for path, one in written.items()],
                domain=self.place.key_domain,
            )

    def _attempt(self, table: formats.TablePlan) -> tuple[formats.TableProfile, storage.Written]:
        writer = storage.ContentWriter(self.place.key_domain)
        try:
            profile = self.converter.convert(
                table, self._sources(table.sources), writer.write, limits=_limits(table)
            )
            return profile, writer.finish()
        except BaseException:
            writer.abort()
            raise

    def _store_attempt(
        self, store: formats.StorePlan
    ) -> tuple[formats.StoreProfile, dict[str, storage.Written]]:
        sink = stores.Sink(store.path, self.place.key_domain)
        try:
            profile = self.converter.make_store(
                store, self._sources(store.sources), sink.write, limits=_limits(store)
            )
            return profile, sink.finish()
        except BaseException:
            sink.abort()
            raise

    def _sources(
        self, sources: Sequence[formats.SourcePlan]
    ) -> Callable[[int], contextlib.AbstractContextManager[Path]]:
        """What opens the stored bytes of a source by its number."""
        hashes = [self.files[source.path].sha256 for source in sources]
        places = storage.locate(hashes, self.card.domains)
        self._current = 0

        @contextlib.contextmanager
        def open_file(index: int) -> Iterator[Path]:
            place = places.get(hashes[index])
            if place is None:
                raise formats.SourceFailedError(
                    index, reason="The stored bytes are gone.", code="not_accessible"
                )
            try:
                with storage.as_file(place) as path:
                    yield path
            except (OSError, storage.TooLargeSealedError) as error:
                said = error.message if isinstance(error, TsunaguError) else str(error)
                raise formats.SourceFailedError(index, reason=said, code="not_accessible") from error
            self._tell(sources[index].byte_count)

        return open_file

    def _tell(self, byte_count: int) -> None:
        self._current += byte_count
        if time.monotonic() - self._saved_at > _SAVED_EVERY_S:
            # A file that holds tables and arrays is read for both.
            done = min(self._done + self._current, self.row.total_bytes)
            Preparation.objects.filter(pk=self.row.pk).update(done_bytes=done)
            self._saved_at = time.monotonic()


def _limits(plan: formats.TablePlan | formats.StorePlan) -> formats.Limits:
    node = settings.current()
    seconds = node.extract_timeout_s + plan.byte_count * _SECONDS_PER_BYTE + len(plan.sources)
    return formats.Limits(wall_s=seconds, cpu_s=2 * int(seconds), memory_bytes=node.extract_memory_bytes)


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

    def take(
        self, found: list[T], make: Callable[[], T], plan: formats.TablePlan | formats.StorePlan
    ) -> None:
        """Make one thing; what cannot be made is a problem of its files, and nothing is made of what people left out."""
        if not plan.sources:
            return
        try:
            one = make()
        except formats.ConversionError as error:
            logger.warning("not_made", extra={"path": plan.path})
            self.problems += _unmade(plan, error)
            return
        found.append(one)
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


def _close(row: Preparation, place: datasets.DatasetCard, counts: Mapping[str, int]) -> None:
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
