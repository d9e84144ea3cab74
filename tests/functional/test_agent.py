"""The capture agent as an instrument's PC runs it: the one file, an old Python, a real node, real kills."""

from __future__ import annotations

import contextlib
import hashlib
import html
import json
import os
import random
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import pytest

from tests.functional.instrument_pc import PYTHONS, Pc, snapshot, sums
from tests.node import running_node

pytestmark = pytest.mark.functional


@pytest.mark.parametrize("pc", PYTHONS, indirect=True)
def test_files_land_where_the_rules_say(pc):
    pc.node.api("POST", "/projects", {"name": "second"})
    pc.configure([
        {"pattern": "{sample}_*.ras", "project": "lab", "dataset": f"{pc.name}-{{sample}}"},
        {"pattern": "*.bin", "project": "second", "dataset": pc.name},
    ])  # fmt: skip
    (pc.source / "deep").mkdir()
    (pc.source / "AB12_1.ras").write_text("one")
    (pc.source / "deep" / "cd7_2.RAS").write_text("two")
    (pc.source / "large.bin").write_bytes(os.urandom(5_000_000))
    (pc.source / "notes.txt").write_text("nobody wants me")
    (pc.source / "~$open.ras").write_text("temporary")
    pc.home = pc.source / "agent"  # a home in the wrong place is not data
    pc.home.mkdir(mode=0o700)
    before = snapshot(pc.source)
    done = pc.once()
    after = {name: seen for name, seen in snapshot(pc.source).items() if not name.startswith(b"agent")}
    assert done.returncode == 1, done.stderr  # one file has no place, and somebody should know
    all_sums = sums(pc.source)
    assert pc.held(f"lab/{pc.name}-ab12") == {"AB12_1.ras": all_sums["AB12_1.ras"]}
    assert pc.held(f"lab/{pc.name}-cd7") == {"deep/cd7_2.RAS": all_sums["deep/cd7_2.RAS"]}
    assert pc.held(f"second/{pc.name}") == {"large.bin": all_sums["large.bin"]}
    assert after == {name: seen for name, seen in before.items() if name != b"agent"}
    beat = pc.beat()
    assert [(entry["path"], entry["code"]) for entry in beat["unplaced"]] == [("notes.txt", "no_rule")]
    assert beat["queue"] == 0
    assert {entry["path"] for entry in beat["recent"]} == {"AB12_1.ras", "deep/cd7_2.RAS", "large.bin"}
    assert abs(beat["clock_offset_s"]) < 5
    # A second time nothing travels, and the token is known.
    again = subprocess.run(
        [pc.python, str(pc.file), "once", "--home", str(pc.home), "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "done" not in {json.loads(line)["event"] for line in again.stdout.splitlines()}
    assert (pc.home / "agent.json").stat().st_mode & 0o077 == 0


def test_the_command_of_the_page_works_as_it_stands(pc):
    """Fetched and started by Python alone, with the words that the page shows."""
    pc.configure([{"pattern": "*", "project": "lab", "dataset": pc.name}])
    (pc.source / "a.dat").write_text("content")
    opener, page = pc.node.signed_in("owner@example.org"), f"{pc.node.url}/instruments/{pc.name}"
    with opener.open(page) as answer:
        secret = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', answer.read().decode())[1]
    form = urllib.parse.urlencode({"token": "1", "csrfmiddlewaretoken": secret}).encode()
    with opener.open(urllib.request.Request(page, data=form, headers={"Referer": page})) as answer:
        shown = html.unescape(answer.read().decode())
    command = next(
        line for line in re.findall(r'<pre class="command"[^>]*>(.*)', shown) if line.startswith("python3 -c")
    )
    command = command.removesuffix("</pre>") + f" --home {pc.home} --patience 0.02 --json"
    # ``once`` stands where the page's command says nothing and means ``run``.
    command = command.replace("python3", shlex.quote(pc.python)).replace(
        "tsunagu_agent.pyz --url", "tsunagu_agent.pyz once --url"
    )
    done = subprocess.run(
        ["sh", "-c", command], cwd=pc.base, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert pc.held(f"lab/{pc.name}") == sums(pc.source)


def test_a_growing_file_waits_until_it_rests(pc):
    pc.configure([{"pattern": "*", "project": "lab", "dataset": pc.name}], folder={"settle_s": 2.5})
    pc.start()
    path = pc.source / "growing.dat"
    for number in range(40):
        with path.open("ab") as file:
            file.write(b"line %d\n" % number)
        assert not pc.held(f"lab/{pc.name}")
        time.sleep(0.12)
    pc.wait_for(lambda: pc.held(f"lab/{pc.name}") == sums(pc.source))


def test_what_is_not_whole_is_reported_not_guessed(pc):
    rules = [{"pattern": "*", "project": "lab", "dataset": pc.name}]
    pc.configure(rules, folder={"complete": {"marker_line": "#END"}})
    (pc.source / "whole.txt").write_text("1 2\n#END\n")
    (pc.source / "half.txt").write_text("1 2\n3")
    (pc.source / "zero.txt").write_bytes(b"")
    (pc.source / "line\nbreak.txt").write_text("1\n#END\n")
    (pc.source / "link.txt").symlink_to(pc.source / "whole.txt")
    if os.geteuid():
        (pc.source / "secret.txt").write_text("1\n#END\n")
        (pc.source / "secret.txt").chmod(0)
    assert pc.once().returncode == 1
    assert set(pc.held(f"lab/{pc.name}")) == {"whole.txt"}
    beat = pc.beat()
    wanted = {("half.txt", "no_marker"), ("zero.txt", "empty"), ("line\\nbreak.txt", "name_control")}
    wanted |= {("secret.txt", "in_use")} if os.geteuid() else set()
    assert {(entry["path"], entry["code"]) for entry in beat["errors"]} == wanted
    assert [(entry["path"], entry["code"]) for entry in beat["unplaced"]] == [("link.txt", "link")]
    assert all(entry["reason"] and entry["reason"] != entry["code"] for entry in beat["errors"])


@pytest.mark.parametrize(
    ("complete", "parts", "last"),
    [({"sidecar": ".done"}, ["a.raw"], "a.done"), ({"group_size": 2}, ["a.hdr"], "a.img")],
)
def test_files_that_belong_together(pc, complete, parts, last):
    pc.configure([{"pattern": "*", "project": "lab", "dataset": pc.name}], folder={"complete": complete})
    for part in parts:
        (pc.source / part).write_text("content")
    assert pc.once().returncode == 1
    assert not pc.held(f"lab/{pc.name}")
    (pc.source / last).write_text("now")
    assert pc.once().returncode == 0
    assert set(pc.held(f"lab/{pc.name}")) == {*parts, last}


def test_names_of_old_japanese_systems(pc):
    pc.configure([{"pattern": "*", "project": "lab", "dataset": pc.name}])
    folder = os.fsencode(pc.source) + b"/"
    raw = {"測定データ1.dat".encode("cp932"): b"one", b"\xff\xfe.dat": b"two", "普通.dat".encode(): b"three"}
    for name, content in raw.items():
        with open(folder + name, "wb") as file:  # noqa: PTH123 - a name in bytes
            file.write(content)
    before = snapshot(pc.source)
    done = pc.once()
    assert done.returncode == 0, done.stdout
    assert set(pc.held(f"lab/{pc.name}")) == {"測定データ1.dat", "\\xff\\xfe.dat", "普通.dat"}
    assert snapshot(pc.source) == before
    runs = pc.node.api("GET", f"/datasets/lab/{pc.name}/runs")[1]["runs"]
    assert "測定データ1.dat".encode("cp932").hex() in json.dumps(runs)


def test_a_change_after_sending_is_a_new_content_of_the_same_file(pc):
    pc.configure([{"pattern": "*", "project": "lab", "dataset": pc.name}])
    path = pc.source / "a.dat"
    path.write_text("first")
    assert pc.once().returncode == 0
    first = pc.held(f"lab/{pc.name}")
    pc.node.run("freeze", f"lab/{pc.name}")
    path.write_text("second, longer")
    assert pc.once().returncode == 0
    second = pc.held(f"lab/{pc.name}")
    assert set(first) == set(second) == {"a.dat"}
    assert second["a.dat"] == hashlib.sha256(b"second, longer").hexdigest() != first["a.dat"]
    frozen = pc.node.api("GET", f"/datasets/lab/{pc.name}/files?version=1")[1]["files"]
    assert frozen[0]["sha256"] == first["a.dat"]


def test_two_files_never_take_one_place(pc):
    other = pc.base / "other"
    other.mkdir()
    rules = [{"pattern": "*", "project": "lab", "dataset": pc.name}]
    folders = [{"path": str(root), "settle_s": 0.3, "rules": rules} for root in (pc.source, other)]
    assert pc.node.api("PUT", f"/instruments/{pc.name}/config", {"poll_s": 0.1, "folders": folders})[0] == 200
    (pc.source / "same.dat").write_text("one")
    (other / "same.dat").write_text("two")
    assert pc.once().returncode == 1
    assert len(pc.held(f"lab/{pc.name}")) == 1
    assert [entry["code"] for entry in pc.beat()["errors"]] == ["same_place"]


def test_a_withdrawn_token_stops_sending_and_loses_nothing(pc):
    pc.configure([{"pattern": "*", "project": "lab", "dataset": pc.name}])
    (pc.source / "before.dat").write_text("before")
    pc.start()
    pc.wait_for(lambda: '"event": "done"' in (pc.base / "console").read_text("utf-8"))
    fresh = pc.node.api("POST", f"/instruments/{pc.name}/token")[1]["token"]  # the one before stops working
    (pc.source / "after.dat").write_text("after")
    pc.wait_for(lambda: '"event": "refused"' in (pc.base / "console").read_text("utf-8"))
    pc.wait_for(lambda: '"at_rest"' in (pc.base / "console").read_text("utf-8").splitlines()[-1])
    assert set(pc.held(f"lab/{pc.name}")) == {"before.dat"}
    pc.kill()
    status = subprocess.run(
        [pc.python, str(pc.file), "status", "--home", str(pc.home), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(status.stdout)["queue"] == 1
    assert pc.once().returncode == 3
    pc.start()
    pc.wait_for(pc.is_running)
    pc.token = fresh
    # The page's new command finds the agent of the old token at work, and hands the token over.
    handed = subprocess.run(pc.command(), capture_output=True, text=True, timeout=60, check=False)
    assert handed.returncode == 0
    pc.wait_for(lambda: pc.held(f"lab/{pc.name}") == sums(pc.source))
    assert pc.running.poll() is None


def test_two_agents_with_one_home(pc):
    pc.configure([])
    pc.start()
    pc.wait_for((pc.home / "ledger.sqlite3").exists)
    second = pc.once()
    assert second.returncode == 5
    assert str(pc.home) in second.stderr


def test_a_share_that_is_away_is_reported_and_nothing_vanishes(pc):
    pc.configure([{"pattern": "*", "project": "lab", "dataset": pc.name}], folder={"settle_s": 1000})
    (pc.source / "waiting.dat").write_text("waits")
    pc.start()
    pc.wait_for(lambda: pc.beat()["folders"][0]["state"] == "ok")
    pc.source.rename(pc.base / "away")
    pc.wait_for(lambda: pc.beat()["folders"][0]["state"] == "folder_missing")
    assert "vanished" not in pc.beat()["counts"]
    pc.source.mkdir()  # a mount point without its share
    pc.wait_for(lambda: pc.beat()["folders"][0]["state"] == "folder_emptied")
    assert "vanished" not in pc.beat()["counts"]
    pc.source.rmdir()
    (pc.base / "away").rename(pc.source)
    pc.wait_for(lambda: pc.beat()["folders"][0]["state"] == "ok")


def test_a_project_that_is_not_the_owners_cannot_be_named(pc):
    stranger = pc.node.make_token("another@example.org")
    pc.node.api("POST", "/projects", {"name": f"theirs-{pc.name}"}, token=stranger)
    config = {
        "folders": [
            {"path": "/x", "rules": [{"pattern": "*", "project": f"theirs-{pc.name}", "dataset": "d"}]}
        ]
    }
    assert pc.node.api("PUT", f"/instruments/{pc.name}/config", config)[0] in (403, 404)
    # And the token itself opens nothing else.
    assert pc.node.api("POST", "/datasets/lab/other/pushes", {}, token=pc.token)[0] in (403, 404)
    assert pc.node.api("GET", "/datasets/lab/main/files", token=pc.token)[0] in (403, 404)


def test_files_wait_for_the_time_of_day(pc):
    def at(hours):
        return time.strftime("%H:%M", time.localtime(time.time() + hours * 3600))

    rules = [{"pattern": "*", "project": "lab", "dataset": pc.name}]
    pc.configure(rules, window=f"{at(2)}-{at(4)}")
    (pc.source / "a.dat").write_text("content")
    pc.once()
    assert not pc.held(f"lab/{pc.name}")
    pc.start()
    pc.wait_for(lambda: (pc.beat()["state"], pc.beat()["queue"]) == ("resting", 1))
    assert pc.beat()["oldest_waiting_at"]
    pc.configure(rules, window=f"{at(-1)}-{at(1)}")
    pc.wait_for(lambda: pc.held(f"lab/{pc.name}"))
    pc.wait_for(lambda: (pc.beat()["state"], pc.beat()["queue"]) == ("online", 0))


def test_days_without_a_network(tmp_path):
    with running_node(tmp_path / "node") as node:
        node.run("project", "create", "lab")
        pc = Pc(node, tmp_path / "pc", "offline")
        pc.configure([{"pattern": "*", "project": "lab", "dataset": "d"}])
        (pc.source / "first.dat").write_text("first")
        pc.start()
        pc.wait_for(lambda: pc.held("lab/d"))
        node.stop()
        (pc.source / "while_away.dat").write_text("while the node was away")
        (pc.source / "large.dat").write_bytes(os.urandom(3_000_000))
        pc.wait_for(lambda: '"event": "offline"' in (pc.base / "console").read_text("utf-8"))
        pc.kill()  # a reboot without a network: the rules are known from before
        (pc.source / "after_reboot.dat").write_text("after the reboot")
        pc.start()
        time.sleep(2)
        node.start()
        pc.wait_for(lambda: pc.held("lab/d") == sums(pc.source))
        pc.kill(signal.SIGTERM)
        log = (pc.home / "agent.log").read_text("utf-8")
        assert log.count(" offline ") <= 4  # being offline is normal and said once


@pytest.mark.skipif(sys.platform != "linux", reason="cron of Linux")
def test_starting_with_the_system_by_cron(tmp_path):
    """A stand-in for crontab keeps the table in a file; lines of others stay as they are."""
    from tsunagu.client.agent_file import agent_bytes

    table, program = tmp_path / "table", tmp_path / "tsunagu_agent.pyz"
    program.write_bytes(agent_bytes())
    crontab = tmp_path / "bin" / "crontab"
    crontab.parent.mkdir()
    crontab.write_text(f'#!/bin/sh\ncase "$1" in -l) cat {table} ;; -) cat > {table} ;; esac\n')
    crontab.chmod(0o755)
    table.write_text("0 3 * * * backup 50% of it\n")
    environment = {"PATH": f"{crontab.parent}:/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"}

    def run(*arguments, say=""):
        return subprocess.run(
            [sys.executable, str(program), *arguments, "--home", str(tmp_path / "h o")],
            env=environment, capture_output=True, text=True, input=say, check=False,
        )  # fmt: skip

    assert run("install", "--yes").returncode == 2  # no address yet
    given = ("install", "--url", "http://localhost:1", "--token", "t")
    asked = run(*given, say="n\n")
    assert "@reboot" in asked.stdout
    assert table.read_text() == "0 3 * * * backup 50% of it\n"
    for _ in range(2):
        assert run(*given, "--yes").returncode == 0
    lines = table.read_text().splitlines()
    assert lines[0] == "0 3 * * * backup 50% of it"
    assert len(lines) == 2
    assert f"'{tmp_path / 'h o'}'" in lines[1]
    assert "--token" not in lines[1]
    assert run("uninstall", "--yes").returncode == 0
    assert table.read_text() == "0 3 * * * backup 50% of it\n"


@pytest.mark.crash
def test_kills_lose_nothing_and_double_nothing(pc):
    """60 and more kills at random instants, through looking, hashing, bundles, large uploads and receipts."""
    rng = random.Random(20261125)
    rules = [{"pattern": "{kind}_*", "project": "lab", "dataset": f"{pc.name}-{{kind}}"}]
    pc.configure(rules, folder={"settle_s": 0.1}, bandwidth_bytes_s=6e6)
    kinds = ("small", "large")

    def more(number):
        for small in range(3):
            (pc.source / f"small_{number}_{small}.dat").write_bytes(rng.randbytes(rng.randrange(1, 200_000)))
        if number % 12 == 0:
            (pc.source / f"large_{number}.dat").write_bytes(rng.randbytes(6_000_000))

    resumed = set()
    for number in range(64):
        more(number)
        pc.start()
        time.sleep(rng.uniform(0.15, 1.3))
        pc.kill()
        with contextlib.suppress(sqlite3.OperationalError):  # the kill came before the ledger was made
            with contextlib.closing(sqlite3.connect(pc.home / "ledger.sqlite3")) as ledger:
                found = ledger.execute("SELECT id, run FROM file WHERE upload_offset > 0").fetchall()
            resumed.update(found)
    before = snapshot(pc.source)
    done = pc.once()
    assert done.returncode == 0, done.stdout + done.stderr
    assert snapshot(pc.source) == before
    assert resumed, "no kill fell into a large upload: the test shows less than it says"
    all_sums, held, sent = sums(pc.source), {}, []
    for kind in kinds:
        held.update(pc.held(f"lab/{pc.name}-{kind}"))
        sent += pc.arrivals(f"lab/{pc.name}-{kind}")
    assert held == all_sums
    assert sorted(sent) == sorted(all_sums.items()), "a file was committed twice, or under another name"
