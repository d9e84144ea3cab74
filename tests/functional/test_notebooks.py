"""JupyterLab on a dataset, as people use it: a real one, a real kernel over its websocket, the real sandbox."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests import notebooks
from tests.node import descendants, running_node

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
    pytest.mark.skipif(
        bool(notebooks.missing(".lab", "jupyterlab")), reason=notebooks.missing(".lab", "jupyterlab")
    ),
]

OVER = {"succeeded", "failed", "cancelled"}
TRY = """
import os, socket
print(open(os.environ["TSUNAGU_IN"] + "/a.csv").read())
try:
    open(os.environ["TSUNAGU_IN"] + "/b.csv", "w")
except OSError as error:
    print("writing:", error.strerror)
try:
    socket.create_connection(("192.0.2.1", 80), 2)
except OSError as error:
    print("network:", error.strerror)
print(sorted(name for name in os.environ if name.startswith("TSUNAGU")))
open(os.environ["TSUNAGU_OUT"] + "/made.txt", "w").write("made here")
"""

MANY = """
import os, time
children = [os.fork() for _ in range(2)]
huge = [b"1" * 10**7 for _ in range(15)]
time.sleep(30)
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with running_node(
        tmp_path_factory.mktemp("lab") / "home", notebooks.settings(TSUNAGU_NOTEBOOK_IDLE_S="10")
    ) as running:
        notebooks.lend(running, ".lab", notebooks.ROOMS / "notebooks" / "jupyterlab.lock")
        running.run("project", "create", "lab")
        folder = tmp_path_factory.mktemp("measured")
        (folder / "a.csv").write_text("3\n1\n2\n")
        for name in ("one", "two", "three"):
            running.run("push", str(folder), f"lab/{name}")
        running.run("label", "lab/one", "personal")
        for name in ("one", "two", "three"):
            running.run("freeze", f"lab/{name}")
        yield running


@pytest.fixture(scope="module")
def owner(node):
    return notebooks.Person(node, "owner@example.org")


def test_a_notebook_reads_computes_and_is_kept_with_its_labels(node, owner, tmp_path):
    run = owner.open("lab/one", "lab/kept")
    assert owner.open("lab/one", "lab/other") == run, "one for a person and a dataset"
    lab = owner.enter(run)
    kernel = lab.kernel()
    said = lab.execute(kernel, TRY)
    assert "3\n1\n2\n" in said
    assert "writing: Read-only file system" in said
    assert "network: Network is unreachable" in said
    assert "TOKEN" not in said
    _status, first = lab.ask("GET", "/api/contents/notebook.ipynb")
    first["content"]["cells"][0]["source"] = "1 + 1"
    saved = {"type": "notebook", "format": "json", "content": first["content"]}
    assert lab.ask("PUT", "/api/contents/notebook.ipynb", saved)[0] == 200
    assert lab.ask("POST", "/api/contents/notebook.ipynb/checkpoints")[0] == 201

    # The way in works once; a cookie of nobody, another page and another person do not.
    assert lab.ask("GET", lab.word)[0] == 403
    assert lab.ask("GET", "/api/contents", Cookie="tsunagu_notebook=guessed")[0] == 403
    assert lab.ask("POST", "/api/kernels", {}, Origin="https://elsewhere.example")[0] == 403
    assert (
        lab.ask("GET", "/api/contents", **{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"})[0] == 403
    )
    assert "default-src 'none'" in lab.last["Content-Security-Policy"]
    node.make_token("other@example.org")
    other = notebooks.Person(node, "other@example.org")
    assert other.answer(f"/runs/{run}/enter")[0] == 404

    node.run("notebook", "lab/one", "--stop")
    found = notebooks.wait_for(node, run, OVER)
    assert (found["state"], found["version"]) == ("succeeded", 1), found
    assert "stopped it" in found["sentence"] or "停止" in found["sentence"]
    assert found["cpu_s"] < 60, "what was reserved and not used is given back"
    assert found["result"]["in_force"]["network"] == "kernel"
    node.run("pull", "lab/kept@1", str(tmp_path / "kept"))
    assert {path.name for path in (tmp_path / "kept").iterdir()} >= {"made.txt", "notebook.ipynb"}
    assert not list((tmp_path / "kept").rglob(".ipynb_checkpoints")), "checkpoints are no part of a version"
    assert '"1 + 1"' in (tmp_path / "kept" / "notebook.ipynb").read_text()
    labels = {one["name"]: one["value"] for one in node.json("label", "lab/kept")["labels"]}
    assert labels["personal"] == "yes"
    (made,) = [one for one in node.json("runs", "lab/kept") if one["kind"] == "compute"]
    assert {("in", "version"), ("out", "version")} <= {(x["direction"], x["kind"]) for x in made["links"]}
    assert lab.ask("GET", "/api/contents")[0] == 403, "the seat is gone with the notebook"

    again = owner.open("lab/one", "lab/kept")
    lab = owner.enter(again)
    _status, kept = lab.ask("GET", "/api/contents/notebook.ipynb")
    assert kept["content"]["cells"][0]["source"] == "1 + 1", (
        "the next one goes on with what the last one left"
    )
    owner.post(f"/runs/{again}", {"cancel": ""})
    assert notebooks.wait_for(node, again, OVER)["version"] is None, "thrown away on demand"


def test_signing_out_takes_the_notebook_away_and_an_idle_one_is_stopped_and_kept(node):
    person = notebooks.Person(node, "owner@example.org")
    opened = node.json("notebook", "lab/two", "--out", "lab/idle", "--time", "1h")
    run = opened["run"]
    assert (opened["stage"], opened["page"]) == ("open", f"{node.url}/runs/{run}")
    assert node.run("notebook").stdout.split("\t")[0].split()[0] == "lab/two@1"
    lab = person.enter(run)
    kernel = lab.kernel()
    said = lab.execute(
        kernel, "open('x', 'w').write('x')\nimport time\nprint('busy', flush=True)\ntime.sleep(12)"
    )
    assert said == "busy\n", "a busy kernel is not idle"
    assert lab.ask("GET", "/api/contents")[0] == 200
    person.post("/accounts/logout/", {})
    assert lab.ask("GET", "/api/contents")[0] == 403
    found = notebooks.wait_for(node, run, OVER)
    assert (found["state"], found["version"]) == ("succeeded", 1), found
    assert found["result"]["facts"]["ended"] == "idle"
    assert {one["path"] for one in node.json("files", "lab/idle")} == {"x", "notebook.ipynb"}


def test_a_notebook_whose_time_is_over_is_ended_at_work_and_kept(node):
    run = node.json("notebook", "lab/two", "--out", "lab/late", "--time", "45s")["run"]
    lab = notebooks.Person(node, "owner@example.org").enter(run)
    began = time.monotonic()
    said = lab.execute(
        lab.kernel(), "open('late', 'w').write('x')\nimport time\nprint('on', flush=True)\ntime.sleep(180)"
    )
    assert said == "on\n[closed]"
    assert time.monotonic() - began < 90
    found = notebooks.wait_for(node, run, OVER)
    assert (found["state"], found["version"]) == ("succeeded", 1), found
    assert found["result"]["facts"]["ended"] == "out_of_time"
    assert "time was over" in found["sentence"] or "時間" in found["sentence"]
    assert "late" in {one["path"] for one in node.json("files", "lab/late")}
    assert lab.ask("GET", "/api/contents")[0] == 403


def test_a_notebook_outlives_its_node_and_what_is_saved_outlives_even_its_own_end(node):
    person = notebooks.Person(node, "owner@example.org")
    run = person.open("lab/three", "lab/limit", memory_mb="400")
    lab = person.enter(run)
    kernel = lab.kernel()
    lab.execute(kernel, "kept = 41")
    kill_but_for_wrappers(node)
    node.start()
    deadline = time.monotonic() + 40
    while lab.ask("GET", "/api/kernels")[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert lab.execute(kernel, "print(kept + 1)") == "42\n", "the kernel did not notice"
    lab.execute(kernel, "open('saved', 'w').write('x')")
    assert lab.execute(kernel, "huge = bytearray(10**9)").endswith("MemoryError: ")
    assert lab.execute(kernel, MANY).endswith("[closed]"), "beyond its memory as a whole it is ended"
    found = notebooks.wait_for(node, run, OVER)
    assert (found["state"], found["version"]) == ("succeeded", 1), found
    assert found["result"]["facts"]["ended"] == "out_of_memory"
    assert "saved" in {one["path"] for one in node.json("files", "lab/limit")}

    run = person.open("lab/three", "lab/limit")
    lab = person.enter(run)
    lab.execute(lab.kernel(), "open('more', 'w').write('x')")
    node.kill()  # the wrapper, too: the machine failed
    node.start()
    found = notebooks.wait_for(node, run, OVER)
    assert (found["state"], found["version"]) == ("succeeded", 2), found
    assert {"saved", "more"} <= {one["path"] for one in node.json("files", "lab/limit")}


def kill_but_for_wrappers(node):
    """SIGKILL to all processes of the node but those that hold runs; the parent last, or it would start them anew."""
    node.process.send_signal(signal.SIGSTOP)
    kept = set()
    for pid in node.children():
        with contextlib.suppress(OSError):
            if b"tsunagu.compute.runner" in Path(f"/proc/{pid}/cmdline").read_bytes():
                kept |= {pid, *descendants(pid)}
    for pid in set(node.children()) - kept:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    node.process.kill()
    node.process.wait(30)
