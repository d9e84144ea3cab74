"""One home is lost and comes back: push, freeze, evidence, backup while the node runs, restore, verify all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import time

import pytest

from tests.node import TSUNAGU, Node, free_port, running_node

pytestmark = pytest.mark.functional


def run(*arguments):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TSUNAGU_")}
    done = subprocess.run(
        [TSUNAGU, *map(str, arguments)], env={**clean, "LANG": "C.UTF-8"}, capture_output=True, text=True, check=False,
        timeout=200,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def report_of(output):
    return json.loads(output[: output.rindex("}") + 1])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A node with two versions, its backup, its home gone."""
    work = tmp_path_factory.mktemp("backup")
    folder = work / "folder"
    (folder / "raw").mkdir(parents=True)
    for number in range(300):
        (folder / "raw" / f"scan{number}.csv").write_text(f"angle (deg),counts\n{number},1\n")
    (folder / "large.bin").write_bytes(os.urandom(9_000_000))
    (work / "pass").write_text("correct horse battery staple\n")
    with running_node(work / "home") as node:
        node.run("project", "create", "lab")
        node.run("push", str(folder), "lab/data")
        node.run("freeze", "lab/data")
        destination = (
            "backup",
            str(work / "saved"),
            "--home",
            str(node.home),
            "--passphrase-file",
            str(work / "pass"),
        )
        first = json.loads(node.run(*destination).stdout)
        (folder / "more.txt").write_text("second")
        node.run("push", str(folder), "lab/data")
        node.run("freeze", "lab/data")
        node.wait_for_readings("lab/data")
        second = json.loads(node.run(*destination).stdout)
        assert 0 < second["objects_copied_now"] < second["objects"], "only what is new is copied again"
        assert first["objects"] == first["objects_copied_now"]
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and not node.api("GET", "/ledger/heads")[1]["heads"]:
            time.sleep(0.5)
        node.run("evidence", "lab/data@1", str(work / "proof.zip"))
        looked = json.loads(node.run("check", "--home", str(node.home), "--json").stdout)
        clock = next(one for one in looked["findings"] if one["name"] == "time stamps")
        assert clock["state"] == "warn"
        assert "not independent" in clock["detail"]
        third = json.loads(node.run(*destination).stdout)
        key = (node.home / "secrets" / "ledger.key").read_bytes()
        token = node.token
    shutil.rmtree(work / "home")
    return work, third, token, key


def judge(folder):
    done = subprocess.run(
        ["python3", "-I", str(folder / "verify_evidence.py"), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.timeout(400)
def test_a_lost_home_comes_back_whole(saved):
    work, said, token, key = saved
    assert said["secrets"] == "sealed"
    home = work / "again"
    code, out, err = run("restore", work / "saved", "--home", home, "--passphrase-file", work / "pass")
    assert code == 0, err
    report = report_of(out)
    assert report["ok"]
    assert report["objects"] == said["objects"]
    assert report["signed_heads"] >= 1
    assert (home / "secrets" / "ledger.key").read_bytes() == key
    assert (home / "secrets" / "ledger.key").stat().st_mode & 0o077 == 0
    node = Node(home, free_port())
    node.token = token
    node.start()
    try:
        checked = node.json("verify")
        assert checked["ok"], checked
        assert checked["checked"]["signed_heads"] >= 1
        node.run("pull", "lab/data@2", str(work / "back"))
        assert {p.relative_to(work / "back") for p in (work / "back").rglob("*") if p.is_file()} == {
            p.relative_to(work / "folder") for p in (work / "folder").rglob("*") if p.is_file()
        }
        assert (work / "back/large.bin").read_bytes() == (work / "folder/large.bin").read_bytes()
        # The evidence of the lost node and of the restored one speak of one log.
        node.run("evidence", "lab/data@1", str(work / "proof"))
        shutil.unpack_archive(work / "proof.zip", work / "older")
        for folder in (work / "proof", work / "older"):
            assert judge(folder)[0] == 0, judge(folder)[1]
        first = [
            (work / name / "heads/first/head.note").read_text().split("\n")[0] for name in ("proof", "older")
        ]
        assert first[0] == first[1]
        again = node.run("evidence", "lab/data@1", str(work / "proof"), check=False)
        assert again.returncode == 2
        assert "is there already" in again.stderr
    finally:
        node.stop()


def test_without_the_passphrase_the_secrets_stay_shut_and_the_data_come_back(saved, tmp_path):
    work, _, _, key = saved
    (tmp_path / "wrong").write_text("something else")
    code, _, err = run(
        "restore", work / "saved", "--home", tmp_path / "a", "--passphrase-file", tmp_path / "wrong"
    )
    assert code == 1
    assert "passphrase is another one" in err
    code, out, err = run("restore", work / "saved", "--home", tmp_path / "b")
    assert code == 0, err
    assert report_of(out)["secrets"] == "made anew"
    sealed = (work / "saved" / "secrets.sealed").read_bytes()
    assert key not in sealed
    assert b"PRIVATE KEY" not in sealed


def test_a_home_that_holds_something_is_not_touched(saved, tmp_path):
    work = saved[0]
    (tmp_path / "note.txt").write_text("mine")
    code, _, err = run("restore", work / "saved", "--home", tmp_path)
    assert code == 1
    assert "is not empty" in err
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


def cut_ledger(copy):
    with contextlib.closing(sqlite3.connect(copy / "db.sqlite3")) as db, db:
        db.execute("update ledger_entry set body = replace(body, 'freeze', 'thaw') where kind = 'run'")
    from tsunagu.doors.cli.saving import hash_of

    said = json.loads((copy / "backup.json").read_text())
    said["database_sha256"] = hash_of(copy / "db.sqlite3")
    (copy / "backup.json").write_text(json.dumps(said))


FAULTS = {
    "the database": (lambda copy: flip(copy / "db.sqlite3"), "was changed since"),
    "an object": (
        lambda copy: flip(max((copy / "objects").rglob("*"), key=lambda p: p.stat().st_size if p.is_file() else 0)),
        "SHA-256 is not the recorded one",
    ),
    "an object gone": (
        lambda copy: next(p for p in (copy / "objects").rglob("*") if p.is_file()).unlink(), "is missing in the backup",
    ),
    "unfinished": (lambda copy: (copy / "backup.json").unlink(), "is no whole backup"),
    "the ledger": (cut_ledger, "was changed after it was written"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_backup_is_said(saved, tmp_path, fault):
    copy = tmp_path / "copy"
    shutil.copytree(saved[0] / "saved", copy)
    bend, words = FAULTS[fault]
    bend(copy)
    code, out, err = run("restore", copy, "--home", tmp_path / "home")
    assert code == 1
    assert words in out + err


def test_a_folder_of_something_else_is_not_written_to(saved, tmp_path):
    (tmp_path / "photo.jpg").write_text("x")
    code, out, err = run("restore", saved[0] / "saved", "--home", tmp_path / "home", "--link")
    assert code == 0, err
    code, out, err = run("backup", tmp_path, "--home", tmp_path / "home")
    assert code == 1
    assert "something else than a backup" in err
    code, out, err = run(
        "backup", tmp_path / "linked", "--home", tmp_path / "home", "--link", "--with-secrets"
    )
    assert code == 0, err
    assert report_of(out)["secrets"] == "plain"
    linked = [path for path in (tmp_path / "linked/objects").rglob("*") if path.is_file()]
    assert linked
    assert all(path.stat().st_nlink >= 2 for path in linked)
    assert (tmp_path / "linked/secrets/django.key").exists()
