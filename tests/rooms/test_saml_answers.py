"""Answers of identity providers: the right one is taken, everything that an attacker can make of it is refused."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import pytest

from tests.federation import PASSWORD, stamp
from tests.rooms.saml_worlds import World
from tsunagu.core import settings as node_settings
from tsunagu.foundation.identity import api as identity

pytestmark = pytest.mark.django_db
SUBJECT = "urn:oasis:names:tc:SAML:attribute:subject-id"
_SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
REFUSED = identity.AssertionRefusedError


@pytest.mark.parametrize("what", ["assertion", "response", "both"])
def test_a_genuine_answer_signs_in(world, what):
    code = world.begin(next_path="/projects").send(world.signed_response(what=what))
    outcome = identity.finish_sign_in(code, browser="b")
    assert outcome.next_path == "/projects"
    assert outcome.claims.issuer == world.idp.entity_id
    assert outcome.claims.subjects[0].value == "taro@u1.example.ac.jp"
    assert (outcome.assurance.aal, outcome.assurance.mfa) == (1, False)
    assert outcome.assurance.source == world.idp.entity_id


def test_the_request_is_signed_and_asks_for_what_is_needed(world):
    world.begin(contexts=identity.TWO_FACTORS, is_forced=True)
    assert world.signed
    assert 'ForceAuthn="true"' in world.xml
    assert all(context in world.xml for context in identity.TWO_FACTORS)
    assert "NameIDPolicy" not in world.xml


def encrypted(world: World, xml: str) -> str:
    """The assertion encrypted for the service provider, then the response signed, as Shibboleth does."""
    import xmlsec
    from lxml import etree

    from tsunagu.foundation.identity.federation.keys import key_pair

    root = etree.fromstring(xml.encode())
    assertion = root.find(f"{_SAML}Assertion")
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(key_pair()[1].encode(), xmlsec.constants.KeyDataFormatCertPem))
    data = xmlsec.template.encrypted_data_create(
        root, xmlsec.Transform.AES256, type=xmlsec.EncryptionType.ELEMENT, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="dsig")
    key = xmlsec.template.add_encrypted_key(info, xmlsec.Transform.RSA_OAEP)
    xmlsec.template.encrypted_data_ensure_cipher_value(key)
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, 256, xmlsec.KeyDataType.SESSION)
    done = context.encrypt_xml(data, assertion)
    wrapper = etree.Element(f"{_SAML}EncryptedAssertion")
    done.getparent().replace(done, wrapper)
    wrapper.append(done)
    return world.idp.signer.sign(etree.tostring(root, encoding="unicode"))


@pytest.mark.parametrize("what", ["assertion", "none"])
def test_an_encrypted_assertion_is_opened(world, what):
    world.begin()
    inner = world.signed_response(what=what)
    outcome = identity.finish_sign_in(world.send(encrypted(world, inner)), browser="b")
    assert outcome.claims.subjects[0].value == "taro@u1.example.ac.jp"


def past(**ago: float) -> str:
    return stamp(dt.datetime.now(dt.UTC) - dt.timedelta(**ago))


def ahead(**more: float) -> str:
    return stamp(dt.datetime.now(dt.UTC) + dt.timedelta(**more))


BAD: dict[str, Any] = {
    "unsigned": {"what": "none"},
    "wrong audience": {"audience": "https://other.example.org/sp"},
    "no audience": {"audience": ""},
    "wrong recipient": {"recipient": "http://localhost:8000/elsewhere"},
    "longer recipient": {"recipient": "http://localhost:8000/saml/acs/more"},
    "wrong destination": {"destination": "https://other.example.org/acs"},
    "longer destination": {"destination": "http://localhost:8000/saml/acsx"},
    "expired": {"until": past(minutes=10)},
    "from the future": {"not_before": ahead(minutes=30), "until": ahead(minutes=40)},
    "valid for a year": {"until": ahead(days=365)},
    "to no request": {"in_response_to": "", "confirmed_request": ""},
    "to no request in the assertion": {"confirmed_request": ""},
    "to another request": {"in_response_to": "_x", "confirmed_request": "_x"},
    "another issuer": {"issuer": "https://idp2.example.ac.jp/idp/shibboleth"},
    "refused by the provider": {"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"},
    "authenticated in the future": {"authn_at": ahead(hours=1)},
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_refused(world, name):
    world.begin()
    with pytest.raises(REFUSED):
        world.send(world.signed_response(**BAD[name]))


def test_changed_text_is_refused(world):
    for what in ("assertion", "response", "both"):
        xml = world.begin().signed_response(what=what)
        with pytest.raises(REFUSED):
            world.send(xml.replace("taro@", "admin@"))


def test_a_key_of_another_provider_is_refused(world):
    xml = world.begin().response()
    with pytest.raises(REFUSED):
        world.send(world.other.signer.sign(xml))


def test_weak_algorithms_are_refused(world):
    xml = world.begin().response()
    for weak in (
        {"method": "http://www.w3.org/2000/09/xmldsig#rsa-sha1"},
        {"digest": "http://www.w3.org/2000/09/xmldsig#sha1"},
    ):
        with pytest.raises(REFUSED):
            world.send(world.idp.signer.sign(xml, **weak))


def test_document_types_and_rubbish_are_refused(world):
    xml = world.begin().signed_response()
    for bad in ("", "<x/>", "no xml", '<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + xml):
        with pytest.raises(REFUSED):
            world.send(bad)
    with pytest.raises(REFUSED):
        identity.receive_answer("%%%", world.handle)


def test_an_answer_is_taken_once(world):
    xml = world.begin().signed_response()
    world.send(xml)
    with pytest.raises(REFUSED):
        world.send(xml)


def test_an_assertion_is_taken_once_even_for_another_request(world):
    """The request id would stop it too; here the provider answers two requests with one assertion id."""
    world.send(world.begin().signed_response(assertion_id="_once"))
    with pytest.raises(REFUSED):
        world.send(world.begin().signed_response(assertion_id="_once"))


def test_an_answer_without_a_request_is_refused(world):
    xml = world.begin().signed_response()
    for handle in ("", "unknown"):
        with pytest.raises(REFUSED):
            identity.receive_answer(base64.b64encode(xml.encode()).decode(), handle)


def test_a_code_works_once_and_in_the_browser_that_began(world):
    code = world.begin().send(world.signed_response())
    with pytest.raises(REFUSED):
        identity.finish_sign_in(code, browser="another")
    identity.finish_sign_in(code, browser="b")
    for bad in (code, "", "unknown"):
        with pytest.raises(REFUSED):
            identity.finish_sign_in(bad, browser="b")


@pytest.mark.parametrize("context", [PASSWORD, "", "https://unknown.example.org/level"])
def test_asked_for_two_factors_and_given_less(world, context):
    world.begin(contexts=identity.TWO_FACTORS)
    with pytest.raises(identity.WeakSignInError):
        world.send(world.signed_response(context=context))


def test_a_provider_that_cannot_do_what_was_asked_is_no_attack(world):
    world.begin(contexts=identity.TWO_FACTORS)
    nested = (
        'urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode '
        'Value="urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext"/></samlp:StatusCode><!-- "'
    )
    xml = world.response(status="STATUS").replace('STATUS"/>', f"{nested}-->".replace('<!-- "-->', ""))
    with pytest.raises(identity.WeakSignInError):
        world.send(world.idp.signer.sign(xml))


@pytest.mark.parametrize("context", identity.TWO_FACTORS)
def test_asked_for_two_factors_and_given_them(world, context):
    world.begin(contexts=identity.TWO_FACTORS)
    outcome = identity.finish_sign_in(world.send(world.signed_response(context=context)), browser="b")
    assert (outcome.assurance.aal, outcome.assurance.mfa) == (2, True)


def test_an_old_authentication_does_not_pass_for_a_new_one(world):
    world.begin(is_forced=True)
    with pytest.raises(identity.WeakSignInError):
        world.send(world.signed_response(authn_at=past(minutes=30)))


def test_an_unknown_provider_cannot_be_asked(world):
    with pytest.raises(identity.UnknownProviderError):
        identity.begin_sign_in("https://nobody.example.org/idp", browser="b")


def test_scopes_of_others_are_dropped(world, caplog):
    """I-9: a provider may not speak for another's domain, nor for a domain that only looks like its own."""
    claims = world.sign_in({
        SUBJECT: ["taro@u1.example.ac.jp"],
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.9": ["staff@b.example.ac.jp", "staff@u1.example.ac.jp", "member@u1.example.ac.jp.evil.org"],
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.6": ["admin@b.example.ac.jp"],
        "urn:oid:0.9.2342.19200300.100.1.3": ["admin@b.example.ac.jp"],
    })  # fmt: skip
    assert claims.affiliations == ("staff@u1.example.ac.jp",)
    assert claims.principal_name == claims.mail == ""
    assert "principal_name" in claims.dropped
    assert [record for record in caplog.records if record.message == "scope_not_allowed"]
    assert "admin@b" not in caplog.text


def test_a_subject_of_another_domain_is_nobody(world):
    with pytest.raises(REFUSED, match="no identifier"):
        world.sign_in({SUBJECT: ["taro@b.example.ac.jp"]})


def test_text_does_not_end_at_a_comment(world):
    """I-2: ``admin@u1.example.ac.jp<!-- -->.evil.org`` is no name of u1; a cut one would be."""
    with pytest.raises(REFUSED, match="no identifier"):
        world.sign_in({SUBJECT: ["admin@u1.example.ac.jp<!-- x -->.evil.org"]})
    claims = world.sign_in({
        SUBJECT: ["taro@u1.example.ac.jp"],
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.10": ["<saml:NameID NameQualifier='a' SPNameQualifier='b'>x<!-- -->y</saml:NameID>"],
    })  # fmt: skip
    assert claims.subjects[-1].value == "a!b!xy"


def test_names_affiliations_and_assurance_of_gakunin(world):
    ja = "urn:oid:1.3.6.1.4.1.32264.1.1."
    claims = world.sign_in({
        SUBJECT: ["Taro@u1.example.ac.jp"], f"{ja}3": ["筑波 太郎"], f"{ja}4": ["第1大学", "共同利用機関"],
        "urn:oid:2.16.840.1.113730.3.1.241": ["Taro Tsukuba"], "urn:oid:2.5.4.10": ["University 1"],
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.11": ["https://www.gakunin.jp/profile/IAL2"],
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.16": ["https://orcid.org/0000-0002-1825-0097"],
        "urn:oid:0.9.2342.19200300.100.1.3": ["taro@mail.u1.example.ac.jp"],
    })  # fmt: skip
    assert claims.names == {"ja": "筑波 太郎", "en": "Taro Tsukuba"}
    assert claims.organisations == {"ja": "第1大学", "en": "University 1"}
    assert claims.orcid == "0000-0002-1825-0097"
    assert claims.mail == "taro@mail.u1.example.ac.jp"
    assert claims.assurance == ("https://www.gakunin.jp/profile/IAL2",)
    assert claims.subjects[0].value == "taro@u1.example.ac.jp"


def test_one_person_by_any_of_the_names_of_one_issuer(world):
    person = identity.admit(world.sign_in({SUBJECT: ["a@u1.example.ac.jp"]}))
    both = {
        SUBJECT: ["a@u1.example.ac.jp"],
        "urn:oasis:names:tc:SAML:attribute:pairwise-id": ["p@u1.example.ac.jp"],
    }
    assert identity.admit(world.sign_in(both)) == person
    only = {"urn:oasis:names:tc:SAML:attribute:pairwise-id": ["p@u1.example.ac.jp"]}
    assert identity.admit(world.sign_in(only)) == person
    assert identity.admit(world.sign_in({SUBJECT: ["b@u1.example.ac.jp"]})) != person


def test_an_address_never_links(world):
    """I-10: an account with the same address stays whose it is."""
    identity.ensure_person("taro@u1.example.ac.jp", name="first")
    claims = world.sign_in({
        SUBJECT: ["taro@u1.example.ac.jp"], "urn:oid:0.9.2342.19200300.100.1.3": ["Taro@u1.example.ac.jp"],
    })  # fmt: skip
    with pytest.raises(identity.AddressTakenError):
        identity.admit(claims)


def test_an_address_of_another_domain_is_not_the_accounts(world):
    """Roles are given by address: a provider must not take those of another institution's people."""
    claims = world.sign_in({
        SUBJECT: ["taro@u1.example.ac.jp"], "urn:oid:0.9.2342.19200300.100.1.3": ["dean@b.example.ac.jp"],
    })  # fmt: skip
    assert identity.admit(claims).email.endswith("@no-address.invalid")


def test_a_recycled_eppn_is_another_person(world):
    """I-11: the eppn may be given to somebody else; it never says who somebody is."""
    eppn = {"urn:oid:1.3.6.1.4.1.5923.1.1.1.6": ["taro@u1.example.ac.jp"]}
    first = identity.admit(world.sign_in({**eppn, SUBJECT: ["1@u1.example.ac.jp"]}))
    assert identity.admit(world.sign_in({**eppn, SUBJECT: ["2@u1.example.ac.jp"]})) != first
    with pytest.raises(REFUSED, match="no identifier"):
        world.sign_in(eppn)


def test_linking_joins_identities_and_not_those_of_others(world):
    mine = identity.admit(world.sign_in({SUBJECT: ["a@u1.example.ac.jp"]}))
    other = identity.admit(world.sign_in({SUBJECT: ["b@u1.example.ac.jp"]}))
    world.idp = world.other
    claims = world.sign_in({SUBJECT: ["a@b.example.ac.jp"]})
    identity.link_identity(mine.uid, claims)
    assert identity.admit(claims) == mine
    with pytest.raises(identity.AlreadyLinkedError):
        identity.link_identity(other.uid, claims)
    cards = identity.identities_of(mine.uid)
    assert len(cards) == 2
    identity.unlink(other.uid, cards[1].id)
    assert len(identity.identities_of(mine.uid)) == 2
    identity.unlink(mine.uid, cards[1].id)
    assert identity.admit(claims) != mine


def test_nobody_gets_an_account_where_the_node_makes_none(world, monkeypatch):
    node = node_settings.current()
    values = {**node.values, "federation_signup": False}
    monkeypatch.setattr(node_settings, "current", lambda: node_settings.Settings(node.home, values))
    with pytest.raises(identity.NoAccountError):
        identity.admit(world.sign_in({SUBJECT: ["new@u1.example.ac.jp"]}))
