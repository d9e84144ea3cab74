"""``tsunagu watch``: one folder, sent without an instrument."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from tests.functional.instrument_pc import sums
from tests.node import TSUNAGU

pytestmark = pytest.mark.functional


def test_watch_takes_one_folder(node, tmp_path):
    root = tmp_path / "folder"
    root.mkdir()
    (root / "a.txt").write_text("hello")
    arguments = (
        "watch",
        str(root),
        "lab/watched",
        "--once",
        "--settle",
        "0.2",
        "--poll",
        "0.1",
        "--state",
        str(tmp_path / "s"),
    )
    first = node.run(*arguments, "--json")
    events = [json.loads(line) for line in first.stdout.splitlines()]
    assert [event["path"] for event in events if event["event"] == "done"] == ["a.txt"]
    assert {f["path"]: f["sha256"] for f in node.json("files", "lab/watched")} == sums(root)
    (root / "empty.txt").write_bytes(b"")
    second = node.run(*arguments, check=False)
    assert second.returncode == 1
    assert "client.incomplete" in second.stderr
    assert "empty.txt" in second.stderr
    nowhere = node.run("watch", str(tmp_path / "none"), "lab/watched", "--once", check=False)
    assert nowhere.returncode == 2
    refused = node.run(*arguments, check=False, env={"TSUNAGU_TOKEN": "wrong"})
    assert refused.returncode == 3
    away = node.run(
        *arguments[:-1], str(tmp_path / "t"), check=False, env={"TSUNAGU_URL": "http://127.0.0.1:9"}
    )
    assert away.returncode == 8


def test_watch_ends_well_on_interrupt(node, tmp_path):
    root = tmp_path / "folder"
    root.mkdir()
    environment = {
        **node.environment,
        "TSUNAGU_URL": node.url,
        "TSUNAGU_TOKEN": node.token,
        "TSUNAGU_CACHE": str(tmp_path / "c"),
    }
    with subprocess.Popen(
        # What a shell starts in the background ignores Ctrl-C, and hands that on.
        ["env", "--default-signal=INT", TSUNAGU, "watch", str(root), "lab/interrupted", "--settle", "0.2", "--poll", "0.1"],
        env=environment, stdout=subprocess.PIPE, text=True,
    ) as watching:  # fmt: skip
        (root / "a.txt").write_text("hello")
        for line in watching.stdout:
            if "a.txt" in line:
                break
        watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 130
