"""Guests: an owner answers for them, their day comes to the second, and nobody else moves it."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tsunagu.core import clock
from tsunagu.core import settings as node_settings
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.models import Person
from tsunagu.foundation.policy import api as policy

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def client_of(name: str) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(Person.objects.get(email=f"{name}@example.org"), backend=BACKEND)
    return client


def day(**ahead: float) -> str:
    return (clock.now() + dt.timedelta(**ahead)).date().isoformat()


def invite(client: Client, **more: str) -> Any:
    form = {
        "email": "guest@elsewhere.example.com",
        "name": "Guest",
        "role": "reader",
        "until": day(days=30),
        **more,
    }
    return client.post("/projects/lab/guests", form)


def link_in(answer: Any) -> str:
    return re.search(r"/welcome/[\w-]+", answer.content.decode())[0]


@pytest.fixture
def owner(dataset):
    del dataset
    return client_of("owner")


def come(link: str) -> Client:
    guest = Client(headers={"Accept-Language": "en"})
    assert guest.post(link).status_code == 302
    return guest


def test_a_guest_is_invited_comes_and_sees_the_project(owner):
    guest = come(link_in(invite(owner)))
    assert guest.get("/projects/lab").status_code == 200
    row = Person.objects.get(email="guest@elsewhere.example.com")
    assert row.sponsor.email == "owner@example.org"
    page = owner.get("/projects/lab/guests").content.decode()
    assert "guest@elsewhere.example.com" in page
    assert "signed in before" in page
    (role,) = [
        m
        for m in policy.members(datasets.get_project(identity.actor_for_person(row.sponsor), "lab").resource)
        if m.subject_id == row.uid
    ]
    assert str(role.role) == "reader"
    assert role.expires_at


def test_the_link_goes_by_mail_and_not_to_the_sponsor_where_there_is_mail(owner, monkeypatch):
    """Who holds the link holds an account of that address."""
    node = node_settings.current()
    values = {**node.values, "mail_url": "smtp://mail.example.org:587"}
    monkeypatch.setattr(node_settings, "current", lambda: node_settings.Settings(node.home, values))
    answer = invite(owner)
    assert answer.status_code == 302
    assert "/welcome/" not in owner.get("/projects/lab/guests").content.decode()
    (sent,) = mail.outbox
    assert sent.to == ["guest@elsewhere.example.com"]
    assert "/welcome/" in sent.body


def test_the_day_ends_everything_at_once(owner, monkeypatch):
    guest = come(link_in(invite(owner)))
    row = Person.objects.get(email="guest@elsewhere.example.com")
    token = identity.issue_token(row.uid, label="t")
    actor = identity.actor_for_token(token)
    later = clock.now() + dt.timedelta(days=32)
    monkeypatch.setattr(clock, "now", lambda: later)
    with pytest.raises(identity.NotSignedInError):
        identity.actor_for_token(token)
    assert not identity.is_active(actor)
    assert guest.get("/projects/lab").status_code == 302
    assert "_auth_user_id" not in guest.session
    row.refresh_from_db()
    assert not row.is_active


def test_a_link_opens_nothing_after_the_day(owner, monkeypatch):
    link = link_in(invite(owner, until=day(days=1)))
    later = clock.now() + dt.timedelta(days=3)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert Client().post(link).status_code == 401


def test_the_sponsor_extends_ends_and_renews(owner):
    first = link_in(invite(owner))
    row = Person.objects.get(email="guest@elsewhere.example.com")
    second = link_in(owner.post("/projects/lab/guests", {"renew": row.uid}))
    assert Client().post(first).status_code == 401
    guest = come(second)
    owner.post("/projects/lab/guests", {"extend": row.uid, "until": day(days=100)})
    row.refresh_from_db()
    assert row.stay_until > clock.now() + dt.timedelta(days=90)
    owner.post("/projects/lab/guests", {"end": row.uid})
    assert "_auth_user_id" not in guest.session or guest.get("/account").status_code == 302
    owner.post("/projects/lab/guests", {"extend": row.uid, "until": day(days=10)})
    row.refresh_from_db()
    assert row.is_active


@pytest.mark.parametrize("until", ["", "soon", "2020-01-01", "2999-01-01"])
def test_a_stay_ends_within_a_year(owner, until):
    assert invite(owner, until=until).status_code == 422
    assert not Person.objects.filter(email="guest@elsewhere.example.com").exists()


def test_nobody_else_invites_or_moves_the_day(owner, person):
    person("stranger")
    reader = person("reader")
    lab = datasets.get_project(
        identity.actor_for_person(Person.objects.get(email="owner@example.org")), "lab"
    )
    policy.grant(
        identity.actor_for_person(Person.objects.get(email="owner@example.org")),
        lab.resource, subject_kind="person", subject_id=reader.id, role=policy.Role("reader"),
    )  # fmt: skip
    assert invite(client_of("stranger")).status_code == 404
    assert invite(client_of("reader")).status_code == 403
    assert not Person.objects.filter(email="guest@elsewhere.example.com").exists()
    invite(owner)
    row = Person.objects.get(email="guest@elsewhere.example.com")
    stranger = client_of("stranger")
    with pytest.raises(identity.NotSponsorError):
        identity.extend_stay(reader, row.uid, clock.now() + dt.timedelta(days=1))
    with pytest.raises(identity.NotSponsorError):
        identity.end_stay(reader, row.uid)
    with pytest.raises(identity.NotSponsorError):
        identity.renew_invitation(reader, Person.objects.get(email="owner@example.org").uid)
    assert identity.guests_of(reader) == []
    assert stranger.get("/projects/lab/guests").status_code == 404


def test_somebody_with_an_account_is_no_guest(owner, person):
    """Inviting an address must not make its account end, nor give the inviter a link into it."""
    person("other")
    answer = invite(owner, email="Other@example.org")
    assert answer.status_code == 302
    other = Person.objects.get(email="other@example.org")
    assert other.stay_until is None
    assert other.sponsor is None


def test_a_guest_who_links_an_institution_stays(owner):
    invite(owner)
    row = Person.objects.get(email="guest@elsewhere.example.com")
    claims = identity.Claims("https://idp.example.org", (identity.Subject("subject-id", "g@example.org"),))
    identity.link_identity(row.uid, claims)
    row.refresh_from_db()
    assert row.stay_until is None
    assert identity.admit(claims) == row
