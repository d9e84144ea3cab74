"""Codes, tokens and devices of programs: what holds, what ends, and what thieves get."""

from __future__ import annotations

import base64
import datetime as dt
import json
from urllib.parse import parse_qs

import pytest
from django.test import Client

from tests.rooms.clients import client_of
from tests.rooms.program_calls import (
    VERIFIER,
    agree,
    call,
    connected,
    device,
    poll,
    query_of,
    redeem,
    token,
)
from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.keeping import api as keeping
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.models import Connection, Program, ProgramSecret
from tsunagu.foundation.identity.programs import connections

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_limits(settings):
    """Tests are faster than people."""
    settings.ACCOUNT_RATE_LIMITS = False


# --- Codes and tokens


def test_a_code_is_good_once_and_its_second_use_ends_everything(person, program):
    back = agree(person(), program)
    status, found = redeem(program, back)
    assert status == 200
    assert call(found["access_token"]).status_code == 200
    assert redeem(program, back)[1]["error"] == "invalid_grant"
    assert call(found["access_token"]).status_code == 401
    assert (
        token(grant_type="refresh_token", client_id=program.id, refresh_token=found["refresh_token"])[0]
        == 400
    )
    assert Connection.objects.get().ended_why == "used twice"


@pytest.mark.parametrize(
    "more",
    [
        {"code_verifier": "b" * 64},
        {"code_verifier": ""},
        {"redirect_uri": "https://notebook.example.org/other"},
        {"code": "guessed"},
        {"grant_type": "password"},
        {"grant_type": "client_credentials"},
    ],
)
def test_a_stolen_code_is_worth_nothing(person, program, more):
    back = agree(person(), program)
    status, answer = redeem(program, back, **more)
    assert status in {400, 401}
    assert "access_token" not in answer


def test_a_code_of_one_program_is_no_code_of_another(person, program, register):
    other, _ = register(name="Other")
    back = agree(person(), program)
    assert redeem(other, back)[0] == 400
    assert redeem(program, back)[0] == 200  # and the theft that failed changed nothing


def test_a_code_lives_a_minute(person, program, at):
    back = agree(person(), program)
    at(clock.now() + dt.timedelta(seconds=61))
    assert redeem(program, back)[0] == 400


def test_a_program_with_a_secret_must_show_it(person, register):
    made, secret = register(is_public=False)
    back = agree(person(), made)
    assert redeem(made, back)[0] == 401
    assert redeem(made, back, basic="wrong")[0] == 401
    assert redeem(made, back, client_secret="wrong")[0] == 401
    assert redeem(made, back, basic=secret)[0] == 200
    row = Program.objects.get(client_id=made.id)
    assert secret not in {row.secret_hash, row.name}


def test_nothing_that_opens_anything_is_kept(person, program):
    back = agree(person(), program)
    found = redeem(program, back)[1]
    kept = json.dumps([list(ProgramSecret.objects.values()), list(Connection.objects.values())], default=str)
    for secret in (back["code"], found["access_token"], found["refresh_token"], VERIFIER):
        assert secret not in kept


def test_tokens_end_with_time_and_with_the_person(person, program, at):
    owner = person()
    found = connected(owner, program, form={"days": "1"})
    assert found["expires_in"] == 3600
    start = clock.now()
    at(start + dt.timedelta(minutes=61))
    assert call(found["access_token"]).status_code == 401
    status, second = token(
        grant_type="refresh_token", client_id=program.id, refresh_token=found["refresh_token"]
    )
    assert status == 200
    at(start + dt.timedelta(days=1, seconds=1))
    assert call(second["access_token"]).status_code == 401
    assert (
        token(grant_type="refresh_token", client_id=program.id, refresh_token=second["refresh_token"])[0]
        == 400
    )


@pytest.mark.parametrize(
    "how",
    ["closed account", "closed and opened again", "over stay", "withdrawn program", "the person's press"],
)
def test_tokens_end_at_once(person, officer, program, how):
    from tsunagu.foundation.identity.models import Person

    owner = person()
    found = connected(owner, program)
    assert call(found["access_token"]).status_code == 200
    if how == "closed account":
        Person.objects.filter(uid=owner.id).update(is_active=False)
    elif how == "closed and opened again":
        keeping.close_account(officer, "owner@example.org")
        keeping.reopen_account(officer, "owner@example.org")
    elif how == "over stay":
        Person.objects.filter(uid=owner.id).update(stay_until=clock.now())
    elif how == "withdrawn program":
        identity.withdraw_program(officer, program.id)
    else:
        client = client_of(owner)
        page = client.get("/account/programs").content.decode()
        assert "Notebook" in page
        client.post("/account/programs", {"end": identity.connections_of(owner.id)[0].id})
    answer = call(found["access_token"])
    assert answer.status_code == 401
    assert "resource_metadata=" in answer.headers["WWW-Authenticate"]
    assert token(grant_type="refresh_token", client_id=program.id, refresh_token=found["refresh_token"])[
        0
    ] in {400, 401}


def test_one_ends_ones_own_connections_only(person, program):
    owner, other = person("owner"), person("other")
    connected(owner, program)
    connection = identity.connections_of(owner.id)[0].id
    identity.end_connection(other, connection)
    assert identity.connections_of(owner.id)


def test_a_token_for_another_service_or_for_none_is_refused(person, register, program):
    register(name="HPC", resource="https://hpc.example.ac.jp/", is_public=False)
    found = connected(person(), program, resource="https://hpc.example.ac.jp/")
    assert call(found["access_token"]).status_code == 401
    Connection.objects.update(resource="")
    assert call(found["access_token"]).status_code == 401


def test_a_token_about_the_person_alone_acts_for_nobody(person, program):
    found = connected(person(), program, scope="openid profile", form={"verb": None})
    assert call(found["access_token"]).status_code == 401
    info = Client(headers={"authorization": f"Bearer {found['access_token']}"}).get("/oauth/userinfo")
    assert info.json()["name"] == "owner"
    bad = Client(headers={"authorization": "Bearer tso_guessed"}).get("/oauth/userinfo")
    assert (bad.status_code, "invalid_token" in bad.headers["WWW-Authenticate"]) == (401, True)


def test_programs_cannot_compare_whom_they_know(person, register, program):
    owner = person()
    other, _ = register(name="Other", redirect_uris=("https://other.example.org/callback",))
    names = set()
    for made in (program, other, program):
        found = connected(owner, made)
        body = found["id_token"].split(".")[1]
        names.add(json.loads(base64.urlsafe_b64decode(body + "=="))["sub"])
    assert len(names) == 2
    assert owner.id not in names


# --- The person, the token, the task


def test_an_agent_is_never_more_than_its_person_and_its_name_is_kept(person, register):
    owner, other = person("owner"), person("other")
    datasets.create_project(owner, "lab")
    datasets.create_project(other, "secret")
    agent, _ = register(name="Agent X", is_agent=True)
    found = connected(owner, agent)
    assert call(found["access_token"], "/projects/secret").status_code == 404
    made = call(
        found["access_token"],
        "/datasets",
        "post",
        data=json.dumps({"project": "lab", "name": "d"}),
        content_type="application/json",
    )
    assert made.status_code == 201
    kept = call(found["access_token"], "/datasets/lab/d/runs").json()["runs"]
    assert {(run["actor"]["name"], run["agent"]) for run in kept} == {("owner", "Agent X")}
    page = client_of(owner).get("/d/lab/d/provenance").content.decode()
    assert "owner by Agent X" in page


def test_a_reading_token_asks_for_nothing_in_its_persons_name(person, dataset):
    asker = person("asker")
    secret = identity.issue_token(asker.id, label="r", scope=identity.TokenScope(("read",)))
    form = json.dumps({"place": "lab/data", "reason": "please"})
    answer = call(secret, "/requests", "post", data=form, content_type="application/json")
    assert (answer.status_code, answer.json()["fields"]["basis"]) == (403, "token")
    wide = identity.issue_token(asker.id, label="w")
    assert call(wide, "/requests", "post", data=form, content_type="application/json").status_code == 201


def test_a_task_is_narrower_than_the_connection(person, program):
    owner = person()
    one, two = datasets.create_project(owner, "one"), datasets.create_project(owner, "two")
    found = connected(owner, program, form={"reach": "some", "project": [one.id]})
    refresh = {"grant_type": "refresh_token", "client_id": program.id}
    status, task = token(**refresh, refresh_token=found["refresh_token"], scope=f"read project:{one.id}")
    assert status == 200
    me = call(task["access_token"]).json()
    assert (me["verbs"], me["projects"]) == (["read"], [one.id])
    status, answer = token(**refresh, refresh_token=task["refresh_token"], scope=f"read project:{two.id}")
    assert (status, answer["error"]) == (400, "invalid_scope")


def test_an_administrators_program_administers_only_with_that_verb(officer, register):
    made, _ = register(verbs=("read", "admin"))
    without = connected(officer, made, scope="read admin", form={"verb": ["read"]})
    assert call(without["access_token"]).json()["is_admin"] is False
    with_it = connected(officer, made, scope="read admin", form={"verb": ["read", "admin"]})
    assert call(with_it["access_token"]).json()["is_admin"] is True


def test_a_push_goes_on_only_while_its_token_may(person, program):
    owner = person()
    project = datasets.create_project(owner, "lab")
    found = connected(owner, program)
    actor = identity.actor_for_token(found["access_token"])
    again = identity.actor_of_record("person", owner.id, owner.name, actor.token_id)
    assert (again.scope, again.agent) == (actor.scope, "Notebook")
    identity.end_connection(owner, actor.token_id)
    ended = identity.actor_of_record("person", owner.id, owner.name, actor.token_id)
    assert not identity.is_active(ended)
    from tsunagu.foundation.policy import api as policy

    assert not policy.decide(ended, "project.create_dataset", project.resource)
    borrowed = identity.actor_of_record("person", person("other").id, "other", actor.token_id)
    assert not policy.decide(borrowed, "project.read", project.resource)


def test_what_happened_to_programs_is_recorded(person, program, officer, monkeypatch):
    told = []
    monkeypatch.setattr(connections.events, "record", lambda event, **payload: told.append(payload))
    owner = person()
    found = connected(owner, program)
    identity.end_connection(owner, identity.connections_of(owner.id)[0].id)
    assert [(one["kind"], one["reason"]) for one in told] == [
        ("connect_program", ""),
        ("disconnect_program", "by the person"),
    ]
    assert told[0]["parameters"]["verbs"] == ["read", "write"]
    assert found["access_token"] not in json.dumps(told)


# --- Devices


@pytest.fixture
def device_program(register):
    return register(name="Logger", redirect_uris=(), grants=(identity.DEVICE, identity.REFRESH))[0]


def test_a_device_waits_until_the_person_typed_its_code(person, device_program, at):
    start = clock.now()
    _, asked = device(device_program)
    assert "verification_uri_complete" not in asked
    assert poll(device_program, asked)[1]["error"] == "authorization_pending"
    assert poll(device_program, asked)[1]["error"] == "slow_down"
    client = client_of(person())
    page = client.post("/device", {"code": asked["user_code"]}).content.decode()
    assert "Logger" in page
    assert "127.0.0.1" in page
    assert "agent &lt;script&gt;" in page
    assert "only if you started this yourself" in page
    assert (
        client.post("/device", {"allow": "1", "verb": ["read"], "days": "1", "reach": "all"}).status_code
        == 302
    )
    at(start + dt.timedelta(seconds=20))
    status, found = poll(device_program, asked)
    assert status == 200
    assert call(found["access_token"]).json()["verbs"] == ["read"]
    at(start + dt.timedelta(seconds=40))
    assert poll(device_program, asked)[1]["error"] == "access_denied"  # used


def test_a_devices_code_dies_after_ten_minutes(person, device_program, at):
    start = clock.now()
    _, asked = device(device_program)
    at(start + dt.timedelta(minutes=10, seconds=1))
    client = client_of(person())
    assert client.post("/device", {"code": asked["user_code"]}).status_code == 422
    assert poll(device_program, asked)[1]["error"] == "expired_token"


def test_a_press_without_a_typed_code_allows_nothing(person, device_program):
    _, asked = device(device_program)
    client = client_of(person())
    answer = client.post("/device", {"allow": "1", "verb": ["read"], "code_": asked["user_code"]})
    assert answer.status_code == 422
    assert not Connection.objects.exists()


def test_codes_cannot_be_guessed_quickly(person, device_program, settings):
    settings.ACCOUNT_RATE_LIMITS = {"device_user_code": "5/m/user"}
    client = client_of(person())
    states = [client.post("/device", {"code": f"BCDF-GHJ{letter}"}).status_code for letter in "BCDFGHJK"]
    assert states == [422] * 5 + [429] * 3


def test_a_program_shows_codes_only_where_it_was_registered_for_it(program, device_program):
    assert device(program)[1]["error"] == "unauthorized_client"
    assert device(device_program, client_id="unknown")[0] in {400, 401}
    assert device(device_program, scope="admin")[1]["error"] == "invalid_scope"
    assert device(device_program, resource="https://evil.example.org/")[1]["error"] == "invalid_target"


def test_the_query_of_the_browser_is_kept_whole(person, program):
    """Nothing of the address is lost on the way through the form."""
    state = "a b&c=d%20é"
    back = agree(person(), program, state=state)
    assert back["state"] == state
    assert parse_qs(query_of(program, state=state))["state"] == [state]
