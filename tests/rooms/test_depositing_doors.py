"""The page of a publication and REST, as far as repositories go."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.rooms.clients import caller_of, client_of
from tsunagu.data.depositing import api as depositing
from tsunagu.data.publication import api as publication

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at")]


def page(owner, key, language="en"):
    answer = client_of(owner).get(f"/publishing/requests/{key}", headers={"accept-language": language})
    assert answer.status_code == 200
    return answer.content.decode()


def press(owner, key, **form):
    return client_of(owner).post(f"/publishing/requests/{key}", {"step": "deposit", "to": "ir", **form})


@pytest.mark.parametrize(
    ("language", "button", "done"),
    [("en", "Deposit into Kitamiyama IR", "deposited"), ("ja", "Kitamiyama IRに登録する", "登録済み")],
)
def test_the_button_deposits_and_the_page_says_how_far_it_is(deposits, language, button, done):
    owner, key = deposits.owner, deposits.id
    assert button in page(owner, key, language)
    assert press(owner, key).status_code == 302
    assert button not in page(owner, key, language), "it is under way"
    deposits.work()
    shown = page(owner, key, language)
    assert f'href="http://{deposits.weko.host}/records/1"' in shown
    assert done in shown
    assert button in shown, "it can be brought up to date"


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("It is not there, send it again", "sent, no answer yet")), ("ja", ("再送する", "応答なし"))],
)
def test_a_person_says_what_became_of_a_lost_one(deposits, language, words):
    owner, key = deposits.owner, deposits.id
    deposits.weko.fail("gateway")
    press(owner, key)
    deposits.work()
    shown = page(owner, key, language)
    assert all(word in shown for word in words)
    refused = press(owner, key, found_at="https://elsewhere.example.org/sword/deposit/1")
    assert refused.status_code == 422
    assert press(owner, key).status_code == 409
    assert press(owner, key, is_absent="1").status_code == 302
    deposits.work()
    assert deposits.card.state == "done"


def test_what_waits_says_since_when(deposits):
    deposits.weko.has_workflow = True
    deposits.deposit()
    deposits.work()
    shown = page(deposits.owner, deposits.id)
    assert "waiting at the repository since" in shown
    assert f'href="http://{deposits.weko.host}/workflow/activity/detail/A-1"' in shown


def test_a_repository_that_is_away_is_named(deposits):
    deposits.weko.fail("down", times=-1)
    deposits.deposit()
    deposits.work()
    assert "Kitamiyama IR does not answer as it should" in page(deposits.owner, deposits.id)


def test_who_may_not_publish_sees_no_button(deposits, person, officer):
    publication.write_institution(officer, "kitamiyama", {"members_may_publish": False})
    assert "Deposit into" not in page(deposits.owner, deposits.id)
    assert press(deposits.owner, deposits.id).status_code == 403
    assert press(person("stranger"), deposits.id).status_code == 404
    assert depositing.deposits_of(deposits.owner, deposits.id) == []


def test_rest_deposits_and_tells(deposits):
    client, address = caller_of(deposits.owner), f"/api/v1/deposits/{deposits.id}"
    made = client.post(address, {"to": "ir"}, content_type="application/json")
    assert (made.status_code, made.json()["state"]) == (202, "waiting")
    deposits.work()
    found = client.get(address).json()
    assert found["repositories"] == ["ir"]
    (row,) = found["deposits"]
    assert (row["state"], row["has_files"]) == ("done", True)
    assert deposits.weko.items
    assert "token" not in client.get(address).content.decode(), "the token stays here"
    assert Client().get(address).status_code == 404
    bad = client.post(address, {"to": "elsewhere"}, content_type="application/json")
    assert bad.json()["code"] == "depositing.no_repository"
