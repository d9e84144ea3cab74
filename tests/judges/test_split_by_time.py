"""A split by time is read by a stream and by ``datasets``: both get the later rows for the test."""

from __future__ import annotations

import pytest

import tsunagu
from tests.judges.hub_client import HubClient

pytestmark = pytest.mark.functional


def test_the_stream_and_datasets_get_the_later_rows(node, tmp_path, monkeypatch):
    folder = tmp_path / "log"
    folder.mkdir()
    hours = [n * 37 % 100 for n in range(100)]  # nothing in their order gives the split away
    rows = "".join(f"2026-03-{1 + n // 24:02}T{n % 24:02}:00:00,{n}\n" for n in hours)
    (folder / "log.csv").write_text("time,n\n" + rows)
    node.run("push", str(folder), "lab/log")
    node.wait_for_readings("lab/log")
    node.run("freeze", "lab/log")
    node.run("ready", "lab/log")
    card = node.json("ready", "lab/log", "--repair", "split_by_time:time")
    (choice,) = card["choices"]
    assert choice["name"] == "split_by_time:time=2026-03-04T08:00:00/2026-03-04T18:00:00"
    shown = node.run("ready", "lab/log", "--card").stdout
    assert "train before 2026-03-04 08:00:00" in shown
    for name in ("log", "log-ready"):
        assert node.api("PATCH", f"/datasets/lab/{name}", {"access": "open"})[0] == 200

    monkeypatch.setenv("TSUNAGU_CACHE", str(tmp_path / "cache"))
    for split, expected in {"train": range(80), "validation": range(80, 90), "test": range(90, 100)}.items():
        with tsunagu.stream(
            "lab/log-ready", client=tsunagu.connect(node.url, node.token), split=split
        ) as stream:
            assert sorted(n for batch in stream for n in batch.column("n").to_pylist()) == list(expected)

    found = HubClient(node, tmp_path)("""
        from datasets import load_dataset
        log = load_dataset("lab/log-ready", "log", split="train")
        print(json.dumps({part: sorted(log.filter(lambda row: row["split"] == part)["n"])
                          for part in ("train", "validation", "test")}))
    """, token="")  # fmt: skip
    assert found["test"] == list(range(90, 100))
    assert found["validation"] == list(range(80, 90))
    assert found["train"] == list(range(80))
    node.run("ready", "lab/log", "--undo", "split_by_time:time")
    assert node.json("ready", "lab/log", "--card")["choices"] == []
