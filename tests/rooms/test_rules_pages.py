"""Officers read, try and change rules; others read them."""

from __future__ import annotations

import json
import os

import pytest

from tests.rooms.clients import client_of
from tests.rooms.test_rules import NO_SECRETS
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs.models import Run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clean():
    policy.forget()
    yield
    policy.forget()


@pytest.fixture
def secret(dataset, put):
    owner, card = dataset
    put(owner, card, {"a": b"1"})
    datasets.freeze_version(owner, card.id)
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    datasets.set_label(owner, card, "sensitivity", "5")
    return owner, card


def test_a_rule_is_tried_then_put_in_force_and_others_only_read(secret, person):
    owner, _ = secret
    officer = person("officer", is_admin=True)
    browser = client_of(officer)
    tried = browser.post("/rules", {"text": NO_SECRETS, "try": "1"}).content.decode()
    assert "everyone, without signing in" in tried
    assert "signed in, without a role" in tried
    assert "lab/data" in tried  # the officer may read it now
    assert not policy.history("institution")
    assert client_of(person("x")).get("/d/lab/data").status_code == 200
    assert browser.post("/rules", {"text": NO_SECRETS, "save": "1", "note": "audit"}).status_code == 302
    assert client_of(person("x")).get("/d/lab/data").status_code == 404
    assert Run.objects.filter(kind="write_policy").count() == 1
    page = browser.get("/rules").content.decode()
    assert "audit" in page
    again = browser.post("/rules", {"text": NO_SECRETS, "try": "1"}).content.decode()
    assert "Nobody would gain or lose anything." in again
    # What is taken away gives back; the officer, who may not read it now, sees the count and no name.
    lifted = browser.post("/rules", {"text": "", "try": "1"}).content.decode()
    assert "lab/data" not in lifted
    assert "everyone, without signing in" in lifted
    theirs = client_of(owner)
    assert "no-secrets" in theirs.get("/rules").content.decode()
    for button in ("try", "save"):
        assert theirs.post("/rules", {"text": "", button: "1"}).status_code == 403
    wrong = browser.post("/rules", {"text": "permit(principal, action, resource);", "save": "1"})
    assert wrong.status_code == 422
    assert "permits" in wrong.content.decode()


def test_rest_reads_tries_and_writes(secret, person):
    officer, owner = client_of(person("officer", is_admin=True)), client_of(secret[0])
    body = json.dumps({"text": NO_SECRETS, "note": "n"})

    def send(client, method, path):
        from django.middleware.csrf import get_token
        from django.test import RequestFactory

        token = get_token(RequestFactory().get("/"))
        client.cookies["csrftoken"] = token
        headers = {"x-csrftoken": token}
        return getattr(client, method)(path, body, content_type="application/json", headers=headers)

    effects = send(officer, "post", "/api/v1/policy/institution/try").json()["effects"]
    assert {(one["kind"], one["action"], one["lost"]["count"]) for one in effects} >= {
        ("anonymous", "read", 1)
    }
    assert send(owner, "put", "/api/v1/policy/institution").status_code == 403
    assert send(officer, "put", "/api/v1/policy/base").status_code == 422
    assert send(officer, "put", "/api/v1/policy/institution").status_code == 200
    assert owner.get("/api/v1/policy/institution").json()["text"] == NO_SECRETS
    assert "permit" in owner.get("/api/v1/policy/base").json()["text"]


def test_the_command_names_what_does_not_compile(tmp_path, capsys, monkeypatch):
    from tsunagu.doors.cli import main

    for name in ("TSUNAGU_HOME", "DJANGO_SETTINGS_MODULE"):  # the command sets them; put back afterwards
        monkeypatch.setenv(name, os.environ.get(name, ""))
    (tmp_path / "institution.cedar").write_text(NO_SECRETS, "utf-8")
    assert main(["policy", "check", str(tmp_path), "--home", str(tmp_path)]) == 0
    assert "1 rules of the institution layer compile" in capsys.readouterr().out
    (tmp_path / "law.cedar").write_text(
        '@id("likes") @en("a") @ja("あ") forbid(principal, action == Action::"dataset.read", resource) '
        'when { resource.access like "o*" };',
        "utf-8",
    )
    assert main(["policy", "check", str(tmp_path), "--json", "--home", str(tmp_path)]) == 2
    said = json.loads(capsys.readouterr().out)
    assert [one["problem"] != "" for one in said["texts"]] == [False, True]
    assert "'likes'" in said["texts"][1]["problem"]
    assert "'like'" in said["texts"][1]["problem"]
