"""A notebook on sealed data: what it reads, computes and saves lies in memory only, and is kept sealed."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from pathlib import Path

import pytest

from tests import notebooks
from tests.node import running_node

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
    pytest.mark.skipif(
        bool(notebooks.missing(".lab", "jupyterlab")), reason=notebooks.missing(".lab", "jupyterlab")
    ),
]
MARK = f"plain-{secrets.token_hex(16)}"
WORK = """
import os
said = open(os.environ["TSUNAGU_IN"] + "/s.txt").read()
open(os.environ["TSUNAGU_OUT"] + "/copy.txt", "w").write(said)
print(said[:38])
"""


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    home = tmp_path_factory.mktemp("sealed") / "home"
    with running_node(home, notebooks.settings()) as node:
        notebooks.lend(node, ".lab", notebooks.ROOMS / "notebooks" / "jupyterlab.lock")
        node.run("project", "create", "lab")
        for name in ("lab/in", "lab/out"):
            node.run("seal", name, "--create")
        folder = tmp_path_factory.mktemp("data")
        (folder / "s.txt").write_text(MARK * 10_000)
        node.run("push", str(folder), "lab/in")
        node.run("freeze", "lab/in")
        yield node


def _holding(folder):
    """Files below a folder that hold the mark."""
    found = []
    for place, _folders, names in os.walk(folder):
        for name in names:
            try:
                if MARK.encode() in Path(place, name).read_bytes():
                    found.append(Path(place, name))
            except OSError:  # it went, or is no file
                continue
    return found


def _in_memory():
    return [place for place in Path("/dev/shm").glob(f"tsunagu-{os.geteuid()}-*") if _holding(place)]


def test_nothing_of_it_lies_plain_on_a_disk_and_what_is_kept_is_sealed(sealed, tmp_path):
    refused = sealed.run("notebook", "lab/in", "--out", "lab/plain", check=False)
    assert refused.returncode
    assert "must not lie plain" in refused.stderr
    run = sealed.json("notebook", "lab/in", "--out", "lab/out")["run"]
    lab = notebooks.Person(sealed, "owner@example.org").enter(run)
    assert lab.execute(lab.kernel(), WORK) == f"{MARK}\n"
    _status, page = lab.ask("GET", "/api/contents/notebook.ipynb")
    page["content"]["cells"][0]["source"] = f"# {MARK}"
    saved = {"type": "notebook", "format": "json", "content": page["content"]}
    assert lab.ask("PUT", "/api/contents/notebook.ipynb", saved)[0] == 200

    (place,) = _in_memory()
    assert place.stat().st_mode & 0o777 == 0o700
    assert {"s.txt", "copy.txt", "notebook.ipynb"} <= {path.name for path in _holding(place)}
    assert not _holding(sealed.home)

    sealed.run("notebook", "lab/in", "--stop")
    found = notebooks.wait_for(sealed, run, {"succeeded", "failed", "cancelled"})
    assert (found["state"], found["version"]) == ("succeeded", 1), found
    deadline = time.monotonic() + 30
    while place.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert not _holding(sealed.home)
    sealed.run("pull", "lab/out@1", str(tmp_path / "kept"))
    assert MARK in (tmp_path / "kept" / "copy.txt").read_text()
    assert MARK in (tmp_path / "kept" / "notebook.ipynb").read_text()
