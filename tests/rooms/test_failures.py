"""What was tried and failed is told in four short texts, frozen with versions, and found as such by those who may see it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from tests.rooms.clients import caller_of, client_of
from tsunagu.core.errors import InvalidInputError
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.discovery import api as discovery
from tsunagu.data.discovery.embedded import Tantivy
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.policy.api import ActionDeniedError
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.runs import selectors

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]

TOLD = {
    "negative_tried": "900 ℃、空気中で2時間焼成した",
    "negative_expected": "単相の酸化物",
    "negative_reason": "前駆体が吸湿していた",
}


@pytest.fixture
def index(tmp_path, monkeypatch):
    made = Tantivy(tmp_path / "search")
    for module in ("engines", "indexing", "selectors"):
        monkeypatch.setattr(f"tsunagu.data.discovery.{module}.engine", lambda: made)


@pytest.fixture
def failed(dataset, put, index):
    """An open, frozen dataset that tells of a failure, and a closed one beside it."""
    owner, card = dataset
    put(owner, card, {"a.csv": b"x,y\n1,2\n"})
    description.tell_failure(owner, card.id, TOLD)
    datasets.freeze_version(owner, card.id)
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    other = datasets.create_dataset(owner, "lab", "other", title="Annealed films")
    discovery.catch_up()
    return owner, datasets.get_dataset(owner, "lab", "data"), other


def found(actor, text, **more):
    return {hit.name for hit in discovery.search(actor, text, **more).hits}


def test_it_is_said_in_order_and_only_changes_are_recorded(dataset):
    owner, card = dataset
    description.tell_failure(owner, card.id, TOLD)
    before = len(runs.of_dataset(card.id))
    description.tell_failure(owner, card.id, {**TOLD, "negative_tried": "別の条件"})
    assert len(runs.of_dataset(card.id)) == before + 1
    said = {value.name: value.value for value in description.values(owner, card)}
    assert [name for name, _ in description.failure_of(said)] == list(TOLD)
    description.tell_failure(owner, card.id, dict.fromkeys(TOLD, ""))
    said = {value.name: value.value for value in description.values(owner, card) if value.value}
    assert not description.is_failure(said)


@pytest.mark.parametrize("told", [{}, {"title": "x"}, {"negative_tried": "x" * 2001}])
def test_nothing_else_is_told_that_way(dataset, told):
    owner, card = dataset
    with pytest.raises(InvalidInputError):
        description.tell_failure(owner, card.id, told)


def test_only_who_describes_may_tell(failed, person):
    _, card, _ = failed
    with pytest.raises(ActionDeniedError):
        description.tell_failure(person("guest"), card.id, TOLD)


def test_it_is_found_as_a_kind_in_both_languages_and_counted(failed, person):
    owner, _, _ = failed
    guest = person("guest")
    for who in (owner, guest):
        for text in (
            "kind:negative",
            "種類:うまくいかなかったこと",
            "吸湿 kind:negative",
            "outcome:negative",
        ):
            assert found(who, text) == {"data"}, text
    assert found(owner, "-kind:negative") == {"other"}
    assert found(owner, "", chosen={"outcome": ["negative"]}) == {"data"}
    facets = discovery.search(owner, "").facets["outcome"]
    assert [(facet.value, facet.count) for facet in facets] == [("negative", 1)]


def test_failed_runs_are_found_by_those_who_see_the_draft_alone(failed, person):
    owner, card, _ = failed
    guest = person("guest")
    run = runs.start(owner, "compute", run_id=new_id(), dataset_id=card.id)
    runs.finish(run, runs.Outcome.FAILED, reason="The solver diverged at step 12.")
    quiet = runs.start(owner, "extract", run_id=new_id(), dataset_id=card.id)
    runs.finish(quiet, runs.Outcome.FAILED, reason="housekeeping")
    discovery.catch_up()
    assert found(owner, "outcome:failed") == {"data"}
    assert found(owner, "solver diverged") == {"data"}
    assert found(guest, "outcome:failed") == set()
    assert found(guest, "diverged") == set()
    (hit,) = discovery.search(guest, "吸湿").hits
    assert hit.outcomes == ("negative",)
    assert "diverged" not in str(hit)
    facets = {facet.value: facet.count for facet in discovery.search(guest, "").facets["outcome"]}
    assert facets == {"negative": 1}
    told = discovery.told_failures(owner, [card.id])[card.id]
    assert [one.reason for one in told.runs] == ["The solver diverged at step 12."]
    assert discovery.told_failures(guest, [card.id])[card.id].runs == ()


def test_pages_show_it(failed, person):
    owner, card, _ = failed
    browser, guest = client_of(owner), client_of(person("guest"))
    page = guest.get("/d/lab/data").content.decode()
    assert "What was tried and failed" in page
    assert "前駆体が吸湿していた" in page
    assert "Tell what was tried" not in page
    page = guest.get("/search/failures?q=吸湿").content.decode()
    assert "前駆体が吸湿していた" in page
    page = client_of(owner, "ja").get("/search/failures").content.decode()
    assert "試してうまくいかなかったこと" in page
    answer = browser.post("/d/lab/data/negative", {"negative_outcome": "混相になった"}, follow=True)
    assert "混相になった" in answer.content.decode()
    assert guest.post("/d/lab/data/negative", {"negative_outcome": "x"}).status_code == 403
    assert card.slug in browser.get("/search/failures").content.decode()


def test_rest_tells_and_gives_it(failed):
    owner, _, other = failed
    caller = caller_of(owner)
    place = f"/api/v1/datasets/lab/{other.name}/negative-result"
    assert caller.get(place).json() == {"tried": "", "expected": "", "outcome": "", "reason": ""}
    answer = caller.put(place, {"tried": "annealed twice"}, content_type="application/json")
    assert answer.json()["tried"] == "annealed twice"
    discovery.catch_up()
    hits = caller.get("/api/v1/search?q=kind:negative").json()["hits"]
    assert {hit["name"]: hit["outcomes"] for hit in hits} == {"data": ["negative"], "other": ["negative"]}


def _went_wrong(owner, card, count):
    for number in range(count):
        run = runs.start(owner, "compute", run_id=new_id(), dataset_id=card.id)
        runs.finish(run, runs.Outcome.FAILED, reason=f"Step {number} diverged.")


def test_however_many_went_wrong_only_the_last_of_each_dataset_are_read(failed, monkeypatch):
    owner, card, other = failed
    _went_wrong(owner, card, 30)
    _went_wrong(owner, other, 3)
    monkeypatch.setattr(selectors, "_DATASETS_AT_ONCE", 1)
    read, from_db = [], selectors.Run.from_db.__func__
    monkeypatch.setattr(
        selectors.Run, "from_db", classmethod(lambda cls, *row: read.append(row) or from_db(cls, *row))
    )
    found = runs.ended_badly([card.id, other.id, card.id])
    assert len(read) == runs.MOST_BAD + 3
    assert [one.reason for one in found[card.id]] == [
        f"Step {number} diverged." for number in range(29, 9, -1)
    ]
    assert [one.reason for one in found[other.id]] == [f"Step {number} diverged." for number in (2, 1, 0)]
    assert len(runs.ended_badly([card.id], limit=6)[card.id]) == 6
    assert len(runs.ended_badly([card.id], limit=1000)[card.id]) == runs.MOST_BAD


def test_pages_say_where_not_all_runs_are_shown(failed):
    owner, card, other = failed
    _went_wrong(owner, card, runs.MOST_BAD)
    _went_wrong(owner, other, 5)
    discovery.catch_up()
    browser = client_of(owner)
    words = "Only the last runs are shown."
    assert words in browser.get("/d/lab/data").content.decode()
    assert words not in browser.get("/d/lab/other").content.decode()
    assert browser.get("/search/failures").content.decode().count(words) == 1


def test_what_many_runs_used_leaves_the_database_once(dataset):
    owner, card = dataset
    kept = [runs.Link("out", "dataset", card.id)]
    for used in ("a", "b", "a", "c", "a", "b"):
        links = [runs.Link("in", "dataset", used * 26), runs.Link("in", "dataset", "d" * 26), *kept]
        runs.record(owner, "compute", dataset_id=card.id, links=links)
    with CaptureQueriesContext(connection) as asked:
        found = runs.sources_of(card.id)
    assert [one[0] for one in found] == ["b", "d", "a", "c"]
    with connection.cursor() as cursor:
        cursor.execute(asked[0]["sql"])
        assert len(cursor.fetchall()) == 4


def test_two_workers_that_begin_one_run_in_the_same_moment(dataset, monkeypatch):
    owner, card = dataset
    run = new_id()
    links = [runs.Link("in", "dataset", card.id)]
    answers = iter([False])
    exists = QuerySet.exists
    monkeypatch.setattr(QuerySet, "exists", lambda rows: next(answers, None) is None and exists(rows))
    runs.start(owner, "compute", run_id=run, dataset_id=card.id, links=links)
    answers = iter([False])
    assert runs.start(owner, "compute", run_id=run, dataset_id=card.id, links=links) == run
    assert len(runs.get(run).links) == 1
