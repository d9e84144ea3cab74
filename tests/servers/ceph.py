"""A real S3 server for the tests: Ceph's RADOS gateway in a folder, on loopback.

    python tests/servers/ceph.py start [--home DIR]    prints one JSON line with address and keys; starts only once
    python tests/servers/ceph.py stop [--home DIR]     stops it and removes the folder

Needs Debian's radosgw, ceph-mon, ceph-osd and ceph-common. One monitor, one object store on a sparse file, one gateway.
Authentication between the parts stays on: without it the gateway never gets through to the monitor.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

PROGRAMS = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph", "ceph-authtool", "monmaptool")
DEFAULT_HOME = Path(__file__).resolve().parents[2] / ".servers" / "ceph"
_PATIENCE_S = 90.0
_PATIENCE_WITH_OTHERS_S = 45.0
_CONF = """\
[global]
fsid = {fsid}
mon host = {mon}
mon initial members = a
public addr = 127.0.0.1
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
mon data avail warn = 1
mon data avail crit = 1
osd objectstore = bluestore
bluestore block size = 10737418240
osd memory target = 1073741824
run dir = {home}/run
admin socket =
pid file = {home}/run/$name.pid
log file = {home}/run/$name.log
mon data = {home}/d/mon
osd data = {home}/d/osd
keyring = {home}/keyring
rgw thread pool size = 64
"""


def missing_programs() -> list[str]:
    """What is not installed; empty when the server can be started."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [name for name in PROGRAMS if not shutil.which(name, path=path)]


def start(home: Path = DEFAULT_HOME) -> dict[str, Any]:
    """Start the server, or find it running; returns endpoint and keys."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        facts = home / "facts.json"
        if facts.exists():
            found: dict[str, Any] = json.loads(facts.read_text())
            if _still_answers(home, found["endpoint"]):
                return found
            stop(home)
        answer = _Cluster(home).start()
        facts.write_text(json.dumps(answer))
        return answer


def stop(home: Path = DEFAULT_HOME) -> None:
    """Stop the server and remove its folder."""
    pids = []
    for name in ("rgw.pid", "osd.0.pid", "mon.a.pid"):
        with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
            pid = int((home / "run" / name).read_text())
            # The number may belong to another process by now.
            if b"ceph" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGTERM)
                pids.append(pid)
    deadline = time.monotonic() + 20
    while pids and time.monotonic() < deadline:
        pids = [pid for pid in pids if Path(f"/proc/{pid}").exists() and not _is_zombie(pid)]
        time.sleep(0.1)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(home, ignore_errors=True)


class _Cluster:
    """The steps of a start."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.conf = home / "ceph.conf"
        self.port, first, second = _free_ports(3)
        self.mon = f"[v2:127.0.0.1:{first},v1:127.0.0.1:{second}]"
        self.fsid = str(uuid.uuid4())

    def start(self) -> dict[str, Any]:
        shutil.rmtree(self.home, ignore_errors=True)
        for name in ("d/mon", "d/osd", "run"):
            (self.home / name).mkdir(parents=True)
        self.conf.write_text(_CONF.format(fsid=self.fsid, mon=self.mon, home=self.home))
        self._start_storage()
        self._start_gateway()
        access, secret = secrets.token_hex(10), secrets.token_hex(20)
        self._run(
            "radosgw-admin", "user", "create", "--uid=t", "--display-name=t",
            f"--access-key={access}", f"--secret-key={secret}",
        )  # fmt: skip
        return {
            "endpoint": f"http://127.0.0.1:{self.port}",
            "region": "us-east-1",
            "access_key_id": access,
            "secret_access_key": secret,
        }

    def _start_storage(self) -> None:
        keyring = str(self.home / "keyring")
        caps = ["--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *"]
        self._run(
            "ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *"
        )
        for name in ("client.admin", "osd.0"):
            self._run("ceph-authtool", keyring, "--gen-key", "-n", name, *caps)
        monmap = str(self.home / "monmap")
        self._run("monmaptool", "--create", "--clobber", "--addv", "a", self.mon, "--fsid", self.fsid, monmap)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring)
        self._run("ceph-mon", "-i", "a")
        osd = str(uuid.uuid4())
        self._run("ceph", "osd", "create", osd, "0")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._run("ceph-osd", "-i", "0")
        self._run("ceph", "osd", "crush", "set", "osd.0", "1.0", "root=default", "host=h0")
        self._run("ceph", "config", "set", "mon", "auth_allow_insecure_global_id_reclaim", "false")

    def _start_gateway(self) -> None:
        with (self.home / "run" / "rgw.out").open("wb") as out:
            process = subprocess.Popen(
                [
                    _find("radosgw"), "-d", "-c", str(self.conf), "-n", "client.admin", f"--rgw-data={self.home}/d",
                    f"--rgw-frontends=beast endpoint=127.0.0.1:{self.port}",
                ],
                stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        (self.home / "run" / "rgw.pid").write_text(str(process.pid))
        deadline = time.monotonic() + _PATIENCE_S
        while not _answers(f"http://127.0.0.1:{self.port}"):
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit(f"the gateway did not start; see {self.home}/run/rgw.out")
            time.sleep(0.3)
        # It outlives this process on purpose.
        process.returncode = 0

    def _run(self, program: str, *arguments: str) -> None:
        command = [_find(program), *arguments]
        if program not in {"ceph-authtool", "monmaptool"}:
            command[1:1] = ["-c", str(self.conf)]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise SystemExit(f"{program} failed: {done.stderr.decode(errors='replace')[-2000:]}")


def _find(program: str) -> str:
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") or program


def _still_answers(home: Path, endpoint: str) -> bool:
    """Whether it answers, in the end: on a busy machine it takes its time, and others may be using it."""
    deadline = time.monotonic() + _PATIENCE_WITH_OTHERS_S
    while not _answers(endpoint):
        if time.monotonic() > deadline or not _lives(home):
            return False
        time.sleep(1)
    return True


def _lives(home: Path) -> bool:
    try:
        return not _is_zombie(int((home / "run" / "rgw.pid").read_text()))
    except (OSError, ValueError):
        return False


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(endpoint, timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _is_zombie(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Ceph RGW in a folder")
    parser.add_argument("action", choices=["start", "stop", "missing"])
    parser.add_argument("--home", type=Path, default=DEFAULT_HOME)
    arguments = parser.parse_args()
    if arguments.action == "missing":
        sys.stdout.write(json.dumps(missing_programs()) + "\n")
    elif arguments.action == "start":
        sys.stdout.write(json.dumps(start(arguments.home)) + "\n")
    else:
        stop(arguments.home)


if __name__ == "__main__":
    main()
