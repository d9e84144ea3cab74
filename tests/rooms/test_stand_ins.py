"""An institution is down, an administrator stands in for it, and its people come in lowered and for some days."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.core.cache import cache
from django.test import Client

from tests.rooms.clients import client_of
from tsunagu.core import clock
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.federation.groups import Membership
from tsunagu.foundation.identity.models import Identity, InstitutionState, Person, SignInRequest
from tsunagu.foundation.policy import api as policy

pytestmark = pytest.mark.django_db
IDP = "https://idp.example.ac.jp/shibboleth"
PASSWORD = "correct horse battery"
GROUP = Membership("https://cg.gakunin.jp", ("battery",), "", "cg.gakunin.jp")


@pytest.fixture(autouse=True)
def no_limits(settings):
    """Tests are faster than people."""
    settings.ACCOUNT_RATE_LIMITS = False


@pytest.fixture
def hanako(db):
    """Somebody whom the institution signed in yesterday, with a password and a one-time code of this node."""
    said = identity.Claims(
        issuer=IDP,
        subjects=(identity.Subject("subject-id", "hanako@example.ac.jp"),),
        mail="hanako@example.ac.jp",
        names={"en": "Hanako"},
        memberships=(GROUP,),
        assurance=("https://www.gakunin.jp/profile/IAL2",),
    )
    person = identity.admit(said)
    person.set_password(PASSWORD)
    person.save()
    Identity.objects.update(last_used_at=clock.now() - dt.timedelta(days=1))
    person.totp_secret = generate_totp_secret()
    TOTP.activate(person, person.totp_secret)
    Authenticator.objects.update(created_at=clock.now() - dt.timedelta(days=2))
    return person


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def enter(person, client: Client | None = None) -> Client:
    """With the password, then with the code."""
    cache.clear()  # a code is good once, and a test does not wait half a minute for the next
    client = client or Client(headers={"accept-language": "en"})
    answer = client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    if answer.status_code == 302 and "2fa" in answer["Location"]:
        client.post(answer["Location"], {"code": code_of(person.totp_secret)})
    return client


def start(officer, days: int = 1) -> None:
    identity.start_stand_in(
        officer, IDP, until=clock.now() + dt.timedelta(days=days), reason="The IdP is down, ticket 4711"
    )


def is_in(client: Client) -> bool:
    return client.get("/account").status_code == 200


def test_the_session_carries_what_was_said_last_and_says_so(hanako, officer):
    start(officer)
    client = enter(hanako)
    page = client.get("/account").content.decode()
    assert f"{IDP} does not answer, so this node stands in for it." in page
    assert "https://cg.gakunin.jp/battery" in page
    assert re.search(r"Identity assurance level \(IAL\)</dt>\s*<dd>1<", page)  # lowered from 2
    assert "two factors" in page


def test_rules_can_refuse_it(hanako, officer, dataset):
    from tests.rooms.test_step_up import RULE

    owner, card = dataset
    policy.grant(owner, card.resource, subject_kind="person", subject_id=hanako.uid, role=policy.Role.READER)
    policy.forget()
    rule = RULE.replace("resource.personal >= 1 && !principal.mfa", "principal.stand_in")
    policy.write_text(officer, "institution", rule)
    start(officer)
    client = enter(hanako)
    assert client.get("/d/lab/data").status_code == 404
    policy.write_text(officer, "institution", "")
    policy.forget()
    assert client.get("/d/lab/data").status_code == 200
    policy.forget()


def test_without_a_stand_in_nothing_of_the_institution_is_there(hanako):
    client = enter(hanako)
    page = client.get("/account").content.decode()
    assert "stands in" not in page
    assert "battery" not in page
    assert "IAL" not in page


def test_strict_nodes_admit_them_only_while_they_stand_in(hanako, officer, configure, at):
    configure(federation_local_sign_in=False)
    client = Client(headers={"accept-language": "en"})
    refused = client.post("/accounts/login/", {"login": hanako.email, "password": PASSWORD})
    assert refused.status_code == 403
    assert "belongs to an institution" in refused.content.decode()
    assert not is_in(client)
    moment = dt.datetime.now(dt.UTC)
    at(moment)
    start(officer)
    client = enter(hanako)
    assert is_in(client)
    at(moment + dt.timedelta(days=1, seconds=1))
    assert not is_in(client)  # off by itself, with the sessions that it opened
    assert not is_in(enter(hanako))


def test_a_factor_that_was_added_during_the_outage_proves_nothing(hanako, officer, configure):
    configure(federation_local_sign_in=False)
    start(officer)
    Authenticator.objects.update(created_at=clock.now() + dt.timedelta(seconds=1))
    assert not is_in(enter(hanako))


def test_a_password_alone_is_not_enough(hanako, officer, configure):
    configure(federation_local_sign_in=False)
    start(officer)
    Authenticator.objects.all().delete()
    assert not is_in(enter(hanako))


def test_people_of_other_institutions_and_closed_accounts_stay_out(hanako, officer, configure):
    configure(federation_local_sign_in=False)
    Identity.objects.update(issuer="https://other.example.ac.jp/")
    InstitutionState.objects.create(
        entity_hash=hashlib.sha256(IDP.encode()).hexdigest(),
        entity_id=IDP,
        stand_in_since=clock.now(),
        stand_in_until=clock.now() + dt.timedelta(days=1),
    )
    assert not is_in(enter(hanako))
    Identity.objects.update(issuer=IDP)
    assert is_in(enter(hanako))
    Person.objects.filter(uid=hanako.uid).update(is_active=False)
    assert not is_in(enter(hanako))


def test_switching_off_ends_the_sessions(hanako, officer):
    start(officer)
    client = enter(hanako)
    assert is_in(client)
    identity.end_stand_in(officer, IDP)
    assert not is_in(client)


def test_only_an_administrator_with_a_reason_and_for_days(hanako, person, officer):
    for actor, days, reason in ((person(), 1, "x"), (officer, 1, " "), (officer, 0, "x"), (officer, 15, "x")):
        with pytest.raises((identity.NotSignedInError, identity.BadStandInError)):
            identity.start_stand_in(actor, IDP, until=clock.now() + dt.timedelta(days=days), reason=reason)
    with pytest.raises(identity.BadStandInError):
        identity.start_stand_in(
            officer, "https://unknown.example.org/", until=clock.now() + dt.timedelta(days=1), reason="x"
        )
    with pytest.raises(identity.NotSignedInError):
        identity.end_stand_in(person(), IDP)
    assert client_of(person()).get("/institutions").status_code == 404


def test_the_page_shows_who_does_not_answer_and_switches(hanako, officer):
    for number in range(3):
        SignInRequest.objects.create(
            request_id=str(number),
            handle_hash=str(number),
            browser_hash="b",
            entity_id=IDP,
            purpose="login",
            created_at=clock.now() - dt.timedelta(minutes=10),
            expires_at=clock.now(),
        )
    client = client_of(officer)
    page = client.get("/institutions").content.decode()
    assert "0 of 3" in page
    assert "people: 1, with a passkey or code here: 1" in page
    day = (dt.datetime.now(dt.UTC) + dt.timedelta(days=2)).date().isoformat()
    form = {"institution": IDP, "until": day, "reason": "down"}
    assert client.post("/institutions", {**form, "until": "tomorrow"}).status_code == 422
    assert client.post("/institutions", form).status_code == 302
    assert "down" in client.get("/institutions").content.decode()
    assert client.post("/institutions", {"end": IDP}).status_code == 302
    assert not identity.is_standing_in(IDP)


def test_every_switch_is_recorded_and_the_day_too(hanako, officer, monkeypatch, at):
    from tsunagu.foundation.identity.programs import connections

    told = []
    monkeypatch.setattr(connections.events, "record", lambda event, **payload: told.append(payload))
    moment = dt.datetime.now(dt.UTC)
    at(moment)
    start(officer)
    at(moment + dt.timedelta(days=2))
    identity.end_over_stand_ins()
    identity.end_over_stand_ins()
    assert [(one["kind"], one["reason"], one["actor_kind"]) for one in told] == [
        ("stand_in", "The IdP is down, ticket 4711", "person"),
        ("stand_in_end", "its day has come", "service"),
    ]


def test_what_happened_becomes_a_run_in_the_ledger(officer):
    from tsunagu.foundation.ledger import api as ledger
    from tsunagu.foundation.runs.models import Run
    from tsunagu.foundation.runs.tasks import record_identity

    before = ledger.verify().size
    record_identity.func(
        kind="stand_in",
        actor_kind="person",
        actor_id=officer.id,
        actor_name=officer.name,
        parameters={"institution": IDP},
        reason="down",
    )
    run = Run.objects.get(kind="stand_in")
    assert (run.actor_id, run.reason, str(run.outcome)) == (officer.id, "down", "ok")
    assert ledger.verify().size == before + 1


def test_nothing_that_a_stand_in_opened_outlives_it(hanako, officer):
    from tests.rooms.program_calls import BACK, call, query_of, redeem, told

    start(officer)
    client = enter(hanako)
    made = client.post("/account", {"label": "for later", "days": "90", "verb": ["read"]})
    assert made.status_code == 403
    assert identity.tokens_of(hanako.uid) == []
    program, _ = identity.register_program(officer, "Notebook", redirect_uris=(BACK,))
    form = {"allow": "1", "verb": ["read"], "days": "365", "reach": "all"}
    back = told(client.post(f"/oauth/authorize?{query_of(program, scope='read')}", form))
    found = redeem(program, back)[1]
    assert call(found["access_token"]).status_code == 200
    ends = dt.datetime.fromisoformat(identity.connections_of(hanako.uid)[0].expires_at)
    assert ends <= clock.now() + dt.timedelta(days=1)
    identity.end_stand_in(officer, IDP)
    assert call(found["access_token"]).status_code == 401
