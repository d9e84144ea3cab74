"""Pushing: what arrives, what is skipped, and what is sent again after each kind of break."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from typing import TYPE_CHECKING

import pytest

from tsunagu.client import push as push_module
from tsunagu.client import reading
from tsunagu.client.errors import (
    NodeRefusedError,
    NotSignedInError,
    UnreachableError,
    UsageError,
    VerificationError,
)
from tsunagu.client.tests.fake_door import Fault
from tsunagu.core.errors import TsunaguError

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.client.tests.fake_node import FakeNode
    from tsunagu.client.workspace import Client

LARGE = os.urandom(3 << 20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "measured"
    (root / "raw" / "深い").mkdir(parents=True)
    (root / "a.dat").write_bytes(b"alpha")
    (root / "raw" / "b.dat").write_bytes(b"beta")
    (root / "raw" / "深い" / "測定.csv").write_bytes("温度,1\n".encode())
    (root / "empty").write_bytes(b"")
    (root / "large.bin").write_bytes(LARGE)
    for path in root.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return root


def expected(root: Path) -> dict[str, bytes]:
    return {
        unicodedata.normalize("NFC", p.relative_to(root).as_posix()): p.read_bytes()
        for p in root.rglob("*")
        if p.is_file()
    }


def test_everything_arrives_and_the_run_is_closed(client: Client, fake: FakeNode, folder: Path) -> None:
    report = client.dataset("films/one").push(str(folder))
    assert fake.content("films/one") == expected(folder)
    assert (report.sent, report.same, report.problems) == (5, 0, [])
    assert fake.runs[report.run]["outcome"] == "ok"
    assert report.receipt["count"] == 5
    assert not any("plan" in request for request in fake.requests), "an empty dataset needs no plan"


def test_second_push_reads_and_sends_nothing(
    client: Client, fake: FakeNode, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.dataset("films/one").push(str(folder))
    before = fake.bytes_received
    monkeypatch.setattr(reading, "read_small", lambda *_: pytest.fail("a known file was read"))
    monkeypatch.setattr(reading, "hash_large", lambda *_: pytest.fail("a known file was hashed"))
    report = client.dataset("films/one").push(str(folder))
    assert (report.sent, report.same) == (0, 5)
    assert fake.bytes_received - before < 3000


def test_only_the_changed_file_travels(client: Client, fake: FakeNode, folder: Path) -> None:
    client.dataset("films/one").push(str(folder))
    (folder / "a.dat").write_bytes(b"ALPHA")
    report = client.dataset("films/one").push(str(folder))
    assert (report.sent, report.same) == (1, 4)
    assert fake.content("films/one") == expected(folder)


def test_known_files_that_the_node_lost_are_sent_again(client: Client, fake: FakeNode, folder: Path) -> None:
    client.dataset("films/one").push(str(folder))
    fake.datasets["films/one"].files = {"other": (0, hashlib.sha256(b"").hexdigest())}
    fake.blobs = {}
    fake.blobs[hashlib.sha256(b"").hexdigest()] = b""
    report = client.dataset("films/one").push(str(folder))
    assert report.sent + report.linked == 5
    assert {p: c for p, c in fake.content("films/one").items() if p != "other"} == expected(folder)


def test_content_known_elsewhere_is_linked(client: Client, fake: FakeNode, folder: Path) -> None:
    client.dataset("films/one").push(str(folder))
    fake.put("films/two", "x", b"x")
    before = fake.bytes_received
    report = client.dataset("films/two").push(str(folder))
    assert (report.sent, report.linked) == (0, 5)
    assert fake.bytes_received - before < 3000


def test_links_temporary_and_special_files_are_named(client: Client, fake: FakeNode, tmp_path: Path) -> None:
    root = tmp_path / "odd"
    root.mkdir()
    (root / "good").write_bytes(b"1")
    (root / "half.part").write_bytes(b"1")
    (root / "~$sheet.xlsx").write_bytes(b"1")
    (root / ".~lock.x#").write_bytes(b"1")
    (root / ".tsunagu").mkdir()
    (root / ".tsunagu" / "state").write_bytes(b"1")
    (root / "out").symlink_to("/etc/passwd")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe")
    report = client.dataset("films/odd").push(str(root))
    assert fake.content("films/odd") == {"good": b"1"}
    assert {(s.path, s.reason) for s in report.left_out} == {
        ("half.part", "temporary"), ("~$sheet.xlsx", "temporary"), (".~lock.x#", "temporary"), (".tsunagu", "own"),
        ("out", "link"), ("loop", "link"), ("pipe", "special"),
    }  # fmt: skip
    assert report.problems == []


def test_names_that_cannot_stand_are_problems(client: Client, fake: FakeNode, tmp_path: Path) -> None:
    root = tmp_path / "names"
    root.mkdir()
    (root / "line\nbreak").write_bytes(b"1")
    open(os.fsencode(root) + b"/\x93\xfa\x96{.dat", "wb").close()  # noqa: PTH123 - a name in bytes
    (root / unicodedata.normalize("NFD", "ガ.csv")).write_bytes(b"nfd")
    (root / ("長" * 85)).write_bytes(b"255 bytes")
    report = client.dataset("films/names").push(str(root))
    assert set(fake.content("films/names")) == {"ガ.csv", "長" * 85}
    assert len(report.problems) == 2
    assert fake.runs[report.run]["outcome"] == "failed"


def test_two_names_that_become_one_are_not_overwritten(
    client: Client, fake: FakeNode, tmp_path: Path
) -> None:
    root = tmp_path / "forms"
    root.mkdir()
    for form in ("NFC", "NFD"):
        (root / unicodedata.normalize(form, "が")).write_bytes(form.encode())
    report = client.dataset("films/forms").push(str(root))
    assert len(fake.content("films/forms")) == 1
    assert len(report.problems) == 1


def test_a_file_that_moves_is_a_problem(
    client: Client, fake: FakeNode, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.read

    def grows(handle: int, count: int) -> bytes:
        content = real(handle, count)
        if content.startswith(b"alpha"):
            with (folder / "a.dat").open("ab") as file:
                file.write(b"+")
        return content

    monkeypatch.setattr(reading.os, "read", grows)
    report = client.dataset("films/one").push(str(folder))
    assert [one.path for one in report.problems] == ["a.dat"]
    assert "a.dat" not in fake.content("films/one")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_is_a_problem(client: Client, folder: Path) -> None:
    (folder / "a.dat").chmod(0)
    report = client.dataset("films/one").push(str(folder))
    assert [one.path for one in report.problems] == ["a.dat"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST /bundles", "cut_request", 0),
        Fault("POST /bundles", "cut_request", 1),
        Fault("POST /bundles", "cut_request", 100),
        Fault("POST /bundles", "drop_answer"),
        Fault("POST /bundles", "cut_answer", 3),
        Fault("POST /bundles", "status", 503, count=3),
        Fault("POST /bundles", "expire"),
        Fault("POST /tus$", "cut_request", 0),
        Fault("POST /tus$", "drop_answer"),
        Fault("POST /tus$", "expire"),
        Fault("PATCH /tus", "cut_request", 0),
        Fault("PATCH /tus", "cut_request", 1),
        Fault("PATCH /tus", "cut_request", 1_000_000, count=2),
        Fault("PATCH /tus", "cut_request", 64 << 10, skip=1),
        Fault("PATCH /tus", "cut_request", (64 << 10) - 1, skip=1),
        Fault("PATCH /tus", "drop_answer"),
        Fault("PATCH /tus", "drop_answer", skip=1),
        Fault("PATCH /tus", "expire"),
        Fault("PATCH /tus", "expire", skip=1),
        Fault("PATCH /tus", "status", 503, count=4),
        Fault("PATCH /tus", "commit_fails", count=3),
        Fault("PATCH /tus", "status", 409),
        Fault("HEAD /tus", "status", 503),
        Fault("/finish", "drop_answer"),
        Fault("/pushes$", "drop_answer"),
    ],
    ids=lambda fault: f"{fault.match} {fault.kind} {fault.value} {fault.skip}",
)
def test_breaks_are_survived_and_nothing_is_doubled(
    client: Client, fake: FakeNode, folder: Path, fault: Fault
) -> None:
    fake.faults = [fault]
    report = client.dataset("films/one").push(str(folder))
    assert fake.content("films/one") == expected(folder)
    assert report.problems == []
    assert len(fake.datasets["films/one"].history) == 5, "a file was committed twice"


def test_a_push_that_was_broken_off_goes_on(client: Client, fake: FakeNode, folder: Path) -> None:
    fake.faults = [
        Fault("PATCH /tus", "cut_request", 2_000_000),
        Fault("(HEAD|PATCH|POST) /tus", "status", 503, count=99, skip=2),
    ]
    with pytest.raises(TsunaguError):
        client.dataset("films/one").push(str(folder))
    fake.faults = []
    before = fake.bytes_received
    report = client.dataset("films/one").push(str(folder))
    assert report.resumed
    assert fake.content("films/one") == expected(folder)
    assert fake.bytes_received - before < len(LARGE) - 1_500_000, "the sent part was sent again"
    assert len(fake.runs) == 1


def test_an_open_run_that_the_node_closed_is_replaced(client: Client, fake: FakeNode, folder: Path) -> None:
    fake.faults = [
        Fault("PATCH /tus", "cut_request", 5),
        Fault("(HEAD|PATCH|POST) /tus", "status", 503, count=99, skip=2),
    ]
    with pytest.raises(TsunaguError):
        client.dataset("films/one").push(str(folder))
    fake.faults = []
    for run in fake.runs.values():
        run["outcome"] = "uncertain"
    client.dataset("films/one").push(str(folder))
    assert fake.content("films/one") == expected(folder)


def test_a_large_file_that_changes_on_the_way_is_not_committed(
    client: Client, fake: FakeNode, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tsunagu.client import uploads

    real = uploads.Uplink._patch

    def changes(self: uploads.Uplink, url: str, part: uploads.FilePart, offset: int) -> object:
        answer = real(self, url, part, offset)
        with (folder / "large.bin").open("ab") as file:
            file.write(b"more")
        return answer

    monkeypatch.setattr(uploads.Uplink, "_patch", changes)
    report = client.dataset("films/one").push(str(folder))
    assert [one.path for one in report.problems] == ["large.bin"]
    assert "large.bin" not in fake.content("films/one")
    assert fake.uploads == {}


def test_a_large_file_that_shrinks_is_not_committed(
    client: Client, fake: FakeNode, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tsunagu.client import uploads

    real = uploads.Uplink._create

    def shrinks(self: uploads.Uplink, file: uploads.Found, announced: bytes | None) -> str:
        url = real(self, file, announced)
        os.truncate(folder / "large.bin", 1_500_000)
        return url

    monkeypatch.setattr(uploads.Uplink, "_create", shrinks)
    report = client.dataset("films/one").push(str(folder))
    assert [one.path for one in report.problems] == ["large.bin"]
    assert "large.bin" not in fake.content("films/one")


def test_another_hash_from_the_node_is_an_alarm(client: Client, fake: FakeNode, folder: Path) -> None:
    fake.faults = [Fault("PATCH /tus", "wrong_hash")]
    with pytest.raises(VerificationError) as caught:
        client.dataset("films/one").push(str(folder))
    assert caught.value.exit_code == 7
    assert next(iter(fake.runs.values()))["outcome"] == "failed"


def test_a_full_store_says_so(client: Client, fake: FakeNode, folder: Path) -> None:
    fake.faults = [Fault("POST /bundles", "status", 507)]
    with pytest.raises(NodeRefusedError) as caught:
        client.dataset("films/one").push(str(folder))
    assert caught.value.exit_code == 6


def test_a_node_that_stays_away(client: Client, fake: FakeNode, folder: Path) -> None:
    fake.stop()
    with pytest.raises(UnreachableError) as caught:
        client.dataset("films/one").push(str(folder))
    assert caught.value.exit_code == 8


def test_a_refused_token(fake: FakeNode, folder: Path) -> None:
    import tsunagu

    with tsunagu.connect(fake.url, "other") as stranger, pytest.raises(NotSignedInError):
        stranger.dataset("films/one").push(str(folder))


def test_no_such_folder(client: Client, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        client.dataset("films/one").push(str(tmp_path / "absent"))


def test_an_interrupted_push_without_large_files_is_closed(
    client: Client, fake: FakeNode, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(push_module.Push, "_large", interrupted)
    with pytest.raises(KeyboardInterrupt):
        client.dataset("films/one").push(str(folder))
    assert [run["outcome"] for run in fake.runs.values()] == ["aborted"]
    assert len(fake.content("films/one")) == 4


def test_a_broken_memory_is_rebuilt(client: Client, fake: FakeNode, folder: Path, tmp_path: Path) -> None:
    client.dataset("films/one").push(str(folder))
    (memory,) = (tmp_path / "cache" / "push").glob("*.sqlite")
    memory.write_bytes(b"not a database" * 1000)
    report = client.dataset("films/one").push(str(folder))
    assert report.same == 5
