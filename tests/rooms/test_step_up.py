"""Rules that ask for two factors: the answer is to show them, and then one is back where one was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.rooms.clients import caller_of, client_of
from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.policy import api as policy

pytestmark = pytest.mark.django_db
STRONG = identity.Assurance(aal=2, mfa=True, phishing_resistant=True)
RULE = """
@id("mfa:secret") @en("Personal data needs two factors.") @ja("個人情報の利用には二要素認証が必要です。")
forbid (principal is Person, action, resource is Dataset) when { resource.personal >= 1 && !principal.mfa };
"""


@pytest.fixture(autouse=True)
def fresh_rules():
    policy.forget()
    yield
    policy.forget()


@pytest.fixture
def guarded(dataset, officer):
    """A dataset with personal information, and the rule that guards it."""
    owner, card = dataset
    datasets.set_label(owner, card, "personal", "yes")
    policy.write_text(officer, "institution", RULE)
    return owner, card


def raised(client, method):
    session = client.session
    session["account_authentication_methods"] = [{**method, "at": clock.epoch_s()}]
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session.save()


def test_the_answer_is_needs_when_two_factors_would_help(guarded, english):
    owner, card = guarded
    decision = policy.decide(owner, "dataset.read", card.resource)
    assert (decision.effect, decision.reasons) == ("needs", ("Personal data needs two factors.",))
    assert "passkey" in decision.remedy
    assert policy.decide(replace(owner, assurance=STRONG), "dataset.read", card.resource)


def test_a_stranger_is_not_told_that_two_factors_would_help(guarded, person):
    _, card = guarded
    stranger = person("stranger")
    assert policy.decide(stranger, "dataset.read", card.resource).effect == "deny"
    assert client_of(stranger).get("/d/lab/data").status_code == 404


def test_lists_show_it_only_after_two_factors(guarded):
    owner, card = guarded
    assert datasets.list_datasets(owner)[0] == []
    found = datasets.list_datasets(replace(owner, assurance=STRONG))[0]
    assert [row.id for row in found] == [card.id]


def test_the_page_leads_to_the_confirmation_and_back(guarded):
    owner, _ = guarded
    client = client_of(owner)
    answer = client.get("/d/lab/data/files?x=1")
    assert answer["Location"] == "/account/confirm?next=%2Fd%2Flab%2Fdata%2Ffiles%3Fx%3D1"
    page = client.get(answer["Location"]).content.decode()
    assert "Personal data needs two factors." in page
    raised(client, {"method": "mfa", "type": "webauthn"})
    assert client.get("/d/lab/data/files").status_code == 200


def test_a_form_leads_back_to_its_page(guarded):
    owner, _ = guarded
    client = client_of(owner)
    answer = client.post(
        "/d/lab/data/freeze", {}, headers={"referer": "http://testserver/d/lab/data/versions"}
    )
    assert answer["Location"] == "/account/confirm?next=%2Fd%2Flab%2Fdata%2Fversions"
    elsewhere = client.post("/d/lab/data/freeze", {}, headers={"referer": "https://evil.example.org/d"})
    assert elsewhere["Location"] == "/account/confirm?next="


def test_the_interface_challenges_as_rfc_9470_says(guarded):
    owner, _ = guarded
    answer = caller_of(owner).get("/api/v1/datasets/lab/data")
    assert answer.status_code == 401
    assert answer.json()["code"] == "identity.stronger_sign_in"
    challenge = answer.headers["WWW-Authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert "https://refeds.org/profile/mfa" in challenge


def test_a_program_gets_what_the_persons_sign_in_was_worth(guarded, officer):
    from tests.rooms.program_calls import BACK, call, query_of, redeem, told

    owner, _ = guarded
    made, _ = identity.register_program(officer, "Notebook", redirect_uris=(BACK,), verbs=("read",))
    client = client_of(owner)
    address = f"/oauth/authorize?{query_of(made, scope='read')}"
    form = {"allow": "1", "verb": ["read"], "days": "1", "reach": "all"}
    weak = redeem(made, told(client.post(address, form)))[1]
    assert call(weak["access_token"], "/datasets/lab/data").status_code == 401
    raised(client, {"method": "mfa", "type": "totp"})
    session = client.session
    session["account_authentication_methods"] += [{"method": "password", "at": clock.epoch_s()}]
    session.save()
    strong = redeem(made, told(client.post(address, form)))[1]
    assert call(strong["access_token"], "/datasets/lab/data").status_code == 200
