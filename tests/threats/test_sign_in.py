"""Signing in with what this node keeps: guessing, listing of accounts, borrowed sessions, codes used twice."""

from __future__ import annotations

import re
from unittest import mock

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.hashers import get_hasher
from django.core.cache import cache
from django.test import Client

from tests.rooms.clients import client_of
from tsunagu.core import settings as node_settings
from tsunagu.foundation.identity.models import Person

pytestmark = pytest.mark.django_db

_PASSWORD = "correct horse battery staple"
_LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def _fresh(plain_static):
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def account(person):
    """Somebody who signs in by a password."""
    actor = person("hanako")
    row = Person.objects.get(uid=actor.id)
    row.set_password(_PASSWORD)
    row.save()
    return row


def _try(client, email, password):
    return client.post(_LOGIN, {"login": email, "password": password})


def _code(secret):
    return totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))


def _is_in(client):
    return client.get("/account").status_code == 200


def test_guessing_a_password_ends_after_a_few_tries(account):
    """I-20: from one network, and for one account from many networks."""
    for _ in range(12):
        _try(Client(), account.email, "wrong wrong wrong")
    late = Client()
    _try(late, account.email, _PASSWORD)
    assert not _is_in(late)
    cache.clear()
    for number in range(12):
        _try(Client(REMOTE_ADDR=f"192.0.2.{number + 1}"), account.email, "wrong wrong wrong")
    late = Client(REMOTE_ADDR="198.51.100.1")
    _try(late, account.email, _PASSWORD)
    assert not _is_in(late)


def test_a_forged_address_of_the_sender_is_no_way_around(account):
    for number in range(12):
        client = Client(headers={"x-forwarded-for": f"203.0.113.{number}"})
        _try(client, f"nobody{number}@example.org", "wrong wrong wrong")
    late = Client(headers={"x-forwarded-for": "203.0.113.99"})
    _try(late, account.email, _PASSWORD)
    assert not _is_in(late)


def test_answers_do_not_tell_who_has_an_account(account):
    """I-20: the same page for a wrong password and for an unknown address, at the same cost."""

    def told(email):
        text = _try(Client(), email, "wrong wrong wrong").getvalue().decode().replace(email, "?")
        return re.sub(r'value="\w{64}"|<time [^>]*>[^<]*</time>', "", text)

    assert told(account.email) == told("nobody@example.org")
    hasher = type(get_hasher())
    hashed = {}
    for email in (account.email, "nobody@example.org"):
        cache.clear()
        with mock.patch.object(hasher, "encode", autospec=True, side_effect=hasher.encode) as made:
            _try(Client(), email, "wrong wrong wrong")
        hashed[email] = made.call_count
    assert len(set(hashed.values())) == 1, "an unknown address costs a password hash too"
    assert min(hashed.values()) == 1


def test_asking_for_a_new_password_does_not_tell_either(account):
    def told(email):
        answer = Client().post("/accounts/password/reset/", {"email": email})
        return answer.status_code, answer.headers.get("Location", "")

    assert told(account.email) == told("nobody@example.org")


def test_the_session_is_another_after_signing_in(account):
    """W-5: whoever planted a session cookie before has nothing afterwards."""
    client = Client()
    client.get(_LOGIN)
    client.session.save()
    planted = client.session.session_key
    client.cookies["sessionid"] = planted
    _try(client, account.email, _PASSWORD)
    assert _is_in(client)
    assert client.cookies["sessionid"].value != planted
    thief = Client()
    thief.cookies["sessionid"] = planted
    assert not _is_in(thief)


def test_a_code_of_an_app_works_once_even_the_first(account):
    """I-19: neither the code that a person enrolled with nor one used to sign in opens anything again."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(account, secret)
    code = _code(secret)
    client = Client()
    _try(client, account.email, _PASSWORD)
    client.post("/accounts/2fa/authenticate/", {"code": code})
    assert _is_in(client)
    for _ in range(2):
        again = Client()
        _try(again, account.email, _PASSWORD)
        again.post("/accounts/2fa/authenticate/", {"code": code})
        assert not _is_in(again)
        cache.clear()  # another process, or the node was restarted


def test_the_code_of_enrolment_does_not_sign_in(account, django_capture_on_commit_callbacks):
    client = client_of_password(account)
    client.post("/accounts/reauthenticate/", {"password": _PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/").getvalue().decode()
    secret = re.search(r"\b([A-Z2-7]{32})\b", page)[1]
    code = _code(secret)
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/accounts/2fa/totp/activate/", {"code": code})
    cache.clear()
    assert Authenticator.objects.filter(user=account, type="totp").exists()
    again = Client()
    _try(again, account.email, _PASSWORD)
    again.post("/accounts/2fa/authenticate/", {"code": code})
    assert not _is_in(again)


def client_of_password(account):
    client = Client()
    _try(client, account.email, _PASSWORD)
    return client


@pytest.mark.parametrize(
    "away",
    [
        "https://evil.example/", "//evil.example/", "/\\evil.example", "https:evil.example", "javascript:alert(1)",
        "http://localhost@evil.example/", "/%2F/evil.example", "\t//evil.example",
    ],
)  # fmt: skip
def test_nobody_is_sent_away_after_signing_in(account, away):
    """W-3."""
    answer = Client().post(_LOGIN, {"login": account.email, "password": _PASSWORD, "next": away})
    where = answer.headers.get("Location", "/")
    assert where.startswith("/")
    assert not where.startswith(("//", "/\\"))
    assert "evil" not in where or where.startswith("/%2F")


def test_forms_of_other_sites_change_nothing(account):
    """W-4: every page that changes something asks for the token of its own form."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    for page in ("/account", "/projects", "/accounts/logout/", "/account/institutions", "/rules"):
        assert client.post(page, {"name": "x"}).status_code == 403, page
    fresh = Client(enforce_csrf_checks=True)
    assert _try(fresh, account.email, _PASSWORD).status_code == 403


def test_pages_stand_in_no_frame(account):
    """W-6."""
    for page in (_LOGIN, "/account", "/"):
        answer = client_of_password(account).get(page)
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"


def test_links_of_sign_in_follow_the_settings_and_not_the_host_header(account, person):
    """I-22: a forged Host changes no address that goes out."""
    officer = person("officer", is_admin=True)
    answer = client_of(officer).get("/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert node_settings.current().control_address.startswith("http")
