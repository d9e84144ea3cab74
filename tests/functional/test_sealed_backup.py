"""A destroyed key must not survive in an archive: backups of sealed datasets, with and without their keys."""

from __future__ import annotations

import json
import os

import pytest

from tests.functional.test_backup import report_of, run
from tests.node import Node, free_port, running_node

pytestmark = pytest.mark.functional

MARK = b"SUBJECT-7 withdrew consent"


def backup(node, *more):
    return node.run("backup", *map(str, more), "--home", str(node.home), check=False)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Two sealed datasets; a backup of data and keys; then one is shredded, and the keys are saved again."""
    work = tmp_path_factory.mktemp("keys")
    (work / "folder").mkdir()
    (work / "folder" / "a.txt").write_bytes(MARK * 1000)
    (work / "folder" / "b.bin").write_bytes(os.urandom(3_000_000))
    (work / "pass").write_text("correct horse battery staple\n")
    passphrase = ("--passphrase-file", work / "pass")
    with running_node(work / "home") as node:
        node.run("project", "create", "lab")
        for name in ("lab/kept", "lab/gone"):
            node.json("seal", name, "--create")
            node.run("push", str(work / "folder"), name)
            node.run("freeze", name)
            node.wait_for_readings(name)
        silent = backup(node, work / "silent", *passphrase)
        assert silent.returncode == 1
        assert "--keys FOLDER" in silent.stderr
        assert not (work / "silent").exists()
        inside = backup(node, work / "data", *passphrase, "--keys", work / "data" / "keys")
        assert "one inside the other" in inside.stderr
        done = backup(node, work / "data", *passphrase, "--keys", work / "keys")
        assert json.loads(done.stdout)["keys"] == 2
        old_keys = {file.name: file.read_bytes() for file in (work / "keys").glob("*.json")}
        turned = json.loads(node.run("keys", "rotate", "--home", str(node.home)).stdout)
        assert turned == {"keys": 2, "rotated": True}
        node.run("pull", "lab/kept@1", str(work / "after-rotation"))
        node.json("shred", "lab/gone", "--reason", "consent withdrawn", "--confirm", "lab/gone")
        again = backup(node, work / "later", *passphrase, "--keys", work / "keys")
        assert again.returncode == 0, again.stderr
        assert json.loads(again.stdout)["keys"] == 1
        gone = node.api("GET", "/datasets/lab/gone")[1]["id"]
        yield work, gone, old_keys, node.token


def test_no_plain_bytes_and_no_keys_lie_in_the_backup(saved):
    work, _, old_keys, _ = saved
    wrapped = [json.loads(content)["wrapped"].encode() for content in old_keys.values()]
    for file in (work / "data").rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert MARK not in content, file
            assert not any(key in content for key in wrapped), file


def test_the_key_folder_forgets_what_was_destroyed(saved):
    work, gone, old_keys, _ = saved
    now = json.loads((work / "keys" / f"{gone}.json").read_text())
    assert now["destroyed"]["reason"] == "consent withdrawn"
    wrapped = json.loads(old_keys[f"{gone}.json"])["wrapped"].encode()
    assert not [file for file in (work / "keys").iterdir() if wrapped in file.read_bytes()]


def restored(work, source, home, *more):
    code, out, err = run("restore", work / source, "--home", home, "--passphrase-file", work / "pass", *more)
    return code, report_of(out), err


def test_an_old_backup_cannot_bring_back_what_was_shredded(saved, tmp_path):
    """The data of before the shredding, and the keys of after it: as an archive is found years later."""
    work, gone, _, token = saved
    code, report, err = restored(work, "data", tmp_path / "old", "--keys", work / "keys")
    # The secrets of that day hold a key-encryption key that was rotated away since.
    assert report["destroyed_contents"] > 0
    assert code in {0, 1}, err
    assert all(gone not in problem for problem in report["problems"])
    node = Node(tmp_path / "old", free_port())
    node.token = token
    node.start()
    try:
        failed = node.run("pull", "lab/gone@1", str(tmp_path / "x"), check=False)
        assert failed.returncode
        assert "consent withdrawn" in failed.stderr
    finally:
        node.stop()


def test_data_and_keys_of_one_day_come_back_whole(saved, tmp_path):
    work, _, _, token = saved
    code, report, err = restored(work, "later", tmp_path / "home", "--keys", work / "keys")
    assert code == 0, err
    assert report["ok"]
    node = Node(tmp_path / "home", free_port())
    node.token = token
    node.start()
    try:
        node.run("pull", "lab/kept@1", str(tmp_path / "back"))
        assert (tmp_path / "back" / "b.bin").read_bytes() == (work / "folder" / "b.bin").read_bytes()
        assert node.json("verify")["ok"]
    finally:
        node.stop()


def test_without_keys_the_restore_says_what_is_shut(saved, tmp_path):
    work, gone, _, _ = saved
    code, report, _ = restored(work, "later", tmp_path / "home")
    assert code == 1
    assert any("their key is not here (--keys)" in problem for problem in report["problems"])
    assert gone
