"""Entitlements as virtual organisations, contexts as levels."""

from __future__ import annotations

import pytest

from tsunagu.foundation.identity.federation import groups
from tsunagu.foundation.identity.federation.assurance import (
    GAKUNIN_AAL2,
    REFEDS_MFA,
    Assurance,
    of_assertion,
    of_local,
    together,
)

IDP = "https://idp.example.ac.jp"


@pytest.mark.parametrize(
    ("value", "name", "role", "authority"),
    [
        ("urn:geant:example.org:group:lab#login.example.org", "urn:geant:example.org/lab", "", "login.example.org"),
        ("urn:geant:example.org:group:lab:sub:role=member#a", "urn:geant:example.org/lab/sub", "member", "a"),
        ("urn:mace:egi.eu:group:vo.example.eu:role=vm_operator#aai.egi.eu", "urn:mace:egi.eu/vo.example.eu", "vm_operator", "aai.egi.eu"),
        ("URN:Any-NID:Example.org:group:%E5%85%89%20lab", "urn:any-nid:example.org/光 lab", "", IDP),
        ("urn:geant:a:b:group:Group", "urn:geant:a:b/Group", "", IDP),
        ("https://cg.gakunin.jp/gr/battery", "https://cg.gakunin.jp/battery", "", "cg.gakunin.jp"),
    ],
)  # fmt: skip
def test_groups(value, name, role, authority):
    found = groups.parse(value, issuer=IDP)
    assert (found.name, found.role, found.authority) == (name, role, authority)


@pytest.mark.parametrize(
    "value",
    [
        "", "staff", "urn:mace:dir:entitlement:common-lib-terms", "urn:geant:example.org:group", "urn:geant:x:group:",
        "urn:geant:x:group::role=a", "urn:group:x", "https://cg.gakunin.jp/gr/a/b", "https://cg.gakunin.jp.evil.org/gr/a",
        "urn:geant:x:res:cpu#a", "xurn:geant:x:group:a",
    ],
)  # fmt: skip
def test_what_is_no_group(value):
    assert groups.parse(value, issuer=IDP) is None


def test_groups_count_only_from_a_trusted_sender():
    """I-21: everybody can write a famous authority behind the #."""
    values = ["urn:geant:x:group:lab#aai.egi.eu", "https://cg.gakunin.jp/gr/battery"]
    assert groups.trusted(values, issuer=IDP, authorities=()) == ()
    assert groups.trusted(values, issuer=IDP, authorities=("aai.egi.eu", "cg.gakunin.jp")) == ()
    assert len(groups.trusted(values, issuer=IDP, authorities=(IDP,))) == 2
    (only,) = groups.trusted(values, issuer=IDP, authorities=(f"{IDP}#cg.gakunin.jp",))
    assert only.path == ("battery",)


def test_levels_of_assertions():
    def level(*contexts: str) -> tuple[int, bool]:
        found = of_assertion(contexts, (), authn_at="", source=IDP)
        return found.aal, found.mfa

    assert level(REFEDS_MFA) == level(GAKUNIN_AAL2) == (2, True)
    assert level("urn:oasis:names:tc:SAML:2.0:ac:classes:Password") == (1, False)
    assert level() == level("https://unknown.example.org/") == (0, False)
    ial = of_assertion((), ["https://refeds.org/assurance/IAP/moderate", "x"], authn_at="", source=IDP).ial
    assert ial == 2


def test_levels_of_local_sign_ins():
    password, code = {"method": "password", "at": 1.0}, {"method": "mfa", "type": "totp", "at": 2.0}
    key, federation = {"method": "mfa", "type": "webauthn", "at": 3.0}, {"method": "federation", "at": 0.0}
    assert of_local([]).aal == of_local([federation]).aal == 0
    assert (of_local([password]).aal, of_local([password]).mfa) == (1, False)
    assert not of_local([code]).mfa
    assert of_local([password, code]).mfa
    assert of_local([federation, code]).mfa
    assert not of_local([password, code]).phishing_resistant
    assert of_local([key]).phishing_resistant


def test_raised_here_keeps_the_identity_of_the_institution():
    institution = Assurance(ial=2, aal=1, source=IDP)
    raised = together(institution, of_local([{"method": "mfa", "type": "webauthn", "at": 3.0}]))
    assert (raised.ial, raised.aal, raised.mfa, raised.source) == (2, 2, True, "local")
    assert together(institution, of_local([{"method": "password", "at": 3.0}])) == institution
    assert together(Assurance(aal=2, mfa=True, source=IDP), of_local([])).source == IDP
