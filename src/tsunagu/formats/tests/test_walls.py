"""The walls, tried by a reader that wants out, and what the pool does about readers that misbehave."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tsunagu.formats.api import ExtractorPool, Limits

READER = """
import ctypes, os, signal, socket, subprocess, sys, threading, time
from pathlib import Path
from tsunagu.formats.api import Field, Outcome, Reading, ReaderInfo, UnreadableError


def attempt(what, argument):
    if what == "socket": socket.socket()
    elif what == "connect": socket.create_connection(("127.0.0.1", int(argument)), 1)
    elif what == "unix": socket.socket(socket.AF_UNIX).connect(argument)
    elif what == "write": open(argument, "w").write("x")
    elif what == "append": os.open(argument, os.O_WRONLY | os.O_APPEND)
    elif what == "remove": os.unlink(argument)
    elif what == "rename": os.rename(argument, argument + "2")
    elif what == "chmod": os.chmod(argument, 0o777)
    elif what == "mkdir": os.mkdir(argument)
    elif what == "symlink": os.symlink("/etc/passwd", argument)
    elif what == "read": return open(argument).read()[:20]
    elif what == "list": return os.listdir(argument)
    elif what == "environ": return open("/proc/%d/environ" % os.getppid()).read()[:20]
    elif what == "memory of parent": return open("/proc/%d/mem" % os.getppid(), "rb").read(1)
    elif what == "fork": os.fork()
    elif what == "bomb":
        while True: os.fork()
    elif what == "run": subprocess.run(["/bin/true"])
    elif what == "exec": os.execv("/bin/true", ["true"])
    elif what == "kill parent": os.kill(os.getppid(), signal.SIGKILL)
    elif what == "kill all": os.kill(-1, signal.SIGKILL)
    elif what == "ptrace":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.ptrace(16, os.getppid(), 0, 0) != 0: raise OSError(ctypes.get_errno(), "ptrace")
    elif what == "raise limit":
        import resource
        resource.setrlimit(resource.RLIMIT_CPU, (10_000, 10_000))
    elif what == "namespace":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(0x10000000) != 0: raise OSError(ctypes.get_errno(), "unshare")
    elif what == "pid": return os.getpid()
    elif what == "poison": globals()["POISONED"] = True
    elif what == "memory": return len(bytearray(1 << 40))
    elif what == "secrets": return [k for k in os.environ if "SECRET" in k or "TOKEN" in k]
    elif what == "thread":
        done = []
        t = threading.Thread(target=lambda: done.append(1)); t.start(); t.join(); return done
    elif what == "print": os.write(1, b"x" * 100000); os.write(2, b"y" * 100000); print("z" * 100000)
    else: raise LookupError(what)


def read(path, context):
    what, _, argument = path.read_text().removeprefix("HOSTILE ").partition("|")
    if globals().get("POISONED"): raise UnreadableError("Spoilt by the file before.")
    if what == "hang": time.sleep(600)
    if what == "spin":
        while True: pass
    if what == "fill":
        kept = []
        while True: kept.append(bytearray(1 << 24))
    if what == "crash": ctypes.string_at(8)
    if what == "exit": os._exit(0)
    if what == "die": os.abort()
    if what == "raise": raise RuntimeError("as it pleases")
    if what == "base": raise KeyboardInterrupt
    if what == "recurse": return read(path, context)
    if what == "nonsense": return "no reading"
    if what == "huge": return Reading(fields=(Field("k", "x" * (64 << 20)),))
    if what == "own": raise UnreadableError("The tenth line is missing.")
    if what == "odd": return Reading(fields=(Field("k", object()),))
    try:
        found = attempt(what, argument)
    except (OSError, MemoryError, ValueError) as error:
        return Reading(fields=(Field("refused", type(error).__name__),))
    return Reading(fields=(Field("came through", str(found)),))


class Hostile:
    info = ReaderInfo("hostile", "1", ("text/x-hostile",), "Hostile", "敵対的")

    def sniff(self, head, name):
        if head.startswith(b"SNIFF"): raise RuntimeError("in the sniffer")
        return 100 if head.startswith(b"HOSTILE ") else 0

    def load(self):
        return read


class Unloadable(Hostile):
    info = ReaderInfo("unloadable", "1", (), "Unloadable", "読み込めない")

    def sniff(self, head, name): return 100 if head.startswith(b"UNLOADABLE") else 0

    def load(self): raise ImportError("libmissing.so: cannot open")


class Wild(Hostile):
    info = ReaderInfo("wild", "1", (), "Wild", "過大な点数")

    def sniff(self, head, name): return "many" if head.startswith(b"a,b") else 10**9 if head.startswith(b"WILD") else 0


HOSTILE, UNLOADABLE, WILD, NO_READER = Hostile(), Unloadable(), Wild(), object()
"""
ENTRY_POINTS = """[tsunagu.readers]
hostile = hostile_reader:HOSTILE
unloadable = hostile_reader:UNLOADABLE
wild = hostile_reader:WILD
absent = no_such_module_at_all:X
missing = hostile_reader:NOT_THERE
shape = hostile_reader:NO_READER
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExtractorPool]:
    """A pool with a distribution installed that holds good, bad and broken readers."""
    place = tmp_path_factory.mktemp("plugins")
    (place / "hostile_reader.py").write_text(textwrap.dedent(READER))
    info = place / "hostile_reader-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile-reader\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    sys.path.insert(0, str(place))
    os.environ["TSUNAGU_SECRET_FOR_TEST"] = "x"
    try:
        with ExtractorPool(limits=Limits(wall_s=3, cpu_s=2, memory_bytes=256 << 20)) as pool:
            yield pool
    finally:
        sys.path.remove(str(place))
        del os.environ["TSUNAGU_SECRET_FOR_TEST"]


def do(pool: ExtractorPool, what: str, argument: object = ""):
    return pool.extract_bytes(f"HOSTILE {what}|{argument}".encode(), name="x")


def refused(pool: ExtractorPool, what: str, argument: object = "") -> bool:
    outcome = do(pool, what, argument)
    assert outcome.status == "read", outcome.reason
    return outcome.reading.fields[0].key == "refused"


def still_works(pool: ExtractorPool) -> bool:
    return pool.extract_bytes(b"a,b\n1,2\n3,4\n5,6\n", name="x.csv").reader == "csv"


@pytest.mark.parametrize(
    "what",
    ["socket", "fork", "bomb", "run", "exec", "kill parent", "kill all", "ptrace", "raise limit", "namespace", "memory",
     "environ", "memory of parent"],
)  # fmt: skip
def test_a_reader_cannot(what: str, hostile: ExtractorPool):
    assert refused(hostile, what)
    assert still_works(hostile)


def test_a_reader_cannot_reach_the_network(hostile: ExtractorPool, tmp_path: Path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        assert refused(hostile, "connect", server.getsockname()[1])
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        assert refused(hostile, "unix", tmp_path / "s")


@pytest.mark.parametrize("what", ["write", "append", "remove", "rename", "chmod"])
def test_a_reader_cannot_change_a_file(what: str, hostile: ExtractorPool, tmp_path: Path):
    victim = tmp_path / "victim"
    victim.write_text("whole")
    victim.chmod(0o666)
    tmp_path.chmod(0o777)
    assert refused(hostile, what, victim)
    assert victim.read_text() == "whole"
    assert victim.stat().st_mode & 0o777 == 0o666


@pytest.mark.parametrize("what", ["write", "mkdir", "symlink"])
def test_a_reader_cannot_make_one(what: str, hostile: ExtractorPool, tmp_path: Path):
    tmp_path.chmod(0o777)
    assert refused(hostile, what, tmp_path / "new")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["/etc/shadow", "/etc/hostname", "/proc/1/environ", "/proc/self/environ"])
def test_a_reader_cannot_read_the_system(path: str, hostile: ExtractorPool):
    if not Path(path).exists():
        pytest.skip(f"{path} is not here")
    assert refused(hostile, "read", path)


def test_a_reader_cannot_read_other_files(hostile: ExtractorPool, tmp_path: Path):
    (tmp_path / "neighbour").write_text("theirs")
    assert refused(hostile, "read", tmp_path / "neighbour")
    assert refused(hostile, "list", tmp_path)
    assert refused(hostile, "list", Path.home())


def test_what_a_reader_may_do(hostile: ExtractorPool):
    assert do(hostile, "thread").reading.fields[0].value == "[1]"
    assert do(hostile, "secrets").reading.fields[0].value == "[]"


def test_what_a_reader_prints_goes_nowhere(hostile: ExtractorPool, capfd: pytest.CaptureFixture[str]):
    assert do(hostile, "print").status == "read"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("what", "code", "word"),
    [
        ("hang", "out_of_time", "3 seconds"),
        ("spin", "out_of_time", "seconds"),
        ("fill", "out_of_memory", "memory"),
        ("crash", "crashed", "SIGSEGV"),
        ("die", "crashed", "crashed"),
        ("exit", "out_of_memory", "memory"),
        ("raise", "corrupt", "as it pleases"),
        ("recurse", "unsupported", "nested"),
        ("own", "corrupt", "The tenth line is missing."),
        ("huge", "reader_failed", "unusable"),
    ],
)
def test_a_reader_that_fails_is_a_result(what: str, code: str, word: str, hostile: ExtractorPool):
    started = time.monotonic()
    outcome = do(hostile, what)
    assert time.monotonic() - started < 40
    assert (outcome.status, outcome.reason_code) == ("unreadable", code)
    assert word in outcome.reason
    assert still_works(hostile)


@pytest.mark.parametrize("what", ["nonsense", "odd", "base"])
def test_an_answer_that_is_none(what: str, hostile: ExtractorPool):
    outcome = do(hostile, what)
    assert outcome.status == "unreadable"
    assert outcome.reason
    assert still_works(hostile)


def test_broken_plugins_are_named_and_hurt_nobody(hostile: ExtractorPool):
    said = "\n".join(hostile.problems())
    for name in ("absent", "missing", "shape"):
        assert f"The reader {name} (" in said
    assert len(hostile.problems()) == 3
    assert still_works(hostile)
    outcome = hostile.extract_bytes(b"SNIFF a line of text\n", name="x.txt")
    assert (outcome.reader, outcome.status) == ("text", "read")
    outcome = hostile.extract_bytes(b"UNLOADABLE", name="x")
    assert (outcome.reader, outcome.status, outcome.reason_code) == (
        "unloadable",
        "unreadable",
        "reader_failed",
    )
    assert "libmissing.so" in outcome.reason
    assert hostile.extract_bytes(b"WILD", name="x").reader == "wild"


def test_a_killed_child_and_a_killed_zygote(hostile: ExtractorPool):
    assert still_works(hostile)
    assert hostile._process is not None
    hostile._process.kill()
    hostile._process.wait()
    assert still_works(hostile)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(do(hostile, "hang")))
    thread.start()
    time.sleep(0.5)
    os.kill(_child_of(hostile._process.pid), signal.SIGKILL)
    thread.join()
    assert answers[0].status == "unreadable"
    assert still_works(hostile)


def _child_of(pid: int) -> int:
    """The child that is at work: the oldest, the younger one was made ahead."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return min(map(int, children))


def pid_of(pool: ExtractorPool, group: str | None) -> str:
    outcome = pool.extract_bytes(b"HOSTILE pid|", name="x", group=group)
    return str(outcome.reading.fields[0].value)


def test_only_files_of_one_group_share_a_process(hostile: ExtractorPool):
    assert pid_of(hostile, "a") == pid_of(hostile, "a")
    assert pid_of(hostile, "a") != pid_of(hostile, "b")
    assert pid_of(hostile, None) != pid_of(hostile, None)
    first = pid_of(hostile, "a")
    pid_of(hostile, "b")
    assert pid_of(hostile, "a") != first


@pytest.mark.parametrize("what", ["crash", "exit", "fill", "raise"])
def test_a_shared_process_that_failed(what: str, hostile: ExtractorPool):
    first = pid_of(hostile, "a")
    alone = do(hostile, what)
    pid_of(hostile, "a")
    together = hostile.extract_bytes(f"HOSTILE {what}|".encode(), name="x", group="a")
    assert (together.status, together.reason_code) == ("unreadable", alone.reason_code)
    assert pid_of(hostile, "a") != first
    assert still_works(hostile)


def test_a_file_cannot_condemn_the_next_one(hostile: ExtractorPool):
    first = pid_of(hostile, "a")
    assert hostile.extract_bytes(b"HOSTILE poison|", name="x", group="a").status == "read"
    outcome = hostile.extract_bytes(b"HOSTILE pid|", name="x", group="a")
    assert outcome.status == "read"
    assert outcome.reading.fields[0].value != first


def test_a_shared_process_is_changed_now_and_then(hostile: ExtractorPool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tsunagu.formats.sandbox.pool._GROUP_FILES", 3)
    seen = [pid_of(hostile, "a") for _ in range(7)]
    assert len(set(seen)) == 3


def test_the_walls_stand_in_a_shared_process(hostile: ExtractorPool, tmp_path: Path):
    (tmp_path / "neighbour").write_text("theirs")
    for what in (f"read|{tmp_path / 'neighbour'}", "socket|", "fork|", f"write|{tmp_path / 'new'}"):
        outcome = hostile.extract_bytes(f"HOSTILE {what}".encode(), name="x", group="a")
        assert outcome.reading.fields[0].key == "refused", what
    source = tmp_path / "mine"
    source.write_bytes(b"HOSTILE pid|")
    assert hostile.extract(source, name="x", group="a").status == "read"


def test_nothing_is_left_over(hostile: ExtractorPool):
    for what in ("hang", "raise", "spin", "exit"):
        do(hostile, what)
    assert hostile._process is not None
    pid = hostile._process.pid
    still_works(hostile)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(children) <= 4
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        still_works(hostile)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1
    hostile.close()
    assert not Path(f"/proc/{pid}").exists()


def test_the_report_says_what_holds(pool: ExtractorPool):
    report = pool.report()
    assert {wall.name for wall in report.walls if wall.holds} >= {
        "network",
        "programs",
        "processes",
        "writing",
        "memory",
    }
    assert report.is_complete
