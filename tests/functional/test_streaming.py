"""A dataset as batches from a real node: every row once, resumable to the row, and the provider sees it."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tsunagu
from tests.node import running_node
from tsunagu.client.errors import UsageError
from tsunagu.client.node import Node
from tsunagu.core.errors import TsunaguError
from tsunagu.streaming.api import MixedSchemaError, NothingToStreamError, OtherStreamError
from tsunagu.streaming.door import Door

pytestmark = pytest.mark.functional
ROWS = 9000
MARK = b"PATIENT-0042 "


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("stream") / "home") as running:
        running.run("project", "create", "lab")
        yield running


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(5)
    return pa.table(
        {
            "id": np.arange(ROWS),
            "spectrum": pa.FixedSizeListArray.from_arrays(rng.random(ROWS * 16, dtype=np.float32), 16),
            "raw": [MARK + rng.bytes(200) for _ in range(ROWS)],
            "phase": pa.array([None if n % 97 == 0 else n % 5 for n in range(ROWS)], pa.int16()),
        }
    )


def _send(node, name, folder, *, is_open=True):
    node.run("push", str(folder), name)
    node.run("freeze", name)
    if is_open:
        assert node.api("PATCH", f"/datasets/{name}", {"access": "open"})[0] == 200


@pytest.fixture(scope="module")
def data(node, table, tmp_path_factory):
    """Three files of the split train in row groups of 250, one of the split test."""
    folder = tmp_path_factory.mktemp("data")
    for number in range(3):
        part = table.slice(number * 3000, 3000)
        pq.write_table(part, folder / f"train-{number:05d}-of-00003.parquet", row_group_size=250)
    pq.write_table(table.slice(0, 40), folder / "test-00000-of-00001.parquet")
    _send(node, "lab/spectra", folder)
    return "lab/spectra"


@pytest.fixture
def open_stream(node, tmp_path, monkeypatch):
    monkeypatch.setenv("TSUNAGU_CACHE", str(tmp_path / "cache"))

    def make(name="lab/spectra", **wanted):
        return tsunagu.stream(name, client=tsunagu.connect(node.url, node.token), **wanted)

    return make


def _ids(stream):
    return [value for batch in stream for value in batch.column("id").to_pylist()]


def _program(script):
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120
    )


def test_every_row_comes_once_with_its_values(data, open_stream, table):
    with open_stream(batch=400) as stream:
        assert len(stream) == 23
        batches = list(stream)
    assert [one.num_rows for one in batches] == [400] * 22 + [200]
    assert pa.Table.from_batches(batches).equals(table)
    with open_stream(split="test") as stream:
        assert _ids(stream) == list(range(40))


def test_an_epoch_is_shuffled_by_its_seed_and_the_next_one_differs(data, open_stream, table):
    with open_stream(shuffle=True, seed=1) as one, open_stream(shuffle=True, seed=1) as same:
        first, second = _ids(one), _ids(one)
        assert _ids(same) == first
        same.set_epoch(1)
        assert _ids(same) == second
    with open_stream(shuffle=True, seed=2) as other:
        assert _ids(other) not in (first, second)
    assert sorted(first) == sorted(second) == list(range(ROWS))
    assert first != second
    moved = np.abs(np.array(first) - np.arange(ROWS))
    assert moved.mean() > ROWS / 5, "rows come from all over the data, not from their neighbourhood"
    with open_stream(shuffle=True) as stream:
        batch = next(iter(stream))
    expected = table.take(batch.column("id"))
    assert pa.Table.from_batches([batch]).equals(expected), "a row keeps its values"


def test_a_batch_holds_its_own_rows_alone(data, open_stream):
    """Whoever keeps a few batches does not keep the windows that they were shuffled in."""
    with open_stream(shuffle=True, batch=100) as stream:
        batch = next(iter(stream))
    held = sum(part.size for column in batch.columns for part in column.buffers() if part is not None)
    assert held < 2 * batch.nbytes


def test_pandas_is_not_loaded_for_the_sake_of_a_stream(node, data):
    """It takes longer than the first window, and pyarrow loads it without being asked."""
    script = f"""
import sys, tsunagu
stream = tsunagu.stream({data!r}, client=tsunagu.connect({node.url!r}, {node.token!r}), shuffle=True, cache=0)
print(sum(batch.num_rows for batch in stream), "pandas" in sys.modules)
"""
    done = _program(script)
    assert done.stdout.split() == [str(ROWS), "False"], done.stderr


def test_what_a_program_read_is_known_though_it_closes_nothing(node, data):
    script = f"""
import tsunagu
client = tsunagu.connect({node.url!r}, {node.token!r})
batches = iter(tsunagu.stream({data!r}, client=client, training="forgotten", columns=["id"], cache=0))
print(sum(next(batches).num_rows for _ in range(3)))
"""
    done = _program(script)
    found = node.api("GET", "/trainings/forgotten")[1]["uses"][0]
    assert (found["rows"], found["epochs"], found["outcome"]) == (int(done.stdout), 1, "ok"), done.stderr
    assert found["bytes"] > 0


def test_a_finished_epoch_is_told_while_the_stream_stays_open(node, data, open_stream):
    with open_stream(training="open", columns=["id"]) as stream:
        _ids(stream)
        deadline = time.monotonic() + 30
        while (found := node.api("GET", "/trainings/open")[1]["uses"][0])["rows"] < ROWS:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert found["ended_at"] == ""


def test_a_short_stream_asks_the_node_twice(data, open_stream, monkeypatch):
    asked = []
    post = Node.post
    monkeypatch.setattr(
        Node, "post", lambda self, path, *rest, **more: asked.append(path) or post(self, path, *rest, **more)
    )
    with open_stream(shuffle=True) as stream:
        assert len(_ids(stream)) == ROWS
    assert [path.rpartition("/")[2] for path in asked] == ["uses", "end"]


@pytest.mark.parametrize("stop", [0, 1, 250, 4000, 8191, 8192, 8999])
def test_a_stream_goes_on_with_the_very_next_row(data, open_stream, stop):
    """Equality, not similarity; with another batch size too, and over the end of the epoch."""
    wanted = {"shuffle": True, "seed": 7, "window": 600}
    with open_stream(batch=1 if stop < 2 else 250, **wanted) as stream:
        batches = iter(stream)
        read = []
        while len(read) < stop:
            read += next(batches).column("id").to_pylist()
        state = stream.state_dict()
        rest = [value for batch in batches for value in batch.column("id").to_pylist()]
        following = _ids(stream)
    with open_stream(batch=64, **wanted) as again:
        again.load_state_dict(state)
        assert _ids(again) == rest
        assert _ids(again) == following


def test_a_position_of_another_stream_is_refused(data, open_stream):
    with open_stream(shuffle=True, seed=1) as stream:
        state = stream.state_dict()
    with open_stream(shuffle=True, seed=2) as other, pytest.raises(OtherStreamError, match="seed"):
        other.load_state_dict(state)


@pytest.mark.parametrize(("world", "shuffle"), [(2, True), (5, True), (3, False), (40, True)])
def test_ranks_share_the_rows_without_overlap(data, open_stream, world, shuffle):
    read = []
    for rank in range(world):
        with open_stream(shard=(rank, world), shuffle=shuffle, seed=3, columns=["id"]) as stream:
            mine = _ids(stream)
            stream.set_epoch(0)
            assert len(mine) == stream.shard_rows[rank]
            read.append(mine)
    together = [value for one in read for value in one]
    assert sorted(together) == list(range(ROWS))
    with open_stream(shard=(0, world), shuffle=shuffle, seed=3, even=True, columns=["id"]) as stream:
        assert len(_ids(stream)) == min(len(one) for one in read)


def test_numpy_gives_shapes_and_one_type_per_column(data, open_stream, table):
    with open_stream(form="numpy", batch=90, columns=["phase", "spectrum"]) as stream:
        batches = list(stream)
    assert {one["phase"].dtype for one in batches} == {np.dtype("f8")}
    assert batches[0]["spectrum"].shape == (90, 16)
    found = np.concatenate([one["spectrum"] for one in batches])
    assert np.array_equal(found.ravel(), table["spectrum"].combine_chunks().flatten().to_numpy())


def test_only_asked_columns_travel_and_the_second_epoch_comes_from_the_cache(node, data, open_stream):
    with open_stream(columns=["id"], training="thin") as stream:
        _ids(stream)
        thin = stream._ranges.fetched
    with open_stream(training="whole") as stream:
        _ids(stream)
        whole = stream._ranges.fetched
        _ids(stream)
        assert stream._ranges.fetched == whole
    assert thin < whole / 10
    uses = {one["training"]: one for one in node.api("GET", "/datasets/lab/spectra/uses")[1]["uses"]}
    assert (uses["whole"]["rows"], uses["whole"]["epochs"], uses["whole"]["bytes"]) == (2 * ROWS, 2, whole)
    assert uses["whole"]["outcome"] == "ok"
    assert uses["thin"]["rows"] == ROWS


def test_a_model_card_names_the_data_that_were_read(node, data, open_stream):
    with open_stream(training="phase-net-3", columns=["id"]) as stream:
        _ids(stream)
    assert node.json("trainings", "phase-net-3")["uses"][0]["rows"] == ROWS
    card = node.run("trainings", "phase-net-3", "--card").stdout
    assert card.startswith("---\ndatasets:\n- lab/spectra\n---\n")
    version = node.api("GET", "/datasets/lab/spectra/versions/1")[1]["hash"]
    assert f"1 (`{version}`) | 9,000 |" in card
    listed = node.run("trainings", env={"TSUNAGU_LANG": "ja"}).stdout
    assert "9,000 行、1 エポック目まで" in listed
    assert node.run("trainings", "unknown", check=False).returncode == 4


def test_workers_and_ranks_of_one_training_are_one_run(node, data, open_stream):
    def child(stream, queue):
        queue.put(_read_part(stream))
        queue.close()
        queue.join_thread()
        os._exit(0)

    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    with open_stream(shard=(0, 2), training="pair", columns=["id"]) as one:
        next(iter(one))
        with open_stream(shard=(1, 2), training="pair", columns=["id"]) as two:
            assert two.version == 1  # opened here: the worker joins this use, and this process ends it
            worker = context.Process(target=child, args=(two, queue))
            worker.start()
            theirs = queue.get(timeout=60)
            worker.join(60)
            assert not set(theirs) & set(_ids(one))
    found = node.api("GET", "/trainings/pair")[1]["uses"]
    assert len(found) == 1
    assert found[0]["outcome"] == "ok"
    assert found[0]["rows"] >= ROWS


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_parts_of_a_stream_are_read_in_processes_of_ones_own_as_one_use(
    node, data, open_stream, way, monkeypatch
):
    context = multiprocessing.get_context(way)
    told, opener, note = context.Value("i", 0), os.getpid(), Door.note

    def counted(*said):
        with told.get_lock():
            told.value += os.getpid() != opener
        note(*said)

    monkeypatch.setattr(Door, "note", counted)  # forked processes have it, too
    with (
        open_stream(shuffle=True, columns=["id"], training=f"parts-{way}") as stream,
        context.Pool(2) as pool,
    ):
        parts = pool.map(_read_part, [stream.part(number, 2) for number in range(2)])
    assert sorted(parts[0] + parts[1]) == list(range(ROWS))
    assert min(map(len, parts)) > ROWS // 3
    assert not told.value, "the process that opened the use tells the node for its parts"
    (use,) = node.api("GET", f"/trainings/parts-{way}")[1]["uses"]
    assert (use["rows"], use["epochs"], use["outcome"]) == (ROWS, 1, "ok")


def _read_part(part):
    with part:
        return _ids(part)


def test_parts_of_a_stream_that_goes_on_midway_hold_the_whole_epoch(data, open_stream):
    with open_stream(shuffle=True, columns=["id"]) as stream:
        next(iter(stream))
        state = stream.state_dict()
    with open_stream(shuffle=True, columns=["id"]) as stream:
        stream.load_state_dict(state)
        parts = [_read_part(stream.part(number, 3)) for number in range(3)]
        assert sorted(itertools.chain.from_iterable(parts)) == list(range(ROWS))
        assert len(_ids(stream)) == ROWS - state["position"]


def test_a_part_that_is_left_midway_has_told_what_it_read(node, data, open_stream):
    with open_stream(columns=["id"], batch=100, training="midway") as stream:
        with stream.part(1, 3) as part:
            next(iter(part))
        deadline = time.monotonic() + 20
        while not (use := node.api("GET", "/trainings/midway")[1]["uses"][0])["rows"]:
            assert time.monotonic() < deadline  # told within a second, while the stream goes on
            time.sleep(0.1)
        assert (use["rows"], use["outcome"]) == (100, "")
        with pytest.raises(UsageError):
            stream.part(3, 3)


def test_an_address_that_ran_out_is_asked_for_again(data, open_stream, table):
    with open_stream() as stream:
        opened = stream._open()
        stale = [replace(one, source=replace(one.source, capability="e30.x")) for one in opened.footers]
        stream._opened = replace(opened, footers=tuple(stale))
        assert _ids(stream) == list(range(ROWS))


def test_terms_that_change_midway_end_the_stream(node, data, open_stream):
    stream = open_stream()
    opened = stream._open()
    stale = [replace(one, source=replace(one.source, capability="e30.x")) for one in opened.footers]
    stream._opened = replace(opened, footers=tuple(stale))
    node.api("PUT", "/datasets/lab/spectra/ai-terms", {"uses": {"training": "deny"}})
    try:
        with pytest.raises(TsunaguError) as refused:
            _ids(stream)
        assert refused.value.code.startswith("ai_use.")
    finally:
        node.api("PUT", "/datasets/lab/spectra/ai-terms", {"uses": {"training": "allow"}})
        stream.close(outcome="failed")


def test_a_node_that_restarts_midway_is_waited_for(node, data, open_stream):
    with open_stream(batch=100, cache=0) as stream:
        batches = iter(stream)
        read = next(batches).column("id").to_pylist()
        node.kill()
        node.start()
        for batch in batches:
            read += batch.column("id").to_pylist()
    assert read == list(range(ROWS))


def test_what_cannot_be_streamed_is_said_in_words(node, data, open_stream, table, tmp_path, monkeypatch):
    monkeypatch.setenv("TSUNAGU_LANG", "en")
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.txt").write_text("no table")
    _send(node, "lab/notes", notes)
    with pytest.raises(NothingToStreamError) as nothing:
        list(open_stream("lab/notes"))
    assert "tsunagu ready lab/notes" in nothing.value.remedy
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    pq.write_table(table.slice(0, 10), mixed / "1.parquet")
    pq.write_table(table.slice(0, 10).set_column(0, "id", pa.array(list("abcdefghij"))), mixed / "2.parquet")
    _send(node, "lab/mixed", mixed)
    with pytest.raises(MixedSchemaError) as wrong:
        list(open_stream("lab/mixed"))
    assert wrong.value.fields["column"] == "id"
    with pytest.raises(NothingToStreamError):
        list(open_stream(split="validation"))
    with pytest.raises(TsunaguError) as unknown:
        list(open_stream("lab/nothing"))
    assert unknown.value.status == 404
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "a.parquet").write_bytes(b"PAR1" + bytes(100) + (2**31).to_bytes(4, "little") + b"PAR1")
    _send(node, "lab/broken", broken)
    with pytest.raises(TsunaguError, match="Parquet"):
        list(open_stream("lab/broken"))


def test_nothing_of_a_sealed_dataset_lies_on_the_readers_disk(node, open_stream, table, tmp_path):
    folder = tmp_path / "sealed"
    folder.mkdir()
    pq.write_table(table.slice(0, 500), folder / "train.parquet", compression="none", use_dictionary=False)
    node.run("push", str(folder), "lab/sealed")
    node.run("seal", "lab/sealed")
    _send(node, "lab/sealed", folder)
    with open_stream("lab/sealed") as stream:
        assert _ids(stream) == list(range(500))
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert not any(MARK in path.read_bytes() for path in kept)


def test_a_condition_fetches_what_it_needs_and_resumes_to_the_row(data, open_stream):
    wanted = {"where": "id >= 4100 and id < 4300 or phase is null", "columns": ["phase"], "batch": 20}
    expected = [n for n in range(ROWS) if 4100 <= n < 4300 or n % 97 == 0]
    with open_stream(where=wanted["where"], columns=["id"]) as stream:
        assert _ids(stream) == expected
    with open_stream(shuffle=True, seed=4, **wanted) as stream:
        assert len(stream) == -(-len(expected) // 20)
        batches = iter(stream)
        first = [next(batches) for _ in range(5)]
        state = stream.state_dict()
        rest = list(batches)
    assert first[0].schema.names == ["phase"]
    assert sum(one.num_rows for one in (*first, *rest)) == len(expected)
    with open_stream(shuffle=True, seed=4, **wanted) as stream:
        stream.load_state_dict(state)
        assert list(stream) == rest
    with open_stream(shuffle=True, seed=4) as stream, pytest.raises(OtherStreamError):
        stream.load_state_dict(state)
    narrow = {"where": "id >= 4100 and id < 4300", "columns": ["id"]}
    found = []
    for number in range(2):
        with open_stream(shard=(number, 2), **narrow) as part:
            found += _ids(part)
    assert sorted(found) == list(range(4100, 4300))
    with open_stream(cache=0, where=narrow["where"]) as some, open_stream(cache=0) as whole:
        assert _ids(some) == list(range(4100, 4300))
        _ids(whole)
        assert some._ranges.fetched < whole._ranges.fetched / 2, "row groups that hold none are not fetched"


def test_a_column_tells_the_split_where_no_file_does(node, tmp_path, open_stream):
    parts = ["train", "test", "Train", None, "test", "validation"]
    folder = tmp_path / "made"
    folder.mkdir()
    pq.write_table(pa.table({"id": range(6), "split": parts}), folder / "film.parquet")
    _send(node, "lab/divided", folder)
    for split, expected in {
        "train": [0, 2],
        "test": [1, 4],
        "validation": [5],
        "": [0, 1, 2, 3, 4, 5],
    }.items():
        with open_stream("lab/divided", split=split) as stream:
            assert _ids(stream) == expected, split
