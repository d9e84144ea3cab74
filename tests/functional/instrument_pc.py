"""An instrument's PC for the tests of the agent: a folder, the one file, perhaps an old Python."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest


def old_python():
    """A Python 3.8 of this machine, or None."""
    candidates = [
        shutil.which("python3.8"),
        *map(str, Path("~/.pyenv/versions").expanduser().glob("3.8*/bin/python")),
    ]
    for candidate in filter(None, candidates):
        asked = subprocess.run(
            [candidate, "-c", "import sys; print(sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.stdout.strip() == "(3, 8)":
            return candidate
    return None


class Pc:
    """An instrument's PC: a source folder, the agent's file, its home."""

    def __init__(self, node, base, name, python=sys.executable):
        self.node, self.base, self.name, self.python = node, base, name, python
        self.source, self.home = base / "source", base / "home"
        self.source.mkdir(parents=True)
        assert node.api("POST", "/instruments", {"name": name})[0] == 201
        self.token = node.api("POST", f"/instruments/{name}/token")[1]["token"]
        self.file = base / "tsunagu_agent.pyz"
        urllib.request.urlretrieve(f"{node.url}/agent/tsunagu_agent.pyz", self.file)
        self.running = None

    def configure(self, rules, *, folder=None, **more):
        folders = [{"path": str(self.source), "settle_s": 0.3, "rules": rules, **(folder or {})}]
        status, answer = self.node.api(
            "PUT", f"/instruments/{self.name}/config", {"poll_s": 0.1, "folders": folders, **more}
        )
        assert status == 200, answer

    def command(self, *arguments):
        first = ["--url", self.node.url, "--token", self.token]
        return [
            self.python,
            str(self.file),
            *arguments,
            *first,
            "--home",
            str(self.home),
            "--patience",
            "0.02",
            "--json",
        ]

    def once(self, *arguments):
        return subprocess.run(
            self.command("once", *arguments), capture_output=True, text=True, timeout=120, check=False
        )

    def start(self):
        log = (self.base / "console").open("ab")
        self.running = subprocess.Popen(self.command(), stdout=log, stderr=log)
        log.close()

    def kill(self, how=signal.SIGKILL):
        self.running.send_signal(how)
        self.running.wait(30)

    def is_running(self):
        asked = [self.python, str(self.file), "status", "--home", str(self.home), "--json"]
        return json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)["is_running"]

    def beat(self):
        return self.node.api("GET", f"/instruments/{self.name}")[1]["beat"]

    def wait_for(self, what, *, timeout_s=60):
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with contextlib.suppress(KeyError, AssertionError):
                if found := what():
                    return found
            time.sleep(0.1)
        raise AssertionError((self.base / "console").read_text("utf-8")[-3000:])

    def held(self, dataset):
        """What the draft holds: path -> SHA-256, through the owner."""
        status, answer = self.node.api("GET", f"/datasets/{dataset}/files?limit=1000")
        return {file["path"]: file["sha256"] for file in answer["files"]} if status == 200 else {}

    def arrivals(self, dataset):
        """(path, SHA-256) of everything that was ever committed to the dataset, from the receipts of its runs."""
        found, before = [], ""
        while before is not None:
            page = self.node.api("GET", f"/datasets/{dataset}/runs?limit=200&before={before}")[1]
            for run in page["runs"]:
                if run["kind"] == "capture":
                    receipt = self.node.api("GET", f"/pushes/{run['id']}/receipt")[1]
                    found += [(file["path"], file["sha256"]) for file in receipt["files"]]
            before = page["next"]
        return found


def snapshot(root):
    """Names, bytes and times of a folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        seen = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[os.fsencode(path.relative_to(root))] = (
            content,
            seen.st_size,
            seen.st_mtime_ns,
            seen.st_mode,
            seen.st_ino,
        )
    return found


def sums(root):
    return {
        p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in root.rglob("*")
        if p.is_file()
    }


PYTHONS = [
    pytest.param(sys.executable, id="this-python"),
    pytest.param(
        old_python(),
        id="python-3.8",
        marks=pytest.mark.skipif(old_python() is None, reason="no Python 3.8 on this machine"),
    ),
]
