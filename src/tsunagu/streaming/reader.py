"""``tsunagu.stream``: batches of a frozen version, shuffled, sharded, resumable to the row."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from tsunagu.client.account import cache_folder
from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text
from tsunagu.core.ids import new_id
from tsunagu.streaming import footers, forms, plan
from tsunagu.streaming import splits as split_names
from tsunagu.streaming.cache import Cache
from tsunagu.streaming.door import Door, Progress, Use
from tsunagu.streaming.errors import NothingToStreamError, OtherStreamError
from tsunagu.streaming.fetch import Groups, Ranges, ahead
from tsunagu.streaming.gathering import Gathering, leave
from tsunagu.streaming.plan import Shard
from tsunagu.streaming.where import Compared, Condition, Joined, parsed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from tsunagu.client.account import Account

_MOST_WINDOW_BYTES = 64 << 20
_REPORT_EVERY_S = 60.0
_FORMAT = 1
_COUNTING_THREADS = 4


@dataclass(frozen=True)
class Wish:
    """What somebody asked for; it names the order of the rows together with the version."""

    dataset: str
    version: int | None
    split: str
    columns: tuple[str, ...] | None
    shuffle: bool
    seed: int
    window: int
    batch: int
    form: str
    even: bool
    training: str
    purpose: str
    service: str
    cache_bytes: int
    where: str = ""


@dataclass(frozen=True)
class _Opened:
    """What was learnt when the stream was opened; goes to worker processes as it is."""

    use: Use
    footers: tuple[footers.Footer, ...]
    groups: tuple[plan.Group, ...]
    condition: Condition | None


class Stream:
    """Batches of a dataset. Iterating goes through one epoch; the next loop is the next epoch, in another order.

    Use it in one thread; workers of a torch ``DataLoader`` each read their part. Close it, or use ``with``.
    """

    def __init__(self, account: Account, wish: Wish, shard: Shard) -> None:
        self._account, self._wish, self._rank = account, wish, shard
        self._epoch = self._position = self._resume = 0
        self._read = Progress(new_id())
        self._opened: _Opened | None = None
        self._ranges: Ranges | None = None
        self._going: Generator[pa.RecordBatch, None, None] | None = None
        self._process = os.getpid()
        self._opener = 0  # the process that opened the use, and ends it
        self._gathering: Gathering | None = None  # in the opener
        self._reporting: threading.Thread | None = None
        self._told = 0  # rows that the last report of a worker named
        self._finalizer: weakref.finalize[Any, Any] | None = None

    # --- What people use

    def __iter__(self) -> Iterator[Any]:
        shard, epoch = self._shard(), self._epoch
        windows, rows = self._epoch_of(shard, epoch)
        self._position, self._resume = min(self._resume, rows), 0
        self._read.epochs = max(self._read.epochs, epoch + 1)
        make = forms.maker(self._wish.form, self._nullable)
        told = time.monotonic()
        self._going = self._batches(windows, rows, epoch)
        for batch in self._going:
            self._position += batch.num_rows
            self._count(batch.num_rows)
            yield make(batch)
            if time.monotonic() - told > _REPORT_EVERY_S:
                self._report()
                told = time.monotonic()
        self._epoch, self._position = epoch + 1, 0
        self._report()

    def __len__(self) -> int:
        """Batches of an epoch for this shard."""
        _, rows = self._epoch_of(self._shard(), self._epoch)
        return max(0, math.ceil(rows / self._wish.batch))

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns, with units and descriptions as metadata of the fields."""
        whole = self._open().footers[0].metadata.schema.to_arrow_schema()
        wanted = self._wish.columns
        return whole if wanted is None else pa.schema([whole.field(name) for name in wanted], whole.metadata)

    @property
    def version(self) -> int:
        """The frozen version that is read."""
        return self._open().use.version

    @property
    def training(self) -> str:
        """The name under which the node remembers what was read."""
        return self._open().use.training

    @property
    def epoch(self) -> int:
        """The epoch that is read, or comes next; from 0."""
        return self._epoch

    @property
    def shard_rows(self) -> list[int]:
        """Rows of every shard in this epoch. They differ by a piece at most; ``even=True`` cuts all to the fewest."""
        return [sum(piece.rows for piece in one) for one in self._shares(self._shard().count, self._epoch)]

    def state_dict(self) -> dict[str, Any]:
        """Where the stream stands, as JSON values: ``load_state_dict`` goes on with the row that comes next."""
        shard = self._shard()
        return {**self._order(shard), "epoch": self._epoch, "position": self._position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a stream stood.

        Raises:
            OtherStreamError: the position belongs to other data, another order or another number of readers.
        """
        expected = self._order(self._shard())
        state = {"where": "", **state}  # states of older clients know no conditions
        wrong = next((name for name, value in expected.items() if state.get(name) != value), None)
        if wrong is not None:
            raise OtherStreamError(
                text("stream_other", what=wrong, kept=state.get(wrong), here=expected[wrong]),
                remedy=text("stream_other_remedy"),
                what=wrong,
            )
        self._epoch = int(state["epoch"])
        self._position = self._resume = int(state["position"])

    def set_epoch(self, epoch: int) -> None:
        """Begin that epoch from its first row."""
        self._epoch, self._position, self._resume = epoch, 0, 0

    def torch_dataset(self) -> Any:
        """The stream as a ``torch.utils.data.IterableDataset`` of whole batches: ``DataLoader(it, batch_size=None)``.

        Raises:
            StreamPackageMissingError: torch is not installed.
        """
        self._open()  # before workers are forked: they join this use, and this process ends it
        forms.need_torch()
        self._listen()
        from tsunagu.streaming.for_torch import StreamDataset

        return StreamDataset(self)

    def part(self, number: int, count: int) -> Stream:
        """One of ``count`` parts of this stream, for a process of one's own: of ``multiprocessing``, Ray or MPI.

        Together the parts hold every row of the epoch once, from its beginning, wherever the stream itself stands. A part can
        be pickled, asks the node nothing to begin with, and tells what it read at the latest when it is closed: the process
        of the stream, which tells the node, or the node itself. The stream is closed after its parts.

        Args:
            number: Which part, from 0.
            count: How many there are.

        Raises:
            UsageError: there is no such part.
            TsunaguError: what the node refuses when the stream is opened.
        """
        if not 0 <= number < count:
            raise UsageError(text("stream_bad_argument", name="number"))
        found = Stream.__new__(Stream)
        found.__setstate__(self.__getstate__())
        found._rank = Shard(self._rank.number * count + number, self._rank.count * count)  # noqa: SLF001 - its own kind
        found._read = Progress(new_id(), self._read.epochs)  # noqa: SLF001
        found.set_epoch(self._epoch)  # a position is one of the whole stream
        return found

    def close(self, *, outcome: str = "ok") -> None:
        """Tell the node how this process ended (``ok``, ``failed`` or ``aborted``), and close the connections."""
        if self._opener != os.getpid():
            self._finish_report()
        elif self._finalizer is not None and (ending := self._finalizer.detach()) is not None:
            self._count(0)
            _end(*ending[2], outcome=outcome)
        if self._going is not None:
            self._going.close()
        if self._ranges is not None:
            self._ranges.close()
            self._ranges = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(outcome="ok" if kind is None else "aborted")

    def __getstate__(self) -> dict[str, Any]:
        self._open()  # a worker joins the use of its parent
        self._listen()
        gone = ("_ranges", "_finalizer", "_going", "_gathering", "_reporting")
        return {**self.__dict__, **dict.fromkeys(gone), "_opener": 0, "_told": 0}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    # --- Order

    def _shard(self) -> Shard:
        """This rank's shard; in a worker of a torch ``DataLoader`` the worker's part of it."""
        found = sys.modules.get("torch.utils.data")
        worker = found.get_worker_info() if found is not None else None
        if worker is None:
            return self._rank
        return Shard(
            self._rank.number * worker.num_workers + worker.id, self._rank.count * worker.num_workers
        )

    def _order(self, shard: Shard) -> dict[str, Any]:
        wish = self._wish
        return {
            "format": _FORMAT,
            "version_hash": self._open().use.version_hash,
            "split": wish.split,
            "shuffle": wish.shuffle,
            "seed": wish.seed,
            "window": wish.window,
            "shard": shard.number,
            "shards": shard.count,
            "where": wish.where,
        }

    def _shares(self, count: int, epoch: int) -> list[list[plan.Piece]]:
        wish = self._wish
        pieces = plan.cut(self._open().groups, count, _MOST_WINDOW_BYTES)
        return plan.shares(pieces, count, seed=wish.seed, epoch=epoch, shuffle=wish.shuffle)

    def _epoch_of(self, shard: Shard, epoch: int) -> tuple[list[plan.Window], int]:
        shares = self._shares(shard.count, epoch)
        totals = [sum(piece.rows for piece in one) for one in shares]
        rows = min(totals) if self._wish.even else totals[shard.number]
        wish = self._wish
        found = plan.windows(
            shares[shard.number], rows=wish.window, most_bytes=_MOST_WINDOW_BYTES, shuffle=wish.shuffle
        )
        return found, rows

    def _batches(
        self, windows: Sequence[plan.Window], rows: int, epoch: int
    ) -> Generator[pa.RecordBatch, None, None]:
        """Record batches from the position on; the last one may be shorter."""
        size, left, skip = self._wish.batch, rows - self._position, self._position
        coming = [one for one in windows if one.first + one.rows > skip and one.first < rows]
        rest: list[pa.RecordBatch] = []
        have = 0
        for window, found in ahead(self._groups(), coming, lambda one: self._row_order(one, epoch)):
            at = max(0, skip - window.first)
            while at < window.rows and left:
                count = min(size - have, window.rows - at, left)
                rest += found.some(at, count)
                at, left, have = at + count, left - count, have + count
                if have == size or not left:
                    yield rest[0] if len(rest) == 1 else pa.concat_batches(rest)
                    rest, have = [], 0

    def _row_order(self, window: plan.Window, epoch: int) -> NDArray[np.int64] | None:
        if not self._wish.shuffle:
            return None
        # The first piece names the window: the same rows stand in the same order whoever reads them.
        first = window.pieces[0]
        key = (self._wish.seed, epoch, first.group.file, first.group.index, first.start)
        return plan.permutation(window.rows, "rows", *key)

    # --- The node

    def _open(self) -> _Opened:
        if self._opened is None:
            try:
                self._opened = self._ask()
            except BaseException:
                self.close(outcome="failed")
                raise
        return self._opened

    def _ask(self) -> _Opened:
        wish, door = self._wish, Door(self._account)
        asked = {name: getattr(wish, name) for name in ("version", "training", "purpose", "service")}
        try:
            use, page = door.open(wish.dataset, suffix=footers.SUFFIX, **asked)
            self._opener = os.getpid()
            self._gathering = Gathering(use.opening, self._read, partial(_note, self._account, use))
            self._finalizer = weakref.finalize(self, _end, self._account, use, self._opener, self._gathering)
            sources = {one.path: one for one in door.files(use, footers.SUFFIX, page)}
        finally:
            door.close()
        chosen = split_names.of_split(sources, wish.split)
        may_tell = bool(wish.split) and not split_names.splits(sources)  # then a column may say the split
        if not chosen and not (may_tell and sources):
            raise _nothing(wish, use, sources)
        found = footers.read_all(self._line(use), [sources[path] for path in chosen or sorted(sources)])
        has_column = may_tell and split_names.COLUMN in found[0].metadata.schema.to_arrow_schema().names
        if not chosen and not has_column:
            raise _nothing(wish, use, sources)
        condition = _condition(wish.where, wish.split if has_column else "")
        self._check_columns(found[0], condition)
        return _Opened(use, tuple(found), self._counted(use, found, condition), condition)

    def _counted(
        self, use: Use, found: Sequence[footers.Footer], condition: Condition | None
    ) -> tuple[plan.Group, ...]:
        """The row groups with the rows that the condition leaves of them; every reader of the version counts the same."""
        several = footers.groups(found)
        if condition is None:
            return tuple(several)
        named = tuple(sorted(condition.names()))
        groups = Groups(self._line(use), found, named, self._cache(use), condition)
        with ThreadPoolExecutor(_COUNTING_THREADS) as pool:
            return tuple(one for one in pool.map(groups.count, several) if one.rows)

    def _check_columns(self, first: footers.Footer, condition: Condition | None) -> None:
        known = first.metadata.schema.to_arrow_schema().names
        asked = [*(self._wish.columns or ()), *sorted(condition.names() if condition else ())]
        unknown = [name for name in asked if name not in known]
        if unknown:
            raise UsageError(
                text("stream_no_column", column=", ".join(unknown)),
                remedy=text("stream_columns", columns=", ".join(known)),
            )

    @cached_property
    def _nullable(self) -> set[str]:
        return footers.may_be_null(self._open().footers)

    def _line(self, use: Use) -> Ranges:
        if self._ranges is None or self._process != os.getpid():
            if self._process != os.getpid():  # a forked worker shares no connection and reports as itself
                self._process, self._read = os.getpid(), Progress(new_id(), self._read.epochs)
            self._ranges = Ranges(self._account, use)
        return self._ranges

    def _groups(self) -> Groups:
        opened, wish = self._open(), self._wish
        line = self._line(opened.use)
        return Groups(line, opened.footers, wish.columns, self._cache(opened.use), opened.condition)

    def _cache(self, use: Use) -> Cache | None:
        if not self._wish.cache_bytes or not use.may_cache:
            return None
        return Cache(Path(cache_folder()) / "streams", self._wish.cache_bytes)

    def _count(self, rows: int) -> None:
        self._read.rows += rows
        self._read.bytes = self._ranges.fetched if self._ranges is not None else self._read.bytes

    def _finish_report(self) -> None:
        """A part or worker that is closed has told what it read: the use may end right after."""
        if self._process == os.getpid() and self._read.rows != self._told:  # else it has read nothing here
            self._report()
        if self._reporting is not None:
            self._reporting.join()
            self._reporting = None

    def _listen(self) -> None:
        """Workers of this process leave here what they read; workers of others find nobody, and tell the node."""
        if self._gathering is not None and self._opener == os.getpid():
            self._gathering.listen()

    def _report(self) -> None:
        """Say what was read, while reading goes on."""
        if self._opened is None:
            return
        use = self._opened.use
        if self._opener == os.getpid():
            if self._gathering is not None:  # ending the use says the same, if it comes within a second
                self._gathering.tell_soon()
            return
        self._told = self._read.rows
        if not leave(use.opening, self._read):  # a worker process ends after the report has got through
            self._reporting = threading.Thread(
                target=_note, args=(self._account, use, self._read), name="tsunagu-report"
            )
            self._reporting.start()


def _note(account: Account, use: Use, read: Progress) -> None:
    Door(account).note(use, read)


def _end(account: Account, use: Use, process: int, gathering: Gathering, *, outcome: str = "ok") -> None:
    """End the use in the process that opened it; also when a stream is forgotten and at the end of the program."""
    if process != os.getpid():
        return
    Door(account).end(use, outcome, gathering.end())


def _condition(said: str, split: str) -> Condition | None:
    """What was asked for, and the split where a column tells it."""
    parts = [parsed(said)] if said.strip() else []
    if split:
        several = tuple(Compared(split_names.COLUMN, "=", one) for one in split_names.values_of(split))
        parts.append(Joined(several, is_all=False))
    return Joined(tuple(parts), is_all=True) if parts else None


def _nothing(wish: Wish, use: Use, paths: Any) -> NothingToStreamError:
    name = f"{use.dataset}@{use.version}"
    if not paths:
        return NothingToStreamError(
            text("stream_no_files", dataset=name), remedy=text("stream_no_files_remedy", dataset=use.dataset)
        )
    known = ", ".join(split_names.splits(paths)) or "-"
    return NothingToStreamError(
        text("stream_no_split", dataset=name, split=wish.split), remedy=text("stream_splits", splits=known)
    )
