"""What visitors do reaches the owner, through a stop of the node too."""

from __future__ import annotations

import time
import urllib.request

import pytest

from tests.node import running_node

pytestmark = pytest.mark.functional
_FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}


def test_a_visit_before_a_stop_is_counted_and_the_owner_reads_it(tmp_path):
    folder = tmp_path / "spectra"
    folder.mkdir()
    (folder / "a.csv").write_text("x,y\n1,2\n", "utf-8")
    with running_node(tmp_path / "home") as node:
        node.run("project", "create", "lab")
        node.run("push", str(folder), "lab/data")
        node.run("freeze", "lab/data")
        node.run("access", "lab/data", "open")

        def visit(path):
            urllib.request.urlopen(
                urllib.request.Request(node.url + path, headers=_FIREFOX), timeout=30
            ).read()

        visit("/d/lab/data")
        visit("/d/lab/data/download/a.csv?version=1")
        node.stop()
        node.start()
        until = time.monotonic() + 120
        while not (found := node.json("usage", "lab/data", "--json"))["total"]["total_investigations"]:
            assert time.monotonic() < until, "the numbers are some minutes old, and no older"
            time.sleep(1)
        assert (found["total"]["total_investigations"], found["total"]["downloads"]) == (2, 1)
        table = node.run("usage", "lab/data", "--csv").stdout.splitlines()
        assert len(table) == 13
        assert table[-1].startswith(found["months"][-1]["month"]) or found["months"][-1]["month"] in table[-1]
        shown = node.run("common-items", "lab/data", "--set", "funder=JST").stdout
        assert "JST" in shown
