"""Values that were read in files: whoever sees no draft sees none of a draft's values."""

from __future__ import annotations

import pytest

from tests.rooms.clients import client_of
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.description.extraction import files_of, pool, read_files
from tsunagu.formats.tests.built import build
from tsunagu.foundation.identity.api import ANONYMOUS, SYSTEM
from tsunagu.foundation.policy import api as policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def scans(dataset, put, tmp_path):
    """An open dataset with a scan at 45 kV in its version and one at 31 kV in the draft."""
    owner, card = dataset
    text = build("scan.ras", tmp_path).read_text("cp932")

    def add(name, voltage):
        other = text.replace('MEAS_COND_XG_VOLTAGE "45"', f'MEAS_COND_XG_VOLTAGE "{voltage}"')
        put(owner, card, {name: other.encode("cp932")})
        read_files(SYSTEM, new_id(), card.id, files_of(card.id))

    add("first.ras", 45)
    datasets.freeze_version(owner, card.id)
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    add("second.ras", 31)
    pool().close()
    pool.cache_clear()
    return owner, card


def voltages(actor, card):
    shown = description.facts(actor, datasets.get_dataset(actor, card.project, card.name))
    return {text for one in shown if one.name == "xray_voltage" for text, _count in one.values}


def test_the_draft_is_for_those_who_see_it(scans, person):
    owner, card = scans
    assert voltages(owner, card) == {"45.0", "31.0"}
    assert voltages(ANONYMOUS, card) == {"45.0"}
    assert voltages(person("stranger"), card) == {"45.0"}
    for page in ("", "/metadata"):
        text = client_of(person(f"visitor{len(page)}")).get(f"/d/lab/data{page}").content.decode()
        assert "second.ras" not in text
        assert "31.0" not in text
    datasets.freeze_version(owner, card.id)
    assert voltages(ANONYMOUS, card) == {"45.0", "31.0"}
