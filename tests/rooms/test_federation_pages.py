"""The pages of the federation: choosing an institution, coming back, linking, confirming; what attackers try there."""

from __future__ import annotations

import base64
import zlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client

from tests.federation import Idp
from tsunagu.core import clock
from tsunagu.core import settings as node_settings
from tsunagu.foundation.identity import api as identity

pytestmark = pytest.mark.django_db
MFA = "https://refeds.org/profile/mfa"
SUBJECT = "urn:oasis:names:tc:SAML:attribute:subject-id"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def idp(federation):
    return federation[0]


def at_institution(client: Client, idp: Idp, *, query: str = "", **more: Any) -> str:
    """Go there and let it answer; the address to which the ACS sends the browser."""
    begun = client.get(f"/saml/start?{urlencode({'entity': idp.entity_id})}{query}")
    assert begun.status_code == 302, begun.content
    sent = parse_qs(urlsplit(begun["Location"]).query)
    request_id = (
        zlib.decompress(base64.b64decode(sent["SAMLRequest"][0]), -15).decode().split('ID="')[1].split('"')[0]
    )
    base = node_settings.current().control_address
    more.setdefault("attributes", {SUBJECT: [f"taro@{idp.scopes[0]}"]})
    xml = idp.signer.sign(
        idp.response(request_id, acs=f"{base}/saml/acs", audience=f"{base}/saml/metadata", **more)
    )
    form = {"SAMLResponse": base64.b64encode(xml.encode()).decode(), "RelayState": sent["RelayState"][0]}
    answer = Client(enforce_csrf_checks=True).post("/saml/acs", form)  # without the session's cookie
    return answer["Location"] if answer.status_code == 302 else f"status {answer.status_code}"


def signed_in(idp: Idp, **more: Any) -> Client:
    client = Client()
    assert client.get(at_institution(client, idp, **more)).status_code == 302
    return client


def local(person: Any) -> Client:
    client = Client()
    person("local")
    from tsunagu.foundation.identity.models import Person

    client.force_login(Person.objects.get(email="local@example.org"), backend=BACKEND)
    return client


def prove(client: Client) -> None:
    """As after the password was given."""
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": clock.epoch_s()}]
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session.save()


def test_the_list_is_searched_and_works_without_script(idp):
    page = Client().get("/saml/discover?q=ダイ2だいがく", headers={"Accept-Language": "ja"}).content.decode()
    assert "第2大学" in page
    assert "第1大学" not in page
    assert 'href="/saml/start?entity=https%3A%2F%2Fidp2' in page
    empty = Client().get("/saml/discover?q=nowhere", headers={"Accept-Language": "en"}).content.decode()
    assert "No institution of that name" in empty


def test_a_browser_remembers_its_choice(idp):
    client = Client()
    client.get(f"/saml/start?entity={idp.entity_id}")
    page = client.get("/saml/discover", headers={"Accept-Language": "en"}).content.decode()
    assert "Chosen before in this browser" in page
    client.cookies["institutions"] = "https://evil.example.org/idp"
    page = client.get("/saml/discover", headers={"Accept-Language": "en"}).content.decode()
    assert "Chosen before" not in page


def test_a_node_without_federations_has_no_such_page():
    assert Client().get("/saml/discover").status_code == 404
    assert "/saml/discover" not in Client().get("/accounts/login/").content.decode()


def test_the_session_is_new_after_signing_in(idp):
    """W-5: a session that an attacker planted is not the one that is signed in."""
    client = Client()
    client.get(f"/saml/start?entity={idp.entity_id}")
    planted = client.session.session_key
    client.get(at_institution(client, idp))
    assert "_auth_user_id" in client.session
    assert client.session.session_key != planted
    thief = Client()
    thief.cookies["sessionid"] = planted
    assert "_auth_user_id" not in thief.session
    before = client.session.session_key
    client.get(at_institution(client, idp, query="&purpose=stepup", context=MFA))
    assert client.session.session_key != before


@pytest.mark.parametrize(
    "evil",
    [
        "https://evil.example.org/", "//evil.example.org/", "/\\evil.example.org", "\\\\evil.example.org", "javascript:alert(1)",
        "https:evil.example.org", "/%09/evil.example.org\t", "evil.example.org", "http://testserver.evil.example.org/",
    ],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(idp, evil):
    """W-3: ``next`` and RelayState lead to paths of this node alone."""
    client = Client()
    done = client.get(at_institution(client, idp, query=f"&{urlencode({'next': evil})}"))
    assert done.status_code == 302
    assert urlsplit(done["Location"]).netloc == ""
    assert done["Location"].startswith("/")
    assert not done["Location"].startswith(("//", "/\\"))
    for page in ("/saml/discover", "/account/confirm"):
        led = client.get(f"{page}?{urlencode({'next': evil})}").context["next"]
        assert led == "" or (led.startswith("/") and not led.startswith(("//", "/\\")))


def test_next_leads_there(idp):
    client = Client()
    assert client.get(at_institution(client, idp, query="&next=/projects"))["Location"] == "/projects"


def test_somebody_elses_sign_in_does_not_become_mine(idp):
    """W-4: login CSRF. The attacker signs in at the institution and has the victim open the last address."""
    attacker, victim = Client(), Client()
    address = at_institution(attacker, idp)
    victim.get("/saml/discover")
    assert victim.get(address).status_code == 403
    assert "_auth_user_id" not in victim.session


def test_the_door_of_answers_takes_posts_alone(idp):
    assert Client().get("/saml/acs").status_code == 405
    assert Client().post("/saml/acs", {}).status_code == 403
    assert Client().post("/saml/start").status_code == 405


def test_the_discovery_protocol(idp, configure):
    configure(federation_discovery_url="https://ds.example.org/ds")
    client = Client()
    away = client.get("/saml/discover?next=/projects")["Location"]
    asked = parse_qs(urlsplit(away).query)
    assert away.startswith("https://ds.example.org/ds?")
    assert asked["entityID"] == [identity.service_provider_id()]
    back = urlsplit(asked["return"][0])
    assert back.path == "/saml/chosen"
    for bad in ({"state": "guess", "entityID": idp.entity_id}, {"entityID": idp.entity_id}):
        assert client.get("/saml/chosen", bad).status_code == 422
    client.get("/saml/discover?next=/projects")
    state = client.session["discovery"]["state"]
    on = client.get("/saml/chosen", {"state": state, "entityID": idp.entity_id})["Location"]
    assert parse_qs(urlsplit(on).query)["next"] == ["/projects"]
    assert client.get(on).status_code == 302
    assert client.get("/saml/chosen", {"state": state, "entityID": idp.entity_id}).status_code == 422
    client.get("/saml/discover")
    unknown = {"state": client.session["discovery"]["state"], "entityID": "https://evil.example.org/idp"}
    assert client.get(client.get("/saml/chosen", unknown)["Location"]).status_code == 404


def test_linking_needs_both_sides_and_a_confirmation(idp, person):
    client = local(person)
    assert client.post("/account/institutions", {"begin": "1"})["Location"].startswith("/account/confirm")
    assert client.get(f"/saml/start?entity={idp.entity_id}&purpose=link")["Location"] == "/account/confirm"
    prove(client)
    # Fresh, but nobody pressed the button: an address alone starts no linking.
    client.session.pop("link_until", None)
    assert client.post("/account/institutions", {"begin": "1"})["Location"] == "/saml/discover?purpose=link"
    assert (
        client.get(at_institution(client, idp, query="&purpose=link"))["Location"] == "/account/institutions"
    )
    mine = client.session["_auth_user_id"]
    page = client.get("/account/institutions", headers={"Accept-Language": "en"}).content.decode()
    assert "Link this identity to your account?" in page
    from tsunagu.foundation.identity.models import Identity

    assert not Identity.objects.exists()
    client.post("/account/institutions", {"confirm": "1"})
    assert str(Identity.objects.get().person_id) == mine
    assert signed_in(idp).session["_auth_user_id"] == mine


def test_linking_is_never_begun_by_an_address(idp, person):
    client = local(person)
    prove(client)
    assert client.get(f"/saml/start?entity={idp.entity_id}&purpose=link")["Location"] == "/account/confirm"
    assert client.post("/account/institutions", {"confirm": "1"}).status_code == 403
    guarded = Client(enforce_csrf_checks=True)
    guarded.cookies = client.cookies
    assert guarded.post("/account/institutions", {"begin": "1"}).status_code == 403


def test_the_last_way_in_stays(idp):
    client = signed_in(idp)
    from tsunagu.foundation.identity.models import Identity

    row = Identity.objects.get()
    assert client.post("/account/institutions", {"unlink": row.uid}).status_code == 422
    assert Identity.objects.count() == 1
    row.person.set_password("a long password indeed")
    row.person.save()
    client = signed_in(idp)
    assert client.post("/account/institutions", {"unlink": row.uid}).status_code == 302
    assert not Identity.objects.exists()


def test_confirming_by_another_identity_is_refused(idp, parties):
    client = signed_in(idp)
    address = at_institution(client, parties[2], query="&purpose=stepup", context=MFA)
    assert client.get(address).status_code == 403


def test_assurance_belongs_to_the_session(idp):
    strong, weak = signed_in(idp, context=MFA), signed_in(idp)
    assert strong.session["_auth_user_id"] == weak.session["_auth_user_id"]

    def shown(client: Client) -> str:
        return client.get("/account", headers={"Accept-Language": "en"}).content.decode()

    assert "two factors" in shown(strong)
    assert "one factor" in shown(weak)
    weak.get(at_institution(weak, idp, query="&purpose=stepup", context=MFA))
    assert "two factors" in shown(weak)


def test_a_weak_answer_raises_nothing(idp):
    client = signed_in(idp)
    assert at_institution(client, idp, query="&purpose=stepup") == "status 403"
    assert client.session["assurance"]["mfa"] is False


def test_the_actor_knows_how_strongly_the_session_was_opened(idp, configure, rf):
    from tsunagu.doors.who import actor_of
    from tsunagu.foundation.identity.models import Person

    configure(federation_group_authorities=(idp.entity_id,))
    group = "urn:geant:example.org:group:lab:role=manager#aai.example.org"
    given = {SUBJECT: ["x@u1.example.ac.jp"], "urn:oid:1.3.6.1.4.1.5923.1.1.1.7": [group]}
    client = signed_in(idp, context=MFA, attributes=given)
    request = rf.get("/")
    request.session, request.user = client.session, Person.objects.get(pk=client.session["_auth_user_id"])
    actor = actor_of(request)
    assert (actor.assurance.aal, actor.assurance.mfa, actor.assurance.source) == (2, True, idp.entity_id)
    assert [(m.name, m.role) for m in actor.memberships] == [("urn:geant:example.org/lab", "manager")]


def test_administrators_see_the_feeds(idp, person):
    assert local(person).get("/federations").status_code == 404
    from tsunagu.core import jobs
    from tsunagu.foundation.identity.models import Person

    Person.objects.filter(email="local@example.org").update(is_admin=True)
    client = Client()
    client.force_login(Person.objects.get(email="local@example.org"), backend=BACKEND)
    page = client.get("/federations", headers={"Accept-Language": "en"}).content.decode()
    assert "good" in page
    assert client.post("/federations").status_code == 302
    assert jobs.DBTaskResult.objects.filter(task_path__endswith="refresh_feeds").count() == 1


def test_the_metadata_of_this_node(idp):
    from lxml import etree

    answer = Client().get("/saml/metadata")
    assert answer["Content-Type"] == "application/samlmetadata+xml"
    root = etree.fromstring(answer.content)
    assert root.get("entityID") == identity.service_provider_id()
    uses = {node.get("use") for node in root.iter("{*}KeyDescriptor")}
    assert uses == {"signing", "encryption"}
    assert b"PRIVATE" not in answer.content
    assert (node_settings.current().home / "secrets" / "saml.pem").stat().st_mode & 0o077 == 0


def test_the_metadata_keeps_to_the_schema(idp):
    """The schema that comes with python3-saml."""
    from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

    checked = OneLogin_Saml2_XML.validate_xml(
        Client().get("/saml/metadata").content, "saml-schema-metadata-2.0.xsd", debug=False
    )
    assert not isinstance(checked, str), checked


def test_raised_by_a_code_of_this_node(idp):
    """I-13: the institution gave one factor; the second one is ours, and the session gets a new id."""
    from allauth.mfa.totp.internal import auth as totp

    client = signed_in(idp)
    from tsunagu.foundation.identity.models import Person

    secret = totp.generate_totp_secret()
    totp.TOTP.activate(Person.objects.get(pk=client.session["_auth_user_id"]), secret)
    page = client.get("/account/confirm?next=/datasets", headers={"Accept-Language": "en"}).content.decode()
    assert "With a passkey or a one-time code" in page
    before = client.session.session_key
    code = totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))
    done = client.post("/accounts/2fa/reauthenticate/?next=/datasets", {"code": code, "next": "/datasets"})
    assert done.status_code == 302, done.content.decode()[-1500:]
    assert client.session.session_key != before
    account = client.get("/account", headers={"Accept-Language": "en"}).content.decode()
    assert "two factors" in account
    listed = client.get("/accounts/sessions/", headers={"Accept-Language": "en"}).content.decode()
    assert "this one" in listed


def test_sign_ins_of_one_network_are_limited(idp):
    from django.core.cache import cache

    cache.clear()
    codes = {Client().post("/saml/acs", {"RelayState": "x"}).status_code for _ in range(300)}
    assert codes == {403}
    assert Client().post("/saml/acs", {"RelayState": "x"}).status_code == 429
    cache.clear()
