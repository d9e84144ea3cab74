"""A node from its first start to its upgrade: the tour, check, stop, an older home, workers that die."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import unicodedata
import urllib.request
from pathlib import Path

import pytest

from tests.node import TSUNAGU, Node, descendants, free_port, running_node
from tsunagu.client import connect
from tsunagu.client.progress import Progress
from tsunagu.core.errors import TsunaguError

pytestmark = pytest.mark.functional


def run(*arguments, timeout=300, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TSUNAGU_")}
    return subprocess.run(
        [TSUNAGU, *arguments],
        env={**clean, "LANG": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


@pytest.mark.timeout(400)
def test_the_tour_ends_with_a_finished_dataset_and_a_running_node(tmp_path):
    home, port = str(tmp_path / "home"), free_port()
    try:
        first = run("demo", "--home", home, "--port", str(port), TSUNAGU_CACHE=str(tmp_path / "cache"))
        assert first.returncode == 0, first.stderr
        assert "7/7" in first.stderr
        assert f"http://localhost:{port}/d/sample-lab/first-light" in first.stdout
        assert f"http://localhost:{port}/welcome/" in first.stdout
        node = Node(tmp_path / "home", port)
        node.token = node.make_token("admin@example.org")
        files = node.json("files", "sample-lab/first-light")
        assert len(files) >= 10
        read = [file for file in files if file["status"] in ("read", "read_with_warnings")]
        assert len(read) >= len(files) - 1
        assert {"dicom", "fits", "nifti"} <= {file["reader"] for file in read}
        shown = node.json("show", "sample-lab/first-light")
        assert [version["number"] for version in shown["versions"]] == [1]
        values = node.json("metadata", "sample-lab/first-light")
        assert {"title", "description"} <= {v["name"] for v in values if v["origin"]["kind"] == "person"}
        assert any(v["origin"]["kind"] == "file" and v["name"] and v["unit"] for v in values)
        began = time.monotonic()
        second = run("demo", "--home", home, "--port", str(port), LANG="ja_JP.UTF-8")
        assert second.returncode == 0
        assert time.monotonic() - began < 60
        assert "何も変更していません" in second.stderr
        assert node.json("show", "sample-lab/first-light")["versions"] == shown["versions"]
        report = json.loads(run("check", "--home", home, "--json").stdout)
        assert report["ok"], report
    finally:
        stopped = run("down", "--home", home)
    assert "has stopped" in stopped.stdout
    third = run("demo", "--home", home, "--port", str(port))
    try:
        assert third.returncode == 0, third.stderr
        assert Node(tmp_path / "home", port).home.exists()
    finally:
        run("down", "--home", home)


def test_check_on_nothing_makes_nothing(tmp_path):
    done = run("check", "--home", str(tmp_path / "none"))
    assert done.returncode == 0
    assert "does not exist yet" in done.stdout
    assert not (tmp_path / "none").exists()


def test_check_names_what_is_wrong(tmp_path):
    home = tmp_path / "home"
    with running_node(home) as node:
        whole = json.loads(
            run("check", "--home", str(home), "--json").stdout
        )  # up was told the port, check was not
        answers = {finding["name"]: finding["detail"] for finding in whole["findings"]}
        assert answers["control"] == f"answers on port {node.port}"
        assert answers["bytes"] == f"answers on port {node.port + 1}"
        (home / "secrets" / "capability.key").chmod(0o644)
        report = run("check", "--home", str(home), "--json", TSUNAGU_CONTROL_URL="http://data.example.ac.jp")
    assert report.returncode == 1
    said = {(finding["name"], finding["state"]) for finding in json.loads(report.stdout)["findings"]}
    assert {("secrets", "bad"), ("addresses", "bad")} <= said
    stopped = json.loads(run("check", "--home", str(home), "--json").stdout)
    assert ("servers", "warn") in {(finding["name"], finding["state"]) for finding in stopped["findings"]}
    wrong = run("check", "--home", str(home), TSUNAGU_PORT="eighty")
    assert wrong.returncode != 0
    assert "'eighty'" in wrong.stderr
    assert "TSUNAGU_PORT" in wrong.stderr


def test_two_nodes_on_one_home_or_port_are_refused(tmp_path):
    with running_node(tmp_path / "home") as node:
        again = run("up", "--home", str(node.home), "--port", str(free_port()))
        assert again.returncode == 1
        assert "node.home_in_use" in again.stderr
        other = run("up", "--home", str(tmp_path / "other"), "--port", str(node.port))
        assert other.returncode == 1
        assert "node.port_taken" in other.stderr


def test_an_older_home_is_saved_and_brought_up_to_date(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.csv").write_text("x,y\n1,2\n")
    home = tmp_path / "home"
    with running_node(home) as node:
        node.run("project", "create", "lab")
        node.run("push", str(folder), "lab/old")
        node.run("freeze", "lab/old")
        port, token = node.port, node.token
    # As a program without the last migration of a room left it.
    command = [sys.executable, "-m", "django", "migrate", "description", "0001", "--verbosity", "0"]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tsunagu.config.settings",
        "TSUNAGU_HOME": str(home),
    }
    subprocess.run(command, env=environment, check=True)
    node = Node(home, port)
    node.token = token
    node.start()
    try:
        said = (home / "up.log").read_text()
        assert "This home is older than the program: saved as" in said
        saved = next((home / "backups").iterdir())
        with contextlib.closing(sqlite3.connect(saved / "db.sqlite3")) as db:
            assert db.execute("select count(*) from datasets_version").fetchone() == (1,)
        assert (saved / "secrets" / "capability.key").exists()
        assert node.json("verify", "lab/old")["ok"]
    finally:
        assert node.stop() == 0


def test_the_job_of_a_killed_worker_is_taken_up_once(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(400):
        (folder / f"f{number}.csv").write_text(f"angle (deg),counts\n{number},2\n3,{number}\n")
    with running_node(tmp_path / "home", {"TSUNAGU_JOB_LEASE_S": "8"}) as node:
        node.run("project", "create", "lab")
        node.run("push", str(folder), "lab/jobs")
        killed = 0
        deadline = time.monotonic() + 60
        while killed < 2 and time.monotonic() < deadline:
            for pid in descendants(node.process.pid):
                with contextlib.suppress(OSError):
                    if b"tsunagu: worker" in Path(f"/proc/{pid}/cmdline").read_bytes() and _is_reading(node):
                        os.kill(pid, signal.SIGKILL)
                        killed += 1
                        break
            time.sleep(0.05)
        assert killed == 2
        files = node.wait_for_readings("lab/jobs")
        assert {file["status"] for file in files} == {"read"}
        with contextlib.closing(sqlite3.connect(f"file:{node.home / 'db.sqlite3'}?mode=ro", uri=True)) as db:
            current, whole = db.execute(
                "select sum(is_current), count(*) from description_extraction"
            ).fetchone()
            assert (current, whole) == (400, 400), "every file has one reading, not two"
            assert db.execute(
                "select count(*) from runs_run where kind = 'extract' and ended_at is null"
            ).fetchone() == (0,)


def _is_reading(node):
    with contextlib.closing(sqlite3.connect(f"file:{node.home / 'db.sqlite3'}?mode=ro", uri=True)) as db:
        query = "select count(*) from django_tasks_database_dbtaskresult where status = 'RUNNING' and task_path like '%read_batch'"
        return db.execute(query).fetchone()[0] > 0


def test_names_that_cannot_travel_are_named_and_the_rest_arrives(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    longest = "長" * 85  # 255 bytes
    good = {
        unicodedata.normalize("NFD", "が.csv"): "が.csv",
        longest: longest,
        "Case.txt": "Case.txt",
        "case.txt": "case.txt",
        "with space & 'quotes' \"x\".txt": "with space & 'quotes' \"x\".txt",
        "back\\slash.txt": "back\\slash.txt",
        "ﾊﾝｶｸ①.txt": "ﾊﾝｶｸ①.txt",
        "<script>alert(1)</script>.txt": None,
        "empty": "empty",
    }
    for name in good:
        if "/" not in name:
            (folder / name).write_text("" if name == "empty" else name)
    (folder / "line\nbreak.txt").write_text("x")
    (folder / os.fsdecode(b"\x83\x65\x83\x58.txt")).write_text("not valid UTF-8")
    (folder / "link").symlink_to(folder / "Case.txt")
    with running_node(tmp_path / "home") as node:
        node.run("project", "create", "lab")
        pushed = node.run("push", str(folder), "lab/names", "--json", check=False)
        report = json.loads(pushed.stdout)
        assert pushed.returncode == 1
        assert "client.incomplete" in pushed.stderr
        assert len(report["problems"]) == 2
        assert all(problem["reason"] for problem in report["problems"])
        assert [left["path"] for left in report["left_out"]] == ["link"]
        listed = {file["path"] for file in node.json("files", "lab/names")}
        assert {kept for kept in good.values() if kept} <= listed
        node.wait_for_readings("lab/names")
        node.run("freeze", "lab/names")
        node.run("pull", "lab/names@1", str(tmp_path / "back"))
        assert {p.name for p in (tmp_path / "back").iterdir()} == listed
        assert node.json("verify", "lab/names")["ok"]


class Slow(Progress):
    """Waits once, when the first bytes have gone out."""

    def __init__(self, wait_s):
        super().__init__()
        self._wait_s = wait_s

    def add(self, files=0, byte_count=0):
        super().add(files, byte_count)
        if byte_count and self._wait_s:
            time.sleep(self._wait_s)
            self._wait_s = 0


def test_a_token_that_ends_midway_stops_the_push_and_the_next_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("TSUNAGU_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "large.bin").write_bytes(os.urandom(80_000_000))
    (folder / "small.txt").write_text("small")
    with running_node(tmp_path / "home") as node:
        node.run("project", "create", "lab")
        # Six seconds from now.
        made = node.run("admin", "token", "owner@example.org", "--home", str(node.home), "--days", "0.00007")
        with connect(node.url, made.stdout.strip()) as client, pytest.raises(TsunaguError) as refused:
            client.dataset("lab/midway").push(str(folder), progress=Slow(9))
        assert refused.value.code in ("client.not_signed_in", "core.capability_refused"), refused.value
        with connect(node.url, node.token) as client:
            report = client.dataset("lab/midway").push(str(folder))
            assert report.sent + report.same + report.linked == 2
            assert not report.problems
        assert {file["path"] for file in node.json("files", "lab/midway")} == {"large.bin", "small.txt"}


def test_pages_have_their_style_from_the_very_first_start(tmp_path):
    """The parts of a node are copies of a process that was there before the static files were gathered."""
    with running_node(tmp_path / "home") as node:
        page = urllib.request.urlopen(f"{node.url}/").read().decode()
        found = re.findall(r'href="(/static/[^"]+\.css)"', page)
        assert found
        for place in found:
            with urllib.request.urlopen(node.url + place) as answer:
                assert (answer.status, answer.headers.get_content_type()) == (200, "text/css")
