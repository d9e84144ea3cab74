"""Arrays of a frozen version become Zarr stores beside the tables, labelled, described and hashed as all that is made."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import zarr

from tests.rooms.clients import client_of
from tests.rooms.test_ready import csv, ready  # noqa: F401 - fixtures
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description.extraction import files_of, read_files
from tsunagu.data.readiness import api as readiness
from tsunagu.data.readiness.conversion import claim, run
from tsunagu.data.readiness.models import Preparation
from tsunagu.formats.tests.built import build
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stop_pool")]


def scan(tmp_path: Path, number: int, rows: int = 20) -> bytes:
    path = tmp_path / f"scan{number}.h5"
    with h5py.File(path, "w") as file:
        file["counts"] = np.full((rows, 30), number, "u2")
        file["counts"].attrs["units"] = "counts"
        file["temperature"] = 293.5 + number
        file["temperature"].attrs["units"] = "K"
    return path.read_bytes()


def pulled(owner, done, target: Path) -> Path:
    """All of what was made, as files."""
    project, _, name = done.derived.partition("/")
    card = datasets.get_dataset(owner, project, name)
    for file in datasets.all_files(card, done.derived_number):
        place = storage.locate([file.sha256], card.domains)[file.sha256]
        path = target / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(storage.read_pieces(place)))
    return target


def test_scans_become_one_store_beside_the_tables(dataset, ready, tmp_path):  # noqa: F811
    owner, _ = dataset
    files = {f"scans/scan{n}.h5": scan(tmp_path, n) for n in range(3)}
    done = ready({**files, "log.csv": csv(1), "notes.txt": b"words"})
    assert done.state == "done", done.reason
    out = pulled(owner, done, tmp_path / "out")
    store = zarr.open(out / "arrays" / "scan.zarr", mode="r")
    np.testing.assert_array_equal(store["counts"][:, 0, 0], [0, 1, 2])
    assert store["source_file"][...].tolist() == sorted(files)
    assert (out / "data" / "log.parquet").is_file()
    profile = json.loads((out / "profile.json").read_text("utf-8"))
    (said,) = profile["stores"]
    assert said["file_count"] == 3
    assert profile["left"]["paths"] == ["notes.txt"]
    assert "arrays/scan.zarr" in (out / "README.md").read_text("utf-8")
    assert runs.get(done.run_id).parameters["array_count"] == len(said["arrays"])
    card = readiness.card(owner, datasets.get_dataset(owner, "lab", "data"))
    assert card.profile["stores"] == profile["stores"]
    made = datasets.get_dataset(owner, "lab", "data-ready")
    croissant = readiness.croissant(owner, made, done.derived_number)
    (found,) = [one for one in croissant["distribution"] if one["@type"] == "cr:FileSet"]
    assert found["includes"] == "arrays/scan.zarr/**"
    assert "counts (file 3, counts_1 20, counts_2 30) uint16 in counts" in found["description"]


def test_a_newer_version_leaves_nothing_of_the_older_arrays(dataset, ready, tmp_path):  # noqa: F811
    owner, card = dataset
    first = ready({"a.h5": scan(tmp_path, 1), "log.csv": csv(1)})
    datasets.remove_files(owner, card.id, ["a.h5"])
    second = ready({"b.csv": csv(2)})
    assert (pulled(owner, first, tmp_path / "one") / "arrays" / "a.zarr" / "zarr.json").is_file()
    assert not (pulled(owner, second, tmp_path / "two") / "arrays").exists()


def test_disagreeing_files_are_named_in_the_profile(dataset, ready, tmp_path):  # noqa: F811
    owner, _ = dataset
    done = ready({"a1.h5": scan(tmp_path, 1), "a2.h5": scan(tmp_path, 2, rows=21)})
    profile = json.loads((pulled(owner, done, tmp_path / "out") / "profile.json").read_text("utf-8"))
    assert {one["path"] for one in profile["stores"]} == {"arrays/a1.zarr", "arrays/a2.zarr"}
    (conflict,) = profile["array_conflicts"]
    assert (conflict["array"], conflict["what"]) == ("/counts", "shape")


def test_pictures_as_shards_when_they_are_wanted(dataset, put, tmp_path):
    owner, card = dataset
    for number in range(3):
        build("photo.jpg", tmp_path).rename(tmp_path / f"photo{number}.jpg")
    put(owner, card, {f"photo{n}.jpg": (tmp_path / f"photo{n}.jpg").read_bytes() for n in range(3)})
    read_files(SYSTEM, new_id(), card.id, files_of(card.id))
    datasets.freeze_version(owner, card.id)
    held = datasets.get_dataset(owner, "lab", "data")
    counts = []
    for shards in (None, False, True, True, None):
        asked = readiness.start(owner, held, shards=shards)
        row = Preparation.objects.get(run_id=asked.run_id)
        if row.state == "waiting" and claim(row):
            run(row)
        done = readiness.card(owner, held).preparation
        assert done.state == "done", done.reason
        out = pulled(owner, done, tmp_path / str(len(counts)))
        counts.append((done.derived_number, len(list(out.rglob("*.tar")))))
    assert counts == [(1, 0), (1, 0), (2, 1), (2, 1), (2, 1)]
    with tarfile.open(out / "data" / "photo-000000.tar") as archive:
        assert [name.rpartition(".")[2] for name in archive.getnames()] == ["jpg", "json"] * 3
    profile = json.loads((out / "profile.json").read_text("utf-8"))
    assert profile["shards"] == {"photo": ["data/photo-000000.tar"]}


def test_the_card_and_its_page_show_arrays_where_there_are_no_tables(dataset, ready, tmp_path):  # noqa: F811
    owner, card = dataset
    files = {f"scan{n}.h5": scan(tmp_path, n, rows=20 + 10 * (n == 2)) for n in range(3)}
    assert ready(files).state == "done"
    found = readiness.card(owner, datasets.get_dataset_by_id(owner, card.id))
    verdicts = {one.rule.id: one.verdict for group in found.groups for one in group.results}
    assert (verdicts["tables"], verdicts["readable"], verdicts["units_agree"]) == ("pass", "pass", "pass")
    assert verdicts["missing"] == "not_applicable"
    page = client_of(owner).get("/d/lab/data/ready").content.decode()
    assert "What is in the arrays" in page
    assert "These differ between files" in page
    assert "配列の内容" in client_of(owner, "ja").get("/d/lab/data/ready").content.decode()
