"""When people leave, what they own goes to a successor; nothing is left without an owner."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from tests.rooms.clients import caller_of, client_of
from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.keeping import api as keeping
from tsunagu.data.keeping import succession
from tsunagu.data.plans import api as plans
from tsunagu.data.plans import tasks as plan_tasks
from tsunagu.data.sharing import api as sharing
from tsunagu.experiment.instruments import api as instruments
from tsunagu.experiment.instruments import tasks as instrument_tasks
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.policy import api as policy

pytestmark = pytest.mark.django_db(transaction=True)


def owners(scope):
    return {one.subject_id for one in policy.members(scope) if one.role == policy.Role.OWNER}


def test_everything_goes_to_the_successor(planned, person, officer):
    owner, project, _ = planned
    heir = person("heir")
    instruments.create_instrument(owner, "xrd-1")
    identity.invite(owner, "guest@example.org", name="Guest", until=clock.now() + dt.timedelta(days=20))
    sharing.ask(person("asker"), "lab", "data", reason="to compare")
    handed = keeping.succeed(officer, "owner@example.org", "heir@example.org", reason="moved away")
    assert (handed.projects, handed.guest_count) == ((project.id,), 1)
    assert owners(project.resource) == {heir.id}
    with pytest.raises(NotFoundError):
        datasets.get_dataset(owner, "lab", "data")
    assert [one.email for one in identity.guests_of(heir)] == ["guest@example.org"]
    assert len(sharing.to_answer(heir)) == 1
    event = {"giver_id": owner.id, "successor_id": heir.id, "projects": [project.id]}
    instrument_tasks.hand_over.call(**event)
    plan_tasks.follow_succession.call(**event)
    assert [one.name for one in instruments.list_instruments(heir)] == ["xrd-1"]
    contact = plans.get_plan(heir, project).body["dmp"]["contact"]
    assert contact["mbox"] == "heir@example.org"
    assert ledger.verify().problems == []
    keeping.destroy(heir, datasets.get_dataset(heir, "lab", "data"), reason="now mine to decide")


def test_an_account_with_data_closes_only_with_a_successor(dataset, person, officer):
    owner, card = dataset
    heir = person("heir")
    token = identity.issue_token(owner.id, label="laptop")
    with pytest.raises(keeping.SuccessorNeededError, match="lab"):
        keeping.close_account(officer, "owner@example.org")
    assert identity.actor_for_token(token)
    person("closed")
    keeping.close_account(officer, "closed@example.org")
    identity.invite(owner, "guest@example.org", name="", until=clock.now() + dt.timedelta(days=9))
    for bad in ("owner@example.org", "closed@example.org", "guest@example.org"):
        with pytest.raises(keeping.BadSuccessorError):
            keeping.close_account(officer, "owner@example.org", successor=bad)
    browser = client_of(owner)
    assert browser.get("/account").status_code == 200
    keeping.close_account(owner, "owner@example.org", successor="heir@example.org")  # one's own
    assert browser.get("/account").status_code == 302  # to the sign-in page
    assert owners(policy.Resource("project", card.project_id)) == {heir.id}
    for _ in range(2):
        with pytest.raises(identity.NotSignedInError):
            identity.actor_for_token(token)
        keeping.reopen_account(officer, "owner@example.org", reason="came back")
    assert identity.is_active(owner)
    assert owners(policy.Resource("project", card.project_id)) == {heir.id}


def test_a_second_owner_counts_only_with_an_open_account(dataset, person, officer):
    owner, _ = dataset
    second = person("second")
    project = datasets.get_project(owner, "lab")
    sharing.share(owner, project, role="owner", email="second@example.org")
    keeping.close_account(officer, "second@example.org")
    with pytest.raises(keeping.SuccessorNeededError):
        keeping.close_account(officer, "owner@example.org")
    assert owners(project.resource) == {owner.id, second.id}


def test_only_administrators_and_only_the_last_one_stays(dataset, person, officer):
    owner, _ = dataset
    person("heir")
    with pytest.raises(policy.ActionDeniedError):
        keeping.succeed(owner, "owner@example.org", "heir@example.org")
    with pytest.raises(policy.ActionDeniedError):
        keeping.close_account(owner, "heir@example.org")
    with pytest.raises(policy.ActionDeniedError):
        keeping.close_account(owner, "nobody@example.org")
    with pytest.raises(identity.LastAdministratorError):
        keeping.close_account(officer, "officer@example.org")


@pytest.mark.parametrize(
    "narrowed",
    [{"scope": identity.TokenScope(("read", "write"), ())}, {"agent": "Notebook"}],
)
def test_a_narrow_token_or_a_program_closes_no_account(person, officer, narrowed):
    leaver = person("leaver")
    with pytest.raises(policy.ActionDeniedError):
        keeping.close_account(replace(leaver, **narrowed), "leaver@example.org")
    keeping.close_account(leaver, "leaver@example.org")


def test_what_a_guest_owned_goes_to_the_sponsor(at, person, officer):
    sponsor = person("sponsor")
    identity.invite(sponsor, "guest@example.org", name="Guest", until=clock.now() + dt.timedelta(days=5))
    guest = person("guest")
    project = datasets.create_project(guest, "guests-own")
    assert succession.adopt() == 0
    at(dt.datetime(2027, 6, 1, tzinfo=dt.UTC))
    assert [card.name for card, _ in keeping.orphans(officer)] == ["guests-own"]
    assert succession.adopt() == 1
    assert succession.adopt() == 0
    assert owners(project.resource) == {sponsor.id}
    assert keeping.orphans(officer) == []


def test_over_rest(dataset, person, officer):
    owner, _ = dataset
    person("heir")
    body = {"giver": "owner@example.org", "successor": "heir@example.org"}
    assert caller_of(owner).post("/api/v1/accounts/succeed", body, "application/json").status_code == 403
    judge = caller_of(officer)
    closing = {"email": "owner@example.org"}
    refused = judge.post("/api/v1/accounts/close", closing, "application/json")
    assert (refused.status_code, refused.json()["code"]) == (409, "keeping.successor_needed")
    closed = judge.post(
        "/api/v1/accounts/close", {**closing, "successor": "heir@example.org"}, "application/json"
    )
    assert (closed.status_code, closed.json()["projects"]) == (200, 1)
