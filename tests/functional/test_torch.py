"""Streams under a real PyTorch: loaders, workers, torchrun, checkpoints and steps that learn."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.node import running_node

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"  # Debian's, whose PyTorch it is
READING = ROOT / "tests" / "torch" / "reading.py"
PACKAGES = ROOT / ".torch"
ROWS = 6000

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(
        not shutil.which("torchrun") or not (PACKAGES / "pyarrow").is_dir(),
        reason="no PyTorch of Debian here",
    ),
]


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    folder = tmp_path_factory.mktemp("torch")
    rng = np.random.default_rng(7)
    (folder / "data").mkdir()
    for number in range(3):
        ids = np.arange(number * 2000, (number + 1) * 2000)
        spectra = pa.FixedSizeListArray.from_arrays(rng.random(len(ids) * 16, dtype=np.float32), 16)
        part = pa.table({"id": ids, "spectrum": spectra, "raw": [bytes(50)] * len(ids)})
        pq.write_table(part, folder / "data" / f"train-{number}.parquet", row_group_size=250)
    with running_node(folder / "home") as running:
        running.run("project", "create", "lab")
        running.run("push", str(folder / "data"), "lab/spectra")
        running.run("freeze", "lab/spectra")
        assert running.api("PATCH", "/datasets/lab/spectra", {"access": "open"})[0] == 200
        yield running


@pytest.fixture
def read(node, tmp_path):
    wish = {"url": node.url, "token": node.token, "dataset": "lab/spectra", "folder": str(tmp_path)}
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        "PYTHONPATH": f"{PACKAGES}:{ROOT / 'src'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TSUNAGU_CACHE": str(tmp_path / "cache"),
        "OMP_NUM_THREADS": "1",
    }

    def run(what, *before):
        command = [PYTHON, *before, str(READING), what, json.dumps(wish)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=240, env=variables
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return None if before else json.loads(done.stdout.splitlines()[-1])

    return run


def test_every_loader_gets_every_row_once_and_the_provider_sees_it(node, read):
    found = read("loaders")
    assert set(found) == {"none", "fork", "spawn", "pinned"}
    for name, ids in found.items():
        assert sorted(ids) == list(range(ROWS)), name
        assert ids != sorted(ids)
        (use,) = node.api("GET", f"/trainings/torch-{name}")[1]["uses"]
        assert (use["rows"], use["outcome"]) == (ROWS, "ok"), name


def test_workers_that_live_on_shuffle_every_epoch_anew(read):
    epochs = read("epochs")
    assert all(sorted(ids) == list(range(ROWS)) for ids in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_a_checkpoint_goes_on_with_the_row_that_comes_next(read):
    before, after = read("resumed")
    assert len(before) == 7 * 128
    assert sorted(before + after) == list(range(ROWS))


def test_steps_learn(read):
    first, last = read("trained")
    assert last < first / 10


def test_processes_of_torchrun_share_an_epoch(node, read, tmp_path):
    # The streams are named because this torchrun does not find its default under Python 3.11.
    streams = ["--redirects=1", "--tee=2", f"--log_dir={tmp_path}"]
    read("rank", "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", *streams)
    shares = [json.loads((tmp_path / f"rank{number}.json").read_text()) for number in range(2)]
    assert len(shares[0]) == len(shares[1]), "even: no process waits for another"
    assert not set(shares[0]) & set(shares[1])
    assert sum(map(len, shares)) >= ROWS - 500
    uses = node.api("GET", "/trainings/torchrun")[1]["uses"]
    assert len(uses) <= 2, "two only where one process had ended before the other began"
    assert {use["outcome"] for use in uses} == {"ok"}
    assert sum(use["rows"] for use in uses) == sum(map(len, shares))


def test_columns_become_tensors(read):
    assert read("forms") == {
        "n": ["torch.int32", [3]],
        "gap": ["torch.float64", [3]],
        "image": ["torch.uint8", [3, 2, 2]],
    }
