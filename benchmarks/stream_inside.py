"""One epoch of one contestant in a fresh process: ``python stream_inside.py CONTESTANT JSON``; prints seconds as JSON.

Imports are not timed, nor those that libraries put off until they are used. Every contestant shuffles over the whole data
and within the same number of samples, delivers what its name says, and counts the samples and sums their ids, so that none
can skip work.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

BATCH = 256
Counted = Iterator[tuple[int, int]]  # samples and the sum of their ids, per delivery


def ours(wish: dict[str, Any]) -> Callable[[], Counted]:
    """``tsunagu.stream``; with several workers this process opens it and hands each of them a part, as a ``DataLoader`` does."""
    import pyarrow.compute as pc

    import tsunagu

    assert tsunagu.stream, "loaded here: the imports of nobody are timed"
    assert tsunagu.connect

    def counted(stream: Any) -> Counted:
        for batch in stream:
            yield batch.num_rows, pc.sum(batch.column("id")).as_py()

    def work(line: Any) -> None:
        with line.recv() as part:
            found = tuple(map(sum, zip(*counted(part), strict=True)))
        line.send([found])  # after the node has been told

    workers = [_begun(work) for _number in range(wish["workers"])] if wish["workers"] > 1 else []

    def read() -> Counted:
        with tsunagu.stream(
            wish["dataset"],
            client=tsunagu.connect(wish["url"], wish["token"]),
            shuffle=True,
            window=wish["window"],
            batch=BATCH,
            cache=0,
        ) as stream:
            if not workers:
                yield from counted(stream)
            for number, line in enumerate(workers):
                line.send(stream.part(number, len(workers)))
            for line in workers:
                yield from line.recv()

    return read


def _begun(work: Callable[[Any], None]) -> Any:
    """A process that waits for its part, with everything loaded; the end of a pipe to it."""
    here, there = multiprocessing.Pipe()
    _load_what_is_put_off()
    multiprocessing.get_context("fork").Process(target=work, args=(there,), daemon=True).start()
    return here


def bare(wish: dict[str, Any]) -> Callable[[], Counted]:
    """Pyarrow and http.client: row groups in random order, rows gathered in random order, nothing else."""
    import http.client
    from urllib.parse import urlsplit

    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    def read() -> Counted:
        where = urlsplit(wish["files"][0])
        line = http.client.HTTPConnection(where.hostname or "", where.port)
        groups = []
        for url in wish["files"]:
            content = _get(line, url, "bytes=-65536")
            meta = pq.read_metadata(io.BytesIO(b"PAR1" + content[-_footer(content) :]))
            groups += [(url, meta, number) for number in range(meta.num_row_groups)]
        random.Random(0).shuffle(groups)
        held: list[Any] = []
        for number, (url, meta, index) in enumerate(mine := groups[wish["worker"] :: wish["workers"]]):
            facts = meta.row_group(index)
            start = min(_first(facts.column(at)) for at in range(facts.num_columns))
            count = sum(facts.column(at).total_compressed_size for at in range(facts.num_columns))
            content = _get(line, url, f"bytes={start}-{start + count - 1}")
            source = pa.PythonFile(_Shifted(content, start), mode="r")
            held.append(pq.ParquetFile(source, metadata=meta).read_row_group(index, use_threads=False))
            if sum(one.num_rows for one in held) >= wish["window"] or number == len(mine) - 1:
                table = pa.concat_tables(held).combine_chunks()
                order = np.random.default_rng(number).permutation(table.num_rows)
                for at in range(0, len(order), BATCH):
                    batch = table.take(pa.array(order[at : at + BATCH]))
                    yield batch.num_rows, pc.sum(batch.column("id")).as_py()
                held = []

    return read


class _Shifted(io.BytesIO):
    """Bytes that begin at an offset."""

    def __init__(self, content: bytes, start: int) -> None:
        super().__init__(content)
        self._start = start

    def seek(self, offset: int, whence: int = 0) -> int:
        return super().seek(offset - self._start if whence == 0 else offset, whence) + self._start

    def tell(self) -> int:
        return super().tell() + self._start


def _first(chunk: Any) -> int:
    return min(chunk.data_page_offset, chunk.dictionary_page_offset or chunk.data_page_offset)


def _footer(content: bytes) -> int:
    return int.from_bytes(content[-8:-4], "little") + 8


def _get(line: Any, url: str, span: str) -> bytes:
    line.request("GET", "/" + url.split("/", 3)[3], headers={"Range": span})
    content: bytes = line.getresponse().read()
    return content


def datasets_rows(wish: dict[str, Any]) -> Callable[[], Counted]:
    """``datasets`` streaming, a dict per sample."""
    make = _datasets(wish)
    return lambda: ((1, row["id"]) for row in make())


def datasets_batches(wish: dict[str, Any]) -> Callable[[], Counted]:
    """``datasets`` streaming, Arrow batches."""
    import pyarrow.compute as pc

    make = _datasets(wish)

    def read() -> Counted:
        for batch in make().with_format("arrow").iter(batch_size=BATCH):
            yield batch.num_rows, pc.sum(batch["id"]).as_py()

    return read


def _datasets(wish: dict[str, Any]) -> Callable[[], Any]:
    import datasets
    from datasets.distributed import split_dataset_by_node

    def make() -> Any:
        found = datasets.load_dataset("parquet", data_files=wish["files"], split="train", streaming=True)
        if wish["workers"] > 1:
            found = split_dataset_by_node(found, rank=wish["worker"], world_size=wish["workers"])
        return found.shuffle(seed=0, buffer_size=wish["window"])

    return make


def webdataset(wish: dict[str, Any]) -> Callable[[], Counted]:
    """WebDataset: tar shards, a dict of bytes per sample."""
    import webdataset as wds

    def read() -> Counted:
        shards = wish["tars"][wish["worker"] :: wish["workers"]]
        found = wds.WebDataset(shards, shardshuffle=False, empty_check=False).shuffle(wish["window"])
        for row in found:
            yield 1, int(row["__key__"])

    return read


def _load_what_is_put_off() -> None:
    """Pyarrow loads pandas at the first array that it makes from NumPy; NumPy its generators, sockets the names of hosts."""
    for name in ("numpy.random", "pandas", "encodings.idna"):
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)


def main() -> None:
    """Time one epoch."""
    name, wish = sys.argv[1], json.loads(sys.argv[2])
    read = globals()[name](wish)
    _load_what_is_put_off()
    print("ready", flush=True)
    assert sys.stdin.readline() == "go\n"  # all workers begin together
    began = time.perf_counter()
    count = total = 0
    first = 0.0
    for samples, ids in read():
        first = first or time.perf_counter() - began
        count, total = count + samples, total + ids
    result = {"first": first, "all": time.perf_counter() - began, "count": count, "sum": total}
    print(json.dumps(result), flush=True)
    os._exit(
        0
    )  # bare pyarrow aborts now and then while Python takes itself apart (1 of 200 runs of pyarrow 26.0.1)


if __name__ == "__main__":
    main()
