"""Rest by a steady clock, rules, names, reading, ledger: one part at a time."""

from __future__ import annotations

import os
import sqlite3
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu.client.agent import names, reading, report, rules, scan
from tsunagu.client.agent.engine import is_open
from tsunagu.client.agent.home import Home, HomeInUseError
from tsunagu.client.agent.ledger import Ledger, StateError
from tsunagu.client.agent.node import Push
from tsunagu.client.agent.rest import Rest
from tsunagu.client.agent.sending import Sender
from tsunagu.client.agent.watching import FolderWatch


def test_a_file_rests_after_the_time_and_two_looks():
    rest = Rest(10, step_s=100)
    assert not rest.look("a", 5, 1, 0.0)
    assert not rest.look("a", 5, 1, 9.9)
    assert rest.look("a", 5, 1, 10.0)


def test_growth_and_a_new_time_begin_anew():
    rest = Rest(10, step_s=100)
    rest.look("a", 5, 1, 0)
    assert not rest.look("a", 6, 1, 20)
    assert not rest.look("a", 6, 2, 29)
    assert not rest.look("a", 6, 2, 38)
    assert rest.look("a", 6, 2, 39)
    assert not rest.is_shrunk("a")
    assert not rest.look("a", 3, 2, 50)
    assert rest.is_shrunk("a")


def test_sleep_of_the_pc_is_no_time_of_watching():
    rest = Rest(10, step_s=5)
    rest.look("a", 5, 1, 0)
    assert not rest.look("a", 5, 1, 36_000)  # ten hours asleep, the writer too
    assert rest.look("a", 5, 1, 36_005)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0.01, 8)), max_size=60))
def test_rest_equals_a_plain_account(looks):
    rest, now, last, held, polls, before = Rest(5, step_s=3), 0.0, None, 0.0, 0, 0.0
    for size, step in looks:
        now += step
        if size == last:
            held, polls = held + min(now - before, 3), polls + 1
        else:
            last, held, polls = size, 0.0, 1
        before = now
        assert rest.look("f", size, 0, now) == (polls >= 2 and held >= 5)


@pytest.mark.parametrize(
    ("pattern", "path", "dataset", "placed"),
    [
        ("*.ras", "deep/er/AB12_1.RAS", "x", "x"),
        ("*.ras", "a.ras.bak", "x", None),
        ("{sample}_*.ras", "AB12_run_3.ras", "xrd-{sample}", "xrd-ab12"),
        ("{user}/**/{sample}-*.csv", "sato/2026/04/S7-1.csv", "{user}-{sample}", "sato-s7"),
        ("raw/*.dat", "raw/a.dat", "x", "x"),
        ("raw/*.dat", "raw/sub/a.dat", "x", None),
        ("re:^(?P<s>[A-Z]{2}[0-9]+)_", "AB12_x.ras", "d-{s}", "d-ab12"),
        ("re:^(?P<s>[A-Z]{2}[0-9]+)_", "zAB12_x.ras", "d-{s}", None),
        ("[ab]?.dat", "b7.dat", "x", "x"),
        ("[!ab]?.dat", "b7.dat", "x", None),
        ("測定*.csv", "測定1.csv", "x", "x"),
    ],
)
def test_placing(pattern, path, dataset, placed):
    place = rules.Rules([{"pattern": pattern, "project": "p", "dataset": dataset}]).place(path)
    assert (place.dataset or None) == placed
    assert bool(place.code) == (placed is None)


def test_the_first_rule_wins_and_nothing_is_guessed():
    two = rules.Rules([
        {"pattern": "*.a", "project": "p", "dataset": "one"},
        {"pattern": "*", "project": "p", "dataset": "two"},
    ])  # fmt: skip
    assert [two.place(name).dataset for name in ("x.a", "x.b")] == ["one", "two"]
    odd = rules.Rules([{"pattern": "{sample}_*", "project": "p", "dataset": "d-{sample}"}])
    assert odd.place("試料1_a").code == "bad_dataset_name"
    assert odd.place("nothing").code == "no_rule"
    optional = rules.Rules([{"pattern": "re:(?P<s>x)?y", "project": "p", "dataset": "d{s}"}])
    assert optional.place("y").code == "no_group"
    assert rules.Rules([{"pattern": "re:(", "project": "p", "dataset": "d"}]).broken[0][0] == "re:("


def test_names_keep_their_bytes():
    raw = "測定データ1.dat".encode("cp932")
    native = names.from_bytes(raw)
    assert names.to_bytes(native) == raw
    assert names.show(native) == ("測定データ1.dat", "cp932", "")
    assert names.show(names.from_bytes(b"sub/\xff\xfe.dat")) == ("sub/\\xff\\xfe.dat", "bytes", "")
    assert names.show(unicodedata.normalize("NFD", "ガ.csv")).path == "ガ.csv"
    assert names.show("a\nb").wrong == "name_control"
    assert names.show("x" * 256).wrong == "name_long"
    assert names.show("長" * 85).wrong == ""
    assert names.printable("a\nb\udcff") == "a\\nb\\udcff"


@given(st.binary(min_size=1, max_size=60).filter(lambda raw: b"\0" not in raw and b"/" not in raw))
def test_every_name_comes_back_and_travels(raw):
    native = names.from_bytes(raw)
    assert names.to_bytes(native) == raw
    shown = names.show(native)
    shown.path.encode("utf-8")
    names.printable(native).encode("utf-8")


def test_temporary_names():
    assert all(
        map(names.is_temporary, ["~$book.xlsx", "a.TMP", "a.part", "x.crdownload", ".~lock.a#", "Thumbs.db"])
    )
    assert not any(map(names.is_temporary, ["a.dat", "tmp", "part.csv"]))


def test_a_scan_names_what_it_leaves_out(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dat").write_bytes(b"1")
    (tmp_path / "out.dat").write_bytes(b"2")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out.dat")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    os.mkfifo(tmp_path / "in" / "pipe")
    listing = scan.scan(str(tmp_path / "in"), lambda *_: False)
    assert [found.name for found in listing.files] == [b"a.dat"]
    assert sorted((trouble.path, trouble.code) for trouble in listing.troubles) == [
        ("link", "link"), ("loop", "link"), ("pipe", "special"),
    ]  # fmt: skip
    assert scan.scan(str(tmp_path / "nowhere"), lambda *_: False).missing == "folder_missing"


def test_a_file_that_moves_is_not_read(tmp_path):
    path = tmp_path / "a.dat"
    path.write_bytes(b"12345")
    still = reading.Still(5, path.stat().st_mtime_ns)
    assert reading.read_small(str(path), still) == b"12345"
    hashing = reading.Hashing(str(path), still)
    path.write_bytes(b"123456")
    for act in (
        lambda: reading.read_small(str(path), still),
        lambda: reading.probe(str(path), still),
        lambda: reading.read_piece(str(path), still, 0, 3),
        lambda: hashing.go_on(lambda: True),
    ):
        with pytest.raises(reading.MovedError):
            act()


def test_hashing_in_pieces_is_hashing(tmp_path):
    import hashlib

    path = tmp_path / "large"
    path.write_bytes(os.urandom(3_500_000))
    hashing = reading.Hashing(str(path), reading.Still(3_500_000, path.stat().st_mtime_ns))
    steps = [hashing.go_on(lambda: True) for _ in range(4)]
    assert steps[:3] == [None] * 3
    assert steps[3] == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "utf-16"])
def test_the_marker_is_the_last_line(tmp_path, encoding):
    path = tmp_path / "a.txt"
    path.write_bytes(("測定\r\n" + "1 2 3\r\n" * 3000 + "終了\r\n\r\n").encode(encoding))
    assert reading.last_line_is(str(path), "終了")
    assert not reading.last_line_is(str(path), "了")
    path.write_bytes("終了\r\nもう一行\r\n".encode(encoding))
    assert not reading.last_line_is(str(path), "終了")


def test_the_ledger_knows_its_steps(tmp_path):
    ledger = Ledger(str(tmp_path / "l"))
    row = ledger.add("f", b"\x83e", path="テ", size=1, mtime_ns=2, seen_at=0.0)
    for wrong in ("done", "uploading", "verified", "at_rest"):
        with pytest.raises(StateError):
            ledger.move(row, wrong)
    for state in ("settling", "at_rest", "hashed", "uploading", "verified", "done", "changed"):
        ledger.move(row, state)
        assert ledger.get("f", b"\x83e").state == state == ledger.index("f")[b"\x83e"][2]
    with pytest.raises(StateError), ledger.together():
        ledger.move(ledger.move(row, "vanished"), "done")
    assert ledger.get("f", b"\x83e").state == "changed" == ledger.index("f")[b"\x83e"][2]
    with pytest.raises(sqlite3.IntegrityError):
        ledger.add("f", b"\x83e", path="", size=1, mtime_ns=2, seen_at=0.0)
    ledger.close()


def test_two_agents_never_share_a_home(tmp_path):
    one, two = Home(str(tmp_path / "h")), Home(str(tmp_path / "h"))
    one.hold()
    with pytest.raises(HomeInUseError):
        two.hold()
    assert two.is_held()
    one.release()
    two.hold()
    two.release()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_token_is_for_this_account_alone(tmp_path):
    home = Home(str(tmp_path / "h"))
    home.hold()
    home.keep({"url": "http://x", "token": "secret"})
    assert (tmp_path / "h" / "agent.json").stat().st_mode & 0o777 == 0o600
    assert home.settings()["token"] == "secret"
    home.release()


def test_the_window_of_the_day(monkeypatch):
    import time

    monkeypatch.setattr(time, "localtime", time.gmtime)
    hour = 3600.0
    assert [is_open("18:00-07:00", h * hour) for h in (6.9, 7, 12, 17.9, 18, 23)] == [
        True,
        False,
        False,
        False,
        True,
        True,
    ]
    assert [is_open("08:00-09:00", h * hour) for h in (7.9, 8, 9)] == [False, True, False]
    assert is_open("", 0)


def test_windows_paths_know_no_limit(monkeypatch):
    import ntpath
    from types import SimpleNamespace

    monkeypatch.setattr(names, "os", SimpleNamespace(name="nt", path=ntpath, sep="\\"))
    assert names.extended(r"C:\Data") == "\\\\?\\C:\\Data"
    assert names.extended(r"\\server\share\a") == "\\\\?\\UNC\\server\\share\\a"
    assert names.extended("\\\\?\\C:\\Data") == "\\\\?\\C:\\Data"
    assert names.show(r"sub\測定.csv") == ("sub/測定.csv", "", "")


@pytest.mark.parametrize("jump_s", [-4e9, -3600.0, 3600.0, 4e11])
def test_a_wall_clock_that_jumps_changes_nothing(tmp_path, monkeypatch, jump_s):
    import time

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dat").write_bytes(b"content")
    ledger = Ledger(str(tmp_path / "ledger"))
    rule = {"pattern": "*", "project": "p", "dataset": "d"}
    watch = FolderWatch(
        {"path": str(tmp_path / "in"), "settle_s": 10, "rules": [rule]},
        ledger,
        poll_s=5,
        tell=lambda *_, **__: None,
    )
    real = time.time
    watch.look(0.0)
    monkeypatch.setattr(time, "time", lambda: real() + jump_s)
    watch.look(5.0)
    assert ledger.counts() == {"settling": 1}
    monkeypatch.setattr(time, "time", lambda: real() - jump_s)
    watch.look(10.0)
    assert ledger.counts() == {"at_rest": 1}
    assert isinstance(report.moment(real() + jump_s), str)
    ledger.close()


def rested(ledger, folder, **settings):
    """Look until everything that can be is at rest: path -> (state, code)."""
    rule = {"pattern": "*", "project": "p", "dataset": "d"}
    config = {"path": str(folder), "settle_s": 10, "rules": [rule], **settings}
    watch = FolderWatch(config, ledger, poll_s=5, tell=lambda *_, **__: None)
    for now_s in (0.0, 5.0, 10.0, 15.0):
        watch.look(now_s)
    return {row.path: (row.state, row.code) for row in ledger.rows(tuple(ledger.counts()))}


def test_empty_files_where_they_mean_something(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "zero").write_bytes(b"")
    for complete, wanted in (({}, ("settling", "empty")), ({"allow_empty": True}, ("at_rest", ""))):
        ledger = Ledger(str(tmp_path / f"ledger{len(complete)}"))
        assert rested(ledger, tmp_path / "in", complete=complete) == {"zero": wanted}
        ledger.close()


def test_a_folder_that_was_moved_is_compared_not_refused(tmp_path):
    ledger = Ledger(str(tmp_path / "ledger"))
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "a.dat").write_bytes(b"content")
    assert rested(ledger, tmp_path / "old") == {"a.dat": ("at_rest", "")}
    row = ledger.get(str(tmp_path / "old"), b"a.dat")
    for state in ("hashed", "uploading", "verified", "done"):
        ledger.move(row, state, done_at=1.0, sha256="0" * 64, sent="0" * 64)
    (tmp_path / "old").rename(tmp_path / "new")
    rested(ledger, tmp_path / "new")
    assert ledger.get(str(tmp_path / "new"), b"a.dat").state == "at_rest"
    ledger.close()


def test_another_node_is_compared_and_cleaned_folders_are_no_loss(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("kept.dat", "cleaned.dat"):
        (tmp_path / "in" / name).write_bytes(b"content")
    ledger = Ledger(str(tmp_path / "ledger"))
    rested(ledger, tmp_path / "in")
    for row in ledger.rows(("at_rest",)):
        for state in ("hashed", "uploading", "verified", "done"):
            ledger.move(row, state, done_at=1.0, sha256="0" * 64, sent="0" * 64)
    (tmp_path / "in" / "cleaned.dat").unlink()
    assert ledger.ask_again() == 2
    assert rested(ledger, tmp_path / "in") == {"kept.dat": ("hashed", ""), "cleaned.dat": ("vanished", "")}
    ledger.close()


class LyingNode:
    """Says in its receipt that other bytes arrived."""

    def open(self, project, dataset, note):
        return Push("run", {"byte_url": "http://x", "capability": "c"})

    def plan(self, push, files):
        return set(range(len(list(files))))

    def send_bundle(self, push, pieces):
        pass

    def finish(self, run):
        return {"a.dat": "0" * 64}


def test_a_receipt_with_other_bytes_is_not_believed(tmp_path):
    (tmp_path / "a.dat").write_bytes(b"content")
    ledger = Ledger(str(tmp_path / "ledger"))
    mtime_ns = (tmp_path / "a.dat").stat().st_mtime_ns
    row = ledger.add(
        str(tmp_path),
        b"a.dat",
        path="a.dat",
        size=7,
        mtime_ns=mtime_ns,
        seen_at=0.0,
        project="p",
        dataset="d",
    )
    ledger.move(ledger.move(row, "settling"), "at_rest")
    told = []
    sender = Sender(LyingNode(), ledger, tell=lambda event, **fields: told.append((event, fields["code"])))
    sender.folders = [str(tmp_path)]
    sender.step(lambda: False)
    kept = ledger.get(str(tmp_path), b"a.dat")
    assert (kept.state, kept.code) == ("error", "checksum")
    assert told == [("problem", "checksum")]
    ledger.close()
