"""A notebook on sealed data: what it reads, computes and saves lies in memory only, and is kept sealed."""

from __future__ import annotations

import shutil
import time

import pytest

from tests import notebooks
from tests.node import running_node
from tests.sealed import MARK, fill, holding, in_memory

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
    pytest.mark.skipif(
        bool(notebooks.missing(".lab", "jupyterlab")), reason=notebooks.missing(".lab", "jupyterlab")
    ),
]
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
        fill(node, tmp_path_factory.mktemp("data"))
        yield node


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

    (place,) = in_memory()
    assert place.stat().st_mode & 0o777 == 0o700
    assert {"s.txt", "copy.txt", "notebook.ipynb"} <= {path.name for path in holding(place)}
    assert not holding(sealed.home)

    sealed.run("notebook", "lab/in", "--stop")
    found = notebooks.wait_for(sealed, run, {"succeeded", "failed", "cancelled"})
    assert (found["state"], found["version"]) == ("succeeded", 1), found
    deadline = time.monotonic() + 30
    while place.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert not holding(sealed.home)
    sealed.run("pull", "lab/out@1", str(tmp_path / "kept"))
    assert MARK in (tmp_path / "kept" / "copy.txt").read_text()
    assert MARK in (tmp_path / "kept" / "notebook.ipynb").read_text()
