"""Our own published records in the graph: there with their publication, gone with their withdrawal."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.rooms.graph_worlds import around, name_of, only
from tests.rooms.publication_worlds import ready
from tsunagu.data.graph import api as graph
from tsunagu.data.publication import api as publication
from tsunagu.foundation.identity.api import ANONYMOUS

pytestmark = pytest.mark.django_db


@pytest.fixture
def published(dataset, put, registry, officer):
    """An owner, and a version that is public with a DOI."""
    owner, card = dataset
    card = ready(owner, card, put)
    asked = publication.request(owner, card, institution="kitamiyama", access="metadata")
    asked = publication.approve(officer, asked.id)
    graph.catch_up()
    assert graph.find(ANONYMOUS, identifier=asked.doi) == ([], ""), (
        "nobody sees a DOI before the agency has confirmed it"
    )
    registry.work(rounds=3)
    graph.catch_up()
    return owner, card, publication.get_publication(officer, asked.id)


def test_a_published_version_is_there_until_it_is_withdrawn(published, officer):
    owner, card, found = published
    assert found.is_doi_registered
    thing = only(ANONYMOUS, found.doi)
    assert (thing.kind, name_of(thing)) == ("data", "薄膜のX線回折")
    assert around(ANONYMOUS, found.doi)["creator", True] == {"山田 花子", "Taro Suzuki"}
    assert ("isVersionOf", True) in around(owner, found.doi), "its owner goes on to the dataset"
    mine = graph.thing_for(owner, "local", f"dataset:{card.id}")
    assert mine not in {
        near.card.uid for group in graph.get_thing(ANONYMOUS, thing.uid).groups for near in group.neighbours
    }
    page = Client().get("/d/lab/data/v1").content.decode()
    (link,) = re.findall(r'href="(/graph/\w+)"', page)
    assert Client().get(link).headers["Location"] == f"/graph/{thing.uid}"
    publication.withdraw(officer, found.id, "The calibration was wrong.")
    assert graph.find(ANONYMOUS, identifier=found.doi) == ([], ""), "at once"
    graph.catch_up()
    assert graph.find(ANONYMOUS, identifier=found.doi) == ([], "")
    assert "/graph/" not in Client().get("/d/lab/data/v1").content.decode()
