"""Files that arrive become facts and proposals; a steward's mapping and a second reading change nothing by hand."""

from __future__ import annotations

import pytest

from tsunagu.core.ids import new_id
from tsunagu.data.description import api as description
from tsunagu.data.description.extraction import files_of, pool, read_files
from tsunagu.data.description.proposals import refresh
from tsunagu.formats import api as formats
from tsunagu.formats.tests.built import build
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.runs import api as runs

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def stop_pool():
    yield
    pool().close()
    pool.cache_clear()


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
