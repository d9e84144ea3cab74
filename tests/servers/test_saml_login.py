"""A person signs in through SimpleSAMLphp on a running node, and what the node refuses of its answers."""

from __future__ import annotations

import base64
import html
import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.federation import Signer, aggregate, entity
from tests.node import running_node
from tests.servers import simplesaml

pytestmark = pytest.mark.servers


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    """Cookies, forms and redirects; knows no script."""

    def __init__(self) -> None:
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.plain = urllib.request.build_opener(NoRedirect())

    def get(self, url: str, data: dict[str, str] | None = None) -> tuple[int, str, str]:
        body = urllib.parse.urlencode(data).encode() if data is not None else None
        request = urllib.request.Request(url, body, {"Accept-Language": "en"})
        try:
            with self.opener.open(request, timeout=60) as answer:
                return answer.status, answer.url, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.url, error.read().decode()

    def post_across(self, url: str, data: dict[str, str]) -> tuple[int, str]:
        """A form of another site: the session's cookie (SameSite=Lax) stays at home. Gives status and Location."""
        request = urllib.request.Request(
            url, urllib.parse.urlencode(data).encode(), {"Accept-Language": "en"}
        )
        try:
            with self.plain.open(request, timeout=60) as answer:
                return answer.status, ""
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers.get("Location", "")

    def post_for_location(self, url: str, body: str) -> str:
        """A form of this site, with the cookies; where its answer leads, not followed."""
        opener = urllib.request.build_opener(NoRedirect(), urllib.request.HTTPCookieProcessor(self.jar))
        request = urllib.request.Request(url, body.encode(), {"Accept-Language": "en", "Referer": url})
        try:
            with opener.open(request, timeout=60) as answer:
                raise AssertionError(answer.read().decode()[:3000])
        except urllib.error.HTTPError as error:
            with error:
                return error.headers.get("Location") or f"status {error.code}: {error.read().decode()[:3000]}"

    def session(self) -> str:
        return next((c.value or "" for c in self.jar if c.name == "sessionid"), "")


def fields(page: str) -> dict[str, str]:
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        part = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if "name" in part:
            found[part["name"]] = html.unescape(part.get("value", ""))
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A node and an identity provider that know each other through signed metadata."""
    if not simplesaml.is_here():
        pytest.skip("SimpleSAMLphp is not installed")
    folder = tmp_path_factory.mktemp("federation")
    with simplesaml.running(folder / "idp") as idp:
        signer = Signer(folder)
        described = entity(
            1, certificate=idp.signer.base64, scopes=(idp.scope,), location=idp.sign_on, name=idp.entity_id
        )
        (folder / "feed.xml").write_text(signer.sign(aggregate([described])), "utf-8")
        row = [{"name": "t", "file": str(folder / "feed.xml"), "certificate": str(signer.certificate)}]
        extra = {
            "TSUNAGU_FEDERATION_FEEDS": json.dumps(row),
            "TSUNAGU_FEDERATION_GROUP_AUTHORITIES": idp.entity_id,
        }
        with running_node(folder / "node", extra) as node:
            node.run("federation", "--home", str(node.home))
            yield node, idp


@pytest.fixture(params=["plain", "encrypted"])
def parties(place, request):
    node, idp = place
    _, _, metadata = Browser().get(f"{node.url}/saml/metadata")
    certificate = metadata.split("<ds:X509Certificate>")[1].split("<")[0]
    acs = re.search(r'AssertionConsumerService [^>]*Location="([^"]+)"', metadata)[1]
    name = re.search(r'entityID="([^"]+)"', metadata)[1]
    idp.encrypts = request.param == "encrypted"
    idp.admit(name, acs, certificate, encrypt=idp.encrypts)
    return node, idp


def answer_of(
    browser: Browser, node, idp, *, user: str = "taro", query: str = ""
) -> tuple[str, dict[str, str]]:
    """Go to the institution, give the password; the form with the answer, not yet posted."""
    start = f"{node.url}/saml/start?entity={urllib.parse.quote(idp.entity_id, safe='')}{query}"
    status, url, page = browser.get(start)
    assert status == 200, page
    if "SAMLResponse" not in page:
        given = {**fields(page), "username": user, "password": "pass"}
        status, url, page = browser.get(url, given)
    form = fields(page)
    assert "SAMLResponse" in form, page[:2000]
    return html.unescape(re.search(r'<form[^>]*action="([^"]+)"', page)[1]), form


def enter(browser: Browser, node, idp, **more: str) -> tuple[int, str, str]:
    action, form = answer_of(browser, node, idp, **more)
    assert action == f"{node.url}/saml/acs"
    status, location = browser.post_across(action, {k: form[k] for k in ("SAMLResponse", "RelayState")})
    assert status == 302
    return browser.get(urllib.parse.urljoin(node.url, location))


def test_a_person_finds_the_institution_signs_in_and_sees_what_it_said(parties):
    node, idp = parties
    browser = Browser()
    _, _, page = browser.get(f"{node.url}/accounts/login/?next=/projects")
    assert "/saml/discover?next=%2Fprojects" in page
    _, _, page = browser.get(f"{node.url}/saml/discover?q=univ&next=/projects")
    assert "University 1" in page
    before = browser.session()
    status, url, page = enter(browser, node, idp, query="&next=/projects")
    assert (status, url) == (200, f"{node.url}/projects")
    assert browser.session() != before
    _, _, page = browser.get(f"{node.url}/account")
    assert "University 1" in page
    assert "one factor" in page
    assert "Identity assurance level (IAL)" in page
    assert "https://cg.gakunin.jp/battery" in page
    assert "urn:geant:example.org/lab (manager)" in page
    assert "筑波 太郎" in page
    _, _, page = browser.get(f"{node.url}/account/institutions")
    assert "staff@ssp.example.ac.jp" in page
    assert "elsewhere" not in page


def test_two_factors_are_seen(parties):
    node, idp = parties
    browser = Browser()
    enter(browser, node, idp, user="hanako")
    assert "two factors" in browser.get(f"{node.url}/account")[2]


def test_asked_for_two_factors_a_password_is_refused_and_the_local_way_is_named(parties):
    """This provider ignores what is asked: the re-check of the answer is all that stands."""
    node, idp = parties
    browser = Browser()
    enter(browser, node, idp)
    action, form = answer_of(browser, node, idp, query="&purpose=stepup")
    status, _ = browser.post_across(action, {k: form[k] for k in ("SAMLResponse", "RelayState")})
    assert status == 403
    _, _, page = browser.get(action, {k: form[k] for k in ("SAMLResponse", "RelayState")})
    assert "passkey" in page
    assert "one factor" in browser.get(f"{node.url}/account")[2]


def test_asked_for_two_factors_and_given_them(parties):
    node, idp = parties
    browser = Browser()
    enter(browser, node, idp, user="hanako")
    before = browser.session()
    status, url, _ = enter(browser, node, idp, user="hanako", query="&purpose=stepup&next=/datasets")
    assert (status, url) == (200, f"{node.url}/datasets")
    assert browser.session() != before


def test_tampered_replayed_and_borrowed_answers_are_refused(parties):
    node, idp = parties
    browser = Browser()
    action, form = answer_of(browser, node, idp)
    good = {k: form[k] for k in ("SAMLResponse", "RelayState")}
    xml = base64.b64decode(good["SAMLResponse"]).decode()
    assert ("EncryptedAssertion" in xml, "taro@" in xml) == (idp.encrypts, not idp.encrypts)
    changed = (
        xml.replace("taro@", "root@")
        if "taro@" in xml
        else xml.replace("<xenc:CipherValue>", "<xenc:CipherValue>A", 1)
    )
    assert changed != xml
    bad = base64.b64encode(changed.encode()).decode()
    assert browser.post_across(action, {**good, "SAMLResponse": bad})[0] == 403
    assert browser.post_across(action, {**good, "RelayState": "https://evil.example.org/"})[0] == 403
    status, location = browser.post_across(action, good)
    assert status == 302
    assert browser.post_across(action, good)[0] == 403
    # Login CSRF: somebody else's browser is sent to the finishing address.
    stranger = Browser()
    stranger.get(f"{node.url}/saml/discover")
    assert stranger.get(urllib.parse.urljoin(node.url, location))[0] == 403
    assert browser.get(urllib.parse.urljoin(node.url, location))[0] == 200
    assert browser.get(urllib.parse.urljoin(node.url, location))[0] == 403
