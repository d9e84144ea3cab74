"""Authlib as a client of a running node's own OpenID provider, and thieves at its token endpoint."""

from __future__ import annotations

import html
import json
import re
import socket
import time
import urllib.parse
from typing import Any

import pytest
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.node import Node, running_node
from tests.servers.test_saml_login import Browser, fields

pytestmark = pytest.mark.servers
CALLBACK = "http://127.0.0.1:9/callback"  # nobody listens: the browser's last address is read, not opened


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("node") / "node") as found:
        yield found


@pytest.fixture
def browser(node):
    """The owner, signed in by a one-time link."""
    link = node.run("admin", "link", "owner@example.org", "--home", str(node.home)).stdout.strip()
    found = Browser()
    _, url, page = found.get(link)
    assert found.get(url, fields(page))[0] == 200
    return found


def register(node: Node, *more: str) -> dict[str, Any]:
    command = ["program", "register", "Notebook", "--redirect", CALLBACK, "--home", str(node.home), "--json"]
    return json.loads(node.run(*command, *more).stdout)


def metadata(node: Node) -> dict[str, Any]:
    return json.loads(Browser().get(f"{node.url}/.well-known/openid-configuration")[2])


def client_of(node: Node, made: dict[str, Any], scope: str, **more: Any) -> OAuth2Session:
    told = metadata(node)
    return OAuth2Session(
        made["id"],
        made.get("secret") or None,
        scope=scope,
        redirect_uri=CALLBACK,
        token_endpoint=told["token_endpoint"],
        revocation_endpoint=told["revocation_endpoint"],
        introspection_endpoint=told["introspection_endpoint"],
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic" if made.get("secret") else "none",
        **more,
    )


def agree(browser: Browser, address: str, **choice: Any) -> str:
    """Read the page, allow, and give the address to which the browser is sent."""
    status, url, page = browser.get(address)
    assert status == 200, page[:2000]
    form = [("csrfmiddlewaretoken", fields(page)["csrfmiddlewaretoken"]), ("days", "30"), ("reach", "all")]
    verbs = choice.pop("verbs", re.findall(r'name="verb" value="(\w+)"', page))
    form += [("verb", verb) for verb in verbs]
    form += [(key, value) for key, value in ({"allow": "1"} | choice).items()]
    return browser.post_for_location(url, urllib.parse.urlencode(form))


def connect(node, browser, made, scope="openid read write", **more) -> tuple[OAuth2Session, dict[str, Any]]:
    client = client_of(node, made, scope)
    verifier = "v" * 64
    address, state = client.create_authorization_url(
        metadata(node)["authorization_endpoint"], code_verifier=verifier, nonce="n-1", **more
    )
    back = agree(browser, address)
    assert back.startswith(CALLBACK)
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))
    assert (query["state"], query["iss"]) == (state, node.url)
    return client, dict(client.fetch_token(authorization_response=back, code_verifier=verifier))


def test_authlib_signs_a_person_in_and_acts_for_them(node, browser):
    made = register(node, "--verb", "read", "--verb", "write", "--agent")
    client, token = connect(node, browser, made, "openid profile email read write")
    keys = KeySet.import_key_set(json.loads(Browser().get(metadata(node)["jwks_uri"])[2]))
    decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        {"iss": {"essential": True, "value": node.url}, "aud": {"essential": True, "value": made["id"]}},
        {"nonce": "n-1", "client_id": made["id"], "access_token": token["access_token"]},
    )
    claims.validate()
    assert claims["at_hash"]
    assert claims["sub"] not in {"1", ""}
    assert abs(claims["auth_time"] - time.time()) < 120
    info = client.get(metadata(node)["userinfo_endpoint"]).json()
    assert (info["sub"], info["email"]) == (claims["sub"], "owner@example.org")
    # The token stands for the person at the REST interface, within its verbs.
    status, me = node.api("GET", "/me", token=token["access_token"])
    assert (status, me["agent"], me["verbs"]) == (200, "Notebook", ["read", "write"])
    assert node.api("POST", "/projects", {"name": "by-agent"}, token=token["access_token"])[0] == 201
    status, problem = node.api(
        "PUT",
        "/projects/by-agent/members",
        {"email": "x@example.org", "role": "reader"},
        token=token["access_token"],
    )
    assert (status, problem["fields"]["basis"]) == (403, "token")
    page = browser.get(f"{node.url}/account/programs")[2]
    assert "Notebook" in page
    assert "acts by itself" in page


def test_refresh_rotates_and_a_copied_refresh_token_ends_everything(node, browser):
    client, first = connect(node, browser, register(node, "--verb", "read", "--verb", "write"))
    client.token = first
    second = dict(
        client.refresh_token(metadata(node)["token_endpoint"], refresh_token=first["refresh_token"])
    )
    assert second["refresh_token"] != first["refresh_token"]
    assert node.api("GET", "/me", token=second["access_token"])[0] == 200
    thief = client_of(node, {"id": client.client_id}, "read")
    with pytest.raises(Exception, match="invalid_grant"):
        thief.refresh_token(metadata(node)["token_endpoint"], refresh_token=first["refresh_token"])
    for token in (first, second):
        assert node.api("GET", "/me", token=token["access_token"])[0] == 401
    with pytest.raises(Exception, match="invalid_grant"):
        client.refresh_token(metadata(node)["token_endpoint"], refresh_token=second["refresh_token"])


def test_a_token_is_narrowed_for_one_task(node, browser):
    client, token = connect(node, browser, register(node, "--verb", "read", "--verb", "write"))
    narrow = dict(
        client.refresh_token(
            metadata(node)["token_endpoint"], refresh_token=token["refresh_token"], scope="read"
        )
    )
    assert node.api("GET", "/me", token=narrow["access_token"])[1]["verbs"] == ["read"]
    assert node.api("POST", "/projects", {"name": "no"}, token=narrow["access_token"])[0] == 403
    with pytest.raises(Exception, match="invalid_scope"):
        client.refresh_token(
            metadata(node)["token_endpoint"], refresh_token=narrow["refresh_token"], scope="admin"
        )


def test_a_service_checks_a_token_that_was_made_for_it_and_the_node_refuses_it(node, browser):
    site = register(node, "--confidential", "--resource", "https://hpc.example.ac.jp/jobs")
    made = register(node)
    client, token = connect(node, browser, made, "openid read", resource="https://hpc.example.ac.jp/jobs")
    assert node.api("GET", "/me", token=token["access_token"])[0] == 401
    asking = client_of(node, site, "")
    told = asking.introspect_token(
        metadata(node)["introspection_endpoint"], token=token["access_token"]
    ).json()
    assert (told["active"], told["aud"]) == (True, "https://hpc.example.ac.jp/jobs")
    assert told["act"] == {"sub": made["id"], "client_name": "Notebook"}
    other = client_of(node, register(node, "--confidential", "--resource", "https://b.example.ac.jp/"), "")
    for stranger in (other,):
        answer = stranger.introspect_token(
            metadata(node)["introspection_endpoint"], token=token["access_token"]
        )
        assert answer.json() == {"active": False}
    nobody = client_of(node, {"id": made["id"]}, "")
    answer = nobody.introspect_token(metadata(node)["introspection_endpoint"], token=token["access_token"])
    assert answer.json() == {"active": False}  # a program without a secret is told nothing
    client.revoke_token(metadata(node)["revocation_endpoint"], token=token["refresh_token"])
    told = asking.introspect_token(
        metadata(node)["introspection_endpoint"], token=token["access_token"]
    ).json()
    assert told == {"active": False}


def test_what_was_done_by_a_program_stands_in_the_record(node, browser):
    _, token = connect(node, browser, register(node, "--verb", "read", "--verb", "write", "--agent"))
    node.api("POST", "/projects", {"name": "diary"}, token=token["access_token"])
    node.api("POST", "/datasets", {"project": "diary", "name": "d"}, token=token["access_token"])
    runs = node.api("GET", "/datasets/diary/d/runs")[1]["runs"]
    assert {run["agent"] for run in runs} == {"Notebook"}
    page = html.unescape(browser.get(f"{node.url}/d/diary/d/provenance")[2])
    assert "Notebook" in page


# --- The command line


def login(node: Node, home, *more: str) -> tuple[Any, str]:
    """``tsunagu login`` in the background; the process and the code that it shows."""
    import subprocess

    from tests.node import TSUNAGU

    environment = {k: v for k, v in node.environment.items() if k not in {"TSUNAGU_TOKEN", "TSUNAGU_URL"}}
    environment |= {"TSUNAGU_CONFIG": str(home / "account.json"), "LANG": "C.UTF-8"}
    process = subprocess.Popen(
        [TSUNAGU, "login", node.url, *more],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = process.stderr.readline()
    return process, re.search(r"code: ([A-Z]{4}-[A-Z]{4})", line)[1]


def type_code(browser: Browser, node: Node, code: str, **choice: str) -> tuple[int, str]:
    _, url, page = browser.get(f"{node.url}/device")
    status, url, page = browser.get(url, {**fields(page), "code": code.lower().replace("-", " ")})
    if status != 200 or 'name="allow"' not in page:
        return status, page
    assert "127.0.0.1" in page  # where the program asks from
    assert f"on {socket.gethostname()}" in html.unescape(page)
    form = [("csrfmiddlewaretoken", fields(page)["csrfmiddlewaretoken"]), ("days", "7"), ("reach", "all")]
    form += [("verb", verb) for verb in re.findall(r'name="verb" value="(\w+)"', page)]
    form += [(key, value) for key, value in ({"allow": "1"} | choice).items() if value]
    return 302, browser.post_for_location(url, urllib.parse.urlencode(form))


def test_the_command_line_signs_in_by_a_page_and_renews_itself(node, browser, tmp_path):
    process, code = login(node, tmp_path)
    assert type_code(browser, node, code) == (302, "/account/programs")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Signed in" in out
    stored = json.loads((tmp_path / "account.json").read_text())
    env = {"TSUNAGU_CONFIG": str(tmp_path / "account.json"), "TSUNAGU_TOKEN": "", "TSUNAGU_URL": ""}
    assert json.loads(node.run("whoami", "--json", env=env).stdout)["agent"] == ""
    # The token is about to end: three commands side by side renew it once and all go on.
    (tmp_path / "account.json").write_text(json.dumps({**stored, "expires_at": 1}))
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: node.run("whoami", "--json", env=env), range(3)))
    assert all(one.returncode == 0 for one in done)
    renewed = json.loads((tmp_path / "account.json").read_text())
    assert renewed["token"] != stored["token"]
    # A copy of the old file is worth nothing, and its use ends the connection.
    (tmp_path / "account.json").write_text(json.dumps({**stored, "expires_at": 1}))
    assert node.run("whoami", env=env, check=False).returncode == 3
    (tmp_path / "account.json").write_text(json.dumps(renewed))
    assert node.run("whoami", env=env, check=False).returncode == 3


def test_signing_out_ends_the_connection_at_the_node(node, browser, tmp_path):
    process, code = login(node, tmp_path, "--verb", "read")
    type_code(browser, node, code)
    process.communicate(timeout=60)
    stored = json.loads((tmp_path / "account.json").read_text())
    env = {"TSUNAGU_CONFIG": str(tmp_path / "account.json"), "TSUNAGU_TOKEN": "", "TSUNAGU_URL": ""}
    assert json.loads(node.run("whoami", "--json", env=env).stdout)["verbs"] == ["read"]
    node.run("logout", env=env)
    assert not (tmp_path / "account.json").exists()
    assert node.api("GET", "/me", token=stored["token"])[0] == 401


def test_a_refused_code_a_used_code_and_a_code_in_a_link(node, browser, tmp_path):
    process, code = login(node, tmp_path)
    # A link with the code in it fills in nothing and shows nothing of the program.
    _, _, page = browser.get(f"{node.url}/device?code={code}&user_code={code}")
    assert re.search(r'name="code"[^>]*value=', page) is None
    assert "command line</dd>" not in page
    assert type_code(browser, node, code, allow="", deny="1")[0] == 302
    process.communicate(timeout=60)
    assert process.returncode == 3
    assert not (tmp_path / "account.json").exists()
    assert type_code(browser, node, code)[0] == 422
    assert type_code(browser, node, "BCDF-GHJK")[0] == 422


def test_narrow_tokens_from_the_command_line(node):
    node.run("project", "create", "narrow")
    node.run("project", "create", "other")
    made = node.json("token", "create", "script", "--verb", "read", "--project", "narrow", "--days", "3")
    me = node.api("GET", "/me", token=made["secret"])[1]
    assert (me["verbs"], len(me["projects"])) == (["read"], 1)
    assert [p["name"] for p in node.api("GET", "/projects", token=made["secret"])[1]["projects"]] == [
        "narrow"
    ]
    assert node.api("GET", "/projects/other", token=made["secret"])[0] == 404
    assert node.api("POST", "/tokens", {"label": "wider", "verbs": ["admin"]}, token=made["secret"])[0] == 403
    assert node.api("GET", "/tokens", token=made["secret"])[0] == 403
    row = next(row for row in node.json("token")["tokens"] if row["label"] == "script")
    node.run("token", "revoke", row["id"])
    assert node.api("GET", "/me", token=made["secret"])[0] == 401
