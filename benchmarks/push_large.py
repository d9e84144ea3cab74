"""One file of 2 GiB in and out: beside nginx, and beside the slowest of loopback, hash and disk."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import kit, measure

SIZE = 2 * kit.GIB


def main() -> None:
    """Run it."""
    load = os.getloadavg()[0]
    source = kit.large_file(SIZE)
    file = source / "large.bin"
    served = kit.scratch("served")
    (served / "large.bin").hardlink_to(file)
    peaks: list[tuple[int, int]] = []
    # The readers would read the file behind the clock and fill memory that belongs to the next contestant.
    with kit.fresh_node({"TSUNAGU_WORKERS": "0"}) as node, kit.nginx(served) as address:
        node.run("push", str(source), "lab/kept")
        node.run("freeze", "lab/kept")
        contestants: dict[str, Callable[[int], float]] = {
            "tsunagu push": lambda number: push(node, source, number, peaks),
            "curl -T to nginx, then SHA-256": lambda number: curl_put(address, served, file, number),
            "loopback (iperf3)": lambda _: loopback(),
            "SHA-256 (hashlib)": lambda _: hashing(file),
            "disk (dd conv=fdatasync)": lambda _: disk(),
            "curl from the byte server": lambda _: curl_get(capability_address(node)),
            "curl from nginx": lambda _: curl_get(f"{address}/large.bin"),
            "tsunagu pull (hash checked)": lambda number: pull(node, number),
        }
        values = measure.alternate(contestants)
    _save_push(values, peaks, load)
    _save_pull(values, load)


def _save_push(values: dict[str, list[float]], peaks: list[tuple[int, int]], load: float) -> None:
    rows = [measure.Row(name, kind, values[name]) for name, kind in (
        ("tsunagu push", "ours"), ("curl -T to nginx, then SHA-256", "peer"),
        ("loopback (iperf3)", "limit"), ("SHA-256 (hashlib)", "limit"), ("disk (dd conv=fdatasync)", "limit"),
    )]  # fmt: skip
    bound = max(row.median for row in rows if row.kind == "limit")
    goals = [
        measure.Goal("share of the limit: the slowest of loopback, hash and disk", bound / rows[0].median, 0.8),
        measure.Goal("times as fast as nginx and a hash afterwards", rows[1].median / rows[0].median, 1.0),
        measure.Goal(
            "MB resident, byte server and control, without pages of files", max(a for _, a in peaks) / 1e6, 300,
            is_upper=True,
        ),
    ]  # fmt: skip
    notes = [
        (
            "Ours is the command line: tus, SHA-256 while it travels on both sides, fsync, rows, receipt. The file is in the"
            " page cache for all."
        ),
        (
            f"With the pages of the file that is being hashed the node held {max(t for t, _ in peaks) / 1e6:,.0f} MB; those"
            " pages belong to the page cache and are given back under pressure."
        ),
        "nginx writes without fsync; the peer's hash is taken from the page cache.",
    ]
    measure.finish("push_large", "Push one file of 2 GiB", "s", rows, goals, notes, load)


def _save_pull(values: dict[str, list[float]], load: float) -> None:
    rows = [measure.Row(name, kind, values[name]) for name, kind in (
        ("curl from the byte server", "ours"), ("tsunagu pull (hash checked)", "ours"), ("curl from nginx", "peer"),
        ("loopback (iperf3)", "limit"),
    )]  # fmt: skip
    goals = [measure.Goal("share of nginx's speed, same client", rows[2].median / rows[0].median, 0.9)]
    notes = [
        "The same curl, writing to /dev/null, reads from both servers; ours checks a signed capability, nginx nothing.",
        "tsunagu pull writes to disk, hashes what it wrote and compares: more work than the others do.",
    ]
    measure.finish("pull_large", "Pull one file of 2 GiB", "s", rows, goals, notes, load)


def push(node: kit.Node, source: Path, number: int, peaks: list[tuple[int, int]]) -> float:
    """Push into a new dataset; the node is asked for its memory meanwhile."""
    with (source / "large.bin").open("r+b") as file:
        file.write(f"round {number:6d} {time.monotonic_ns()}".encode())  # content that the node does not have
    stop = threading.Event()
    seen: list[tuple[int, int]] = []

    def watch() -> None:
        while not stop.wait(0.05):
            seen.append(kit.resident_bytes(node.children()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    seconds = measure.timed(lambda: node.run("push", str(source), f"lab/p{number + 1}", "--quiet"))
    stop.set()
    watcher.join()
    peaks.append((max(t for t, _ in seen), max(a for _, a in seen)))
    return seconds


def curl_put(address: str, served: Path, file: Path, number: int) -> float:
    """WebDAV PUT, then the hash that nginx does not take."""

    def act() -> None:
        target = f"{address}/in{number}.bin"
        subprocess.run(["curl", "-sf", "-T", str(file), "-o", "/dev/null", target], check=True)
        with (served / f"in{number}.bin").open("rb") as stored:
            hashlib.file_digest(stored, "sha256")

    seconds = measure.timed(act)
    (served / f"in{number}.bin").unlink()
    return seconds


def loopback() -> float:
    """Seconds that iperf3 needs for as many bytes."""
    port = str(kit.free_port())
    server = subprocess.Popen(["iperf3", "-s", "-1", "-p", port], stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.3)
        done = subprocess.run(
            ["iperf3", "-c", "127.0.0.1", "-p", port, "-n", str(SIZE), "-f", "m"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        rate = re.findall(r"([\d.]+) Mbits/sec.*receiver", done.stdout)
        return SIZE * 8 / (float(rate[-1]) * 1e6)
    finally:
        server.wait(20)


def hashing(file: Path) -> float:
    """SHA-256 from the page cache."""
    with file.open("rb") as stream:
        return measure.timed(lambda: hashlib.file_digest(stream, "sha256"))


def disk() -> float:
    """Write as many bytes and wait for the disk."""
    target = kit.scratch("dd") / "file"
    command = [
        "dd",
        "if=/dev/zero",
        f"of={target}",
        "bs=1M",
        f"count={SIZE >> 20}",
        "conv=fdatasync",
        "status=none",
    ]
    seconds = measure.timed(lambda: subprocess.run(command, check=True))
    target.unlink()
    return seconds


def capability_address(node: kit.Node) -> str:
    """A signed address of the file."""
    _, pulled = node.api("POST", "/datasets/lab/kept/pulls", {"version": 1})
    return f"{pulled['byte_url']}/o/{pulled['files'][0]['capability']}/large.bin"


def curl_get(address: str) -> float:
    """Download to nowhere."""
    return measure.timed(lambda: subprocess.run(["curl", "-sf", "-o", "/dev/null", address], check=True))


def pull(node: kit.Node, number: int) -> float:
    """The command line, into a new folder."""
    target = kit.scratch("pulled")
    seconds = measure.timed(lambda: node.run("pull", "lab/kept@1", str(target), "--quiet"))
    (target / "large.bin").unlink()
    del number
    return seconds


if __name__ == "__main__":
    main()
