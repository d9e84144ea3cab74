"""O-1, O-2: what people send forges no line of the log, and secrets are in none."""

from __future__ import annotations

import json
import logging

import pytest
from django.test import Client

from tests.rooms.clients import caller_of, client_of
from tsunagu.core.logs import JsonFormatter
from tsunagu.foundation.identity import api as identity

pytestmark = pytest.mark.django_db

_FORGED = 'x\n{"event": "forged"}\r\n\x1b[31mred\x00'


@pytest.fixture
def lines(plain_static):
    """Everything that is logged from here on, as a node writes it."""
    found: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record):
            found.append(self.format(record))

    handler = Keep()
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield found
    root.removeHandler(handler)
    root.setLevel(before)


def test_one_record_is_one_line_whatever_it_holds(lines):
    logging.getLogger("tsunagu.test").warning("arrived", extra={"path": _FORGED, _FORGED: 1})
    logging.getLogger("tsunagu.test").warning(_FORGED)
    try:
        int(_FORGED)
    except ValueError:
        logging.getLogger("tsunagu.test").exception("failed")
    assert len(lines) == 3
    for line in lines:
        assert not set("\n\r\x1b\x00") & set(line)
        assert json.loads(line)["event"] != "forged"


def test_secrets_are_in_no_line(dataset, lines, person):
    """A token, a password, a one-time link and a capability, in requests that fail in every way."""
    owner, _card = dataset
    token = identity.issue_token(owner.id, label="canary")
    link = identity.make_sign_in_link(owner.id)
    password = "canary password 4711"
    client = Client(headers={"authorization": f"Bearer {token}"})
    opened = client.post("/api/v1/datasets/lab/data/pushes", "{}", content_type="application/json").json()
    client.get("/api/v1/datasets/lab/nothing")
    client.post("/api/v1/projects", "{", content_type="application/json")
    Client(headers={"authorization": f"Bearer {token}x"}).get("/api/v1/me")
    Client().post("/accounts/login/", {"login": "owner@example.org", "password": password})
    client_of(person("visitor")).get("/account")
    caller_of(owner).get("/api/v1/me")
    Client().get(f"/welcome/{link}")
    assert lines
    for secret in (token, password, link.rsplit("/", 1)[-1], opened["capability"]):
        assert not [line for line in lines if secret in line]
