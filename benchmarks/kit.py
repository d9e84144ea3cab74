"""What the benchmarks share: a scratch folder on the real disk, nodes, nginx, source files."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.node import Node, free_port, running_node

ROOT = Path(__file__).resolve().parent.parent
SCRATCH = ROOT / ".bench"
PYTHON = sys.executable
GIB = 1 << 30
PEERS = ("dvc==3.67.1", "webdataset==1.0.2", "polars==2.1.0")


def scratch(name: str) -> Path:
    """An empty folder; trees of earlier rounds are moved aside, not deleted: deleting slows what comes next."""
    SCRATCH.mkdir(exist_ok=True)
    path = SCRATCH / f"{name}-{time.monotonic_ns()}"
    path.mkdir()
    return path


def clear() -> None:
    """Remove everything that the benchmarks made."""
    shutil.rmtree(SCRATCH, ignore_errors=True)


def small_files(count: int, size: int = 4096) -> Path:
    """A folder of random files, 100 to a folder, read once so that all find it in the page cache."""
    root = scratch("small")
    source = random.Random(count)
    for number in range(count):
        folder = root / f"run{number // 100:04d}"
        if number % 100 == 0:
            folder.mkdir()
        (folder / f"scan{number:06d}.dat").write_bytes(source.randbytes(size))
    os.sync()
    for path in root.rglob("*.dat"):
        path.read_bytes()
    return root


def large_file(size: int = 2 * GIB) -> Path:
    """A folder with one random file."""
    root = scratch("large")
    block = os.urandom(64 << 20)
    with (root / "large.bin").open("wb") as file:
        for number in range(size // len(block)):
            file.write(number.to_bytes(8, "big") + block[8:])
    os.sync()
    with (root / "large.bin").open("rb") as file:
        while file.read(1 << 20):
            pass
    return root


@contextlib.contextmanager
def fresh_node(extra: dict[str, str] | None = None) -> Iterator[Node]:
    """A node on an empty home, with a project."""
    with running_node(scratch("home") / "h", extra) as node:
        node.run("project", "create", "lab")
        yield node


@contextlib.contextmanager
def nginx(root: Path, places: str = "") -> Iterator[str]:
    """Nginx that serves and takes (WebDAV PUT) files below ``root``; yields its address.

    Args:
        root: The folder.
        places: More ``location`` blocks of its configuration.
    """
    work = scratch("nginx")
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    (work / "nginx.conf").write_text(
        f"""{user} daemon off; worker_processes 1; pid {work}/pid; error_log {work}/error.log;
        events {{}} http {{ access_log off; sendfile on; client_max_body_size 0; client_body_temp_path {work}/body;
        proxy_temp_path {work}/p; fastcgi_temp_path {work}/f; uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;
        server {{ listen 127.0.0.1:{port}; root {root}; {places} location / {{ dav_methods PUT DELETE; create_full_put_path on; }} }} }}"""
    )
    server = subprocess.Popen(
        ["nginx", "-c", str(work / "nginx.conf"), "-p", str(work)], stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    except urllib.error.HTTPError:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def peers_python() -> Path:
    """A Python of its own with the peers that come from the package index; not part of the project's pins."""
    home, done = ROOT / ".bench-peers", ROOT / ".bench-peers" / "peers"
    if not done.exists() or done.read_text() != " ".join(PEERS):
        subprocess.run([PYTHON, "-m", "venv", str(home)], check=True)
        subprocess.run([str(home / "bin" / "pip"), "install", "-q", *PEERS], check=True)
        done.write_text(" ".join(PEERS))
    return home / "bin"


def resident_bytes(pids: list[int]) -> tuple[int, int]:
    """(all resident memory, the part of it that is not pages of files) of processes, summed."""
    total = anonymous = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1]) * 1024
                elif line.startswith("RssAnon:"):
                    anonymous += int(line.split()[1]) * 1024
    return total, anonymous
