"""Pulling: what lands in the folder, what is refused, what is fetched again after each kind of break."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tsunagu.client import local_tree
from tsunagu.client.errors import UnreachableError, VerificationError
from tsunagu.client.local_tree import LocalTree, name_problem
from tsunagu.client.tests.fake_door import Fault

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.client.tests.fake_node import FakeNode
    from tsunagu.client.workspace import Client

LARGE = os.urandom(3 << 20)
FILES = {
    "a.dat": b"alpha",
    "raw/b.dat": b"beta",
    "raw/深い/測定.csv": "温度".encode(),
    "empty": b"",
    "large.bin": LARGE,
}


@pytest.fixture
def filled(fake: FakeNode) -> FakeNode:
    for path, content in FILES.items():
        fake.put("films/one", path, content)
    return fake


def here(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".tsunagu" not in path.parts
    }


def test_everything_lands_and_a_second_pull_fetches_nothing(
    client: Client, filled: FakeNode, tmp_path: Path
) -> None:
    dest = tmp_path / "dest"
    filled.page_size = 2
    report = client.dataset("films/one").pull(str(dest))
    assert here(dest) == FILES
    assert (report.fetched, report.same) == (5, 0)
    filled.requests.clear()
    report = client.dataset("films/one").pull(str(dest))
    assert (report.fetched, report.same) == (0, 5)
    assert not any("/fetch" in r or "/o/" in r for r in filled.requests)


def test_a_tree_that_is_pulled_into_once_leaves_no_memory_of_it(tmp_path: Path) -> None:
    for remembers in (True, False):
        place = tmp_path / str(remembers)
        tree = LocalTree(str(place), remembers=remembers)
        (place / "a").write_bytes(b"1")
        tree.remember("a", str(place / "a"), "00")
        assert tree.state_of("a", str(place / "a"), "00") == "same"
        tree.close()
        again = LocalTree(str(place))
        assert (again._kept("a") is not None) == remembers
        again.close()


def test_only_changes_are_fetched_and_stale_files_are_named(
    client: Client, filled: FakeNode, tmp_path: Path
) -> None:
    client.dataset("films/one").pull(str(tmp_path / "d"))
    filled.put("films/one", "a.dat", b"ALPHA")
    del filled.datasets["films/one"].files["empty"]
    report = client.dataset("films/one").pull(str(tmp_path / "d"))
    assert (report.fetched, report.same, report.left_from_earlier) == (1, 3, ["empty"])
    assert (tmp_path / "d" / "a.dat").read_bytes() == b"ALPHA"


def test_a_locally_changed_file_is_kept(client: Client, filled: FakeNode, tmp_path: Path) -> None:
    dest = tmp_path / "d"
    client.dataset("films/one").pull(str(dest))
    (dest / "a.dat").write_bytes(b"mine")
    (dest / "raw" / "b.dat").touch()
    report = client.dataset("films/one").pull(str(dest))
    assert [one["path"] for one in report.problems] == ["a.dat"]
    assert report.problems[0]["code"] == "client.local_changes"
    assert (dest / "a.dat").read_bytes() == b"mine"
    assert report.left_from_earlier == []
    report = client.dataset("films/one").pull(str(dest), force=True)
    assert report.problems == []
    assert here(dest) == FILES


def test_equal_files_that_were_there_are_taken_as_they_are(
    client: Client, filled: FakeNode, tmp_path: Path
) -> None:
    dest = tmp_path / "d"
    dest.mkdir()
    (dest / "a.dat").write_bytes(b"alpha")
    (dest / "empty").write_bytes(b"not the same")
    report = client.dataset("films/one").pull(str(dest))
    assert (report.same, report.fetched) == (1, 3)
    assert [one["path"] for one in report.problems] == ["empty"]


def test_a_version_and_a_prefix(client: Client, filled: FakeNode, tmp_path: Path) -> None:
    client.dataset("films/one").freeze("first")
    filled.put("films/one", "a.dat", b"ALPHA")
    client.dataset("films/one").pull(str(tmp_path / "v1"), version=1)
    client.dataset("films/one").pull(str(tmp_path / "raw"), prefix="raw/")
    assert here(tmp_path / "v1") == FILES
    assert set(here(tmp_path / "raw")) == {"raw/b.dat", "raw/深い/測定.csv"}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/pulls", "drop_answer"),
        Fault("/fetch", "cut_answer", 0),
        Fault("/fetch", "cut_answer", 1),
        Fault("/fetch", "cut_answer", 60),
        Fault("/fetch", "cut_answer", 130),
        Fault("/fetch", "spoil"),
        Fault("/fetch", "status", 503),
        Fault("/fetch", "expire"),
        Fault("/o/", "cut_answer", 0),
        Fault("/o/", "cut_answer", 1),
        Fault("/o/", "cut_answer", 2_000_000, count=2),
        Fault("/o/", "spoil"),
        Fault("/o/", "status", 503, count=3),
        Fault("/o/", "expire"),
    ],
    ids=lambda fault: f"{fault.match} {fault.kind} {fault.value}",
)
def test_breaks_are_survived(client: Client, filled: FakeNode, tmp_path: Path, fault: Fault) -> None:
    filled.faults = [fault]
    report = client.dataset("films/one").pull(str(tmp_path / "d"))
    assert here(tmp_path / "d") == FILES
    assert (report.fetched, report.problems) == (5, [])
    assert not (tmp_path / "d" / ".tsunagu").exists()


def test_addresses_that_ended_are_asked_for_once_for_all_files_of_a_page(
    client: Client, filled: FakeNode, tmp_path: Path
) -> None:
    """Once for each file would take so long that the first ones end again before they are used."""
    for number in range(40):
        filled.put("films/one", f"many/{number}.dat", b"%d" % number)
    filled.faults = [Fault("/fetch", "expire")]
    report = client.dataset("films/one").pull(str(tmp_path / "d"))
    assert (report.fetched, report.problems) == (45, [])
    # The page, once more for the forty-four small ones, and once for the large one, whose address ended too.
    assert sum(one.endswith("/pulls") for one in filled.requests) == 3


def test_a_broken_pull_goes_on_where_it_stopped(client: Client, filled: FakeNode, tmp_path: Path) -> None:
    filled.faults = [Fault("/o/", "cut_answer", 2_500_000), Fault("/o/", "status", 503, count=99)]
    with pytest.raises(Exception, match=r"fail"):
        client.dataset("films/one").pull(str(tmp_path / "d"))
    filled.faults = [Fault("/o/", "cut_answer", 600_000)]  # the rest fits, the whole would not
    client.dataset("films/one").pull(str(tmp_path / "d"))
    assert here(tmp_path / "d") == FILES


def test_wrong_bytes_from_the_node_are_refused(client: Client, filled: FakeNode, tmp_path: Path) -> None:
    filled.faults = [Fault("/o/", "spoil", count=9)]
    with pytest.raises(VerificationError):
        client.dataset("films/one").pull(str(tmp_path / "d"))
    assert "large.bin" not in here(tmp_path / "d")


def test_wrong_small_bytes_from_the_node_are_refused(
    client: Client, filled: FakeNode, tmp_path: Path
) -> None:
    filled.faults = [Fault("/fetch", "spoil", count=99)]
    with pytest.raises(UnreachableError):
        client.dataset("films/one").pull(str(tmp_path / "d"))


def test_a_withdrawn_file_keeps_no_other_away(client: Client, filled: FakeNode, tmp_path: Path) -> None:
    filled.withdrawn = {"raw/b.dat"}
    report = client.dataset("films/one").pull(str(tmp_path / "d"))
    assert set(here(tmp_path / "d")) == set(FILES) - {"raw/b.dat"}
    assert [(one["path"], one["code"]) for one in report.problems] == [("raw/b.dat", "datasets.withdrawn")]


@pytest.mark.parametrize(
    "path", ["../out", "/etc/out", "a/../../out", "a//b", ".tsunagu/x", "a\nb", ".TSUNAGU/x"]
)
def test_hostile_paths_do_not_leave_the_folder(
    client: Client, fake: FakeNode, tmp_path: Path, path: str
) -> None:
    fake.put("films/bad", path, b"evil")
    fake.put("films/bad", "zz", b"good")
    report = client.dataset("films/bad").pull(str(tmp_path / "in" / "d"))
    assert here(tmp_path / "in" / "d") == {"zz": b"good"}
    assert [one["path"] for one in report.problems] == [path]
    assert {p.name for p in (tmp_path / "in").iterdir()} == {"d"}


def test_a_link_in_the_folder_is_not_followed(client: Client, filled: FakeNode, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    dest = tmp_path / "d"
    dest.mkdir()
    (dest / "raw").symlink_to(outside)
    (dest / "a.dat").symlink_to(outside / "target")
    report = client.dataset("films/one").pull(str(dest))
    assert {one["path"] for one in report.problems} == {"a.dat", "raw/b.dat", "raw/深い/測定.csv"}
    assert list(outside.iterdir()) == []


def test_names_that_differ_in_case_are_reported_where_they_collide(
    client: Client, fake: FakeNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.put("films/case", "A.dat", b"upper")
    fake.put("films/case", "a.dat", b"lower")
    report = client.dataset("films/case").pull(str(tmp_path / "d"))
    assert report.problems == []
    monkeypatch.setattr(LocalTree, "_probe_case", lambda _self: True)
    for page_size in (1000, 1):
        fake.page_size = page_size
        report = client.dataset("films/case").pull(str(tmp_path / f"i{page_size}"))
        assert [one["path"] for one in report.problems] == ["a.dat"]
        assert here(tmp_path / f"i{page_size}") == {"A.dat": b"upper"}


def test_a_file_where_a_folder_should_be(client: Client, fake: FakeNode, tmp_path: Path) -> None:
    fake.put("films/both", "a", b"file")
    fake.put("films/both", "a/b", b"below")
    report = client.dataset("films/both").pull(str(tmp_path / "d"))
    assert len(report.problems) == 1


@pytest.mark.parametrize(
    ("path", "is_fine"),
    [("a/b.dat", True), ("a:b", False), ("a\\b", False), ("nul", False), ("x/COM1.txt", False), ("a.", False),
     ("a ", False), ("console", True), ("測定.csv", True), ("x/<y>", False)],
)  # fmt: skip
def test_names_on_windows(path: str, *, is_fine: bool) -> None:
    assert (name_problem(path, windows=True) is None) == is_fine
    assert name_problem(path, windows=False) is None


def test_a_lost_memory_means_hashing_not_fetching(client: Client, filled: FakeNode, tmp_path: Path) -> None:
    import shutil

    client.dataset("films/one").pull(str(tmp_path / "d"))
    shutil.rmtree(tmp_path / "cache" / "pulls")
    report = client.dataset("films/one").pull(str(tmp_path / "d"))
    assert (report.same, report.fetched) == (5, 0)


def test_what_was_pulled_can_be_pushed(client: Client, filled: FakeNode, tmp_path: Path) -> None:
    client.dataset("films/one").pull(str(tmp_path / "d"))
    client.dataset("films/copy").push(str(tmp_path / "d"))
    assert filled.content("films/copy") == FILES


def test_a_full_disk_stops_the_pull(
    client: Client, filled: FakeNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(local_tree.LocalTree, "settle", full)
    with pytest.raises(Exception, match="No space left"):
        client.dataset("films/one").pull(str(tmp_path / "d"))


def test_a_remote_file_is_seekable(client: Client, filled: FakeNode) -> None:
    with client.dataset("films/one").open("large.bin") as file:
        file.seek(-10, os.SEEK_END)
        assert file.read() == LARGE[-10:]
        file.seek(1_000_000)
        filled.capabilities.clear()
        assert file.read(5) == LARGE[1_000_000:1_000_005]
        file.seek(0)
        assert file.read() == LARGE
    with client.dataset("films/one").open("empty") as file:
        assert file.read() == b""
