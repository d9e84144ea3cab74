"""What one event, one day or one record that cannot be counted does to the others: nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from django.db import DataError, IntegrityError, OperationalError, ProgrammingError, connection
from django.test.utils import CaptureQueriesContext

from tests.rooms import test_usage as world
from tests.rooms.test_usage import NOW, asked, counted, nothing_waits, opened
from tsunagu.data.datasets import api as datasets
from tsunagu.data.usage import api as usage
from tsunagu.data.usage import citing, counts, gathering
from tsunagu.data.usage.models import UsageCount, UsageHit, UsageInstitution, UsageSalt
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.runs import api as runs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]
__all__ = ["nothing_waits", "opened"]


@pytest.mark.parametrize("table", [UsageHit, UsageInstitution])
def test_an_institution_may_have_the_longest_name_that_a_provider_has(table):
    assert table._meta.get_field("institution").max_length >= 1024


def test_institutions_of_long_names_are_counted(opened, person, configure, monkeypatch):
    owner, card = opened
    configure(usage_institution_from=2)
    people = [person(f"p{number}") for number in range(2)]
    name = "https://idp.example.ac.jp/" + "x" * 998
    monkeypatch.setattr(identity, "institutions_of", lambda ids: dict.fromkeys(ids, name))
    for one in people:
        usage.note(asked(request=True, actor=one, who=one.id))
    assert [row.institution for row in counted(owner, card).institutions] == [name]


def _fails_for(monkeypatch, error, *targets):
    keep, sizes = gathering.keep, []

    def broken(events):
        events = list(events)
        sizes.append(len(events))
        made = keep(events)  # what it wrote before it failed is taken back with it
        if any(one.target in targets for one in events):
            raise error
        return made

    monkeypatch.setattr(gathering, "keep", gathering.transaction.atomic(broken))
    return sizes


@pytest.mark.parametrize("error", [DataError(), IntegrityError(), ValueError(), KeyError("x")])
def test_one_event_that_cannot_be_written_loses_none_of_the_others(opened, monkeypatch, caplog, error):
    owner, card = opened
    sizes = _fails_for(monkeypatch, error, "bad")
    for number in range(20):
        usage.note(asked(who=str(number), target="bad" if number == 7 else "page"))
    assert usage.flush() == 19
    assert counted(owner, card).total.counts.investigations == 19
    assert not gathering._waiting, "it does not come back"
    assert caplog.messages.count("use_left_out") == 1
    assert len(sizes) < 15


def test_signs_that_nobody_can_write_are_left_out(opened):
    owner, card = opened
    usage.note(asked(target="\ud800"))
    usage.note(asked(who="b"))
    assert counted(owner, card).total.counts.investigations == 1


@pytest.mark.parametrize("error", [OperationalError(), ProgrammingError(), usage.BadRobotsFileError()])
def test_what_could_not_be_written_now_waits_in_its_order_and_counts_once(opened, monkeypatch, error):
    owner, card = opened
    for number in range(8):
        usage.note(asked(second=number, who=str(number), target=f"t{number}"))
    waiting = list(gathering._waiting)
    with monkeypatch.context() as away:
        _fails_for(away, error, "t5")
        with pytest.raises(type(error)):
            usage.flush()
    assert list(gathering._waiting) == waiting
    assert counted(owner, card).total.counts.investigations == 8


@pytest.mark.parametrize("count", [1, 3, 100])
def test_where_not_one_can_be_written_none_is_left_out(opened, monkeypatch, caplog, count):
    owner, card = opened
    keep = gathering.keep
    sizes = _fails_for(monkeypatch, KeyError("x"), "page")
    for number in range(count):
        usage.note(asked(who=str(number), second=number))
    waiting = list(gathering._waiting)
    with pytest.raises(KeyError):
        usage.flush()
    assert list(gathering._waiting) == waiting
    assert len(sizes) < 60
    assert "use_left_out" not in caplog.messages
    monkeypatch.setattr(gathering, "keep", keep)
    assert counted(owner, card).total.counts.investigations == count


def test_what_was_written_before_the_database_went_away_does_not_wait_on(opened, monkeypatch):
    owner, card = opened
    for number in range(8):
        usage.note(asked(who=str(number), target=f"t{number}"))
    keep = gathering.keep

    def away(events):
        if any(one.target == "t1" for one in events):
            raise (DataError if len(events) > 1 else ValueError)
        if any(one.target == "t6" for one in events):
            raise (OperationalError if len(events) <= 4 else DataError)
        return keep(events)

    with monkeypatch.context() as broken:
        broken.setattr(gathering, "keep", away)
        with pytest.raises(OperationalError):
            usage.flush()
    assert [one.target for one in gathering._waiting] == ["t1", "t4", "t5", "t6", "t7"]
    assert counted(owner, card).total.counts.investigations == 8


def test_where_too_many_wait_the_oldest_go(opened, monkeypatch):
    del opened
    monkeypatch.setattr(gathering, "_MOST_WAITING", 3)
    monkeypatch.setattr(gathering, "_waiting", gathering.deque(maxlen=3))

    def away(_events):
        for number in range(3):
            usage.note(asked(target=f"new{number}"))
        raise OperationalError

    usage.note(asked(target="old"))
    monkeypatch.setattr(gathering, "keep", away)
    with pytest.raises(OperationalError):
        usage.flush()
    assert [one.target for one in gathering._waiting] == ["new0", "new1", "new2"]


def test_the_thread_that_writes_outlives_whatever_went_wrong(monkeypatch):
    rounds = iter([False, False, True])
    calls = []

    class _Pause:
        def wait(self, _seconds):
            return next(rounds)

    def broken():
        calls.append(1)
        raise KeyError

    monkeypatch.setattr(gathering.threading, "Event", _Pause)
    monkeypatch.setattr(gathering, "flush", broken)
    monkeypatch.setattr(
        gathering, "connection", type("_Connection", (), {"close": staticmethod(lambda: None)})
    )
    gathering._write_again_and_again()
    assert len(calls) == 2


@pytest.fixture
def two_days(opened, at):
    """Hits of two days, of which the first cannot be counted."""
    owner, card = opened
    at(NOW + dt.timedelta(days=1))
    usage.note(asked())
    usage.note(asked(second=86400))
    usage.flush()
    return owner, card


def _broken(monkeypatch, error):
    count = counts._count

    def one_day(dataset_id, day):
        if day == NOW.date():
            raise error
        count(dataset_id, day)

    monkeypatch.setattr(counts, "_count", one_day)


def test_a_day_that_cannot_be_counted_keeps_no_other_waiting(two_days, monkeypatch, caplog):
    owner, card = two_days
    with monkeypatch.context() as broken:
        _broken(broken, KeyError("x"))
        assert counts.count_new() == 1
        assert "use_not_counted" in caplog.messages
        assert UsageHit.objects.filter(is_counted=False).count() == 1
    assert counts.count_new() == 1
    assert usage.use_of(owner, card, last="2027-04").total.counts.investigations == 2


def test_numbers_made_anew_are_all_or_none(two_days, monkeypatch):
    counts.count_new()
    before = sorted(UsageCount.objects.values_list("day", "metric", "count"))
    _broken(monkeypatch, KeyError("x"))
    with pytest.raises(KeyError):
        usage.rebuild()
    assert sorted(UsageCount.objects.values_list("day", "metric", "count")) == before


def test_a_month_is_closed_with_the_days_that_are_not_counted_yet_kept_whole(two_days, monkeypatch, at):
    owner, card = two_days
    counts.count_new()
    late = dict.fromkeys(("dataset_id", "target", "channel", "method"), "x") | {"dataset_id": card.id}
    UsageHit.objects.create(
        **late, day=NOW.date(), at_s=1, version=1, is_request=False, who="late", is_job=False
    )
    at(NOW + dt.timedelta(days=5))
    with monkeypatch.context() as broken:
        _broken(broken, KeyError("x"))
        counts.close_months()
    assert UsageHit.objects.filter(day=NOW.date()).count() == 2
    assert not UsageSalt.objects.filter(period="2027-03-31").exists(), "what hid users goes all the same"
    counts.close_months()
    assert not UsageHit.objects.filter(day=NOW.date()).exists()
    assert usage.use_of(owner, card, first="2027-03", last="2027-03").total.counts.investigations == 2


def test_whoever_asked_before_midnight_is_the_same_after_it(opened, person, at, monkeypatch):
    """Else one person of an institution would count as two, and the institution would be named."""
    owner, card = opened
    monkeypatch.setattr(
        identity, "institutions_of", lambda ids: dict.fromkeys(ids, "https://idp.example.ac.jp/")
    )
    reader = person("reader")
    midnight = dt.datetime(2027, 4, 1, tzinfo=dt.timezone(dt.timedelta(hours=9)))
    for minutes, is_late in ((-10, False), (-1, True)):
        moment = midnight + dt.timedelta(minutes=minutes)
        at(moment)
        if is_late:
            at(midnight + dt.timedelta(minutes=5))
            counts.close_months()
        usage.note(replace(asked(request=True, actor=reader, who=reader.id), at=moment))
        counted(owner, card)
    (row,) = UsageInstitution.objects.all()
    assert (row.month, row.people) == ("2027-03", 1)
    at(midnight + dt.timedelta(hours=1, minutes=1))
    counts.close_months()
    assert not UsageSalt.objects.exists()


def test_runs_are_read_one_by_one_for_a_version_and_without_their_links(opened):
    owner, card = opened
    version = datasets.get_version(card, 1).version_hash
    links = [runs.Link("in", "dataset", card.id), runs.Link("in", "version", version)]
    for several in (links, links[:1], [runs.Link("out", "dataset", card.id)]):
        runs.record(owner, "compute", links=several)
    with CaptureQueriesContext(connection) as queries:
        assert usage.use_of(owner, card).total.runs == 2
        assert usage.use_of(owner, card, version=1).total.runs == 1
    assert not [one for one in queries if one["sql"].startswith('SELECT "runs_runlink"')]


def test_a_database_that_is_away_is_no_day_that_cannot_be_counted(two_days, monkeypatch):
    _broken(monkeypatch, OperationalError())
    with pytest.raises(OperationalError):
        counts.count_new()


@pytest.mark.skipif(not connection.features.has_select_for_update, reason="it has one writer anyway")
def test_a_month_of_a_dataset_is_counted_by_one_worker_at_a_time(two_days):
    """Two days of one month, or one day twice: the slower one would write the numbers that it read before."""
    with CaptureQueriesContext(connection) as asked_for:
        counts.count_new()
    texts = [one["sql"] for one in asked_for if "usage_usagehit" in one["sql"]]
    locks = [number for number, text in enumerate(texts) if "FOR UPDATE" in text]
    assert len(locks) == 2
    assert texts[locks[0] + 1].startswith("UPDATE"), "the lock comes first"


def test_one_record_that_cannot_be_read_hides_no_other_citation(opened, monkeypatch, caplog):
    del opened
    good = [world._harvested(world._article(doi=f"10.5555/a{number}"), number=number) for number in range(5)]
    read, seen = citing.harvesting.records, []

    def broken(ids):
        ids = list(ids)
        if good[2] in ids:
            raise KeyError
        seen.extend(ids)
        return read(ids)

    monkeypatch.setattr(citing.harvesting, "records", broken)
    assert citing.look_after(0, limit=10) == good, "so that the next part is looked at"
    assert seen == [one for one in good if one != good[2]]
    assert [one.record for one in caplog.records if one.message == "citing_record_left_out"] == [str(good[2])]
