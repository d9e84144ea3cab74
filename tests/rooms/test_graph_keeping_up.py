"""The graph goes on whatever one source is: it is left out and named, the others are taken up."""

from __future__ import annotations

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from tests.rooms.graph_worlds import SUZUKI, TOHOKU, YAMADA, a_source, came, everything, only, person, record
from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.graph import api as graph
from tsunagu.data.graph import claims, indexing, records, sources, writing
from tsunagu.data.graph.models import Form, Merge, Naming, Unread
from tsunagu.data.harvesting.models import Harvested
from tsunagu.foundation.identity.api import ANONYMOUS
from tsunagu.standards import api as standards

pytestmark = pytest.mark.django_db


@pytest.fixture
def poisoned(monkeypatch):
    """Keys of sources that cannot be read, and what was read by itself."""
    bad, alone = {}, []
    read = sources.read

    def broken(keys):
        keys = list(keys)
        alone.extend(keys if len(keys) == 1 else ())
        if wrong := next((bad[one] for one in keys if one in bad), None):
            raise wrong
        return read(keys)

    monkeypatch.setattr(indexing.sources, "read", broken)
    return bad, alone


def _keys():
    return {f"record:{one}" for one in Harvested.objects.values_list("pk", flat=True)}


@pytest.mark.parametrize("wrong", [KeyError("x"), RecursionError(), AttributeError(), OverflowError()])
def test_whatever_is_wrong_with_one_source_the_others_go_on(poisoned, caplog, wrong):
    bad, alone = poisoned
    source = a_source()
    came(source, record(1, person("山田, 花子", orcid=YAMADA)))
    (key,) = _keys()
    bad[key] = wrong
    came(source, record(1, person("別, 人", orcid=YAMADA)), record(2, person("鈴木, 太郎", orcid=SUZUKI)),
         stamp="2026-05-01T00:00:00Z")  # fmt: skip
    assert only(ANONYMOUS, SUZUKI)
    assert graph.find(ANONYMOUS, identifier=YAMADA) == ([], ""), "what it said before may not be so any more"
    assert [one.source for one in caplog.records if one.message == "source_left_out"] == [key]
    alone.clear()
    assert graph.catch_up() == 0
    assert alone == [], "it is not tried again and again"
    bad.clear()
    came(source, record(1, person("山田, 花子", orcid=YAMADA)), stamp="2026-06-01T00:00:00Z")
    assert only(ANONYMOUS, YAMADA), "it changed, so it was tried again"


def test_a_source_that_cannot_even_be_taken_out_is_seen_by_nobody(poisoned, monkeypatch, caplog):
    bad, _alone = poisoned
    source = a_source()
    came(source, record(1, person("山田, 花子", orcid=YAMADA)))
    (key,) = _keys()
    bad[key] = KeyError("x")
    replace = writing.replace

    def broken(several):
        if several.get(key) == []:
            raise KeyError
        return replace(several)

    monkeypatch.setattr(indexing.writing, "replace", broken)
    came(source, record(1, person("別, 人", orcid=YAMADA)), record(2, person("鈴木, 太郎", orcid=SUZUKI)),
         stamp="2026-05-01T00:00:00Z")  # fmt: skip
    assert only(ANONYMOUS, SUZUKI)
    assert graph.find(ANONYMOUS, identifier=YAMADA) == ([], "")
    assert not Unread.objects.exists()
    assert "source_forgotten_in_part" in caplog.messages


@pytest.mark.parametrize("wrong", [OperationalError(), InterfaceError()])
def test_a_database_that_is_away_is_no_fault_of_a_source(poisoned, wrong):
    bad, _alone = poisoned
    source = a_source()
    came(source, record(1, person("山田, 花子", orcid=YAMADA)))
    (key,) = _keys()
    before = everything()
    bad[key] = wrong
    indexing.note([key], hides=False)
    with pytest.raises(type(wrong)):
        graph.catch_up()
    assert everything() == before
    assert Unread.objects.filter(source=key).exists()


class Pauses:
    """An event that is set after so many pauses."""

    def __init__(self, count):
        self.left, self.waited = count, []

    def is_set(self):
        return self.left <= 0

    def wait(self, seconds):
        self.left -= 1
        self.waited.append(seconds)


@pytest.mark.parametrize("wrong", [OperationalError(), InterfaceError(), KeyError("x")])
def test_keeping_up_goes_on_after_whatever_went_wrong_and_takes_a_new_connection(monkeypatch, wrong):
    steps = iter([wrong, wrong, 3, 0])
    closed = []

    def stepped():
        step = next(steps)
        if isinstance(step, Exception):
            closed.append("failed")
            raise step
        return step

    monkeypatch.setattr(indexing, "catch_up", stepped)
    monkeypatch.setattr(indexing, "close_old_connections", lambda: closed.append("closed"))
    stopped = Pauses(3)
    graph.keep_up(stopped)
    assert closed == ["failed", "closed", "failed", "closed", "closed"]
    assert all(one > 1 for one in stopped.waited[:2]), "no hot loop"


def test_what_always_fails_is_tried_ever_more_seldom(monkeypatch):
    def broken():
        raise KeyError

    monkeypatch.setattr(indexing, "catch_up", broken)
    stopped = Pauses(9)
    graph.keep_up(stopped)
    assert stopped.waited[:3] == [2.0, 4.0, 8.0]
    assert stopped.waited[-2:] == [60.0, 60.0]


def test_making_anew_that_fails_midway_notes_nothing_twice(monkeypatch):
    source = a_source()
    came(source, *(record(number, person("山田, 花子", orcid=YAMADA)) for number in range(4)))
    Form.objects.update(number=0)
    monkeypatch.setattr(indexing, "_NOTED_AT_ONCE", 2)
    listed, calls = sources.all_keys, []

    def broken(after="", *, limit):
        calls.append(after)
        if len(calls) in {2, 5}:
            raise KeyError
        return listed(after, limit=limit)

    monkeypatch.setattr(indexing.sources, "all_keys", broken)
    for _try in range(2):
        with pytest.raises(KeyError):
            graph.catch_up()
    noted = list(Unread.objects.values_list("source", flat=True))
    assert sorted(noted) == sorted(_keys())


def test_what_nobody_sees_meanwhile_is_taken_up_before_a_long_list(dataset, monkeypatch):
    owner, card = dataset
    graph.catch_up()
    monkeypatch.setattr(indexing, "_BATCH", 5)
    indexing.note([f"record:{number}" for number in range(1000, 1020)], hides=False)
    datasets.freeze_version(owner, card.id)
    assert not graph.thing_for(owner, "local", f"dataset:{card.id}")
    indexing.apply_unread()
    assert graph.thing_for(owner, "local", f"dataset:{card.id}")
    assert Unread.objects.count() == 16


def test_a_publication_that_changes_while_all_are_listed_hides_none_behind_it(monkeypatch):
    """The place in the list is a moment; that of a record which changes moves on."""
    now = clock.now()
    entries = {"a": 1, "b": 2, "c": 3, "d": 4}

    class _Entry:
        is_deleted = False

        def __init__(self, uid):
            self.id, self.changed_at = uid, now + entries[uid] * (clock.now() - now).resolution

    def harvest(*, after, limit, **_more):
        rows = sorted((_Entry(one) for one in entries), key=lambda one: (one.changed_at, one.id))
        return [one for one in rows if after is None or (one.changed_at, one.id) > after][:limit]

    monkeypatch.setattr(sources.publication, "harvest", harvest)
    monkeypatch.setattr(sources.publication, "find_entry", _Entry)
    found, after = sources.all_keys(f"{sources.PUBLICATION}:", limit=2)
    entries["b"] = 9
    more = list(found)
    while after:
        found, after = sources.all_keys(after, limit=2)
        more += found
    assert set(more) == {f"publication:{one}" for one in "abcd"}


def test_no_names_are_left_of_a_source_that_was_left_out(poisoned):
    bad, _alone = poisoned
    source = a_source()
    came(source, record(1, person("山田, 花子", orcid=YAMADA)))
    (key,) = _keys()
    bad[key] = TypeError()
    indexing.note([key], hides=True)
    graph.catch_up()
    assert not Naming.objects.exists()
    assert not Unread.objects.exists()


def _said(count, *, label):
    several = {
        f"record:{number}": record(number, person(f"人{number}", home=f"大学{number}"), person("共, 著"))
        for number in range(count)
    }
    return {key: [records.said(one, key, label=label)] for key, one in several.items()}


def test_more_sources_at_once_cost_no_more_queries():
    asked = {}
    for count in (10, 40):
        asked[count] = []
        for several in (
            _said(count, label="kita"),
            _said(count, label="minami"),
            {f"record:{number}": [] for number in range(count)},
        ):
            with CaptureQueriesContext(connection) as queries:
                writing.replace(several)
            asked[count].append(len(queries))
    assert all(most <= few + 5 for few, most in zip(asked[10], asked[40], strict=True)), asked


def test_names_of_a_university_are_read_of_those_asked_about_alone():
    """However many records name it."""
    many = {
        f"record:{number}": record(number, person(f"人{number}", home="東北大学", ror=TOHOKU))
        for number in range(50)
    }
    writing.replace({key: [records.said(one, key, label="kita")] for key, one in many.items()})
    with CaptureQueriesContext(connection) as queries:
        writing.replace(
            {
                "record:99": [
                    records.said(
                        record(99, person("人1", home="東北大学", ror=TOHOKU)), "record:99", label="kita"
                    )
                ]
            }
        )
    (asked,) = [one["sql"] for one in queries if '"name_key", "graph_naming"."text"' in one["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(asked)
        assert len(cursor.fetchall()) == 4, "two names in two records"
    assert [one["kind"] for one in Merge.objects.get().evidence] == ["affiliation"] * 2


def test_a_graph_of_another_form_is_written_anew(monkeypatch):
    """Also where the sources say the same as before: what was made of it is made otherwise now."""
    came(a_source(), record(1, person("山田, 花子", orcid=YAMADA)))
    before = everything(), sorted(Naming.objects.values_list("name_key", flat=True))
    Naming.objects.update(name_key="of an earlier form")
    assert graph.catch_up() == 0
    monkeypatch.setattr(claims, "FORM", claims.FORM + 1)
    assert graph.catch_up() == 1
    assert (everything(), sorted(Naming.objects.values_list("name_key", flat=True))) == before
    assert graph.catch_up() == 0


def test_long_names_that_begin_alike_are_two():
    words = " ".join(f"department{number:03d}" for number in range(20))
    one, other = (claims.name_key(f"{words} {end}") for end in ("zebra", "zoo"))
    assert one != other
    assert {len(one), len(other)} == {200}
    assert claims.name_key(f"zebra, {words.upper()}") == one


def test_funders_with_names_of_signs_alone_are_two():
    funders = tuple(standards.Funding((standards.Text(sign, "ja"),)) for sign in ("☆", "◎"))
    said = records.said(record(1, fundings=funders), "record:1", label="kita")
    assert len([1 for _subject, relation, _other in said.links if relation == "funder"]) == 2
