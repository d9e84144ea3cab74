"""A person signs in through oidc-provider on a running node, and what the node makes of its answers."""

from __future__ import annotations

import html
import json
import re
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.node import free_port, running_node
from tests.servers import oidc
from tests.servers.test_saml_login import Browser, NoRedirect, fields

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A node and a provider that know each other."""
    port, node_port = free_port(), free_port()
    row = {
        "id": "op",
        "name": "Example OP",
        "name_ja": "例大学",
        "issuer": f"http://127.0.0.1:{port}",
        "client_id": oidc.CLIENT,
        "secret": oidc.SECRET,
        "domains": ["op.example.ac.jp"],
        "group_authorities": ["aai.example.org"],
    }
    extra = {
        "TSUNAGU_OPENID_PROVIDERS": json.dumps([row]),
        "TSUNAGU_EGRESS_ALLOWED": f"127.0.0.1:{port}",
    }
    callback = f"http://localhost:{node_port}/openid/op/callback"
    with (
        oidc.running(port, callback) as issuer,
        running_node(tmp_path_factory.mktemp("node") / "node", extra, port=node_port) as node,
    ):
        yield node, issuer


def enter(browser: Browser, node, issuer, user: str, query: str = "") -> tuple[int, str, str]:
    """Go to the provider, say who one is, and come back."""
    status, url, page = browser.get(f"{node.url}/openid/op/start?{query}")
    assert (status, url.startswith(issuer)) == (200, True), page[:2000]
    status, url, page = browser.get(f"{url}?user={user}")
    if url.startswith(issuer):  # somebody else is signed in there, whom the provider signs out first
        action = html.unescape(re.search(r'<form[^>]*action="([^"]+)"', page)[1])
        status, url, page = browser.get(urllib.parse.urljoin(url, action), fields(page))
    return status, url, page


def state_of(browser: Browser, node) -> str:
    """The state of a sign-in that a browser begins, and never goes on with."""
    patient = urllib.request.build_opener(NoRedirect(), urllib.request.HTTPCookieProcessor(browser.jar))
    with pytest.raises(urllib.error.HTTPError) as caught:
        patient.open(f"{node.url}/openid/op/start", timeout=30)
    with caught.value as answer:
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["Location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    return query["state"][0]


def test_a_person_signs_in_and_sees_what_the_provider_said(place):
    node, issuer = place
    browser = Browser()
    _, _, page = browser.get(f"{node.url}/accounts/login/?next=/projects")
    assert "/saml/discover?next=%2Fprojects" in page
    _, _, page = browser.get(f"{node.url}/saml/discover?next=/projects")
    assert "/openid/op/start?purpose=login&amp;next=%2Fprojects" in page
    assert "Go to Example OP" in page
    before = browser.session()
    status, url, page = enter(browser, node, issuer, "taro", "next=/projects")
    assert (status, url) == (200, f"{node.url}/projects")
    assert browser.session() not in {"", before}
    _, _, page = browser.get(f"{node.url}/account")
    assert "Example OP" in page
    assert "Identity assurance level (IAL)" in page
    assert "urn:geant:example.org/lab (manager)" in page
    assert "筑波 太郎" in page
    _, _, page = browser.get(f"{node.url}/account/institutions")
    assert "staff@op.example.ac.jp" in page
    assert "elsewhere" not in page


def test_the_same_person_comes_back_to_the_same_account(place):
    node, issuer = place
    names = set()
    for _ in range(2):
        browser = Browser()
        enter(browser, node, issuer, "taro")
        _, _, page = browser.get(f"{node.url}/accounts/email/")
        names.add(re.search(r"[\w.-]+@op\.example\.ac\.jp", page)[0])
    assert names == {"taro@op.example.ac.jp"}


def test_an_unverified_address_of_somebody_else_opens_nothing(place):
    """Hanako's provider says owner@example.org without having checked it, and for a domain that it does not own."""
    node, issuer = place
    node.make_token("owner@example.org")
    browser = Browser()
    status, _, _ = enter(browser, node, issuer, "hanako")
    assert status == 200
    assert "owner@example.org" not in browser.get(f"{node.url}/accounts/email/")[2]


def test_two_factors_are_asked_for_and_checked_again(place):
    node, issuer = place
    browser = Browser()
    enter(browser, node, issuer, "hanako")
    before = browser.session()
    status, url, _ = enter(browser, node, issuer, "hanako", "purpose=stepup&next=/datasets")
    assert (status, url) == (200, f"{node.url}/datasets")
    assert browser.session() != before
    assert "two factors" in browser.get(f"{node.url}/account")[2]
    # Taro's answer does not name what was asked for.
    browser = Browser()
    enter(browser, node, issuer, "taro")
    status, _, page = enter(browser, node, issuer, "taro", "purpose=stepup")
    assert status == 403
    assert "passkey" in page
    assert "one factor" not in browser.get(f"{node.url}/account")[2]


def test_another_persons_step_up_raises_nothing(place):
    node, issuer = place
    browser = Browser()
    enter(browser, node, issuer, "taro")
    status, url, _ = enter(browser, node, issuer, "hanako", "purpose=stepup")
    assert (status, url.startswith(f"{node.url}/saml/finish")) == (403, True)
    assert "two factors" not in browser.get(f"{node.url}/account")[2]


def test_whoever_declines_there_is_told_so(place):
    node, issuer = place
    status, _, page = enter(Browser(), node, issuer, "nobody")
    assert status == 403
    assert "not completed" in page


def test_replayed_borrowed_and_misdirected_answers_are_refused(place):
    node, issuer = place
    browser = Browser()
    _, url, _ = browser.get(f"{node.url}/openid/op/start")
    _, landed, _ = browser.get(f"{url}?user=taro")
    assert landed.startswith(node.url)
    other = Browser()
    state = state_of(other, node)
    for query in (
        {"code": "stolen", "state": state},  # no issuer, where the provider announces one
        {"code": "stolen", "state": state, "iss": "https://evil.example.org"},
        {"code": "stolen", "state": "unknown", "iss": issuer},
    ):
        address = f"{node.url}/openid/op/callback?{urllib.parse.urlencode(query)}"
        assert other.get(address)[0] == 403
        assert Browser().get(address)[0] == 403
