"""What DOI agencies are asked for: every fault ends in exactly one DOI in the right state, and nobody waits for it."""

from __future__ import annotations

import datetime as dt
import logging
from types import SimpleNamespace

import pytest

from tests.rooms.publication_worlds import ready, run_queued, states
from tsunagu.core import clock, egress
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.publication import api as publication
from tsunagu.data.publication import datacite as wire
from tsunagu.data.publication import outbox
from tsunagu.data.publication.models import OutsideEffect

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]


@pytest.fixture
def publish(dataset, put, officer, registry):
    """Publishes the dataset at the institution that has a prefix."""
    owner, card = dataset
    publication.write_institution(officer, "kitamiyama", {"members_may_publish": True})

    def make():
        return owner, publication.request(owner, ready(owner, card, put), institution="kitamiyama")

    return make


def landing():
    return publication.landing("lab/data", 1)


def test_a_version_and_all_versions_together_get_a_name(publish, registry, put):
    owner, found = publish()
    assert landing().doi == "", "nobody sees a DOI before the agency has confirmed it"
    assert (
        publication.harvest(since=None, until=None, after=None, limit=9)[0].record.is_doi_registered is False
    )
    registry.work(rounds=3)
    concept = found.doi.removesuffix(".v1")
    assert (landing().doi, landing().concept_doi) == (found.doi, concept)
    held = registry.service.dois
    assert {doi: (row["state"], row["url"]) for doi, row in held.items()} == {
        found.doi: ("findable", "http://localhost:8000/d/lab/data/v1"),
        concept: ("findable", "http://localhost:8000/d/lab/data"),
    }
    assert held[concept]["relatedIdentifiers"] == [
        {"relatedIdentifier": found.doi, "relatedIdentifierType": "DOI", "relationType": "HasVersion"}
    ]
    assert held[found.doi]["relatedIdentifiers"] == [
        {"relatedIdentifier": concept, "relatedIdentifierType": "DOI", "relationType": "IsVersionOf"}
    ]
    (entry,) = publication.harvest(since=None, until=None, after=None, limit=9)
    assert (entry.record.doi, entry.record.is_doi_registered) == (found.doi, True)
    writes = len(registry.service.writes)
    registry.work(for_s=3600, rounds=5)
    assert len(registry.service.writes) == writes, "what is done is not repeated"
    assert all("Tsunagu/" in one and "mailto:" in one for one in registry.service.agents)
    put(owner, datasets.get_dataset(owner, "lab", "data"), {"z": b"z"})
    datasets.freeze_version(owner, found.dataset_id)
    second = publication.request(owner, datasets.get_dataset(owner, "lab", "data"), institution="kitamiyama")
    registry.work(for_s=10, rounds=4)
    assert second.doi == f"{concept}.v2"
    assert [one["relatedIdentifier"] for one in held[concept]["relatedIdentifiers"]] == [
        found.doi,
        second.doi,
    ]
    assert set(states().values()) == {"done"}


@pytest.mark.parametrize(
    "fault", ["before", "after", "handle", "html", "500", "502", "503", "504", "408", "425", "429", "date"]
)
def test_every_fault_ends_in_one_doi_in_the_right_state(publish, registry, fault):
    registry.service.fail(fault, times=3)
    _, found = publish()
    assert found.state == "published", "nothing waits for the agency"
    registry.work(for_s=0)
    assert landing().doi == ""
    registry.work(for_s=4000, rounds=6)
    assert set(states().values()) == {"done"}
    assert set(registry.service.dois) == {found.doi, found.doi.removesuffix(".v1")}
    assert {row["state"] for row in registry.service.dois.values()} == {"findable"}
    assert landing().doi == found.doi


def test_an_answer_that_was_lost_is_asked_for_before_anything_is_repeated(publish, registry):
    registry.service.fail("after", times=1)
    _, found = publish()
    publication.deliver_due()
    concept = found.doi.removesuffix(".v1")
    assert states() == {concept: "unknown", found.doi: "waiting"}, "a service that breaks off is left alone"
    assert [doi for doi, _ in registry.service.writes] == [concept]
    at_once = len(registry.service.writes)
    publication.deliver_due()
    assert len(registry.service.writes) == at_once + 1, "the other one did not depend on it"
    registry.at(clock.now() + dt.timedelta(seconds=1000))
    publication.deliver_due()
    assert registry.service.reads == [concept]
    assert [doi for doi, _ in registry.service.writes].count(concept) == 1
    assert set(states().values()) == {"done"}


def test_an_answer_that_comes_too_late_is_an_unknown_too(publish, registry, monkeypatch):
    monkeypatch.setattr(wire, "_TIMEOUT_S", 0.4)
    registry.service.fail("slow", times=1)
    _, found = publish()
    publication.deliver_due()
    concept = found.doi.removesuffix(".v1")
    assert states()[concept] == "unknown"
    assert concept in registry.service.dois, "it has happened all the same"
    monkeypatch.setattr(wire, "_TIMEOUT_S", 30)
    registry.at(clock.now() + dt.timedelta(seconds=1000))
    publication.deliver_due()
    assert registry.service.reads == [concept]
    assert states()[concept] == "done"


def test_a_process_that_died_while_sending_leaves_an_unknown(publish, monkeypatch, at):
    publish()

    def die(*_args, **_more):
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(egress, "exchange", die)
        with pytest.raises(SystemExit):
            publication.deliver_due()
    assert "sending" in states().values()
    moment = dt.datetime(2027, 3, 31, 9, tzinfo=dt.UTC)
    at(moment)
    publication.deliver_due()
    assert "sending" in states().values(), "it may still be on its way"


def test_a_process_that_died_is_found_and_its_work_done(publish, registry):
    _, found = publish()
    concept = found.doi.removesuffix(".v1")
    OutsideEffect.objects.filter(external_id=concept).update(state="sending", sent_at=clock.now(), attempts=1)
    registry.work(for_s=180, rounds=3)
    assert registry.service.reads[0] == concept
    assert set(states().values()) == {"done"}
    assert landing().concept_doi == concept


def test_a_registry_that_is_down_for_a_day_blocks_nothing(publish, registry, put):
    registry.service.fail("503", times=-1)
    owner, found = publish()
    registry.work(for_s=900, rounds=96)
    assert set(states().values()) == {"waiting"}
    most = len(OutsideEffect.objects.all())
    assert most == 2, "one row for each effect, however often it is tried"
    page = landing()
    assert (page.is_free, page.doi) == (True, "")
    publication.withdraw(owner, found.id, "wrong")
    registry.service.fail("")
    registry.work(for_s=900, rounds=3)
    # Nobody ever saw these names, so they end as drafts that nobody else sees.
    assert {row["state"] for row in registry.service.dois.values()} == {"draft"}
    assert set(states().values()) == {"done"}
    assert landing().doi == ""


def test_after_two_days_somebody_is_told_and_may_have_it_tried_again(publish, registry, officer):
    registry.service.fail("500", times=-1)
    _, found = publish()
    registry.work(for_s=3600, rounds=60)
    assert set(states().values()) == {"given_up"}
    assert publication.effects_of(officer, found.id)[0].state == "given_up"
    assert [one.id for one in publication.unregistered(officer)] == [found.id]
    registry.service.fail("")
    assert publication.try_again(officer, found.id) == 2
    registry.work(rounds=3)
    assert set(states().values()) == {"done"}
    assert publication.unregistered(officer) == []


def test_a_wrong_password_is_told_once_and_not_tried_for_every_record(publish, registry, configure, caplog):
    caplog.set_level(logging.DEBUG)
    account = {**_account(), "password": "wrong-password"}
    configure(doi_accounts=(account,))
    _, found = publish()
    registry.work(rounds=3)
    assert sorted(states().values()) == ["refused", "waiting"]
    refused = OutsideEffect.objects.get(state="refused")
    assert "Bad credentials" in refused.last_error
    assert refused.last_status == 401
    said = caplog.text + " ".join(OutsideEffect.objects.values_list("last_error", flat=True))
    assert "wrong-password" not in said
    assert found.state == "published"


def test_a_refusal_is_kept_whole_and_not_repeated(publish, registry, officer):
    registry.service.fail("422", times=2)
    _, found = publish()
    registry.work(for_s=7200, rounds=4)
    assert set(states().values()) == {"refused"}
    assert registry.service.writes == []
    assert '"title": "no"' in publication.effects_of(officer, found.id)[0].last_error


def test_a_prefix_without_an_account_says_so(publish, configure, registry, officer):
    configure(doi_accounts=())
    _, found = publish()
    registry.work()
    assert "[[doi_accounts]]" in publication.effects_of(officer, found.id)[0].last_error


def test_withdrawal_hides_and_restoring_shows_again(publish, registry, officer):
    owner, found = publish()
    registry.work(rounds=3)
    publication.withdraw(owner, found.id, "wrong")
    registry.work(for_s=1, rounds=3)
    assert registry.service.dois[found.doi]["state"] == "registered"
    assert registry.service.dois[found.doi]["url"] == "http://localhost:8000/d/lab/data/v1"
    assert registry.service.dois[found.doi.removesuffix(".v1")]["state"] == "registered", (
        "no version is public"
    )
    publication.restore(officer, found.id)
    registry.work(for_s=1, rounds=3)
    assert {row["state"] for row in registry.service.dois.values()} == {"findable"}
    assert set(states().values()) == {"done"}


def test_names_of_a_test_system_never_leave(publish, registry, configure):
    configure(doi_accounts=({**_account(), "test": True},))
    _, found = publish()
    registry.work(rounds=3)
    assert registry.service.dois[found.doi]["state"] == "findable"
    (entry,) = publication.harvest(since=None, until=None, after=None, limit=9)
    assert (entry.record.doi, landing().doi, landing().concept_doi) == ("", "", "")


def test_jalc_is_asked_by_the_harvested_record_and_seen_when_it_resolves(dataset, put, officer, registry):
    owner, card = dataset
    publication.write_institution(officer, "kitamiyama", {"members_may_publish": True, "doi_agency": "JaLC"})
    found = publication.request(owner, ready(owner, card, put), institution="kitamiyama")
    (entry,) = publication.harvest(since=None, until=None, after=None, limit=9)
    assert (entry.record.doi, entry.record.doi_agency, entry.record.is_doi_registered) == (
        found.doi,
        "JaLC",
        False,
    )
    registry.work(for_s=7200)
    assert landing().doi == ""
    registry.service.handles[found.doi] = "https://elsewhere.example.org/d/lab/data/v1"
    registry.work(for_s=6 * 3600 + 1)
    assert landing().doi == "", "a name that leads elsewhere is not ours"
    registry.service.handles[found.doi] = "http://localhost:8000/d/lab/data/v1"
    registry.work(for_s=6 * 3600 + 1)
    assert landing().doi == found.doi
    assert registry.service.writes == []


def test_what_is_asked_for_follows_the_decision_or_is_not_there(dataset, put, officer, registry):
    """A publication that is refused leaves nothing to be sent."""
    owner, card = dataset
    publication.write_institution(officer, "kitamiyama", {"members_may_publish": True})
    card = ready(owner, card, put)
    datasets.set_label(owner, card, "personal", "yes")
    with pytest.raises(publication.NotReadyError):
        publication.request(owner, card, institution="kitamiyama")
    run_queued()
    assert OutsideEffect.objects.count() == 0
    assert registry.service.writes == []


def effect(doi, version=1, **more):
    now = clock.now()
    return OutsideEffect.objects.create(
        **{
            "service": "DataCite",
            "operation": "publish",
            "subject_kind": "version",
            "subject_id": "x",
            "external_id": doi,
            "version": version,
            "made_at": now,
            "next_try": now,
            **more,
        }
    )


def test_a_registry_that_is_down_does_not_keep_what_waits_for_others(monkeypatch, at):
    early = clock.now()
    for number in range(3):
        effect(f"10.1111/{number}", made_at=early)
    at(early + dt.timedelta(seconds=1))
    healthy = effect("10.2222/1")
    tried = []

    def deliver(uid):
        row = OutsideEffect.objects.get(pk=uid)
        tried.append(row.external_id)
        if row.external_id.startswith("10.1111/"):
            OutsideEffect.objects.filter(pk=uid).update(next_try=clock.now() + dt.timedelta(seconds=5))
            return False
        OutsideEffect.objects.filter(pk=uid).update(state="done")
        return True

    monkeypatch.setattr(outbox, "deliver", deliver)
    at(early + dt.timedelta(minutes=1))
    publication.deliver_due(limit=1)
    publication.deliver_due(limit=1)
    assert tried[0].startswith("10.1111/")
    assert tried[1:] == [healthy.external_id]
    at(early + dt.timedelta(minutes=2))
    publication.deliver_due()
    assert len(tried) == 3, "one try tells that it is down"


def test_a_wish_that_a_newer_one_replaced_is_never_sent_after_it(publish, registry, officer):
    registry.service.fail("after", times=1)
    _, found = publish()
    publication.deliver_due()
    concept = found.doi.removesuffix(".v1")
    assert OutsideEffect.objects.get(external_id=concept).state == "unknown"
    publication.withdraw(officer, found.id, "Wrong sample.")
    OutsideEffect.objects.filter(version=1).update(next_try=clock.now() + dt.timedelta(minutes=10))
    registry.work(for_s=1, rounds=2)
    registry.work(for_s=3600, rounds=3)
    assert registry.service.dois[concept]["state"] == "registered"
    assert set(states().values()) == {"done"}
    first = OutsideEffect.objects.get(external_id=concept, version=1)
    assert (first.state, first.last_error) == ("given_up", outbox.REPLACED)


def test_two_wishes_for_one_name_are_never_under_way_together(registry):
    going = effect("10.12345/one", state="sending", sent_at=clock.now())
    waiting = effect("10.12345/one", version=2)
    publication.deliver_due()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts) == ("waiting", 0)
    going.delete()
    publication.deliver_due()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts) == ("refused", 1), "nothing of that name is published"


def test_what_was_wished_while_another_was_sent_goes_right_after_it(registry, monkeypatch):
    first, second = effect("10.12345/one"), []

    def put(*_sent):
        if not second:
            second.append(effect("10.12345/one", version=2))
            publication.deliver_due()  # by another worker, which must leave it alone
            assert OutsideEffect.objects.get(pk=second[0].pk).attempts == 0
        return SimpleNamespace(status=200, state="findable", is_good=True, is_settled=lambda _operation: True)

    monkeypatch.setattr(wire, "put", put)
    monkeypatch.setattr(outbox, "_attributes", lambda *_of: {})
    publication.deliver_due()
    run_queued()  # no clock goes on
    assert {one.state for one in OutsideEffect.objects.filter(pk__in=(first.pk, second[0].pk))} == {"done"}


def test_a_correction_whose_answer_never_came_is_not_taken_for_what_stood_there(publish, registry, put):
    owner, found = publish()
    registry.work(rounds=3)
    card = datasets.get_dataset(owner, "lab", "data")
    description.set_value(owner, card.id, "creators", ["Taro Suzuki"])
    publication.correct(owner, found.id, "She was not there.")
    registry.service.fail("before", times=-1)
    registry.work(for_s=1000)
    registry.service.times = 0
    registry.work(for_s=1000, rounds=3)
    assert set(states().values()) == {"done"}
    assert len(registry.service.dois[found.doi]["creators"]) == 1


def test_what_a_service_adds_of_its_own_is_no_difference():
    asked = {
        "event": "publish",
        "titles": [{"title": "t"}],
        "sizes": [],
        "language": None,
        "publicationYear": 7,
    }
    held = {"titles": [{"title": "t", "lang": None}], "publicationYear": "7", "state": "findable"}
    reply = wire.Reply(200, "findable", is_written=True, held=held)
    assert wire.holds(reply, asked, "publish")
    for more in (
        {"sizes": ["1 B"]},
        {"titles": [{"title": "u"}]},
        {"titles": [{"title": "t"}] * 2},
        {"types": {"ris": "DATA"}},
    ):
        assert not wire.holds(reply, {**asked, **more}, "publish")


def test_dois_to_look_after_are_found_however_much_changed_since(publish, registry, officer):
    registry.service.fail("422", times=-1)
    _, found = publish()
    registry.work()
    effect("10.9999/other", state="refused", subject_id="another")
    effect("10.8888/mended", state="refused", subject_id=found.id)
    effect("10.8888/mended", version=2, state="done", subject_id=found.id)
    assert sorted(set(outbox.stuck())) == sorted({"another", found.id, found.dataset_id})
    assert [one.id for one in publication.unregistered(officer)] == [found.id]
    OutsideEffect.objects.filter(external_id__startswith="10.12345/").update(state="done")
    assert publication.unregistered(officer) == []


def test_a_reply_is_read_whatever_it_is():
    good = (
        b'{"data":{"attributes":{"state":"findable","registered":null,"url":"u","titles":[{"title":"t"}]}}}'
    )
    found = wire._read(egress.Answered(200, good, "application/json", ""))
    assert (found.state, found.is_settled("publish")) == ("findable", False)
    for content in (b"", b"[]", b'{"data":null}', b'{"data":{"attributes":[]}}', b"\xff\xfe", b"<html>"):
        assert wire._read(egress.Answered(201, content, "text/html", "")).status == 0, content
    assert wire._read(egress.Answered(422, b"no\0", "text/html", "")).said == "no"
    assert not wire.leads_to(b'{"responseCode":1,"values":{"a":1}}', "http://localhost")


def _account():
    from tsunagu.core import settings

    return dict(settings.current().doi_accounts[0])
