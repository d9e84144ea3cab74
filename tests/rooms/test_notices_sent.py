"""COAR Notify: what goes out, through every fault, and how exchanges go on."""

from __future__ import annotations

import datetime as dt
import socket

import pytest
from django.db.models import QuerySet
from django.utils import translation

from tests.rooms.clients import client_of
from tests.rooms.notice_worlds import (
    ALL,
    HOME,
    PAGE,
    notice,
    relationship,
    take,
)
from tests.rooms.publication_worlds import ready
from tsunagu.core import clock, egress
from tsunagu.data.notices import api as notices
from tsunagu.data.notices import sending
from tsunagu.data.notices.models import Partner, Received, Sent
from tsunagu.data.publication import api as publication
from tsunagu.foundation.runs import api as runs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]


def answered(service, types, offer, **more):
    """What the service says of an offer."""
    origin = {"id": service.url, "inbox": f"{service.url}/inbox", "type": "Service"}
    return take(notice(types, offer, origin=origin, inReplyTo=offer["id"], **more))


def exchange():
    return Sent.objects.get(pattern="offer-review").exchange


def test_an_offer_goes_through_every_state(service, told, published):
    owner, made = published
    sent = notices.offer(owner, made.id, "service", "review")
    assert (sent.state, sent.exchange, service.bodies) == ("waiting", "offered", []), (
        "nobody waits for a service"
    )
    assert notices.deliver_due() == 1
    (body,) = service.bodies
    assert body["type"] == ["Offer", "coar-notify:ReviewAction"]
    assert body["object"]["id"] == PAGE
    assert (
        service.headers[0]["content-type"]
        == 'application/ld+json;profile="https://www.w3.org/ns/activitystreams"'
    )
    assert service.headers[0]["authorization"] == "Bearer sesame"
    with pytest.raises(notices.NoticeStateError):
        notices.offer(owner, made.id, "service", "review")
    for types, state in (
        ("TentativeReject", "tentatively_rejected"),
        (["TentativeAccept"], "tentatively_accepted"),
        ("Accept", "accepted"),
    ):
        assert answered(service, types, body, summary="Thank you.").state == "noted"
        assert exchange() == state
    row = answered(
        service, ["Announce", "coar-notify:ReviewAction"], {**body, "id": body["id"]}, context={"id": PAGE}
    )
    assert (row.state, exchange()) == ("unmatched", "announced"), "an offer is no review"
    review = notice(
        ["Announce", "coar-notify:ReviewAction"],
        {"id": "https://review.example.org/r/9"},
        origin={"id": service.url, "inbox": f"{service.url}/inbox", "type": "Service"},
        inReplyTo=body["id"],
    )
    assert take(review).state == "proposed", "the offer says what was reviewed"
    assert notices.of_publication(owner, made.id)[1][0].said == ""


@pytest.mark.parametrize(
    ("types", "state"),
    [("Reject", "rejected"), (["Flag", "coar-notify:UnprocessableNotification"], "flagged")],
)
def test_a_refusal_ends_it_and_another_offer_may_follow(service, told, published, types, state):
    owner, made = published
    notices.offer(owner, made.id, "service", "review")
    notices.deliver_due()
    answered(service, types, service.bodies[0])
    assert exchange() == state
    notices.offer(owner, made.id, "service", "review")


def test_only_the_partner_that_was_asked_can_answer(service, told, partner, published):
    owner, made = published
    notices.offer(owner, made.id, "service", "review")
    notices.deliver_due()
    offer = service.bodies[0]
    assert take(notice("Accept", offer, inReplyTo=offer["id"])).state == "unmatched"
    assert exchange() == "offered"


@pytest.mark.parametrize("fault", ["drop", 500, 503, 429])
def test_every_try_bears_the_same_id_until_it_got_through(service, told, published, at, fault):
    owner, made = published
    notices.offer(owner, made.id, "service", "review")
    service.faults = [fault] * 3
    for _ in range(6):
        notices.deliver_due()
        at(clock.now() + dt.timedelta(seconds=1000))
    assert len(service.bodies) == 4
    assert len(set(service.ids())) == 1
    row = Sent.objects.get()
    assert (row.state, row.attempts) == ("done", 4)
    assert runs.get(row.run_id).outcome == runs.Outcome.OK


@pytest.mark.parametrize("status", [400, 403, 404, 415])
def test_a_refusal_is_not_repeated_until_somebody_says_so(service, told, published, officer, at, status):
    owner, made = published
    notices.offer(owner, made.id, "service", "endorsement")
    service.faults = [status]
    notices.deliver_due()
    at(clock.now() + dt.timedelta(days=1))
    assert notices.deliver_due() == 0
    row = Sent.objects.get()
    assert (row.state, row.last_status, row.last_error) == ("refused", status, "said")
    assert runs.get(row.run_id).outcome == runs.Outcome.FAILED
    notices.try_again(officer, row.uid)
    notices.deliver_due()
    assert Sent.objects.get().state == "done"


@pytest.fixture
def away(service, told, published, officer, configure):
    """A partner that does not answer, with two offers for it that wait; the owner and the version."""
    owner, made = published
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        configure(egress_allowed=(service.url.removeprefix("http://"), url.removeprefix("http://")))
        notices.write(officer, "away", title="Away", origin_id=url, inbox=f"{url}/inbox", may=ALL)
        for kind in ("review", "endorsement"):
            notices.offer(owner, made.id, "away", kind)
        yield owner, made


def test_a_service_that_is_down_holds_up_nobody_and_is_given_up_after_two_days(service, away, at):
    owner, made = away
    notices.offer(owner, made.id, "service", "review")
    assert notices.deliver_due() == 2, "one try tells that it is down"
    assert len(service.bodies) == 1
    at(clock.now() + dt.timedelta(hours=24))
    notices.deliver_due()
    assert Sent.objects.filter(state="waiting").count() == 2
    at(clock.now() + dt.timedelta(hours=25))
    notices.deliver_due()
    notices.deliver_due()
    assert sorted(Sent.objects.values_list("state", flat=True)) == ["done", "given_up", "given_up"]


@pytest.mark.parametrize(
    ("word", "kind", "after"),
    [
        ("accept", "Accept", "answered"),
        ("reject", "Reject", "answered"),
        ("tentative_accept", "TentativeAccept", "offered"),
        ("tentative_reject", "TentativeReject", "offered"),
    ],
)
def test_what_was_offered_to_us_is_answered(service, told, published, word, kind, after):
    owner, _ = published
    origin = {"id": service.url, "inbox": f"{service.url}/inbox", "type": "Service"}
    offer = notice(["Offer", "coar-notify:ReviewAction"], {"id": PAGE}, origin=origin)
    row = take(offer)
    assert row.state == "offered"
    notices.answer(owner, row.uid, word)
    notices.deliver_due()
    (body,) = service.bodies
    assert (body["type"], body["inReplyTo"], body["object"]["id"]) == (kind, offer["id"], offer["id"])
    row.refresh_from_db()
    assert row.state == after


def test_an_offer_and_a_proposal_can_be_undone_by_who_made_them(partner, published):
    owner, _ = published
    offer = notice(["Offer", "coar-notify:EndorsementAction"], {"id": PAGE})
    for made in (take(offer), take(relationship())):
        take(notice("Undo", {"id": made.notice_id}, inReplyTo=made.notice_id))
        made.refresh_from_db()
        assert made.state == "undone"
    with pytest.raises(notices.NoticeStateError):
        notices.answer(owner, Received.objects.get(notice_id=offer["id"]).uid, "accept")
    assert take(notice("Undo", {"id": "urn:uuid:0"}, inReplyTo="urn:uuid:0")).state == "unmatched"


def test_a_service_tells_what_it_made_of_ours(partner, published):
    row = take(notice("Announce", {"id": "https://review.example.org/result"}, context={"id": PAGE}))
    assert (row.pattern, row.state) == ("announce", "noted")
    assert take(notice("Announce", {"id": "https://review.example.org/result"})).state == "unmatched"


def test_an_article_tells_where_its_data_live_once(service, told, dataset, put, officer):
    owner, card = dataset
    publication.write_institution(officer, "kitamiyama", HOME)
    said = {"text_version": "AM", "data": [f"{service.url}/d/lab/films/v1", "10.5555/elsewhere"]}
    made = publication.request(
        owner,
        ready(owner, card, put),
        institution="kitamiyama",
        resource_type="journal article",
        article=said,
    )
    assert [notices.announce(made.id), notices.announce(made.id)] == [1, 0]
    notices.deliver_due()
    (body,) = service.bodies
    assert body["type"] == ["Announce", "coar-notify:RelationshipAction"]
    assert (body["object"]["as:subject"], body["object"]["as:object"]) == (PAGE, said["data"][0])


def test_a_service_that_is_down_does_not_keep_what_waits_for_others(service, away, at):
    owner, made = away
    at(clock.now() + dt.timedelta(seconds=1))
    notices.offer(owner, made.id, "service", "review")
    at(clock.now() + dt.timedelta(seconds=1))
    for _ in range(2):
        notices.deliver_due(limit=1)
    assert len(service.bodies) == 1


def test_what_waits_for_a_service_that_is_removed_ends_and_says_why(service, told, published, officer, at):
    owner, made = published
    notices.offer(owner, made.id, "service", "endorsement")
    notices.deliver_due()
    notices.offer(owner, made.id, "service", "review")
    Sent.objects.filter(pattern="offer-endorsement").update(exchange="accepted")
    notices.remove(officer, "service")
    at(clock.now() + dt.timedelta(days=1))
    assert notices.deliver_due() == 0
    assert len(service.bodies) == 1
    review, endorsement = notices.of_publication(owner, made.id)[1]
    assert (review.state, review.partner, review.partner_title) == ("given_up", "", service.url)
    assert review.last_error == "The service was removed before this reached it."
    with translation.override("ja"):
        assert "削除されました" in notices.list_sent(officer)[0].last_error
    assert (endorsement.state, endorsement.exchange, endorsement.last_error) == ("done", "accepted", "")
    run = runs.get(Sent.objects.get(pattern="offer-review").run_id)
    assert (run.outcome, run.reason) == (runs.Outcome.FAILED, review.last_error)
    assert "Send again" not in client_of(officer, "en").get("/notices").content.decode()
    with pytest.raises(notices.NoSuchPartnerError):
        notices.try_again(officer, review.id)


def test_what_is_being_sent_while_its_service_is_removed_ends_too(
    service, told, published, officer, at, monkeypatch
):
    owner, made = published
    notices.offer(owner, made.id, "service", "review")
    post = egress.post

    def removed_meanwhile(*args, **more):
        notices.remove(officer, "service")
        return post(*args, **more)

    monkeypatch.setattr(egress, "post", removed_meanwhile)
    service.faults = [503]
    notices.deliver_due()
    at(clock.now() + dt.timedelta(hours=1))
    notices.deliver_due()
    row = Sent.objects.get()
    assert (row.state, row.last_error, len(service.bodies)) == ("given_up", sending.NO_PARTNER, 1)
    assert runs.get(row.run_id).outcome == runs.Outcome.FAILED


def take_up(officer, service, name):
    notices.write(officer, name, title="S", origin_id=service.url, inbox=f"{service.url}/inbox", may=ALL)


def test_a_service_that_is_taken_up_again_hears_only_what_it_has_not_heard(
    service, told, dataset, put, officer
):
    owner, card = dataset
    publication.write_institution(officer, "kitamiyama", HOME)
    said = {"text_version": "AM", "data": [f"{service.url}/d/lab/films/v1"]}
    made = publication.request(
        owner,
        ready(owner, card, put),
        institution="kitamiyama",
        resource_type="journal article",
        article=said,
    )
    assert notices.announce(made.id) == 1
    notices.remove(officer, "service")
    take_up(officer, service, "again")
    assert notices.announce(made.id) == 1, "it was never told"
    notices.deliver_due()
    notices.remove(officer, "again")
    take_up(officer, service, "once-more")
    assert notices.announce(made.id) == 0


def test_two_announcements_at_once_take_turns(service, told, dataset, put, officer, monkeypatch):
    """On PostgreSQL both would find that nobody told it; so the partners' rows are locked first."""
    owner, card = dataset
    publication.write_institution(officer, "kitamiyama", HOME)
    said = {"text_version": "AM", "data": [f"{service.url}/d/lab/films/v1"]}
    made = publication.request(
        owner,
        ready(owner, card, put),
        institution="kitamiyama",
        resource_type="journal article",
        article=said,
    )
    asked = []
    lock = QuerySet.select_for_update
    monkeypatch.setattr(
        QuerySet, "select_for_update", lambda rows, **more: (asked.append(rows.model), lock(rows, **more))[1]
    )
    notices.announce(made.id)
    assert Partner in asked


def test_an_offer_that_never_arrived_may_be_made_anew_and_only_one_is_sent(service, told, published, officer):
    owner, made = published
    first = notices.offer(owner, made.id, "service", "review")
    service.faults = [400]
    notices.deliver_due()
    second = notices.offer(owner, made.id, "service", "review")
    with pytest.raises(notices.NoticeStateError):
        notices.try_again(officer, first.id)
    notices.deliver_due()
    assert [Sent.objects.get(pk=one.id).state for one in (first, second)] == ["refused", "done"]
    assert len(service.bodies) == 2
    Sent.objects.filter(pk=second.id).update(state="given_up", exchange="accepted")
    with pytest.raises(notices.NoticeStateError):
        notices.offer(owner, made.id, "service", "review")  # it has it, whatever became of the answer
