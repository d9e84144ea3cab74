"""Files that arrive become facts and proposals; a steward's mapping and a second reading change nothing by hand."""

from __future__ import annotations

from unittest import mock

import pytest
from django_tasks_db.models import DBTaskResult

from tsunagu.core import jobs
from tsunagu.core.blobs.chunks import SealBrokenError
from tsunagu.core.errors import UnavailableError
from tsunagu.core.ids import new_id
from tsunagu.data.description import api as description
from tsunagu.data.description import extraction, tasks
from tsunagu.data.description.extraction import files_of, read_files
from tsunagu.data.description.proposals import refresh
from tsunagu.formats import api as formats
from tsunagu.formats.tests.built import build
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.runs import api as runs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stop_pool")]


@pytest.fixture
def read(dataset, put, tmp_path):
    """A dataset with an infrared spectrum, a Rigaku scan and a CT slice, all read."""
    owner, card = dataset
    names = ("ir.jdx", "scan.ras", "slice.dcm")
    put(owner, card, {name: build(name, tmp_path).read_bytes() for name in names})
    assert read_files(SYSTEM, new_id(), card.id, files_of(card.id)) == 3
    return owner, card


def test_a_worker_killed_before_its_end_leaves_no_run_open(dataset, put, tmp_path, monkeypatch):
    owner, card = dataset
    put(owner, card, {"ir.jdx": build("ir.jdx", tmp_path).read_bytes()})
    killed, other = new_id(), new_id()
    with monkeypatch.context() as patched:
        patched.setattr(runs, "finish", lambda *_, **__: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            read_files(SYSTEM, killed, card.id, files_of(card.id))
    assert description.status_counts(card) == {}
    assert read_files(SYSTEM, other, card.id, files_of(card.id)) == 1
    assert read_files(SYSTEM, killed, card.id, files_of(card.id)) == 0
    assert [runs.get(one).outcome for one in (killed, other)] == ["ok", "ok"]
    read_files(SYSTEM, never := new_id(), card.id, files_of(card.id))
    assert runs.get(never) is None


def test_a_store_that_is_away_says_nothing_of_files(dataset, put, tmp_path, monkeypatch):
    owner, card = dataset
    put(owner, card, {name: build(name, tmp_path).read_bytes() for name in ("ir.jdx", "scan.ras")})
    files, real = files_of(card.id), extraction._read_one
    away = {files[0][2]}

    def read_one(place, file, dataset_id, *, gives_up):
        with monkeypatch.context() as patched:
            if file[2] in away:
                patched.setattr(extraction.storage, "as_file", mock.Mock(side_effect=UnavailableError))
            return real(place, file, dataset_id, gives_up=gives_up)

    monkeypatch.setattr(extraction, "_read_one", read_one)
    monkeypatch.setattr(tasks.capture, "unit_files", lambda _unit: files)
    batch = {"dataset_id": card.id, "unit": "u", "start": 0}
    tasks.read_batch.call(**batch, run_id=new_id())
    assert description.status_counts(card) == {"read": 1}
    (job,) = jobs.waiting(tasks.read_batch, dataset_id=card.id, unit="u")
    assert job["tries"] == 1
    # It came back: the rest is read, and nothing waits any more.
    away.clear()
    DBTaskResult.objects.all().delete()
    tasks.read_batch.call(**job)
    assert description.status_counts(card) == {"read": 2}
    assert not jobs.waiting(tasks.read_batch, dataset_id=card.id)


@pytest.fixture
def failing(dataset, put, tmp_path, monkeypatch):
    """Makes a dataset of one file whose bytes cannot be had."""

    def make(error):
        owner, card = dataset
        put(owner, card, {"ir.jdx": build("ir.jdx", tmp_path).read_bytes()})
        files = files_of(card.id)
        monkeypatch.setattr(extraction.storage, "as_file", mock.Mock(side_effect=error))
        monkeypatch.setattr(tasks.capture, "unit_files", lambda _unit: files)
        return card

    return make


def test_bytes_that_are_lost_are_said_at_once(failing):
    card = failing(SealBrokenError)
    tasks.read_batch.call(dataset_id=card.id, unit="u", start=0, run_id=new_id())
    assert description.status_counts(card) == {"unreadable": 1}
    assert not jobs.waiting(tasks.read_batch, dataset_id=card.id, unit="u")


def test_a_store_that_stays_away_is_said_in_the_end(failing):
    card = failing(UnavailableError)
    job = {"dataset_id": card.id, "unit": "u", "start": 0, "run_id": new_id()}
    rounds = 0
    while job:
        rounds += 1
        DBTaskResult.objects.all().delete()
        tasks.read_batch.call(**job)
        job = next(iter(jobs.waiting(tasks.read_batch, dataset_id=card.id)), None)
    assert 10 < rounds < 20
    assert description.status_counts(card) == {"unreadable": 1}


def test_facts_have_common_names_and_no_people(read):
    owner, card = read
    facts = {(fact.name, fact.unit): fact for fact in description.facts(owner, card)}
    assert facts["xray_voltage", "kV"].low == 45.0
    assert facts["xray_voltage", "kV"].high == 120.0
    assert facts["point_count", ""].values[0] == ("300", 1)
    assert not {name for name, _ in facts} & {"patient_name", "patient_id", "operator"}


def test_proposals_can_be_accepted_and_rejected(read):
    owner, card = read
    assert refresh(card.id) >= 5
    found = {row.name: row for row in description.proposals(owner, card)}
    assert "Yamada" not in str([row.value for row in found.values()])
    description.decide_proposal(owner, card.id, found["keywords"].id, "reject")
    description.decide_proposal(owner, card.id, found["description_ja"].id, "accept")
    refresh(card.id)
    again = {row.name for row in description.proposals(owner, card)}
    assert not again & {"keywords", "description_ja"}
    values = {value.name: value for value in description.values(owner, card)}
    assert str(values["description_ja"].value).endswith("です。")
    assert values["description_ja"].origin["kind"] == "proposal"


def test_a_new_mapping_and_a_second_reading_show_a_difference(read, person):
    owner, card = read
    steward = person("steward", is_admin=True)
    text = formats.default_mapping_text().replace("  xray_voltage:\n", "  tube_voltage:\n")
    with pytest.raises(description.BadMappingError, match="Line"):
        description.write_mapping(steward, "version: 1\nterms: {a: 1}\n")
    description.write_mapping(steward, text, note="another name")
    assert read_files(owner, new_id(), card.id, files_of(card.id), again=True) == 3
    assert "tube_voltage" in {fact.name for fact in description.facts(owner, card)}
    (_, newest), (_, first) = description.earlier_readings(owner, card, "scan.ras")
    assert [row["key"] for row in newest["changed"]] == ["MEAS_COND_XG_VOLTAGE"]
    assert newest["changed"][0]["now"]["name"] == "tube_voltage"
    assert not first
