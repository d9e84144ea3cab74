"""Documents about frozen versions: on the page, in its header, and only for those who may read."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest
from django.test import Client

from tests.rooms.clients import client_of
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.description.extraction import files_of, read_files
from tsunagu.data.readiness import api as readiness
from tsunagu.data.readiness.conversion import claim, run
from tsunagu.data.readiness.models import Preparation
from tsunagu.foundation.identity.api import SYSTEM

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stop_pool")]
_DOCUMENTS = ("croissant.json", "ro-crate-metadata.json", "datapackage.json", "schema-org.json")
_CSV = {"log.csv": b"time,Temp (\xe2\x84\x83)\n1,20.5\n2,21\n"}


@pytest.fixture
def frozen(dataset, put):
    """A closed dataset with one version and an owner."""
    owner, card = dataset
    put(owner, card, _CSV)
    read_files(SYSTEM, new_id(), card.id, files_of(card.id))
    datasets.freeze_version(owner, card.id)
    return owner, card


def _embedded(answer):
    found = re.search(
        r'<script type="application/ld\+json">(.*?)</script>', answer.getvalue().decode(), re.DOTALL
    )
    return found and json.loads(found[1])


def test_a_draft_is_not_described(dataset, put):
    owner, card = dataset
    put(owner, card, _CSV)
    answer = client_of(owner).get("/d/lab/data")
    assert answer.status_code == 200
    assert _embedded(answer) is None
    assert "Link" not in answer.headers


def test_who_may_not_read_gets_no_document_and_no_signpost(frozen, person):
    for client in (Client(), client_of(person("stranger"))):
        for name in _DOCUMENTS:
            answer = client.get(f"/d/lab/data/{name}")
            assert answer.status_code == 404
            assert b"log.csv" not in answer.content
        page = client.get("/d/lab/data")
        assert "Link" not in page.headers
        assert _embedded(page) is None


def test_conditions_say_who_may_read(frozen, person, at):
    at(dt.datetime(2027, 3, 31, 9, tzinfo=dt.UTC))
    owner, card = frozen

    def said():
        found = client_of(owner).get("/d/lab/data/schema-org.json").json()
        return found["isAccessibleForFree"], found["conditionsOfAccess"].partition(":")[0]

    assert said() == (False, "Closed")
    datasets.set_access(owner, card.id, "shared")
    assert said() == (False, "Shared")
    datasets.set_access(owner, card.id, "open")
    assert said() == (True, "Open")
    datasets.set_access(owner, card.id, "open", embargo_until="2027-05-01")
    assert said()[0] is False
    assert said()[1].startswith("Closed until 2027-04-30T15")


def test_the_page_is_described_as_the_document_and_head_says_the_same(frozen):
    owner, card = frozen
    datasets.set_access(owner, card.id, "open")
    page = Client().get("/d/lab/data")
    assert _embedded(page) == Client().get("/d/lab/data/schema-org.json").json()
    assert Client().head("/d/lab/data").headers["Link"] == page.headers["Link"]
    assert 'rel="cite-as"' in page.headers["Link"]
    # A member looks at the draft; what is described is the version that others see.
    assert _embedded(client_of(owner).get("/d/lab/data"))["version"] == "1"


def test_words_of_people_stay_in_their_values(frozen):
    owner, card = frozen
    evil = '</script><script>alert(1)</script>\u2028>; rel="x", <https://evil.example/'
    for name in ("title", "description", "licence", "creators", "keywords"):
        value = [evil] if name in {"creators", "keywords"} else evil
        description.set_value(owner, card.id, name, value)
    datasets.freeze_version(owner, card.id)
    description.set_value(owner, card.id, "licence", 'https://evil.example/>; rel="author", <x')
    datasets.freeze_version(owner, card.id)
    for version in (2, 3):
        page = client_of(owner).get(f"/d/lab/data?version={version}")
        text = page.getvalue().decode()
        assert "<script>alert" not in text
        assert _embedded(page)["name"] == evil
        assert "evil.example" not in page.headers["Link"]
        package = client_of(owner).get(f"/d/lab/data/datapackage.json?version={version}").json()
        assert package["licenses"][0]["name"] == "notspecified"


def test_a_source_that_the_asker_may_not_see_is_not_named(frozen):
    owner, _card = frozen
    readiness.start(owner, datasets.get_dataset(owner, "lab", "data"))
    row = Preparation.objects.get()
    assert claim(row)
    run(row)
    made = datasets.get_dataset(owner, "lab", "data-ready")
    datasets.set_access(owner, made.id, "open")
    for name, key in (("datapackage.json", "sources"), ("schema-org.json", "isBasedOn")):
        address = f"/d/lab/data-ready/{name}"
        assert (
            client_of(owner).get(address).json()[key][0]["name" if key == "isBasedOn" else "title"]
            == "lab/data"
        )
        assert key not in Client().get(address).json()


def test_a_text_that_others_could_not_read_alike_is_no_table(dataset, put):
    owner, card = dataset
    put(owner, card, {"blanks.txt": b"a   b\n1   2.5\n2   3.5\n3   4.5\n", **_CSV})
    read_files(SYSTEM, new_id(), card.id, files_of(card.id))
    datasets.freeze_version(owner, card.id)
    package = client_of(owner).get("/d/lab/data/datapackage.json").json()
    found = {one["title"]: one for one in package["resources"]}
    assert "schema" not in found["blanks.txt"]
    assert found["log.csv"]["dialect"] == {"delimiter": ",", "header": False, "commentRows": [1]}
    assert found["log.csv"]["schema"]["fields"][1] == {"name": "Temp", "type": "number", "unit": "℃"}
