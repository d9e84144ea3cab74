"""Harvesting other repositories: our own door as the other side, and sources that lie, break off and never end."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

from tests import harvest_world as world
from tsunagu.core import clock
from tsunagu.core.egress import EgressFailedError, EgressRefusedError
from tsunagu.data.harvesting import api as harvesting
from tsunagu.data.harvesting import asking, rounds
from tsunagu.data.harvesting.models import Harvested, Source
from tsunagu.doors.oai.views import addresses
from tsunagu.foundation.policy.api import ActionDeniedError
from tsunagu.foundation.runs.models import Run
from tsunagu.standards import api as standards

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2027, 3, 31, 9, tzinfo=dt.UTC)
SPACE = "http://www.openarchives.org/OAI/2.0/"


def oai(inside, *, answered="2027-03-31T08:59:00Z"):
    return (
        f'<?xml version="1.0"?><OAI-PMH xmlns="{SPACE}"><responseDate>{answered}</responseDate>'
        f"<request>x</request>{inside}</OAI-PMH>"
    ).encode()


def record(name, *, title="T", stamp="2027-01-01", doi="", status=""):
    metadata = (
        '<metadata><oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title>'
        f"<dc:identifier>{doi}</dc:identifier></oai_dc:dc></metadata>"
    )
    status = f' status="{status}"' if status else ""
    header = f"<header{status}><identifier>{name}</identifier><datestamp>{stamp}</datestamp></header>"
    return f"<record>{header}{'' if status else metadata}</record>"


def records(*inside, token="", size=""):
    size = f' completeListSize="{size}"' if size else ""
    end = f"<resumptionToken{size}>{token}</resumptionToken>" if token or size else ""
    return f"<ListRecords>{''.join(inside)}{end}</ListRecords>"


class Repository:
    """Answers a list of pages in turn; what is an exception is raised in its place."""

    def __init__(self, *pages):
        self.pages, self.asked = list(pages), []

    def ask(self, url, **arguments):
        verb = arguments["verb"]
        if verb == "Identify":
            return oai(
                "<Identify><repositoryName>Kita</repositoryName><adminEmail>a@example.ac.jp</adminEmail>"
                "<deletedRecord>persistent</deletedRecord><granularity>YYYY-MM-DDThh:mm:ssZ</granularity></Identify>"
            )
        if verb == "ListMetadataFormats":
            forms = "".join(
                f"<metadataFormat><metadataPrefix>{one}</metadataPrefix></metadataFormat>"
                for one in ("oai_dc", "mods")
            )
            return oai(f"<ListMetadataFormats>{forms}</ListMetadataFormats>")
        self.asked.append({name: value for name, value in arguments.items() if name != "verb" and value})
        page = self.pages.pop(0)
        if isinstance(page, Exception):
            raise page
        return page if isinstance(page, bytes) else oai(page)


@pytest.fixture(autouse=True)
def still(at, configure):
    at(NOW)
    configure(harvest_pause_s=0.0, egress_allowed=("kita.example.ac.jp:80", "kita.example.ac.jp:443"))


@pytest.fixture
def admin(person):
    return person("admin", is_admin=True)


@pytest.fixture
def taken_up(admin, monkeypatch):
    """Takes up a repository of pages; the row of its source."""

    def make(*pages):
        repository = Repository(*pages)
        monkeypatch.setattr(asking, "ask", repository.ask)
        monkeypatch.setattr("tsunagu.core.egress.check", lambda _url: None)
        made = harvesting.add(admin, "https://kita.example.ac.jp/oai")
        row = Source.objects.get(name=made.name)
        rounds.begin(row)
        return row, repository

    return make


def turn(row):
    """Go on once; the seconds that it wants to wait, or None at the end. The row as it stands then."""
    row.refresh_from_db()
    wait = rounds.go_on(row)
    row.refresh_from_db()
    return None if wait is None else wait.total_seconds()


def names(row):
    return set(row.harvested_set.values_list("identifier", flat=True))


# Our own door on the other side


def test_a_whole_repository_then_only_what_changed(admin, at, configure, monkeypatch):
    there = world.Publications(250)
    routes = type("Routes", (), {"urlpatterns": addresses(there)})
    with override_settings(ROOT_URLCONF=routes), world.serving(WSGIHandler()) as address:
        configure(
            harvest_pause_s=0.0,
            egress_allowed=(address.removeprefix("http://"),),
            mail_from="rdm@example.ac.jp",
        )
        made = harvesting.add(admin, f"{address}/oai")
        assert made.prefix == "jpcoar_2.0"
        row = Source.objects.get(name=made.name)
        rounds.begin(row)
        assert turn(row) is None
        assert row.harvested_set.count() == 250
        assert (row.seen_count, row.announced_count) == (250, 250)
        held = row.harvested_set.get(identifier__endswith=":000007")
        read = standards.from_kept(held.kept)
        assert {text.language: text.value for text in read.titles} == {
            "ja": "薄膜のX線回折 7", "en": "XRD of thin film 7",
        }  # fmt: skip
        assert held.doi == "10.1234/set7"
        later = NOW + dt.timedelta(hours=2)
        there.put(world.a_record(3, titles=(standards.Text("訂正した題", "ja"),)), later)
        there.put(world.a_record(4), later, is_deleted=True)
        at(later + dt.timedelta(hours=1))
        harvesting.ask_now(admin, made.name)
        row.refresh_from_db()
        rounds.begin(row)
        assert turn(row) is None
    assert row.seen_count == 2, "only what changed was asked for"
    assert row.harvested_set.get(identifier__endswith=":000003").title == "訂正した題"
    gone = row.harvested_set.get(identifier__endswith=":000004")
    assert (gone.is_deleted, gone.kept, gone.title) == (True, "", "")
    card = harvesting.get_source(admin, made.name)
    assert (card.state, card.record_count, card.deleted_count, card.problem_count) == ("idle", 249, 1, 0)
    assert [(run.kind, run.outcome) for run in Run.objects.filter(kind="harvest")] == [("harvest", "ok")] * 2


# Sources that misbehave


def test_a_source_that_falls_silent_is_asked_again_where_the_list_stood(taken_up):
    row, repository = taken_up(
        records(record("a"), token="t1", size="3"),
        EgressFailedError("no answer"),
        EgressFailedError("busy", answered=503, retry_after="120"),
        EgressFailedError("busy", answered=503, retry_after="Wed, 31 Mar 2027 09:01:00 GMT"),
        records(record("b"), record("c")),
    )
    assert turn(row) == 5, "the first of growing waits"
    assert (names(row), row.state, row.reason) == ({"a"}, "waiting", "no answer")
    assert turn(row) == 120, "as it says"
    assert turn(row) == 60, "until the moment that it names"
    assert turn(row) is None
    assert names(row) == {"a", "b", "c"}
    assert [one.get("resumptionToken") for one in repository.asked] == [None, "t1", "t1", "t1", "t1"]
    assert row.state == "idle"


def test_a_source_that_stays_silent_is_given_up_and_tried_another_day(taken_up, admin):
    row, _ = taken_up(*[EgressFailedError("no answer")] * 60)
    waits = []
    while (wait := turn(row)) is not None:
        waits.append(wait)
    assert max(waits) == 900
    assert 8 * 3600 < sum(waits) < 48 * 3600
    assert (row.state, row.reason, row.run_id) == ("failed", "no answer", "")
    assert row.due_at == NOW + dt.timedelta(hours=24)
    assert Run.objects.get(kind="harvest").outcome == "failed"
    assert harvesting.ask_now(admin, row.name).state == "waiting"


def test_a_no_is_not_asked_again(taken_up):
    row, repository = taken_up(EgressFailedError("gone", answered=404, retry_after=""))
    assert turn(row) is None
    assert (row.state, len(repository.asked)) == ("failed", 1)


def test_a_lost_token_begins_the_same_list_once_more(taken_up):
    lost = '<error code="badResumptionToken">expired</error>'
    row, repository = taken_up(
        records(record("a"), token="t1"), lost, records(record("a"), token="t2"), records(record("b"))
    )
    assert turn(row) == 0
    assert turn(row) is None
    assert (names(row), row.seen_count) == ({"a", "b"}, 2)
    assert [run.outcome for run in Run.objects.filter(kind="harvest").order_by("pk")] == ["aborted", "ok"]
    row.state = "waiting"
    rounds.begin(row)
    repository.pages = [lost, lost]
    assert turn(row) == 0
    assert turn(row) is None
    assert row.state == "failed"
    assert "expired" in row.reason


@pytest.mark.parametrize(
    "pages",
    [
        [records(record("a"), token="t"), records(record("b"), token="t")],
        [records(record("a"), token=f"t{n}") for n in range(40)],
        [records(*(record(f"r{n}-{m}") for m in range(100)), token=f"t{n}", size="100") for n in range(40)],
    ],
    ids=["the same token", "the same records", "more than it said"],
)  # fmt: skip
def test_a_list_that_never_ends_is_ended(taken_up, pages):
    row, repository = taken_up(*pages)
    assert turn(row) is None
    assert row.state == "failed"
    assert row.reason.startswith("The source")
    assert repository.pages or len(pages) == 2, "it was not followed to the end"
    assert names(row), "what came is kept"


def test_entities_are_refused_before_they_are_opened(taken_up):
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        b'<OAI-PMH xmlns="' + SPACE.encode() + b'"><ListRecords>&b;</ListRecords></OAI-PMH>'
    )
    row, _ = taken_up(bomb, bomb, bomb)
    assert [turn(row), turn(row), turn(row)] == [5, 10, None]
    assert row.state == "failed"
    assert "document type" in row.reason


@pytest.mark.parametrize(
    "answer",
    [
        b"<html><body>Bad gateway</body></html>",
        b"not xml",
        b"",
        oai("<ListRecords><record>")[:-20],
        oai("<Identify/>"),
    ],
)
def test_what_is_no_answer_changes_nothing(taken_up, answer):
    row, _ = taken_up(records(record("a"), token="t"), answer, answer, answer)
    while turn(row) is not None:
        pass
    assert (names(row), row.state) == ({"a"}, "failed")
    assert row.reason


def test_one_bad_sign_does_not_spoil_a_page(taken_up):
    row, _ = taken_up(oai(records(record("a", title="bell \x07 rings"), record("b"))))
    assert turn(row) is None
    assert row.harvested_set.get(identifier="a").title == "bell  rings"


def test_what_cannot_be_read_is_kept_with_the_reason(taken_up, admin):
    odd = '<record><header><identifier>odd</identifier><datestamp>yesterday</datestamp></header><metadata><x xmlns="urn:x"/></metadata></record>'
    bare = "<record><header><identifier>bare</identifier><datestamp>2027-01-01</datestamp></header></record>"
    row, _ = taken_up(records(odd, bare, record("good")))
    assert turn(row) is None
    problems = harvesting.list_records(admin, row.name, only_problems=True)
    assert {one.identifier: one.problem for one in problems} == {
        "odd": "There is no Dublin Core in this document.",
        "bare": "The source gave no metadata.",
    }
    content, problem = harvesting.record_content(admin, row.name, problems[-1].id)
    assert content == b'<x xmlns="urn:x"/>'
    assert problem
    assert row.harvested_set.get(identifier="odd").datestamp == "", "that is no date"


@pytest.mark.parametrize(
    ("answered", "since"),
    [
        ("2027-03-31T08:59:00Z", "2027-03-31T08:59:00Z"),
        ("2031-01-01T00:00:00Z", "2027-03-30T09:00:00Z"),
        ("soon", "2027-03-30T09:00:00Z"),
        ("2027-13-45T99:00:00Z", "2027-03-30T09:00:00Z"),
    ],
)
def test_the_next_round_asks_by_the_sources_clock_unless_it_lies(taken_up, answered, since):
    row, repository = taken_up(oai(records(record("a")), answered=answered), '<error code="noRecordsMatch"/>')
    assert turn(row) is None
    assert row.next_since == since
    row.state = "waiting"
    rounds.begin(row)
    assert turn(row) is None
    assert repository.asked[-1]["from"] == since
    assert (row.state, names(row)) == ("idle", {"a"}), "nothing new is no error"


def test_of_two_copies_the_newer_counts_and_the_same_doi_elsewhere_is_named(taken_up, admin):
    row, _ = taken_up(
        records(record("a", title="new", stamp="2027-02-01", doi="https://doi.org/10.1234/X"), token="t"),
        records(record("a", title="old", stamp="2027-01-01"), record("b")),
    )
    assert turn(row) is None
    assert row.harvested_set.get(identifier="a").title == "new"
    other = Source.objects.create(
        name="minami", url="https://minami.example.ac.jp", prefix="oai_dc", made_at=NOW, due_at=NOW
    )
    Harvested.objects.create(
        source=other, identifier="z", doi="10.1234/x", content=b"", changed_at=NOW, datestamp=""
    )
    shown = {one.identifier: one for one in harvesting.list_records(admin, row.name)}
    assert shown["a"].doi == "10.1234/x"
    assert shown["a"].same_doi == ("minami",)
    assert shown["b"].same_doi == ()


def test_withdrawn_comes_back_and_an_unchanged_one_keeps_its_day(taken_up, at):
    row, repository = taken_up(records(record("a"), record("b")))
    assert turn(row) is None
    first = row.harvested_set.get(identifier="b").changed_at
    for status in ("deleted", ""):
        at(clock.now() + dt.timedelta(days=1))
        row.state = "waiting"
        rounds.begin(row)
        repository.pages = [records(record("a", status=status), record("b"))]
        assert turn(row) is None
        assert row.harvested_set.get(identifier="a").is_deleted == bool(status)
    assert row.harvested_set.get(identifier="b").changed_at == first


@pytest.mark.parametrize("what", [harvesting.pause, harvesting.remove])
@pytest.mark.parametrize(
    "page", [records(record("b"), token="u"), records(record("b")), EgressFailedError("no answer")]
)
def test_a_page_that_is_on_its_way_undoes_nothing(taken_up, admin, what, page):
    row, repository = taken_up(records(record("a"), token="t"), page)
    ask = repository.ask

    def slow(url, **arguments):
        answer = None if arguments.get("resumptionToken") != "t" else what(admin, row.name)
        del answer
        return ask(url, **arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "ask", slow)
        assert rounds.go_on(row) is None
    found = Source.objects.filter(name=row.name).first()
    if what is harvesting.pause:
        assert (found.state, found.run_id, names(found)) == ("paused", "", {"a"})
    else:
        assert found is None
        assert not Harvested.objects.exists()


# People


def test_only_administrators_and_only_repositories(admin, person, monkeypatch):
    with pytest.raises(ActionDeniedError):
        harvesting.add(person("somebody"), "https://kita.example.ac.jp/oai")
    with pytest.raises(ActionDeniedError):
        harvesting.list_sources(person("another"))
    with pytest.raises(EgressRefusedError):
        harvesting.add(admin, "http://169.254.169.254/latest")
    monkeypatch.setattr("tsunagu.core.egress.check", lambda _url: None)
    monkeypatch.setattr(asking, "ask", lambda *_a, **_k: b"<html/>")
    with pytest.raises(harvesting.NotARepositoryError):
        harvesting.add(admin, "https://kita.example.ac.jp/")
    monkeypatch.setattr(asking, "ask", Repository().ask)
    with pytest.raises(harvesting.NotARepositoryError, match="oai_dc, mods"):
        harvesting.add(admin, "https://kita.example.ac.jp/oai", prefix="mods")
    made = harvesting.add(admin, "https://kita.example.ac.jp/oai")
    with pytest.raises(harvesting.SourceKnownError):
        harvesting.add(admin, "https://kita.example.ac.jp/oai")
    second = harvesting.add(admin, "https://kita.example.ac.jp/oai", set_spec="physics")
    assert (made.name, second.name) == ("kita-example-ac-jp", "kita-example-ac-jp-physics")


def test_paused_whole_and_removed(taken_up, admin):
    row, repository = taken_up(records(record("a"), token="t"), records(record("b")))
    harvesting.pause(admin, row.name)
    assert harvesting.get_source(admin, row.name).state == "paused"
    assert Run.objects.get(kind="harvest").outcome == "aborted"
    row.refresh_from_db()
    row.next_since = "2027-01-01T00:00:00Z"
    row.save()
    harvesting.ask_now(admin, row.name, is_whole=True)
    row.refresh_from_db()
    rounds.begin(row)
    assert turn(row) is None
    assert "from" not in repository.asked[0]
    harvesting.remove(admin, row.name)
    assert not Harvested.objects.exists()
    with pytest.raises(harvesting.NoSuchSourceError):
        harvesting.get_source(admin, row.name)
