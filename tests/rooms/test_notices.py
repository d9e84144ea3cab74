"""COAR Notify: what comes in, what a person makes of it, what reaches the public record."""

from __future__ import annotations

import json

import pytest

from tests.rooms.clients import client_of
from tests.rooms.notice_worlds import (
    ARTICLE,
    HOME,
    INBOX,
    NEW,
    OLD,
    ORIGIN,
    PAGE,
    notice,
    pairs,
    relationship,
    take,
)
from tests.rooms.publication_worlds import ready
from tsunagu.data.datasets import api as datasets
from tsunagu.data.notices import api as notices
from tsunagu.data.notices import deciding, selectors
from tsunagu.data.notices.models import Received
from tsunagu.data.publication import api as publication
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]


def test_a_relation_is_proposed_accepted_and_taken_back(partner, published):
    owner, made = published
    row = take(relationship())
    assert (row.state, row.relation, row.address) == ("proposed", "isSupplementTo", ARTICLE)
    assert pairs() == set(), "nothing becomes public before somebody here has said so"
    found = notices.decide(owner, row.uid, "accept")
    assert (found.state, pairs()) == ("accepted", {("isSupplementTo", ARTICLE)})
    before = publication.find_entry(made.id).changed_at
    notices.decide(owner, row.uid, "reject")
    assert pairs() == set()
    assert publication.find_entry(made.id).changed_at > before, "harvesters hear of it"
    notices.decide(owner, row.uid, "reopen")
    notices.decide(owner, row.uid, "accept", relation="isCitedBy")
    assert pairs() == {("isCitedBy", ARTICLE)}
    kinds = [one.kind for one in runs.of_dataset(made.dataset_id, limit=50)]
    assert {"notice_received", "notice_accept", "publication_relate", "publication_unrelate"} <= set(kinds)


@pytest.mark.parametrize("context", [NEW, OLD], ids=["new", "old"])
@pytest.mark.parametrize("prefix", ["as:", ""])
def test_both_spellings_and_either_side_may_carry_what_is_ours(partner, published, context, prefix):
    turned = relationship(subject=PAGE, other=ARTICLE, prefix=prefix)
    turned["@context"] = context
    assert [(row.relation, row.address) for row in (take(turned),)] == [("isSupplementedBy", ARTICLE)]
    straight = relationship(prefix=prefix, context={"id": PAGE, "type": "sorg:Dataset"})
    straight["@context"] = context
    assert take(straight).relation == "isSupplementTo"
    other = relationship(
        subject=ARTICLE, other="https://doi.org/10.5555/x", prefix=prefix, context={"id": PAGE}
    )
    assert (take(other).relation, take(other).state) == ("isReferencedBy", "proposed")


@pytest.mark.parametrize("place", ["object", "context"])
@pytest.mark.parametrize(
    ("word", "pattern"), [("ReviewAction", "announce-review"), ("EndorsementAction", "announce-endorsement")]
)
@pytest.mark.parametrize("context", [NEW, OLD], ids=["new", "old"])
def test_a_review_becomes_a_line_of_the_public_page_once_accepted(  # noqa: PLR0917 - parameters of the test
    client, partner, published, place, word, pattern, context
):
    owner, _ = published
    review = {"id": "https://review.example.org/r/1", "ietf:cite-as": "https://doi.org/10.5555/REVIEW.1"}
    ours = {"id": "https://elsewhere.example.org/x", "ietf:cite-as": PAGE}
    sides = {"context": ours} if place == "context" else {"context": review}
    thing = review if place == "context" else ours
    row = take(notice(["Announce", f"coar-notify:{word}"], thing, **{**sides, "@context": context}))
    assert (row.pattern, row.state, row.relation) == (pattern, "proposed", "isReviewedBy")
    said = "https://doi.org/10.5555/review.1"
    assert said not in client.get("/d/lab/data/v1").content.decode()
    notices.decide(owner, row.uid, "accept")
    assert pairs() == {("isReviewedBy", said)}
    assert "レビュー・推薦" in client.get("/d/lab/data/v1").content.decode()


def test_our_doi_is_ours_in_every_spelling(partner, registry, dataset, put, officer):
    owner, card = dataset
    publication.write_institution(officer, "kitamiyama", {"members_may_publish": True})
    found = publication.request(owner, ready(owner, card, put), institution="kitamiyama")
    registry.work(rounds=3)
    for spelling in (
        f"https://doi.org/{found.doi.upper()}",
        f"doi:{found.doi}",
        f"http://dx.doi.org/{found.doi}",
    ):
        row = take(relationship(other=spelling))
        assert (row.state, row.publication_id) == ("proposed", found.id)
    row = take(relationship(other=f"https://doi.org/{found.doi.removesuffix('.v1')}"))
    assert row.publication_id == found.id, "the DOI of all versions means the newest public one"


def test_the_same_notice_is_kept_once_and_answered_alike(client, partner, published):
    body = json.dumps(relationship())
    answers = [client.post("/inbox", body, content_type="application/ld+json") for _ in range(3)]
    assert [one.status_code for one in answers] == [202] * 3
    assert len({one["Location"] for one in answers}) == 1
    assert Received.objects.count() == 1
    state = client.get(answers[0]["Location"].removeprefix("http://localhost:8000"))
    assert state.json() == {"@id": answers[0]["Location"], "state": "proposed"}


@pytest.mark.parametrize(
    "forged",
    [
        {"id": ORIGIN, "inbox": "https://evil.example.org/inbox"},
        {"id": "https://evil.example.org", "inbox": INBOX},
        {"id": f"{ORIGIN}/", "inbox": INBOX},
        {"id": ORIGIN.upper(), "inbox": INBOX},
    ],
)
def test_an_unknown_or_forged_sender_changes_nothing(partner, published, officer, forged):
    owner, made = published
    row = take(relationship(origin=forged))
    assert (row.state, row.partner, row.publication_id) == ("quarantined", None, "")
    assert notices.of_publication(owner, made.id)[0] == []
    with pytest.raises(notices.NoSuchNoticeError):
        notices.decide(owner, row.uid, "accept")
    with pytest.raises(notices.NoticeStateError):
        notices.let_through(officer, row.uid)
    notices.throw_away(officer, row.uid)
    assert not Received.objects.exists()


def test_what_a_partner_may_not_do_waits_for_an_administrator(partner, published, officer, open_way, person):
    owner, _ = published

    def rights(*may):
        notices.write(officer, "reviews", title="x", origin_id=ORIGIN, inbox=INBOX, may=may)

    rights("reviews")
    row = take(relationship())
    assert row.state == "quarantined"
    with pytest.raises(notices.NoticeStateError):
        notices.let_through(officer, row.uid)
    with pytest.raises(policy.ActionDeniedError):
        notices.let_through(owner, row.uid)
    rights("relations")
    assert notices.let_through(officer, row.uid).state == "proposed"
    with pytest.raises(notices.NoSuchNoticeError):
        notices.decide(person("stranger"), row.uid, "accept")
    assert pairs() == set()


def test_the_quarantine_has_an_end(partner, published, monkeypatch):
    monkeypatch.setattr("tsunagu.data.notices.receiving._MOST_QUARANTINED", 2)
    stranger = {"id": "https://new.example.org", "inbox": "https://new.example.org/inbox"}
    for _ in range(2):
        assert take(relationship(origin=stranger)).state == "quarantined"
    with pytest.raises(notices.InboxFullError):
        take(relationship(origin=stranger))
    assert take(relationship()).state == "proposed", "strangers do not crowd partners out"


def bad(**more):
    return json.dumps({**relationship(), **more}).encode()


HOSTILE = {
    "empty": b" ",
    "text": b"<html>",
    "list": b"[]",
    "null": b"null",
    "deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "deeper lists": b"[" * 100_000,
    "nested": bad(extra=json.loads('{"a":' * 30 + "1" + "}" * 30)),
    "number": b'{"id": ' + b"9" * 6000 + b"}",
    "not a number": bad(extra=1).replace(b'"extra": 1', b'"extra": NaN'),
    "surrogate": bad(extra="x").replace(b'"extra": "x"', rb'"extra": "\ud800"'),
    "nul": bad(extra="x").replace(b'"extra": "x"', rb'"extra": "\u0000"'),
    "nul as a name": bad(extra="x").replace(b'"extra"', rb'"\u0000"'),
    "latin": bad(extra="x").replace(b'"x"', b'"\xe9"'),
    "no context": bad(**{"@context": None}),
    "context is a number": bad(**{"@context": 7}),
    "half a context": bad(**{"@context": NEW[:1]}),
    "id is a list": bad(id=["urn:uuid:1"]),
    "id has spaces": bad(id="urn:uuid:1 2"),
    "long id": bad(id="urn:uuid:" + "1" * 600),
    "type is an object": bad(type={"Announce": 1}),
    "unknown type": bad(type="Like"),
    "two verbs": bad(type=["Announce", "Offer", "coar-notify:ReviewAction"]),
    "origin is a text": bad(origin=ORIGIN),
    "origin is a list": bad(origin=[{"id": ORIGIN, "inbox": INBOX}]),
    "no inbox": bad(origin={"id": ORIGIN}),
    "inbox is a number": bad(origin={"id": ORIGIN, "inbox": 5}),
    "no target": bad(target=None),
    "object is a number": bad(object=3),
    "object is a list": bad(object=[{"id": PAGE}]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_notice_is_refused_with_a_problem(client, name):
    answer = client.post("/inbox", HOSTILE[name], content_type="application/ld+json")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["code"] == "notices.bad_notice"
    assert not Received.objects.exists()


WRONG = (None, 7, True, [], {}, "x", [7], {"id": 7}, {"id": None}, {"id": ["x"]}, "https://a b")


@pytest.mark.parametrize(
    "name", ["actor", "context", "inReplyTo", "summary", "as:subject", "as:object", "as:relationship"]
)
def test_wrong_types_in_what_may_be_left_out_do_no_harm(partner, published, name):
    for value in WRONG:
        body = relationship()
        if name.startswith("as:"):
            body["object"][name] = value
        else:
            body[name] = value
        row = take(body)
        is_end = name in {"as:subject", "as:object"}
        assert (value, row.state) == (value, "unmatched" if is_end else "proposed")
        assert row.address == ("" if is_end else ARTICLE)


def test_the_door_keeps_to_the_protocol(client, partner, published, officer, settings):
    body = relationship()
    fill = "x" * ((256 << 10) - len(json.dumps({**body, "extra": ""})))
    exact = json.dumps({**body, "extra": fill})
    assert len(exact) == 256 << 10
    profile = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
    assert client.post("/inbox", exact, content_type=profile).status_code == 202
    assert client.post("/inbox", exact + " ", content_type=profile).status_code == 413
    assert client.post("/inbox", json.dumps(body), content_type="application/json").status_code == 202
    assert client.post("/inbox", json.dumps(body), content_type="text/turtle").status_code == 415
    options = client.options("/inbox")
    assert (options.status_code, options["Accept-Post"]) == (200, "application/ld+json, application/json")
    assert client.put("/inbox").status_code == 405
    link = '<http://localhost:8000/inbox>; rel="http://www.w3.org/ns/ldp#inbox"'
    assert link in client.get("/d/lab/data/v1")["Link"]
    assert link in client.get("/")["Link"]
    assert client.get("/inbox").status_code == 401
    assert client_of(published[0]).get("/inbox").status_code == 403
    listed = client_of(officer).get("/inbox")
    assert listed["Content-Type"] == "application/ld+json"
    assert len(listed.json()["contains"]) == 1
    assert client.get("/inbox/nothing").status_code == 404
    settings.ACCOUNT_RATE_LIMITS = {"inbox": "1/m/ip"}
    answers = [client.post("/inbox", json.dumps(body), content_type=profile).status_code for _ in range(2)]
    assert answers == [202, 429]


def test_an_address_that_no_record_can_hold_proposes_nothing(partner, published):
    fits, too_long = (f"doi:10.5555/{'a' * count}" for count in (450, 488))
    assert take(relationship(subject=fits)).state == "proposed"
    assert take(relationship(subject=too_long)).state == "unmatched"


def test_a_page_is_full_although_most_notices_are_about_others(
    partner, published, officer, person, put, monkeypatch
):
    owner, _ = published
    kudo = person("kudo")
    wish = {**HOME, "curators": ["kudo@example.org"]}
    publication.write_institution(officer, "another", wish)
    card = ready(owner, datasets.create_dataset(owner, "lab", "more"), put)
    publication.request(owner, card, institution="another")
    other = "http://localhost:8000/d/lab/more/v1"
    mine = [take(relationship(other=other)).uid for _ in range(2)]
    for _ in range(3):
        take(relationship())
    mine.append(take(relationship(other=other)).uid)
    monkeypatch.setattr(selectors, "_LOOKED_AT", 2)
    assert {one.id for one in notices.list_received(kudo, limit=3)} == set(mine)
    assert len(notices.list_received(kudo, limit=2)) == 2
    assert notices.list_received(owner) == []


def test_who_decides_takes_a_turn_before_anything_is_locked(partner, published, monkeypatch):
    """On PostgreSQL two that say the same could both be reopened, each for the other's sake, and stay in the record."""
    owner, _ = published
    row = take(relationship())
    order = []
    turn, held = publication.take_turn, deciding.held
    monkeypatch.setattr(publication, "take_turn", lambda: (order.append("turn"), turn()))
    monkeypatch.setattr(deciding, "held", lambda *args: (order.append("row"), held(*args))[1])
    notices.decide(owner, row.uid, "accept")
    assert order[:2] == ["turn", "row"]
