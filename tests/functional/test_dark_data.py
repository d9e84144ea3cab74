"""An old disk goes in without a word, its scans become text by themselves, it is sorted in bulk, and failures are found."""

from __future__ import annotations

import time

import pytest

from tests.node import running_node
from tests.rooms.scanned_pages import LINES, as_bytes, needs_engine, scanned

pytestmark = pytest.mark.functional


def _until(ask, is_right, *, within_s=60):
    deadline = time.monotonic() + within_s
    while not is_right(found := ask()):
        assert time.monotonic() < deadline, found
        time.sleep(0.3)
    return found


@needs_engine
def test_an_old_disk_from_push_to_search(tmp_path):
    disk = tmp_path / "old-disk"
    (disk / "2003").mkdir(parents=True)
    (disk / "2003" / "book.pdf").write_bytes(as_bytes([scanned(), scanned(LINES[::-1])], "PDF"))
    (disk / "2003" / "run.csv").write_text("two_theta,counts\n10,5\n11,7\n")
    (disk / "copy of run.csv").write_text("two_theta,counts\n10,5\n11,7\n")
    with running_node(tmp_path / "home") as node:
        node.run("project", "create", "lab")
        node.run("push", "--unsorted", str(disk), "lab")
        inbox = "lab/unsorted-old-disk"
        node.wait_for_readings(inbox)
        _until(
            lambda: node.json("search", "回折線")["hits"],
            lambda hits: [(hit["page_path"], hit["page"]) for hit in hits] == [("2003/book.pdf", 1)],
        )
        assert "Failed run" in node.run("ocr", inbox, "2003/book.pdf", "--text").stdout
        kinds = {one["path"]: one["kind"] for one in node.json("unsorted", "lab", "--files")["files"]}
        assert kinds == {"2003/book.pdf": "scan", "2003/run.csv": "data", "copy of run.csv": "duplicate"}
        node.run("unsorted", "lab", "unsorted-old-disk/copy of run.csv", "--verdict", "duplicate")
        node.run(
            "unsorted", "lab", "unsorted-old-disk/2003/", "--verdict", "negative", "--target", "no-phase",
            "--tried", "二時間の焼成", "--reason", "純度の不足",
        )  # fmt: skip
        assert not node.json("unsorted", "lab")["file_count"]
        (hit,) = _until(
            lambda: node.json("search", "焼成 kind:negative")["hits"], lambda hits: len(hits) == 1
        )
        assert (hit["name"], hit["outcomes"]) == ("no-phase", ["negative"])
        assert node.json("search", "回折線 project:lab")["hits"][0]["name"] == "no-phase"
        node.run("negative", "lab/no-phase", "--outcome", "回折線なし")
