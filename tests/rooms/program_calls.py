"""What a program does at the node: send people there, redeem codes, call the interface, wait as a device."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.test import Client

from tests.rooms.clients import client_of

BACK = "https://notebook.example.org/callback"
VERIFIER = "a" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
FORM = "application/x-www-form-urlencoded"


def query_of(program, **more):
    asked = {
        "response_type": "code",
        "client_id": program.id,
        "redirect_uri": program.redirect_uris[0] if program.redirect_uris else BACK,
        "scope": "openid read write",
        "state": "s",
        "nonce": "n",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **more,
    }
    return urlencode({key: value for key, value in asked.items() if value is not None})


def agree(actor, program, *, form=None, **more):
    """Read the page, allow; the parameters that the program gets."""
    client = client_of(actor)
    address = f"/oauth/authorize?{query_of(program, **more)}"
    page = client.get(address)
    assert page.status_code == 200, page.headers
    form = {"allow": "1", "verb": ["read", "write"], "days": "30", "reach": "all"} | (form or {})
    return told(client.post(address, {key: value for key, value in form.items() if value is not None}))


def told(answer):
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return dict(parse_qsl(urlsplit(answer["Location"]).query))


def token(**form):
    secret = form.pop("basic", None)
    headers = {}
    if secret:
        pair = f"{form.pop('client_id')}:{secret}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    answer = Client(headers=headers).post("/oauth/token", urlencode(form), content_type=FORM)
    return answer.status_code, answer.json()


def redeem(program, back, **more):
    return token(
        **{
            "grant_type": "authorization_code",
            "client_id": program.id,
            "code": back["code"],
            "redirect_uri": program.redirect_uris[0],
            "code_verifier": VERIFIER,
            **more,
        }
    )


def connected(actor, program, **more):
    status, found = redeem(program, agree(actor, program, **more))
    assert status == 200, found
    return found


def call(secret, path="/me", method="get", **more):
    client = Client(headers={"authorization": f"Bearer {secret}"})
    return getattr(client, method)(f"/api/v1{path}", **more)


def device(program, **more):
    form = {"client_id": program.id, "scope": "read write", **more}
    answer = Client(headers={"user-agent": "agent <script>"}).post(
        "/oauth/device", urlencode(form), content_type=FORM
    )
    return answer.status_code, answer.json()


def poll(program, asked):
    return token(
        grant_type="urn:ietf:params:oauth:grant-type:device_code",
        client_id=program.id,
        device_code=asked["device_code"],
    )
