"""Roles that end by themselves, on projects and on single datasets, and what the rules say about others."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from tests.rooms.clients import client_of
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.sharing import api as sharing
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.ledger.models import Entry
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

pytestmark = pytest.mark.django_db


def kinds(card):
    return [run.kind for run in runs.of_dataset(card.id)]


def test_a_role_on_one_dataset_ends_by_itself_and_the_end_is_a_run(at, dataset, person):
    owner, card = dataset
    guest = person("guest")
    sharing.share(owner, card, role="reader", email="guest@example.org", until="2027-04-01")
    assert datasets.get_dataset(guest, "lab", "data").sees_draft
    # The named day is the last one, in the node's time zone (Asia/Tokyo, UTC+9).
    at(dt.datetime(2027, 4, 1, 14, 59, 59, tzinfo=dt.UTC))
    assert datasets.list_datasets(guest)[0]
    assert sharing.end_roles() == 0
    at(dt.datetime(2027, 4, 1, 15, 0, tzinfo=dt.UTC))
    assert not datasets.list_datasets(guest)[0]
    with pytest.raises(NotFoundError):
        datasets.get_dataset(guest, "lab", "data")
    assert not policy.members(card.resource)
    assert sharing.end_roles() == 1
    assert sharing.end_roles() == 0
    assert kinds(card)[:2] == ["share_ended", "share"]
    assert Entry.objects.filter(kind="grant_ended").count() == 1


def test_only_who_manages_may_share_and_learns_addresses(at, dataset, person):
    owner, card = dataset
    reader, stranger = person("reader"), person("stranger")
    sharing.share(owner, card, role="reader", email="reader@example.org")
    for email in ("stranger@example.org", "nobody@example.org"):
        with pytest.raises(policy.ActionDeniedError):
            sharing.share(reader, card, role="reader", email=email)
        with pytest.raises(NotFoundError, match="nothing here"):
            sharing.share(stranger, card, role="reader", email=email)
    with pytest.raises(NotFoundError, match=r"nobody@example\.org"):
        sharing.share(owner, card, role="reader", email="nobody@example.org")


@pytest.mark.parametrize("until", ["2027-03-30", "31.3.2027", "2027-02-30", "9999-12-31"])
def test_an_end_that_cannot_be_is_refused(at, dataset, person, until):
    owner, card = dataset
    person("guest")
    with pytest.raises(InvalidInputError):
        sharing.share(owner, card, role="reader", email="guest@example.org", until=until)


def test_the_last_owners_role_cannot_be_given_an_end(at, dataset, person):
    owner, _ = dataset
    project = datasets.get_project(owner, "lab")
    with pytest.raises(policy.LastOwnerError):
        sharing.share(owner, project, role="owner", email="owner@example.org", until="2027-12-31")
    person("second")
    sharing.share(owner, project, role="owner", email="second@example.org")
    sharing.share(owner, project, role="owner", email="owner@example.org", until="2027-12-31")


def test_who_manages_asks_about_others_and_nobody_else_does(at, dataset, person):
    owner, card = dataset
    reader = person("reader")
    person("third")
    sharing.share(owner, card, role="reader", email="reader@example.org")
    about = sharing.explain(owner, card, "freeze", email="reader@example.org")
    assert about.decision.effect == "deny"
    assert about.decision.basis == "role"
    assert about.decision.remedy
    assert sharing.explain(owner, card, "read", email="reader@example.org").decision
    assert sharing.explain(reader, card, "read").decision
    with pytest.raises(policy.ActionDeniedError):
        sharing.explain(reader, card, "read", email="third@example.org")
    for action in ("fly", "project.manage", "node.admin"):
        with pytest.raises(InvalidInputError):
            sharing.explain(owner, card, action)


def test_rest_shares_answers_and_hides(at, dataset, person):
    owner, _ = dataset
    guest = person("guest")
    secrets = {actor: identity.issue_token(actor.id, label="t") for actor in (owner, guest)}

    def call(actor, method, path, **more):
        headers = {"authorization": f"Bearer {secrets[actor]}"}
        return getattr(Client(), method)(
            f"/api/v1{path}", headers=headers, content_type="application/json", **more
        )

    asked = "/decide?action=read&place=lab/data"
    unknown = "/decide?action=read&place=lab/nothing"
    assert call(guest, "get", asked).status_code == call(guest, "get", unknown).status_code == 404
    body = {"email": "guest@example.org", "role": "reader", "until": "2027-04-30"}
    given = call(owner, "put", "/datasets/lab/data/members", data=body)
    assert given.json()["members"][0]["expires_at"] == "2027-04-30T15:00:00.000Z"
    assert call(guest, "get", asked).json()["answer"] == "allow"
    about = call(owner, "get", "/decide?action=manage&place=lab/data&as=guest@example.org").json()
    assert about["answer"] == "deny"
    assert about["reasons"]
    assert about["about"] == guest.id
    assert call(guest, "get", "/decide?action=read&place=lab/data&as=owner@example.org").status_code == 403
    gone = call(owner, "delete", "/datasets/lab/data/members/guest@example.org")
    assert gone.json()["members"] == []
    assert call(guest, "get", asked).status_code == 404


def test_pages_give_change_show_and_take_roles(at, dataset, person):
    owner, card = dataset
    guest = person("guest")
    browser, place = client_of(owner), "/d/lab/data/access"
    wish = {"email": "guest@example.org", "role": "reader", "until": "2027-04-30"}
    assert browser.post(place, wish).status_code == 302
    page = browser.get(f"{place}?as=guest@example.org").content.decode()
    assert 'value="2027-04-30"' in page
    assert "guest may:" in page
    assert browser.post(place, {**wish, "email": guest.id, "until": ""}).status_code == 302
    assert policy.members(card.resource)[0].expires_at is None
    seen = client_of(guest).get(f"{place}?as=owner@example.org").content.decode()
    assert "owner may:" not in seen
    assert browser.post(place, {"remove": guest.id}).status_code == 302
    assert not policy.members(card.resource)
    assert browser.post("/projects/lab/members", wish).status_code == 302
    assert "2027-04-30" in browser.get("/projects/lab/members").content.decode()
    assert kinds(card)[0] == "unshare"
