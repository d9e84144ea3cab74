"""A frozen version becomes tables: one for 200 files, labelled as its source, the same again when asked again."""

from __future__ import annotations

import io

import pyarrow.parquet as pq
import pytest

from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description.extraction import files_of, pool, read_files
from tsunagu.data.readiness import api as readiness
from tsunagu.data.readiness.conversion import run
from tsunagu.data.readiness.models import Preparation
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.storage import api as storage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def stop_pool():
    yield
    pool().close()
    pool.cache_clear()


@pytest.fixture
def ready(dataset, put):
    """Freezes files and makes them AI-ready; returns the preparation."""
    owner, card = dataset

    def make(files):
        put(owner, card, files)
        read_files(SYSTEM, new_id(), card.id, files_of(card.id))
        datasets.freeze_version(owner, card.id)
        return again()

    def again(version=None):
        held = datasets.get_dataset(owner, "lab", "data")
        asked = readiness.start(owner, held, version=version)
        row = Preparation.objects.get(run_id=asked.run_id)
        if row.state == "waiting":
            run(row)
        return readiness.card(owner, held, version=asked.number).preparation

    make.again = again
    return make


def tables_of(owner, done):
    """Every table of what was made, by name."""
    project, _, name = done.derived.partition("/")
    card = datasets.get_dataset(owner, project, name)
    page = datasets.list_files(owner, card, version=done.derived_number, prefix="data/")
    places = storage.locate([file.sha256 for file in page.files], card.domains)
    return {
        file.name.removesuffix(".parquet"): pq.read_table(
            io.BytesIO(b"".join(storage.read_pieces(places[file.sha256])))
        )
        for file in page.files
    }


def csv(number, unit="°C"):
    return f"time (s),Temp ({unit})\n0,{number}\n1,{number + 0.5}\n".encode()


def test_many_files_of_one_kind_become_one_table(dataset, ready):
    owner, _ = dataset
    done = ready({f"runs/run_{n:03}.csv": csv(n) for n in range(200)})
    assert (done.state, done.derived) == ("done", "lab/data-ready"), done.reason
    ((name, table),) = tables_of(owner, done).items()
    assert name == "run"
    assert table.num_rows == 400
    assert table.column("source_file").to_pylist()[:3] == ["runs/run_000.csv"] * 2 + ["runs/run_001.csv"]
    assert table.column("Temp").to_pylist()[-2:] == [199, 199.5]
    assert table.schema.field("Temp").metadata[b"unit"] == "°C".encode()


def test_the_card_says_what_is_met_and_what_is_not(dataset, ready):
    owner, _ = dataset
    ready({"a.csv": csv(1)})
    card = readiness.card(owner, datasets.get_dataset(owner, "lab", "data"))
    found = {one.rule.id: one for group in card.groups for one in group.results}
    assert found["tables"].verdict == "pass"
    assert found["licence"].verdict == "fail"
    assert found["ethics"].verdict == "unknown"
    assert found["leakage"].verdict == "not_applicable"
    assert 0 < card.score < 100
