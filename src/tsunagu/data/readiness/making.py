"""Tables and stores of one preparation: where they are made, and how what was made comes into the draft."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.db import transaction

from tsunagu.core import settings
from tsunagu.core.errors import TsunaguError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.readiness import stores
from tsunagu.data.readiness.models import Preparation
from tsunagu.formats import api as formats
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.storage import api as storage

logger = logging.getLogger(__name__)

_SECONDS_PER_BYTE = 1 / (1 << 20)
_SAVED_EVERY_S = 1.0
AnyPlan = formats.TablePlan | formats.StorePlan
AnyProfile = formats.TableProfile | formats.StoreProfile


@dataclass(frozen=True, slots=True)
class Stored:
    """The bytes of a source; ``place`` is None when they are gone."""

    sha256: bytes
    byte_count: int
    place: storage.Location | None


class Maker(Protocol):
    """Where things are made. ``make`` is called from ``at_once`` threads, and touches no database.

    Attributes:
        name: For the run.
        at_once: How many things are made beside each other.
    """

    name: str
    at_once: int

    def make(
        self,
        plan: AnyPlan,
        stored: Sequence[Stored],
        sink: Callable[[str, bytes], object],
        *,
        on_read: Callable[[int], None],
    ) -> AnyProfile:
        """One attempt; raises as ``formats.Converter.convert`` and ``make_store``.

        Args:
            plan: What is wanted: a table or a store of arrays.
            stored: The bytes of its sources, in their order.
            sink: Takes what is made piece by piece: a path in the store, or an empty one of the one file of a table.
            on_read: May be told, in the thread that calls, how many bytes of sources were read.
        """
        ...


class Here(Maker):
    """This process, behind the walls that files are read behind."""

    name = "here"
    at_once = 1

    def __init__(self, converter: formats.Converter) -> None:
        self._converter = converter

    def make(
        self,
        plan: AnyPlan,
        stored: Sequence[Stored],
        sink: Callable[[str, bytes], object],
        *,
        on_read: Callable[[int], None],
    ) -> AnyProfile:
        """One attempt."""
        open_file, limits = _opener(stored, on_read), limits_of(plan)
        if isinstance(plan, formats.StorePlan):
            return self._converter.make_store(plan, open_file, sink, limits=limits)
        return self._converter.convert(plan, open_file, lambda piece: sink("", piece), limits=limits)


def _opener(
    stored: Sequence[Stored], on_read: Callable[[int], None]
) -> Callable[[int], AbstractContextManager[Path]]:
    """What opens the stored bytes of a source by its number."""

    @contextlib.contextmanager
    def open_file(index: int) -> Iterator[Path]:
        place = stored[index].place
        if place is None:
            raise formats.SourceFailedError(index, reason="The stored bytes are gone.", code="not_accessible")
        try:
            with storage.as_file(place) as path:
                yield path
        except (OSError, storage.TooLargeSealedError) as error:
            said = error.message if isinstance(error, TsunaguError) else str(error)
            raise formats.SourceFailedError(index, reason=said, code="not_accessible") from error
        on_read(stored[index].byte_count)

    return open_file


def limits_of(plan: AnyPlan) -> formats.Limits:
    """What one attempt may take: more for more bytes, and for more files."""
    node = settings.current()
    seconds = node.extract_timeout_s + plan.byte_count * _SECONDS_PER_BYTE + len(plan.sources)
    return formats.Limits(wall_s=seconds, cpu_s=2 * int(seconds), memory_bytes=node.extract_memory_bytes)


Elsewhere = Callable[[Maker], Maker | None]
_elsewhere: list[Elsewhere] = []


def offer(elsewhere: Elsewhere) -> None:
    """Have preparations ask for another place; it gets what makes things here, and None means: not now."""
    _elsewhere.append(elsewhere)


@contextlib.contextmanager
def maker(*, is_sealed: bool) -> Iterator[Maker]:
    """Where to make things now. What is sealed does not leave this machine."""
    with formats.Converter() as converter:
        here = Here(converter)
        offers = [] if is_sealed else [found for ask in _elsewhere if (found := ask(here)) is not None]
        yield offers[0] if offers else here


@dataclass(frozen=True, slots=True)
class Unmade:
    """What could not be made: every file of it, with its own reason where it is what failed."""

    problems: tuple[formats.Problem, ...]

    @classmethod
    def of(cls, plan: AnyPlan, error: formats.ConversionError) -> Unmade:
        """From the plan, and what stopped it."""
        own = {one["path"]: formats.Problem(**one) for one in error.fields.get("problems", ())}
        return cls(
            tuple(
                own.get(source.path) or formats.Problem(source.path, error.message, "not_converted")
                for source in plan.sources
            )
        )


AnyMade = formats.Made | formats.MadeStore | Unmade


class Work:
    """Has things made and puts them into the draft of the dataset that is made."""

    def __init__(
        self,
        row: Preparation,
        actor: Actor,
        card: datasets.DatasetCard,
        place: datasets.DatasetCard,
        *,
        files: Mapping[str, datasets.FileCard],
        maker: Maker,
    ) -> None:
        self._row, self._actor, self._card, self._place = row, actor, card, place
        self._files, self._maker = files, maker
        self._done = self._current = 0
        self._saved_at = 0.0

    def make(self, plans: Sequence[AnyPlan]) -> Iterator[AnyMade]:
        """All of them, in their order, each once it stands in the draft."""
        if self._maker.at_once == 1:
            for plan in plans:
                yield self._kept(plan, self._settle(plan, self._located(plan), self._tell))
            return
        with ThreadPoolExecutor(self._maker.at_once, thread_name_prefix="making") as pool:
            # Whoever looks for places asks the database, so that is done here.
            waiting = [pool.submit(self._settle, plan, self._located(plan), _no_word) for plan in plans]
            try:
                for plan, future in zip(plans, waiting, strict=True):
                    yield self._kept(plan, future.result())
            finally:
                pool.shutdown(cancel_futures=True)

    def _settle(self, plan: AnyPlan, stored: Mapping[str, Stored], on_read: Callable[[int], None]) -> AnyMade:
        """In as many attempts as it takes; touches no database."""
        try:
            if isinstance(plan, formats.TablePlan):
                return formats.settle(plan, lambda one: self._table(one, stored, on_read))
            return formats.settle_store(plan, lambda one: self._store(one, stored, on_read))
        except formats.ConversionError as error:
            logger.warning("not_made", extra={"path": plan.path})
            return Unmade.of(plan, error)

    def _table(
        self, plan: formats.TablePlan, stored: Mapping[str, Stored], on_read: Callable[[int], None]
    ) -> tuple[formats.TableProfile, storage.Written]:
        writer = storage.ContentWriter(self._place.key_domain)
        self._current = 0
        try:
            profile = self._maker.make(
                plan, _in_order(plan, stored), lambda _path, piece: writer.write(piece), on_read=on_read
            )
            assert isinstance(profile, formats.TableProfile)
            return profile, writer.finish()
        except BaseException:
            writer.abort()
            raise

    def _store(
        self, plan: formats.StorePlan, stored: Mapping[str, Stored], on_read: Callable[[int], None]
    ) -> tuple[formats.StoreProfile, dict[str, storage.Written]]:
        sink = stores.Sink(plan.path, self._place.key_domain)
        self._current = 0
        try:
            profile = self._maker.make(plan, _in_order(plan, stored), sink.write, on_read=on_read)
            assert isinstance(profile, formats.StoreProfile)
            return profile, sink.finish()
        except BaseException:
            sink.abort()
            raise

    def _kept(self, plan: AnyPlan, made: AnyMade) -> AnyMade:
        if isinstance(made, formats.Made):
            self._commit({made.plan.path: made.result})
        elif isinstance(made, formats.MadeStore):
            self._commit(made.result)
        self._done += plan.byte_count
        self._current = 0
        self._tell(0)
        return made

    def make_shards(self, table: formats.TablePlan) -> list[str]:
        """The pictures of a table as tar files; returns their paths."""
        stored = _in_order(table, self._located(table))
        places = [one.place for one in stored]
        paths = []
        for path, pieces in formats.shards_of(
            table, lambda index: storage.read_pieces(_there(places[index]))
        ):
            writer = storage.ContentWriter(self._place.key_domain)
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
            writer = storage.ContentWriter(self._place.key_domain)
            writer.write(content)
            kept[path] = writer.finish()
        self._commit(kept)

    def _commit(self, written: dict[str, storage.Written]) -> None:
        with transaction.atomic():
            for one in written.values():
                storage.name_written(one)
            datasets.commit_files(
                self._actor,
                self._place.id,
                self._row.run_id,
                [(path, one.byte_count, one.sha256) for path, one in written.items()],
                domain=self._place.key_domain,
            )

    def _located(self, plan: AnyPlan) -> dict[str, Stored]:
        files = [self._files[source.path] for source in plan.sources]
        places = storage.locate([file.sha256 for file in files], self._card.domains)
        return {file.path: Stored(file.sha256, file.byte_count, places.get(file.sha256)) for file in files}

    def _tell(self, byte_count: int) -> None:
        self._current += byte_count
        if time.monotonic() - self._saved_at > _SAVED_EVERY_S:
            # A file that holds tables and arrays is read for both.
            done = min(self._done + self._current, self._row.total_bytes)
            Preparation.objects.filter(pk=self._row.pk).update(done_bytes=done)
            self._saved_at = time.monotonic()


def _in_order(plan: AnyPlan, stored: Mapping[str, Stored]) -> list[Stored]:
    """The bytes of the sources that the plan still has: an attempt may have left some out."""
    return [stored[source.path] for source in plan.sources]


def _there(place: storage.Location | None) -> storage.Location:
    if place is None:
        raise formats.ConversionError("The stored bytes are gone.")
    return place


def _no_word(byte_count: int) -> None:
    """What is made in a thread says nothing before it is made."""
    del byte_count
