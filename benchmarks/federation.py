"""A signed metadata feed of 6,000 identity providers: verified and indexed, against a bare parse and pysaml2.

``python benchmarks/run.py federation`` prints a table and writes benchmarks/results/federation.json.
``python -m benchmarks.federation FEED CERTIFICATE`` does our side once, as a worker does: in a process of its own, on
an empty database on the disk; it prints seconds (of the clock
and of the processor) and peak memory as JSON.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import kit, measure

ENTITIES = 6000
MOST_SECONDS, MOST_BYTES = 2.0, 200e6
_PARSE = """
import json, sys, time
from lxml import etree
began = time.perf_counter()
root = etree.parse(sys.argv[1], etree.XMLParser(huge_tree=True)).getroot()
count = sum(1 for _ in root.iter("{urn:oasis:names:tc:SAML:2.0:metadata}EntityDescriptor"))
print(json.dumps({"entities": count, "seconds": time.perf_counter() - began}))
"""
_PYSAML2 = """
import json, sys, time
from saml2.attribute_converter import ac_factory
from saml2.mdstore import InMemoryMetaData
text = open(sys.argv[1], encoding="utf-8").read()
began = time.perf_counter()
store = InMemoryMetaData(ac_factory(), text)
store.load()
print(json.dumps({"entities": len(store.entity), "seconds": time.perf_counter() - began}))
"""


def once(feed: Path, certificate: Path) -> None:
    """Our side in this process; prints one JSON line."""
    with tempfile.TemporaryDirectory(prefix="tsunagu-feed-") as home:
        row = [{"name": "bench", "file": str(feed), "certificate": str(certificate)}]
        os.environ |= {
            "TSUNAGU_HOME": home,
            "TSUNAGU_FEDERATION_FEEDS": json.dumps(row),
            "DJANGO_SETTINGS_MODULE": "tsunagu.config.settings",
        }
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", "identity", verbosity=0)
        from tsunagu.foundation.identity import api as identity

        began, used = time.perf_counter(), time.process_time()
        (card,) = identity.refresh_feeds()
        seconds, cpu_s = time.perf_counter() - began, time.process_time() - used
        found = len(identity.search_providers("University 42"))
    if card.state != "good" or not found:
        raise SystemExit(card.problem or "nothing was indexed")
    # VmHWM and not getrusage: the latter starts with the memory of the process that started this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    print(json.dumps({"entities": card.entity_count, "seconds": seconds, "cpu_s": cpu_s, "peak_bytes": peak}))


def _told(command: list[str]) -> dict[str, float]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=kit.ROOT)
    if done.returncode:
        raise SystemExit(done.stderr)
    report: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return report


_SIGN_IN = """
import base64, json, os, statistics, sys, tempfile, time, zlib
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit
from tests.federation import Idp, Signer, aggregate
feed, certificate, key = sys.argv[1:]
with tempfile.TemporaryDirectory(prefix="tsunagu-sign-in-") as home:
    row = [{"name": "bench", "file": feed, "certificate": certificate}]
    os.environ |= {"TSUNAGU_HOME": home, "TSUNAGU_FEDERATION_FEEDS": json.dumps(row),
                   "DJANGO_SETTINGS_MODULE": "tsunagu.config.settings"}
    import django
    from django.core.management import call_command
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    from django.conf import settings
    from django.test import Client
    settings.ACCOUNT_RATE_LIMITS = False
    from tsunagu.core import settings as node
    from tsunagu.foundation.identity import api as identity
    identity.refresh_feeds()
    idp = Idp(Path(home), 42, ("u42.example.ac.jp",))
    idp.signer.key_file = Path(key)
    base = node.current().control_address
    times = []
    for number in range(33):  # everybody for the first time: the account is made too
        client = Client(SERVER_NAME="localhost")
        client.get("/saml/metadata")  # the test client loads the middleware anew; a node does that once
        began = time.perf_counter()
        sent = parse_qs(urlsplit(client.get("/saml/start?entity=" + quote(idp.entity_id, safe=""))["Location"]).query)
        ours = time.perf_counter() - began
        xml = zlib.decompress(base64.b64decode(sent["SAMLRequest"][0]), -15).decode()
        answer = idp.signer.sign(idp.response(xml.split('ID="')[1].split('"')[0], acs=base + "/saml/acs",
                                              audience=base + "/saml/metadata",
                                              attributes={"urn:oasis:names:tc:SAML:attribute:subject-id":
                                                          [f"taro{number}@u42.example.ac.jp"]}))
        form = {"SAMLResponse": base64.b64encode(answer.encode()).decode(), "RelayState": sent["RelayState"][0]}
        began = time.perf_counter()
        answered = client.post("/saml/acs", form)
        assert answered.status_code == 302, answered.content.decode()
        address = answered["Location"]
        done = client.get(address)
        times.append(ours + time.perf_counter() - began)
        assert done.status_code == 302 and "_auth_user_id" in client.session, done.content
    times = sorted(times[3:])
    print(json.dumps({"median_s": statistics.median(times), "p95_s": times[int(len(times) * 0.95)]}))
"""


def sign_in(feed: Path, signer: object) -> str:
    """A sentence about our own time for one sign-in, among all the providers of the feed."""
    certificate, key = signer.certificate, signer.key_file  # type: ignore[attr-defined]
    report = _told([kit.PYTHON, "-c", _SIGN_IN, str(feed), str(certificate), str(key)])
    return (
        f"one sign-in through SAML, our own time (request, answer, session; goal 150 ms): median "
        f"{report['median_s'] * 1e3:.0f} ms, p95 {report['p95_s'] * 1e3:.0f} ms over 30"
    )


def _peer() -> Path | None:
    """A Python with pysaml2; None where it cannot be had."""
    home = kit.ROOT / ".bench-peers" / "saml"
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([kit.PYTHON, "-m", "venv", str(home)], check=True)
    wanted = [str(python), "-m", "pip", "install", "-q", "pysaml2==7.5.5"]
    return python if subprocess.run(wanted, check=False).returncode == 0 else None


def main() -> None:
    """Five alternating rounds; prints and saves the table."""
    from tests.federation import Signer, feed

    load = os.getloadavg()[0]
    folder = kit.scratch("federation")
    signer = Signer(folder)
    file = folder / "feed.xml"
    file.write_text(feed(signer, ENTITIES), "utf-8")
    peaks: list[float] = []

    def ours(_: int) -> float:
        report = _told([kit.PYTHON, "-m", "benchmarks.federation", str(file), str(signer.certificate)])
        peaks.append(report["peak_bytes"])
        return report["seconds"]

    contestants = {
        "ours": ours,
        "parse": lambda _: _told([kit.PYTHON, "-c", _PARSE, str(file)])["seconds"],
    }
    peer = _peer()
    if peer:
        contestants["pysaml2"] = lambda _: _told([str(peer), "-c", _PYSAML2, str(file)])["seconds"]
    values = measure.alternate(contestants)
    rows = [
        measure.Row("Tsunagu", "ours", values["ours"], "verified, filtered, written to SQLite on the disk"),
        measure.Row("lxml, parse alone", "limit", values["parse"], "no signature, no index"),
    ]
    if peer:
        note = "in memory, without its signature check, which needs a program outside"
        rows.append(measure.Row("pysaml2", "peer", values["pysaml2"], note))
    goals = [
        measure.Goal("seconds, median", statistics.median(values["ours"]), MOST_SECONDS, is_upper=True),
        measure.Goal("peak memory of the process, MB", max(peaks) / 1e6, MOST_BYTES / 1e6, is_upper=True),
    ]
    notes = [
        f"peak memory of the process: {max(peaks) / 1e6:.0f} MB",
        sign_in(file, signer),
    ]
    title = f"A signed feed of {ENTITIES} identity providers ({file.stat().st_size / 1e6:.1f} MB)"
    measure.finish("federation", title, "s", rows, goals, notes, load)


if __name__ == "__main__":
    once(Path(sys.argv[1]), Path(sys.argv[2]))
