"""One file of 1 GiB through the wire of the Hugging Face Hub: out beside nginx, in by LFS and Xet, and after an edit."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks import kit, measure, push_large

SIZE = kit.GIB
SENT = 256 << 20
EDITED = SENT // 100
# What the client asks for before it reads, as the node answers it.
_COMMIT = "a" * 40
_DOWNLOAD = """
import sys
from huggingface_hub import hf_hub_download
hf_hub_download("lab/kept", "large.bin", repo_type="dataset", cache_dir=sys.argv[1])
"""
_UPLOAD = """
import sys
from huggingface_hub import HfApi
api, name = HfApi(), dict(repo_id=sys.argv[1], repo_type="dataset")
api.create_repo(**name, exist_ok=True)
api.upload_file(**name, path_or_fileobj=sys.argv[2], path_in_repo="large.bin")
"""


def main() -> None:
    """Run it."""
    _download()
    _upload()


def _download() -> None:
    load = os.getloadavg()[0]
    source = kit.large_file(SIZE)
    file = source / "large.bin"
    served = kit.scratch("served")
    place = served / "datasets" / "lab" / "kept" / "resolve" / "main"
    place.mkdir(parents=True)
    (place / "large.bin").hardlink_to(file)
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    heads = f"""add_header X-Repo-Commit {_COMMIT}; add_header X-Linked-Etag '"{digest}"';"""
    # The readers would read the file behind the clock.
    with (
        kit.fresh_node({"TSUNAGU_WORKERS": "0"}) as node,
        kit.nginx(served, f"location /datasets/ {{ {heads} }}") as address,
    ):
        node.run("push", str(source), "lab/kept")
        node.run("freeze", "lab/kept")
        node.api("PATCH", "/datasets/lab/kept", {"access": "open"})
        ours = f"{node.url}/datasets/lab/kept/resolve/main/large.bin"
        theirs = f"{address}/datasets/lab/kept/resolve/main/large.bin"
        values = measure.alternate(
            {
                "hf_hub_download from the node": lambda _: _fetch(node.url, node.token),
                "hf_hub_download from nginx": lambda _: _fetch(address),
                "curl -L from the node": lambda _: _curl(ours, node.token),
                "curl -L from nginx": lambda _: _curl(theirs),
                "loopback (iperf3)": lambda _: push_large.loopback() * SIZE / push_large.SIZE,
            }
        )
    rows = [
        measure.Row(name, kind, values[name])
        for name, kind in zip(values, ("ours", "peer", "ours", "peer", "limit"), strict=True)
    ]
    goals = [
        measure.Goal(
            "share of nginx's speed, huggingface_hub as client", rows[1].median / rows[0].median, 0.9
        ),
        measure.Goal("share of nginx's speed, curl as client", rows[3].median / rows[2].median, 0.9),
    ]
    notes = [
        "nginx is given the headers that the client asks for; it knows no tokens, rules or terms, and sends no redirect.",
        "hf_hub_download starts a Python, writes 1 GiB into an empty cache that lies in memory; curl writes to /dev/null.",
        "Ours asks the rules and the terms for use by AI before it redirects to the byte server, which checks a capability.",
    ]
    measure.finish("hub_download", "Download 1 GiB through the Hub's wire", "s", rows, goals, notes, load)


def _upload() -> None:
    load = os.getloadavg()[0]
    source = kit.large_file(SENT)
    file = source / "large.bin"
    served = kit.scratch("served")
    resent: dict[str, list[int]] = {"lfs": [], "xet": []}
    with kit.fresh_node({"TSUNAGU_WORKERS": "0"}) as node, kit.nginx(served) as address:

        def put(way: str, number: int) -> float:
            _edit(file, 0, 4096, number)  # a content of its own in each round
            cache, slug = kit.scratch("cache"), f"lab/{way}{number + 1}"
            seconds = measure.timed(lambda: _send(node, way, cache, slug, file))
            before = _received(node)
            _edit(file, SENT // 3, EDITED, number)
            _send(node, way, cache, slug, file)
            if number >= 0:
                resent[way].append(_received(node) - before)
            shutil.rmtree(cache, ignore_errors=True)
            return seconds

        values = measure.alternate(
            {
                "upload_file by LFS": lambda number: put("lfs", number),
                "upload_file by Xet": lambda number: put("xet", number),
                "curl -T to nginx, then SHA-256": lambda number: push_large.curl_put(
                    address, served, file, number
                ),
                "SHA-256 (hashlib)": lambda _: push_large.hashing(file),
            }
        )
    rows = [
        measure.Row(name, kind, values[name])
        for name, kind in zip(values, ("ours", "ours", "peer", "limit"), strict=True)
    ]
    lfs, xet = (sorted(resent[way])[len(resent[way]) // 2] for way in ("lfs", "xet"))
    goals = [
        measure.Goal(
            "share of the bytes of LFS that Xet sends after an edit of 1 %", xet / lfs, 0.05, is_upper=True
        )
    ]
    ranges = {way: f"{min(values):,} to {max(values):,}" for way, values in resent.items()}
    again = f"Sent again after {EDITED:,} bytes in the middle were changed: {lfs:,} by LFS, {xet:,} by Xet"
    notes = [
        f"{again} (medians; ranges {ranges['lfs']} and {ranges['xet']}).",
        "upload_file starts a Python, hashes, sends, commits and has a version frozen; curl and nginx do none of that and no fsync.",
        "By Xet the client also cuts the file into chunks and hashes each, and so does the node.",
    ]
    measure.finish("hub_upload", "Upload 256 MiB through the Hub's wire", "s", rows, goals, notes, load)


def _environment(address: str, token: str, home: Path, way: str = "lfs") -> dict[str, str]:
    found = {"PATH": os.environ["PATH"], "HOME": str(home), "HF_HOME": str(home), "HF_ENDPOINT": address}
    found |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    if token:
        found["HF_TOKEN"] = token
    if way == "lfs":
        found["HF_HUB_DISABLE_XET"] = "1"
    return found


def _fetch(address: str, token: str = "") -> float:
    # In memory: the disk swings more from round to round than the servers differ.
    cache = Path(tempfile.mkdtemp(dir="/dev/shm"))
    command = [sys.executable, "-c", _DOWNLOAD, str(cache)]
    environment = _environment(address, token, cache)
    seconds = measure.timed(lambda: subprocess.run(command, env=environment, check=True))
    shutil.rmtree(cache)
    return seconds


def _curl(address: str, token: str = "") -> float:
    head = ["-H", f"Authorization: Bearer {token}"] if token else []
    return measure.timed(
        lambda: subprocess.run(["curl", "-sfL", *head, "-o", "/dev/null", address], check=True)
    )


def _send(node: kit.Node, way: str, cache: Path, slug: str, file: Path) -> None:
    command = [sys.executable, "-c", _UPLOAD, slug, str(file)]
    subprocess.run(command, env=_environment(node.url, node.token, cache, way), check=True)


def _edit(file: Path, place: int, count: int, number: int) -> None:
    with file.open("r+b") as stream:
        stream.seek(place)
        stream.write(random.Random(f"{number} {time.monotonic_ns()}").randbytes(count))


def _received(node: kit.Node) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{node.port + 1}/metrics", timeout=10) as page:
        found = re.search(r"received_bytes_total\S* (\d+)", page.read().decode())
    return int(found[1]) if found else 0


if __name__ == "__main__":
    main()
