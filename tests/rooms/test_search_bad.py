"""What one dataset or record that cannot be put into the index does to the others: nothing."""

from __future__ import annotations

import pytest
from django.db import InterfaceError, OperationalError

from tests.rooms import graph_worlds
from tests.rooms.test_graph_keeping_up import Pauses
from tests.rooms.test_search import index, library, names
from tsunagu.config import index as process
from tsunagu.data.description import api as description
from tsunagu.data.discovery import api as discovery
from tsunagu.data.discovery import harvested, indexing
from tsunagu.data.discovery.models import Pending
from tsunagu.data.graph import api as graph
from tsunagu.data.harvesting.models import Harvested

pytestmark = pytest.mark.django_db
__all__ = ["index", "library"]


@pytest.fixture
def poisoned(monkeypatch):
    """Datasets and records of which no document can be made."""
    bad = {}

    def broken(read):
        def made(keys):
            keys = list(keys)
            if wrong := next((bad[one] for one in keys if one in bad), None):
                raise wrong
            return read(keys)

        return made

    monkeypatch.setattr(indexing, "documents", broken(indexing.documents))
    monkeypatch.setattr(harvested, "documents", broken(harvested.documents))
    return bad


@pytest.mark.parametrize("wrong", [KeyError("x"), ValueError(), TypeError()])
def test_the_others_are_found_and_it_is_tried_when_it_changes(library, poisoned, caplog, wrong):
    owner, first, second, third = library
    poisoned[second.id] = wrong
    for one in (first, second, third):
        description.set_value(owner, one.id, "title", "全固体電池")
    assert discovery.catch_up() == 3
    assert names(owner, "全固体") == {"data", "third"}
    assert names(owner, "気温") == set(), "what it said before may not be so any more"
    assert [one.key for one in caplog.records if one.message == "left_out_of_index"] == [second.id]
    assert discovery.catch_up() == 0
    assert not Pending.objects.exists()
    poisoned.clear()
    description.set_value(owner, second.id, "title", "全固体電池の")
    discovery.catch_up()
    assert names(owner, "全固体") == {"data", "second", "third"}


def test_an_index_made_anew_has_all_others_once(library, poisoned):
    owner, _first, second, _third = library
    source = graph_worlds.a_source()
    graph_worlds.came(source, *(graph_worlds.record(number) for number in range(4)))
    gone = Harvested.objects.order_by("pk")[1]
    poisoned[second.id] = poisoned[harvested.key_of(gone.pk)] = KeyError("x")
    indexing.rebuild()
    assert discovery.search(owner).total == 2 + 3
    assert names(owner) >= {"data", "third"}


def test_a_document_that_the_index_does_not_take_is_left_out_alone(library, index, monkeypatch):
    owner, first, second, _third = library
    description.set_value(owner, first.id, "title", "全固体電池")
    description.set_value(owner, second.id, "title", "全固体電池")
    replace = index.replace

    def broken(keys, several):
        several = list(several)
        if any(one.id == second.id for one in several):
            raise ValueError
        replace(keys, several)

    monkeypatch.setattr(index, "replace", broken)
    discovery.catch_up()
    assert names(owner, "全固体") == {"data"}


@pytest.mark.parametrize("wrong", [OperationalError(), InterfaceError(), OSError()])
def test_what_is_away_is_no_fault_of_a_dataset(library, poisoned, wrong):
    owner, first, *_ = library
    poisoned[first.id] = wrong
    description.set_value(owner, first.id, "title", "全固体電池")
    with pytest.raises(type(wrong)):
        discovery.catch_up()
    assert Pending.objects.exists()
    assert names(owner, "LiCoO2") == {"data"}


def test_an_index_that_cannot_be_written_leaves_nothing_out(library, index, monkeypatch):
    owner, first, *_ = library
    description.set_value(owner, first.id, "title", "全固体電池")

    def broken(_ids, _documents):
        raise KeyError

    with monkeypatch.context() as patched:
        patched.setattr(index, "replace", broken)
        with pytest.raises(KeyError):
            discovery.catch_up()
    assert discovery.catch_up() == 1
    assert names(owner, "全固体") == {"data"}


@pytest.mark.parametrize("wrong", [OperationalError(), InterfaceError(), KeyError("x")])
def test_keeping_up_goes_on_and_takes_a_new_connection(monkeypatch, wrong):
    steps, closed = iter([wrong, 0]), []

    def stepped():
        step = next(steps)
        if isinstance(step, Exception):
            raise step
        return step

    monkeypatch.setattr(indexing, "settle", stepped)
    monkeypatch.setattr(indexing, "close_old_connections", lambda: closed.append(1))
    stopped = Pauses(2)
    discovery.keep_up(stopped)
    assert len(closed) == 2
    assert stopped.waited[0] > 1


def test_the_process_of_both_ends_when_one_of_them_does(monkeypatch):
    """So that it is started again; the graph alone would keep it there without an index."""

    def broken(_stopped):
        raise KeyError

    ended = []
    monkeypatch.setattr("tsunagu.core.logs.configure", lambda _level: None)
    monkeypatch.setattr(process.django, "setup", lambda: None)
    monkeypatch.setattr(process.signal, "signal", lambda *_: None)
    monkeypatch.setattr(discovery, "keep_up", broken)
    monkeypatch.setattr(graph, "keep_up", lambda stopped: ended.append(stopped.wait(10)))
    with pytest.raises(KeyError):
        process.main()
    assert ended == [True]
