"""The public page of a published version over HTTP, beside a bare template of Django on the same server.

The bare one answers with as many bytes from a template and a list in memory: no database, no rules, no session, no
middleware. Both are asked by one client on one connection, one page after the other; images are not fetched.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.node import free_port
from tests.rooms.datacite_stand_in import account_at, running_datacite

from benchmarks import kit, measure

ROUNDS, PAGES, FILES = 6, 50, 200
MOST_MS, MOST_BYTES = 60, 100_000
SAID = {
    "title": "薄膜のX線回折",
    "title_en": "X-ray diffraction of thin films",
    "description": "室温で測定した薄膜の回折データです。装置の校正値と測定条件は各ファイルの冒頭にあります。"
    * 6,
    "creators": ["山田 花子 (0000-0002-1825-0097)", "鈴木 一郎", "Carberry, Josiah"],
    "keywords": ["X線回折", "薄膜", "thin films"],
    "licence": "CC BY 4.0",
}


def main() -> None:
    """Publish one version of 200 files with a DOI, then ask for its page."""
    load = os.getloadavg()[0]
    times: dict[str, list[float]] = {"public page": [], "its older address": [], "bare template": []}
    with running_datacite() as (_service, host), published(host) as page:
        size = len(_get(page))
        with bare(size) as empty:
            where = {
                "public page": page,
                "its older address": page.rpartition("/")[0],
                "bare template": empty,
            }
            for number in range(-1, ROUNDS):
                names = list(where)
                shift = number % len(names)
                for name in names[shift:] + names[:shift]:
                    found = asked(where[name], PAGES)
                    times[name] += found if number >= 0 else []
    _finish(times, size, load)


def _finish(times: dict[str, list[float]], size: int, load: float) -> None:
    p95 = {name: measure.percentile(values, 0.95) for name, values in times.items()}
    kinds = {"bare template": "limit"}
    rows = [
        measure.Row(name, kinds.get(name, "ours"), values, f"p95 {p95[name]:.1f}")
        for name, values in times.items()
    ]
    goals = [
        measure.Goal("public page, p95 (ms)", p95["public page"], MOST_MS, is_upper=True),
        measure.Goal("size of the page (kB)", size / 1000, MOST_BYTES / 1000, is_upper=True),
    ]
    notes = [
        f"A version of {FILES} files with a DOI, three authors, citation, metrics, previews of files; {size:,} bytes, not packed.",
        "Its older address is that of the dataset, which shows the newest public version.",
        f"Bare: a template of Django that writes a list of texts from memory, {size:,} bytes, behind the same gunicorn; no database, no rules, no session.",
        "One client, one connection, one page after the other; images are not fetched.",
    ]
    measure.finish("landing", "Public page of a published version", "ms", rows, goals, notes, load)


@contextlib.contextmanager
def published(host: str) -> Iterator[str]:
    """A node with one published version; the address of its page."""
    account = account_at(host)
    extra = {"TSUNAGU_DOI_ACCOUNTS": json.dumps([account]), "TSUNAGU_EGRESS_ALLOWED": host}
    folder = kit.scratch("files")
    for number in range(FILES):
        (folder / f"scan{number:03}.csv").write_text(f"angle,counts\n10.0,{number}\n10.1,5\n")
    with kit.fresh_node(extra) as node:
        names = ("--name-ja", "北見山大学", "--name-en", "Kitamiyama University")
        node.run(
            "institution", "set", "kitamiyama", *names, "--doi-prefix", "10.12345", "--doi-agency", "DataCite"
        )
        node.run("push", str(folder), "lab/run-7")
        for name, value in SAID.items():
            node.api("PUT", f"/datasets/lab/run-7/metadata/{name}", {"value": value})
        node.run("label", "lab/run-7", "personal=no")
        node.run("freeze", "lab/run-7")
        shown = node.json(
            "publish", "lab/run-7", "--institution", "kitamiyama"
        )  # who curates publishes at once
        assert shown["state"] == "published", shown
        deadline = time.monotonic() + 60
        while not node.json("review", "show", shown["id"])["is_doi_registered"]:
            assert time.monotonic() < deadline, "no DOI"
            time.sleep(0.5)
        yield str(shown["url"])


@contextlib.contextmanager
def bare(size: int) -> Iterator[str]:
    """The bare template on a server of its own; its address."""
    folder, port = kit.scratch("bare"), free_port()
    line = "A line of a page, as long as those of ours are."
    (folder / "lines.txt").write_text("\n".join([line] * (size // (len(line) + len("<p></p>\n")))), "utf-8")
    command = [kit.PYTHON, "-m", "benchmarks.landing_inside", str(folder / "lines.txt"), str(port)]
    server = subprocess.Popen(command, cwd=kit.ROOT, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                assert abs(len(_get(address)) - size) < size // 50, "as many bytes as ours"
                break
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def _get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=30) as answer:
        content: bytes = answer.read()
        return content


def asked(address: str, count: int) -> list[float]:
    """Milliseconds of each page, to its last byte."""
    where = urlsplit(address)
    line = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    found = []
    for _ in range(count):
        began = time.perf_counter()
        line.request("GET", where.path, headers={"Accept-Language": "ja", "Accept": "text/html"})
        answer = line.getresponse()
        content = answer.read()
        found.append((time.perf_counter() - began) * 1000)
        assert answer.status == 200, (answer.status, content[:200])
    line.close()
    return found


if __name__ == "__main__":
    main()
