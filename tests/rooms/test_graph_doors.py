"""The graph by its doors: pages in both languages, JSON-LD, REST; bounded for things with very many neighbours."""

from __future__ import annotations

import json
import warnings
from urllib.parse import urlsplit

import pytest
import rdflib
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.rooms.clients import caller_of, client_of
from tests.rooms.graph_worlds import SUZUKI, TOHOKU, YAMADA, a_source, article, came, only, person, record
from tsunagu.core import bulk
from tsunagu.data.datasets import api as datasets
from tsunagu.data.graph import api as graph
from tsunagu.data.graph import writing
from tsunagu.data.graph.claims import Said
from tsunagu.foundation.identity.api import ANONYMOUS
from tsunagu.standards import api as standards

pytestmark = pytest.mark.django_db
SCHEMA = rdflib.Namespace("https://schema.org/")


@pytest.fixture
def small(db):
    """A dataset and an article of two people."""
    yamada = person("山田, 花子", orcid=YAMADA, home="東北大学", ror=TOHOKU)
    same = standards.Relation("isSupplementedBy", "DOI", "https://doi.org/10.1234/set1")
    source = a_source()
    came(
        source,
        record(1, yamada),
        article(2, yamada, person("<b>鈴木</b>, 太郎", orcid=SUZUKI), relations=(same,)),
    )
    return source


@pytest.mark.parametrize(
    ("language", "words"),
    [("ja", ("作成者", "出どころ", "所属", "研究者", "被引用")), ("en", ("Creators", "Where this comes from", "Affiliations", "Person", "Cited by"))],
)  # fmt: skip
def test_one_walks_from_a_dataset_to_its_author_and_on(small, language, words):
    browser = Client(headers={"accept-language": language})
    page = browser.get(f"/graph/{only(ANONYMOUS, '10.1234/set1').uid}").content.decode()
    author = f"/graph/{only(ANONYMOUS, YAMADA).uid}"
    assert f'href="{author}"' in page
    assert words[0] in page
    assert words[1] in page
    there = browser.get(author).content.decode()
    assert words[2] in there
    assert words[3] in there
    assert "https://orcid.org/" + YAMADA in there
    assert "<svg" in there
    assert f"/graph/{only(ANONYMOUS, TOHOKU).uid}" in there
    assert "<b>鈴木" not in browser.get(f"/graph/{only(ANONYMOUS, '10.1234/art2').uid}").content.decode()
    assert words[4] not in there


def test_json_ld_is_read_by_others(small):
    uid = only(ANONYMOUS, "10.1234/art2").uid
    answers = [
        Client().get(f"/graph/{uid}.jsonld"),
        Client().get(f"/graph/{uid}", headers={"accept": "application/ld+json"}),
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1]["Content-Type"] == "application/ld+json"
    assert (
        Client().get(f"/graph/{uid}", headers={"accept": "text/html"})["Content-Type"].startswith("text/html")
    )
    with warnings.catch_warnings():
        # rdflib 7.6 uses a class of its own that it calls old.
        warnings.simplefilter("ignore", DeprecationWarning)
        found = rdflib.Graph().parse(data=json.dumps(answers[0].json()), format="json-ld")
    me = rdflib.URIRef(answers[0].json()["@id"])
    assert (me, rdflib.RDF.type, SCHEMA.ScholarlyArticle) in found
    assert (me, SCHEMA.sameAs, rdflib.URIRef("https://doi.org/10.1234/art2")) in found
    creators = set(found.objects(me, SCHEMA.creator))
    assert {str(one) for creator in creators for one in found.objects(creator, SCHEMA.sameAs)} == {
        f"https://orcid.org/{YAMADA}", f"https://orcid.org/{SUZUKI}",
    }  # fmt: skip
    supplements = rdflib.URIRef("https://purl.org/datacite/v4.6/IsSupplementTo")
    (data,) = found.subjects(supplements, me)
    assert Client().get(urlsplit(str(data)).path).status_code == 200


def test_rest_says_the_same(small):
    found = Client().get("/api/v1/graph/things", {"identifier": f"https://orcid.org/{YAMADA}"}).json()
    (card,) = found["things"]
    assert (card["kind"], card["identifiers"][0]["value"]) == ("person", YAMADA)
    thing = Client().get(f"/api/v1/graph/things/{card['uid']}").json()
    groups = {(one["relation"], one["is_from"]): one["count"] for one in thing["groups"]}
    assert groups == {("affiliation", True): 1, ("creator", False): 2}
    first = Client().get(f"/api/v1/graph/things/{card['uid']}/neighbours", {"way": "to", "limit": 1}).json()
    second = (
        Client()
        .get(
            f"/api/v1/graph/things/{card['uid']}/neighbours",
            {"way": "to", "limit": 1, "after": first["after"]},
        )
        .json()
    )
    names = [one["neighbours"][0]["card"]["uid"] for one in (first, second)]
    assert len(set(names)) == 2
    assert (first["count"], second["after"]) == (2, "")
    assert Client().get("/api/v1/graph/things", {"name": "花子 山田", "kind": "person"}).json()["things"] == [
        card
    ]
    assert Client().get("/api/v1/graph/things").status_code == 422
    assert Client().get("/api/v1/graph/things/" + "0" * 26).json()["code"] == "graph.no_such_thing"
    for odd in ("9" * 40, "-1", "x", "\x00"):
        answer = Client().get(f"/api/v1/graph/things/{card['uid']}/neighbours", {"way": "to", "after": odd})
        assert answer.status_code == 200


def test_decisions_by_page_and_by_rest(officer, person):
    came(a_source(), *(record(n, _author()) for n in (1, 2)))
    browser, program = client_of(officer, "ja"), caller_of(officer)
    page = browser.get("/graph/proposals").content.decode()
    assert "氏名と所属が同じ" in page
    (merge,) = program.get("/api/v1/graph/proposals").json()["proposals"]
    assert browser.post("/graph/proposals", {"accept": merge["id"]}).status_code == 302
    page = browser.get(f"/graph/{merge['left']['uid']}", follow=True).content.decode()
    assert "元に戻す" in page
    assert (
        program.get("/api/v1/graph/proposals", {"state": "accepted"}).json()["proposals"][0]["decided_by"]
        == "officer"
    )
    answer = program.post(f"/api/v1/graph/proposals/{merge['id']}/undo")
    assert answer.json()["state"] == "undone"
    assert program.post(f"/api/v1/graph/proposals/{merge['id']}/undo").status_code == 409
    stranger = client_of(person("stranger"))
    assert stranger.get("/graph/proposals").status_code == 403
    assert stranger.post("/graph/proposals", {"accept": merge["id"]}).status_code == 403


def _author():
    home = standards.Party((standards.Text("東北大学", "ja"),), is_organization=True)
    return standards.Party((standards.Text("山田, 花子", "ja"),), affiliations=(home,))


def test_the_way_in_from_data_and_from_hits(dataset, small):
    owner, card = dataset
    graph.catch_up()
    uid = graph.thing_for(owner, "local", f"dataset:{card.id}")
    assert f'/graph/{uid}"' in client_of(owner).get("/d/lab/data").content.decode()
    found = client_of(owner, "ja").get("/graph", {"q": "10.1234/SET1"}).content.decode()
    assert f"/graph/{only(owner, '10.1234/set1').uid}" in found
    assert Client().get(f"/graph/{uid}").status_code == Client().get("/graph/" + "0" * 26).status_code == 404
    datasets.set_access(owner, card.id, "open")


def _wide(count):
    made = Said("record:1", "wide")
    main = made.add([("DOI", "10.1234/wide")], "article", [("Wide", "en")])
    for number in range(count):
        made.link(
            main,
            "creator",
            made.add([("URI", f"https://example.org/{number}")], "person", [(f"P {number}", "en")]),
        )
    writing.replace({"record:1": [made]})
    return only(ANONYMOUS, "10.1234/wide").uid


def test_ten_thousand_neighbours_cost_as_many_queries_as_ten():
    costs = []
    for count in (20, 10_000):
        uid = _wide(count)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            page = Client().get(f"/graph/{uid}").content.decode()
        costs.append(len(seen))
        assert len(page) < 100_000
    assert costs[1] <= costs[0] <= 25
    assert "10,000" in page
    with CaptureQueriesContext(connection) as seen:
        assert Client().get(f"/graph/{uid}?relation=creator").status_code == 200
    assert len(seen) <= costs[0]


def test_postgresql_plans_at_once_for_what_was_just_written():
    if not bulk.is_postgresql():
        pytest.skip("SQLite keeps no counts of rows")
    _wide(3_000)
    with connection.cursor() as cursor:
        cursor.execute("select reltuples from pg_class where relname = 'graph_naming'")
        assert cursor.fetchone()[0] > 2_000
