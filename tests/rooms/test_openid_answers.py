"""What OpenID providers say, and what the node refuses of it. The provider here signs whatever a test wants."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import openid
from tests.rooms.clients import client_of
from tsunagu.core import settings as node_settings
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.openid import providers

pytestmark = pytest.mark.django_db
MFA = "https://refeds.org/profile/mfa"


@pytest.fixture(scope="module")
def running_provider():
    with openid.running() as found:
        yield found


@pytest.fixture
def provider(running_provider, configure):
    """A provider that may speak for op.example.ac.jp and may relay what aai.example.org says of groups."""
    running_provider.reset()
    providers.forget()
    row = {
        "id": "op",
        "name": "Example OP",
        "issuer": running_provider.issuer,
        "client_id": openid.CLIENT,
        "secret": "s",
        "domains": ["op.example.ac.jp"],
        "group_authorities": ["aai.example.org"],
    }
    configure(openid_providers=(row,), egress_allowed=(running_provider.host,))
    return running_provider


def begin(provider, **more):
    address = identity.begin_openid("op", browser="b", **more)
    query = {key: value[0] for key, value in parse_qs(urlsplit(address).query).items()}
    provider.nonce = query["nonce"]
    return query


def finish(provider, query, **answer):
    code = identity.receive_openid("op", {"code": "c", "state": query["state"], **answer}, browser="b")
    return identity.finish_sign_in(code, browser="b")


def sign_in(provider, **more):
    return finish(provider, begin(provider, **more))


def test_claims_and_assurance_are_those_of_a_saml_answer(provider):
    provider.claims |= {
        "acr": MFA,
        "eduperson_assurance": ["https://refeds.org/assurance/IAP/medium"],
        "email": "taro@op.example.ac.jp",
        "email_verified": True,
    }
    provider.user_info = {
        "name": "Taro",
        "name#ja": "太郎",
        "eduperson_scoped_affiliation": ["staff@op.example.ac.jp", "staff@b.example.ac.jp"],
        "entitlements": [
            "urn:geant:example.org:group:lab:role=manager#aai.example.org",
            "urn:geant:example.org:group:lab#evil.example.org",
        ],
        "eduperson_orcid": "https://orcid.org/0000-0002-1825-0097",
    }
    outcome = sign_in(provider)
    said = outcome.claims
    assert said.issuer == provider.issuer
    assert said.subjects == (identity.Subject("sub", "248289761001"),)
    assert (said.names, said.mail) == ({"ja": "太郎", "en": "Taro"}, "taro@op.example.ac.jp")
    assert said.affiliations == ("staff@op.example.ac.jp",)
    assert [group.name for group in said.memberships] == ["urn:geant:example.org/lab"]
    assert said.memberships[0].role == "manager"
    assert said.orcid == "0000-0002-1825-0097"
    assert (outcome.assurance.mfa, outcome.assurance.aal, outcome.assurance.ial) == (True, 2, 2)
    assert outcome.assurance.source == provider.issuer


def test_the_request_carries_pkce_and_the_verifier_only_goes_to_the_provider(provider):
    query = begin(provider)
    finish(provider, query)
    verifier = provider.redeemed[0]["code_verifier"]
    digest = hashlib.sha256(verifier.encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == query["code_challenge"]
    assert query["code_challenge_method"] == "S256"
    assert (query["response_type"], verifier in str(query)) == ("code", False)
    assert query["redirect_uri"] == f"{node_settings.current().control_address}/openid/op/callback"


def _unsigned(said):
    return jwt.encode(said, None, "none")


def _with_public_key_as_secret(provider, said):
    """HS256 with the provider's public key: what a verifier that trusts the header would accept."""

    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    import hmac

    head = part(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "one"}).encode())
    text = head + b"." + part(json.dumps(said).encode())
    return (text + b"." + part(hmac.new(provider.pem(), text, hashlib.sha256).digest())).decode()


FORGED = {
    "alg none": lambda p: setattr(p, "sign", _unsigned),
    "HMAC with the public key": lambda p: setattr(
        p, "sign", lambda said: _with_public_key_as_secret(p, said)
    ),
    "a key of somebody else": lambda p: setattr(
        p, "sign", lambda said: jwt.encode(said, p.other_key, "RS256", {"kid": "one"})
    ),
    "an unknown kid": lambda p: setattr(
        p, "sign", lambda said: jwt.encode(said, p.key, "RS256", {"kid": "two"})
    ),
    "a key that stands in the token": lambda p: setattr(
        p,
        "sign",
        lambda said: jwt.encode(
            said, p.other_key, "RS256", {"kid": "evil", "jwk": p.public(p.other_key, "evil")}
        ),
    ),
    "RS384, which is not on the list": lambda p: setattr(
        p, "sign", lambda said: jwt.encode(said, p.key, "RS384", {"kid": "one"})
    ),
    "a key for encryption": lambda p: p.jwks["keys"][0].update(use="enc"),
    "another issuer": lambda p: p.claims.update(iss="https://evil.example.org"),
    "an issuer that begins alike": lambda p: p.claims.update(iss=f"{p.issuer}/evil"),
    "another audience": lambda p: p.claims.update(aud="other"),
    "no audience": lambda p: setattr(p, "left_out", ("aud",)),
    "several audiences, no party": lambda p: p.claims.update(aud=[openid.CLIENT, "other"]),
    "another party": lambda p: p.claims.update(aud=[openid.CLIENT, "other"], azp="other"),
    "another nonce": lambda p: p.claims.update(nonce="reused"),
    "no nonce": lambda p: setattr(p, "left_out", ("nonce",)),
    "expired": lambda p: p.claims.update(exp=int(time.time()) - 400),
    "no expiry": lambda p: setattr(p, "left_out", ("exp",)),
    "of the future": lambda p: p.claims.update(iat=int(time.time()) + 4000),
    "authenticated in the future": lambda p: p.claims.update(auth_time=int(time.time()) + 4000),
    "no subject": lambda p: setattr(p, "left_out", ("sub",)),
    "an empty subject": lambda p: p.claims.update(sub=""),
    "another access token": lambda p: p.claims.update(at_hash="bm90IGl0"),
    "user info of somebody else": lambda p: p.user_info.update(sub="somebody else"),
    "no token at all": lambda p: setattr(p, "sign", lambda _: "not.a.token"),
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED.keys())
def test_forged_answers_are_refused(provider, change):
    query = begin(provider)
    change(provider)
    with pytest.raises(identity.AssertionRefusedError):
        finish(provider, query)
    # The request is not used up by a forged answer that fails; an honest one still closes it.
    provider.reset()
    providers.forget()
    assert finish(provider, query).claims.subjects


def test_an_answer_is_taken_once_from_the_provider_and_for_the_browser_that_was_asked(provider):
    query = begin(provider)
    for answer, browser in (
        ({"code": "c", "state": query["state"]}, "another browser"),
        ({"code": "c", "state": "guessed"}, "b"),
        ({"code": "c"}, "b"),
        ({"code": "c", "state": query["state"], "iss": "https://evil.example.org"}, "b"),
        ({"state": query["state"]}, "b"),
    ):
        with pytest.raises(identity.AssertionRefusedError):
            identity.receive_openid("op", answer, browser=browser)
    assert not provider.redeemed
    finish(provider, query, iss=provider.issuer)
    with pytest.raises(identity.AssertionRefusedError):
        finish(provider, query)


def test_a_provider_that_announces_its_issuer_must_name_it(provider):
    provider.described = {"authorization_response_iss_parameter_supported": True}
    query = begin(provider)
    with pytest.raises(identity.AssertionRefusedError):
        finish(provider, query)
    assert finish(provider, query, iss=provider.issuer)


def test_answers_do_not_pass_from_one_provider_to_another(provider, configure):
    rows = node_settings.current().openid_providers
    configure(openid_providers=(*rows, {**rows[0], "id": "evil", "issuer": "http://127.0.0.1:9"}))
    query = begin(provider)
    with pytest.raises(identity.AssertionRefusedError):
        identity.receive_openid("evil", {"code": "c", "state": query["state"]}, browser="b")
    assert not provider.redeemed


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://evil.example.org"},
        {"token_endpoint": "http://10.0.0.1/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
def test_a_provider_that_points_elsewhere_is_not_followed(provider, described):
    provider.described = described
    with pytest.raises(identity.ProviderDownError):
        begin(provider)


def test_addresses_inside_are_never_asked(provider):
    """The address of the token end point is checked like every other that the node fetches."""
    provider.described = {"token_endpoint": "https://169.254.169.254/token"}
    query = begin(provider)
    with pytest.raises(identity.ProviderDownError) as caught:
        finish(provider, query)
    assert "not public" in caught.value.message


def test_a_new_key_is_found_and_an_unknown_one_does_not_flood_the_provider(provider):
    sign_in(provider)
    provider.jwks = {"keys": [provider.public(provider.other_key, "new")]}
    provider.sign = lambda said: jwt.encode(said, provider.other_key, "RS256", {"kid": "new"})
    with pytest.raises(identity.AssertionRefusedError):
        sign_in(provider)  # the keys were fetched a moment ago
    providers.forget()
    assert sign_in(provider).claims.subjects


def test_two_factors_that_were_asked_for_must_be_in_the_answer(provider):
    query = begin(provider, purpose="stepup", person_id="x")
    assert query["acr_values"].split() == list(identity.TWO_FACTORS)
    assert json.loads(query["claims"])["id_token"]["acr"]["essential"] is True
    assert (query["prompt"], query["max_age"]) == ("login", "0")
    for claims in ({}, {"acr": "urn:mace:incommon:iap:silver"}, {"acr": [MFA]}):
        provider.claims = {"sub": "s", **claims}
        with pytest.raises(identity.WeakSignInError):
            finish(provider, query)
    provider.claims = {"sub": "s", "acr": MFA, "auth_time": int(time.time()) - 3600}
    with pytest.raises(identity.WeakSignInError):
        finish(provider, query)  # the sign-in of an hour ago
    provider.claims = {"sub": "s", "acr": MFA}
    assert finish(provider, query).assurance.mfa


def test_a_provider_that_cannot_do_it_says_so(provider):
    query = begin(provider, purpose="stepup", person_id="x")
    with pytest.raises(identity.WeakSignInError):
        identity.receive_openid(
            "op", {"error": "unmet_authentication_requirements", "state": query["state"]}, browser="b"
        )


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_address_that_nobody_checked_is_not_taken(provider, verified):
    provider.claims |= {"email": "boss@op.example.ac.jp", "email_verified": verified}
    assert sign_in(provider).claims.mail == ""


def test_an_account_is_never_taken_by_its_address(provider, person):
    """Pre-hijacking, both ways round: neither side's unproven address joins two people."""
    victim = person("victim")
    provider.claims |= {"email": "victim@example.org", "email_verified": True}
    stranger = identity.admit(sign_in(provider).claims)  # example.org is not its domain: no address
    assert stranger.uid != victim.id
    assert stranger.email.endswith("@no-address.invalid")
    identity.ensure_person("boss@op.example.ac.jp")
    provider.claims = {"sub": "2", "email": "boss@op.example.ac.jp", "email_verified": True}
    with pytest.raises(identity.AddressTakenError):
        identity.admit(sign_in(provider).claims)


def test_orcid_admits_nobody_new_by_itself_and_proves_the_id(provider, configure, person, monkeypatch):
    monkeypatch.setattr(providers, "ORCID_ISSUERS", frozenset({provider.issuer}))
    row = {"id": "op", "issuer": provider.issuer, "client_id": openid.CLIENT}
    configure(openid_providers=(row,))
    assert identity.openid_providers()[0].name("ja") == "ORCID"
    provider.claims = {"sub": "0000-0002-1825-0097", "given_name": "Josiah", "family_name": "Carberry"}
    outcome = sign_in(provider)
    assert outcome.claims.subjects == (identity.Subject("orcid", "0000-0002-1825-0097"),)
    assert (outcome.claims.orcid, outcome.assurance.aal) == ("0000-0002-1825-0097", 0)
    with pytest.raises(identity.NoAccountError):
        identity.admit(outcome.claims)
    owner = person("owner")
    identity.link_identity(owner.id, outcome.claims)
    assert identity.admit(sign_in(provider).claims).uid == owner.id
    configure(openid_providers=({**row, "signup": True},))
    provider.claims = {"sub": "0000-0001-5109-3700"}
    assert identity.admit(sign_in(provider).claims).uid != owner.id


@pytest.mark.parametrize(
    "row",
    [
        {"id": "UPPER", "issuer": "https://a.example.org", "client_id": "c"},
        {"id": "a", "issuer": "", "client_id": "c"},
        {"id": "a", "issuer": "https://a.example.org"},
        {"id": "a", "issuer": "https://a.example.org", "client_id": "c", "secrte": "typo"},
    ],
)
def test_incomplete_tables_are_named(configure, row):
    configure(openid_providers=(row,))
    with pytest.raises(identity.BadProviderSettingError):
        identity.openid_providers()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.dictionaries(
        st.sampled_from(["name", "email", "acr", "entitlements", "eduperson_assurance", "name#ja", "azp"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20), st.lists, max_leaves=5
        ),
    )
)
def test_whatever_a_provider_says_is_claims_or_a_refusal(provider, said):
    provider.reset()
    provider.claims |= said
    try:
        outcome = sign_in(provider)
    except identity.AssertionRefusedError:
        assert "azp" in said
    else:
        assert outcome.claims.subjects == (identity.Subject("sub", "248289761001"),)
        assert outcome.claims.memberships == ()


def test_the_pages_lead_there_and_the_session_is_tied_to_the_browser(provider):
    client = Client(headers={"accept-language": "en"})
    assert "Go to Example OP" in client.get("/saml/discover").content.decode()
    went = client.get("/openid/op/start?next=//evil.example.org")
    query = {key: value[0] for key, value in parse_qs(urlsplit(went["Location"]).query).items()}
    provider.nonce = query["nonce"]
    back = {"code": "c", "state": query["state"]}
    assert Client().get("/openid/op/callback", back).status_code == 403  # login CSRF: another browser
    came = client.get("/openid/op/callback", back)
    assert came["Location"].startswith("/saml/finish/")
    assert client.get(came["Location"])["Location"] == "/"
    assert client.get("/account").status_code == 200


def test_the_check_of_a_node_names_what_is_wrong(provider, configure):
    from tsunagu.doors.cli.check import _openid

    node = node_settings.current()
    assert [(one.state, provider.issuer in one.detail) for one in _openid(node)] == [("ok", True)]
    providers.forget()
    provider.described = {"issuer": "https://evil.example.org"}
    assert [one.state for one in _openid(node)] == ["warn"]
    configure(openid_providers=({"id": "x"},))
    assert [one.state for one in _openid(node)] == ["bad"]


def test_linking_needs_both_sides_and_a_press(provider, person):
    """Not an address, not a link that somebody sent: the person proves here, signs in there, and confirms."""
    owner = person()
    client = client_of(owner)
    assert client.get("/openid/op/start?purpose=link")["Location"] == "/account/confirm"
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session.save()
    assert client.get("/openid/op/start?purpose=link")["Location"] == "/account/confirm"  # no form was sent
    assert client.post("/account/institutions", {"begin": "1"})["Location"] == "/saml/discover?purpose=link"
    went = client.get("/openid/op/start?purpose=link")
    query = {key: value[0] for key, value in parse_qs(urlsplit(went["Location"]).query).items()}
    assert query["prompt"] == "login"
    provider.nonce = query["nonce"]
    came = client.get("/openid/op/callback", {"code": "c", "state": query["state"]})
    assert client.get(came["Location"])["Location"] == "/account/institutions"
    assert identity.identities_of(owner.id) == []
    assert "Example OP" in client.get("/account/institutions").content.decode()
    client.post("/account/institutions", {"confirm": "1"})
    assert identity.admit(sign_in(provider).claims).uid == owner.id


def test_the_session_is_a_new_one_after_the_sign_in(provider):
    client = Client()
    went = client.get("/openid/op/start")
    before = client.session.session_key
    query = {key: value[0] for key, value in parse_qs(urlsplit(went["Location"]).query).items()}
    provider.nonce = query["nonce"]
    came = client.get("/openid/op/callback", {"code": "c", "state": query["state"]})
    client.get(came["Location"])
    assert client.session.session_key not in {None, before}


def test_neither_codes_nor_states_stand_in_the_log(provider, caplog):
    """A refused answer is logged; what it carried is not, for somebody else could still use it."""
    from tsunagu.core.logs import JsonFormatter

    client = Client()
    client.get("/openid/op/start")
    with caplog.at_level("DEBUG"):
        client.get("/openid/op/callback", {"code": "canary-code", "state": "canary-state"})
        client.get("/oauth/authorize", {"client_id": "x", "state": "canary-state"})
        client.post("/oauth/token", "code=canary-code", content_type="application/x-www-form-urlencoded")
    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert any("assertion_refused" in line for line in lines)
    assert not [line for line in lines if "canary" in line]


def test_an_outage_is_noticed_before_anybody_signs_in(provider):
    from tsunagu.foundation.identity.models import InstitutionState
    from tsunagu.foundation.identity.openid.tasks import look_at_providers

    look_at_providers.func()
    assert not InstitutionState.objects.exists()
    provider.described = {"jwks_uri": "http://127.0.0.1:9/keys"}
    look_at_providers.func()
    found = InstitutionState.objects.get(entity_id=provider.issuer)
    assert found.failed_at is not None
    assert "addresses that cannot be used" in found.failure
