"""The first steps of a wrapper: what is loaded before it asks, what it need not ask again, what it says without walls."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tsunagu.compute.runner import line as lines
from tsunagu.compute.runner import walls
from tsunagu.compute.runner.order import Bounds, Limits
from tsunagu.core.errors import TsunaguError, UnavailableError

PATH = "/datasets/lab/data/pulls"
PAGE = {"version": 1, "files": [{"path": "a", "size": 60}], "next": None}
KNOWN = {"path": PATH, "content": {"version": 1, "prefix": "", "after": ""}, "answer": PAGE}
ASKED = {"version": 1, "prefix": "", "after": "", "limit": 1000}


class Line(lines.Line):
    """A line whose other end is here."""

    def __init__(self, answer, bounds=None):
        super().__init__("http://127.0.0.1:1", "run", "secret", bounds)
        self.heard, self._answer = [], answer

    def say(self, do, *, patience=0, **content):
        self.heard.append((do, content))
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def test_a_page_that_came_with_the_order_is_not_asked_for_but_once_more_it_is():
    line = Line({"files": ["fresh"]})
    pages = [{**KNOWN}]
    node = lines.JobNode(line, pages)
    assert node.post("/datasets/lab/other/pulls", ASKED) == {"files": ["fresh"]}
    assert node.post(PATH, {**ASKED, "version": 2}) == {"files": ["fresh"]}
    assert len(line.heard) == 2
    assert node.post(PATH, ASKED) == PAGE
    assert len(line.heard) == 2
    # Its capabilities ran out: only control gives new ones.
    assert node.post(PATH, ASKED) == {"files": ["fresh"]}
    assert not pages


def test_a_page_that_came_with_the_order_counts_among_what_was_granted():
    bounds = Bounds(Limits(), input_bytes=100, origins=(), guest="guest")
    node = lines.JobNode(Line({}, bounds), [{**KNOWN}, {**KNOWN}])
    assert node.post(PATH, ASKED) == PAGE
    with pytest.raises(lines.TooMuchInputError):
        node.post(PATH, ASKED)


def test_what_is_asked_beside_other_things_is_answered_or_fails_where_it_is_wanted():
    assert lines.Question(Line({"run": "1"}), "order").answer() == {"run": "1"}
    refused = lines.Question(Line(UnavailableError("Not now.")), "order")
    with pytest.raises(TsunaguError, match="Not now"):
        refused.answer()


def test_little_is_loaded_before_the_order_is_asked_for():
    code = "import sys, tsunagu.compute.runner.begin; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    late = {"work", "walls", "talk", "watching"}
    assert not {f"tsunagu.compute.runner.{one}" for one in late} & loaded
    assert not {"tsunagu.client.push", "tsunagu.client.pull", "sqlite3", "subprocess", "logging"} & loaded


@pytest.mark.parametrize(
    ("script", "said"),
    [("exit 0", ""), ("echo no user namespaces >&2; exit 1", "no user namespaces"), (None, "not installed")],
)
def test_whether_walls_can_be_built_is_found_out_beside_other_things(tmp_path, monkeypatch, script, said):
    if script is not None:
        (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    probe = walls.Probe()
    assert said in probe.problem()
    assert bool(probe.problem()) == bool(said)
