"""The node as an OpenID provider: what a person sees and chooses, what is asked for, what the node says of itself."""

from __future__ import annotations

import base64
import datetime as dt
import json

import pytest
from django.test import Client

from tests.rooms.clients import client_of
from tests.rooms.program_calls import (
    BACK,
    FORM,
    call,
    connected,
    query_of,
    redeem,
    told,
)
from tsunagu.core import clock
from tsunagu.core import settings as node_settings
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.models import Connection, Program

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_limits(settings):
    """Tests are faster than people."""
    settings.ACCOUNT_RATE_LIMITS = False


# --- The page


def test_the_page_says_what_the_program_may_and_nothing_frames_it(person, program):
    client = client_of(person())
    page = client.get(f"/oauth/authorize?{query_of(program, scope='openid email read write')}")
    text = page.content.decode()
    for words in (
        "Notebook",
        "notebook.example.org",
        "Reading",
        "Writing",
        "your e-mail address",
        "for 30 days",
    ):
        assert words in text
    assert "Sharing" not in text
    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://notebook.example.org;" in policy
    assert page.headers["X-Frame-Options"] == "DENY"
    ja = client_of(person(), "ja").get(f"/oauth/authorize?{query_of(program)}").content.decode()
    assert "あなたの名義での操作を許可しますか" in ja


def test_strangers_sign_in_first_and_come_back(program):
    answer = Client().get(f"/oauth/authorize?{query_of(program)}")
    assert answer["Location"].startswith("/accounts/login/?next=%2Foauth%2Fauthorize%3F")


def test_a_page_takes_no_token_so_a_narrow_one_cannot_widen_itself(person, program):
    narrow = identity.issue_token(person().id, label="n", scope=identity.TokenScope(("read",)))
    client = Client(headers={"authorization": f"Bearer {narrow}"})
    for path in ("/account", f"/oauth/authorize?{query_of(program)}", "/device", "/account/programs"):
        assert client.get(path)["Location"].startswith("/accounts/login/")
    assert client.post("/account", {"label": "wide", "verb": "admin"})["Location"].startswith(
        "/accounts/login/"
    )


def test_the_person_chooses_less_than_was_asked_for(person, program):
    owner = person()
    one, _ = datasets.create_project(owner, "one"), datasets.create_project(owner, "two")
    found = connected(
        owner, program, form={"verb": ["read", "admin"], "reach": "some", "project": [one.id], "days": "1"}
    )
    me = call(found["access_token"]).json()
    assert (me["verbs"], me["projects"], me["agent"]) == (["read"], [one.id], "Notebook")
    assert [p["name"] for p in call(found["access_token"], "/projects").json()["projects"]] == ["one"]
    assert call(found["access_token"], "/projects/two").status_code == 404
    card = identity.connections_of(owner.id)[0]
    ends = dt.datetime.fromisoformat(card.expires_at)
    assert dt.timedelta(hours=23) < ends - clock.now() <= dt.timedelta(days=1)


def test_nothing_ticked_is_nothing_given(person, program, register):
    client = client_of(person())
    plain, _ = register(name="Plain")
    address = f"/oauth/authorize?{query_of(plain, scope='read')}"
    assert client.post(address, {"allow": "1", "days": "30", "reach": "all"}).status_code == 422
    some = {"allow": "1", "verb": "read", "reach": "some", "project": "not a project"}
    assert client.post(address, some).status_code == 422
    assert not Connection.objects.exists()


def test_saying_no(person, program):
    client = client_of(person())
    back = told(client.post(f"/oauth/authorize?{query_of(program)}", {"deny": "1"}))
    issuer = node_settings.current().control_address
    assert back == {"error": "access_denied", "state": "s", "iss": issuer}


def test_a_forged_form_gives_nothing(person, program):
    from tsunagu.foundation.identity.models import Person

    client = Client(enforce_csrf_checks=True)
    client.force_login(
        Person.objects.get(uid=person().id), backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    answer = client.post(f"/oauth/authorize?{query_of(program)}", {"allow": "1", "verb": "read"})
    assert answer.status_code == 403
    assert not Connection.objects.exists()


# --- What is asked for


@pytest.mark.parametrize(
    "more",
    [
        {"client_id": "unknown"},
        {"redirect_uri": "https://evil.example.org/callback"},
        {"redirect_uri": f"{BACK}/"},
        {"redirect_uri": f"{BACK}?x=1"},
        {"redirect_uri": "https://notebook.example.org.evil.example.org/callback"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": None},
    ],
)
def test_to_an_unknown_place_nobody_is_sent(person, program, more):
    answer = client_of(person()).get(f"/oauth/authorize?{query_of(program, **more)}")
    assert answer.status_code == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unauthorized_client"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"resource": "https://evil.example.org/"}, "invalid_target"),
        ({"prompt": "none"}, "login_required"),
        ({"max_age": "x"}, "invalid_request"),
    ],
)
def test_what_is_not_given_is_said_to_the_program(person, program, more, error):
    answer = client_of(person()).get(f"/oauth/authorize?{query_of(program, **more)}")
    back = told(answer)
    assert answer["Location"].startswith(BACK)
    assert (back["error"], back["state"]) == (error, "s")
    assert back["iss"] == node_settings.current().control_address


def test_desktop_programs_use_any_port_of_their_own_machine(person, register):
    made, _ = register(redirect_uris=("http://127.0.0.1/callback",))
    client = client_of(person())
    good = query_of(made, redirect_uri="http://127.0.0.1:51004/callback")
    assert client.get(f"/oauth/authorize?{good}").status_code == 200
    for bad in (
        "http://127.0.0.1:51004/other",
        "http://localhost:51004/callback",
        "https://127.0.0.1/callback",
        "http://u@127.0.0.1:5/callback",
    ):
        assert client.get(f"/oauth/authorize?{query_of(made, redirect_uri=bad)}").status_code == 400


@pytest.mark.parametrize(
    "more",
    [
        {"redirect_uris": ("http://notebook.example.org/callback",)},
        {"redirect_uris": ("https://*.example.org/callback",)},
        {"redirect_uris": (f"{BACK}#x",)},
        {"redirect_uris": ("com.example.app:/callback",)},
        {"redirect_uris": ("https://user@notebook.example.org/",)},
        {"redirect_uris": ()},
        {"verbs": ("everything",)},
        {"name": ""},
        {"name": "a\nb"},
        {"grants": ("password",), "redirect_uris": ()},
        {"grants": ("implicit", "authorization_code")},
        {"resource": "http://hpc.example.ac.jp/"},
    ],
)
def test_programs_that_cannot_be_registered(register, more):
    with pytest.raises(identity.BadProgramError):
        register(**more)


def test_only_administrators_register_and_withdraw(person, program):
    with pytest.raises(identity.NotSignedInError):
        identity.register_program(person(), "x", redirect_uris=(BACK,))
    with pytest.raises(identity.NotSignedInError):
        identity.withdraw_program(person(), program.id)
    assert client_of(person()).get("/programs").status_code == 404


def test_an_administrator_registers_and_withdraws_on_the_page(officer, person):
    client = client_of(officer)
    form = {"name": "HPC", "redirect_uris": BACK, "verb": ["read"], "confidential": "1", "agent": "1"}
    page = client.post("/programs", form).content.decode()
    made = Program.objects.get(name="HPC")
    assert made.client_id in page
    assert made.secret_hash
    assert made.secret_hash not in page
    assert client.post("/programs", {"withdraw": made.client_id}).status_code == 302
    assert (
        client_of(person())
        .get(f"/oauth/authorize?{query_of(identity.programs()[0], client_id=made.client_id)}")
        .status_code
        == 400
    )


# --- Stronger sign-in


def test_a_program_that_asks_for_two_factors_leads_there_once(person, program):
    client = client_of(person())
    address = f"/oauth/authorize?{query_of(program, acr_values='https://refeds.org/profile/mfa')}"
    first = client.get(address)
    assert first["Location"].startswith("/account/confirm?next=%2Foauth%2Fauthorize")
    back = told(client.get(address))
    assert back["error"] == "unmet_authentication_requirements"
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "type": "webauthn", "at": clock.epoch_s()}]
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session.save()
    assert client.get(address).status_code == 200
    found = told(client.post(address, {"allow": "1", "verb": ["read"], "days": "1", "reach": "all"}))
    body = redeem(program, found)[1]["id_token"].split(".")[1]
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert said["acr"] == "https://refeds.org/profile/mfa"
    assert said["amr"] == ["mfa", "hwk"]


def test_a_program_that_asks_for_a_fresh_sign_in_gets_one(person, program):
    client = client_of(person())
    address = f"/oauth/authorize?{query_of(program, max_age='300')}"
    assert client.get(address)["Location"].startswith("/account/confirm")
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": clock.epoch_s()}]
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session.save()
    assert client.get(address).status_code == 200


# --- What the node says of itself


def test_metadata_names_one_issuer_whatever_the_host_header_says(settings):
    settings.ALLOWED_HOSTS = ["*"]
    base = node_settings.current().control_address
    for path in ("openid-configuration", "oauth-authorization-server"):
        said = Client(headers={"host": "evil.example.org"}).get(f"/.well-known/{path}").json()
        assert said["issuer"] == base
        assert all(value.startswith(base) for key, value in said.items() if key.endswith("_endpoint"))
        assert said["response_types_supported"] == ["code"]
        assert said["code_challenge_methods_supported"] == ["S256"]
    for path in ("", "/api/v1"):
        said = Client().get(f"/.well-known/oauth-protected-resource{path}").json()
        assert (said["resource"], said["authorization_servers"]) == (f"{base}/api/v1", [base])
    keys = Client().get("/oauth/jwks.json").json()["keys"]
    assert {"kty", "n", "e", "kid", "use", "alg"} == set(keys[0])


@pytest.mark.parametrize("path", ["token", "revoke", "introspect", "device"])
def test_machines_addresses_take_forms_alone(path):
    address = f"/oauth/{path}"
    assert Client().get(address).status_code == 405
    assert Client().post(address, "{}", content_type="application/json").status_code == 400
    assert Client().post(address, "a=%zz&&&=\xff", content_type=FORM).status_code in {400, 401}
    assert Client().post(address, "a=" + "x" * 70000, content_type=FORM).status_code == 400


def test_tokens_of_people_are_not_for_the_token_addresses(person, program):
    mine = identity.issue_token(person().id, label="x")
    answer = Client(headers={"authorization": f"Bearer {mine}"}).get("/oauth/userinfo")
    assert answer.status_code == 401


# --- Registering itself


def itself(secret, **told):
    client = Client(headers={"authorization": f"Bearer {secret}"})
    told = {"client_name": "Self-made", "redirect_uris": [BACK], "scope": "read write admin"} | told
    told = {key: value for key, value in told.items() if value is not None}
    answer = client.post("/oauth/register", json.dumps(told), content_type="application/json")
    return answer.status_code, answer.json()


def test_a_program_registers_itself_with_an_invitation_and_within_it(person, officer):
    secret = identity.invite_program(officer, lifetime=dt.timedelta(days=1), verbs=("read", "write"))
    status, made = itself(
        secret, token_endpoint_auth_method="none", grant_types=["authorization_code", "refresh_token"]
    )
    assert (status, made["scope"]) == (201, "openid profile read write")
    assert "client_secret" not in made
    card = next(card for card in identity.programs() if card.id == made["client_id"])
    assert (card.origin, card.is_agent) == ("itself", True)
    assert connected(person(), card)["access_token"]
    assert itself(secret) == (401, {"error": "invalid_token"})  # it was good for one


@pytest.mark.parametrize(
    "told",
    [
        {"redirect_uris": ["http://notebook.example.org/callback"]},
        {"redirect_uris": "https://notebook.example.org/callback"},
        {"redirect_uris": None},
        {"client_name": ""},
        {"response_types": ["token"]},
        {"grant_types": ["authorization_code", "implicit"]},
        {"grant_types": ["client_credentials"], "redirect_uris": None},
        {"token_endpoint_auth_method": "private_key_jwt"},
    ],
)
def test_what_cannot_be_registered_is_named_and_the_invitation_stays(officer, told):
    secret = identity.invite_program(officer, lifetime=dt.timedelta(days=1))
    status, answer = itself(secret, **told)
    assert (status, answer["error"]) == (400, "invalid_client_metadata")
    assert itself(secret)[0] == 201


def test_nobody_registers_without_an_invitation(officer, person, at):
    assert itself("")[0] == 401
    assert itself("tsr_guessed")[0] == 401
    assert itself(identity.issue_token(officer.id, label="x"))[0] == 401
    with pytest.raises(identity.NotSignedInError):
        identity.invite_program(person(), lifetime=dt.timedelta(days=1))
    secret = identity.invite_program(officer, lifetime=dt.timedelta(days=1))
    at(dt.datetime.now(dt.UTC) + dt.timedelta(days=800))
    assert itself(secret)[0] == 401


def test_registering_is_limited_and_unused_programs_go(officer, settings, at):
    settings.ACCOUNT_RATE_LIMITS = {"program_register": "3/m/ip"}
    assert [itself("x")[0] for _ in range(5)] == [401] * 3 + [429] * 2
    settings.ACCOUNT_RATE_LIMITS = False
    at(dt.datetime.now(dt.UTC))
    _, made = itself(identity.invite_program(officer, lifetime=dt.timedelta(days=1)))
    assert identity.withdraw_unused() == 0
    at(dt.datetime.now(dt.UTC) + dt.timedelta(days=31))
    assert identity.withdraw_unused() == 1
    assert made["client_id"] not in {card.id for card in identity.programs()}


def test_an_administrator_invites_on_the_page(officer):
    page = client_of(officer).post("/programs", {"invite": "1", "verb": ["read"]}).content.decode()
    secret = page.split("tsr_")[1].split("<")[0].split('"')[0]
    assert itself(f"tsr_{secret}")[0] == 201
