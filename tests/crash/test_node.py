"""The whole node under SIGKILL at random points, hundreds of times, while people push, freeze and read."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.node import Node, descendants, running_node
from tsunagu.client import connect
from tsunagu.client.errors import NodeRefusedError
from tsunagu.core.errors import TsunaguError

pytestmark = pytest.mark.crash
KILLS = 200
PARTS = ("[tsunagu-control]", "[tsunagu-bytes]", "tsunagu: worker")


class Writer(threading.Thread):
    """Pushes growing and changing folders into a dataset of its own and freezes it now and then."""

    def __init__(self, node: Node, number: int, root: Path) -> None:
        super().__init__(daemon=True)
        self.random = random.Random(number)
        self.node, self.name, self.folder = node, f"lab/d{number}", root / f"w{number}"
        self.stop = threading.Event()
        self.acknowledged: dict[str, str] = {}
        self.versions: dict[int, dict[str, str]] = {}
        self.rounds = 0
        self.problem: BaseException | None = None

    def run(self) -> None:
        try:
            with connect(self.node.url, self.node.token) as client:
                dataset = client.dataset(self.name)
                while not self.stop.is_set():
                    state = self._change()
                    self._until_done(lambda: dataset.push(str(self.folder)))
                    self.acknowledged = state
                    if self.random.random() < 0.4:
                        self._freeze(dataset)
                    self.rounds += 1
        except BaseException as error:  # noqa: BLE001 - shown by the test
            self.problem = error

    def _change(self) -> dict[str, str]:
        for _ in range(self.random.randint(1, 12)):
            path = self.folder / f"s{self.random.randint(0, 5)}" / f"f{self.random.randint(0, 60)}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            size = self.random.choice([0, 30, 4000, 40_000, 3_000_000])
            path.write_bytes(b"x,y\n1,2\n" + self.random.randbytes(size).hex().encode()[:size])
        return {
            p.relative_to(self.folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in self.folder.rglob("*.csv")
        }

    def _freeze(self, dataset) -> None:
        before = {version.number for version in self._until_done(lambda: list(dataset.versions()))}

        def freeze():
            try:
                dataset.freeze()
            except NodeRefusedError as error:
                if error.code != "datasets.nothing_to_freeze":
                    raise
            return {version.number for version in dataset.versions()}

        after = self._until_done(freeze)
        assert len(after - before) <= 1, "a freeze whose answer was lost is not done twice"
        for number in after - before:
            self.versions[number] = dict(self.acknowledged)

    def _until_done(self, act):
        deadline = time.monotonic() + 240
        while True:
            try:
                return act()
            except NodeRefusedError as error:
                if error.status < 500:
                    raise
                last = error
            except TsunaguError as error:
                last = error
            if time.monotonic() > deadline:
                raise TimeoutError(self.name) from last
            time.sleep(0.1)


class Reader(threading.Thread):
    """Looks all the time: whatever shows is whole."""

    def __init__(self, node: Node, writers: list[Writer]) -> None:
        super().__init__(daemon=True)
        self.node, self.writers, self.random = node, writers, random.Random(99)
        self.stop = threading.Event()
        self.checked = 0
        self.problem: BaseException | None = None

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                with connect(self.node.url, self.node.token) as client:
                    client.node.transport.attempts = 2
                    dataset = client.dataset(self.random.choice(self.writers).name)
                    files = list(dataset.files())
                    for file in self.random.sample(files, min(5, len(files))):
                        with dataset.open(file.path) as stream:
                            content = stream.read()
                        if hashlib.sha256(content).hexdigest() != file.sha256:
                            # The draft may have moved on between the list and the read; then the list says so.
                            now = {f.path: f.sha256 for f in dataset.files()}
                            assert hashlib.sha256(content).hexdigest() == now.get(file.path), file.path
                        self.checked += 1
            except (TsunaguError, OSError):
                time.sleep(0.2)
            except BaseException as error:  # noqa: BLE001 - shown by the test
                self.problem = error
                return


def kill_a_part(node: Node, choice: random.Random) -> None:
    """SIGKILL to one process of the node, a master or one of its workers; what started it starts it again."""
    part = choice.choice(PARTS)
    assert node.process is not None
    found = []
    for pid in descendants(node.process.pid):
        with contextlib.suppress(OSError):
            if part.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    if found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(choice.choice(found), signal.SIGKILL)


@pytest.mark.timeout(1500)
def test_nothing_acknowledged_is_lost(tmp_path, monkeypatch):
    monkeypatch.setenv("TSUNAGU_CACHE", str(tmp_path / "cache"))
    choice = random.Random(2026)
    # The leases of dead workers run out within the test; a worker gives a sign of life every three seconds.
    with running_node(
        tmp_path / "home", {"TSUNAGU_JOB_LEASE_S": "8", "TSUNAGU_JOB_ATTEMPTS": "1000"}
    ) as node:
        node.run("project", "create", "lab")
        writers = [Writer(node, number, tmp_path) for number in range(2)]
        reader = Reader(node, writers)
        for thread in (*writers, reader):
            thread.start()
        for _ in range(KILLS):
            time.sleep(choice.uniform(0.0, 1.2))
            if choice.random() < 0.25:
                node.kill()
                node.start()
            else:
                kill_a_part(node, choice)
            for thread in (*writers, reader):
                if thread.problem:
                    raise thread.problem
        for thread in (*writers, reader):
            thread.stop.set()
        for thread in (*writers, reader):
            thread.join(300)
            assert not thread.is_alive()
            if thread.problem:
                raise thread.problem
        check_everything(node, writers, reader, tmp_path)


def check_everything(node: Node, writers: list[Writer], reader: Reader, tmp_path: Path) -> None:
    """What was acknowledged is there and whole, versions hold what they held, leftovers go, every job came to its end."""
    assert min(writer.rounds for writer in writers) >= 5
    assert reader.checked > 20
    assert node.json("verify")["ok"]
    for writer in writers:
        files = {file["path"]: file["sha256"] for file in node.wait_for_readings(writer.name, timeout_s=240)}
        assert files == writer.acknowledged
        assert node.json("verify", writer.name)["ok"]
        assert len(writer.versions) >= 1
        with connect(node.url, node.token) as client:
            for number, expected in random.Random(3).sample(
                sorted(writer.versions.items()), min(6, len(writer.versions))
            ):
                target = tmp_path / f"pulled-{writer.folder.name}-{number}"
                client.dataset(writer.name).pull(str(target), version=number)
                found = {
                    p.relative_to(target).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
                    for p in target.rglob("*")
                    if p.is_file()
                }
                assert found == expected
        kinds = [run["kind"] for run in node.json("runs", writer.name)]
        assert kinds.count("freeze") == len(writer.versions)
    node.run("sweep", "--home", str(node.home), env={"TSUNAGU_SWEEP_AGE_S": "0"})
    named = set(_stored_keys(node))
    on_disk = {
        p.relative_to(node.home / "objects").as_posix()
        for p in (node.home / "objects").rglob("*")
        if p.is_file()
    }
    uploads = {p.stem for p in (node.home / "spool" / "uploads").glob("*.json")}
    assert named <= on_disk
    assert len(on_disk - named) <= len(uploads), (
        "only an upload that may still go on keeps bytes that no row names"
    )
    assert not list((node.home / "tmp").iterdir())


def _stored_keys(node: Node) -> list[str]:
    import sqlite3

    with contextlib.closing(sqlite3.connect(f"file:{node.home / 'db.sqlite3'}?mode=ro", uri=True)) as db:
        return [row[0] for row in db.execute("select key from storage_storedobject")]
