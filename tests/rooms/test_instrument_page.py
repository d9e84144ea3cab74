"""An instrument's page: rules without YAML, the command for the PC, what the agent reported."""

from __future__ import annotations

import pytest

from tsunagu.data.datasets import api as datasets
from tsunagu.experiment.instruments import api as instruments
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.identity.models import Person

FORM = {
    "path": r"C:\Data\XRD",
    "pattern": "{sample}_*.ras",
    "project": "lab",
    "dataset": "xrd-{sample}",
    "settle_s": "20",
    "add": "1",
}


@pytest.fixture(autouse=True)
def _plain_static_files(settings):
    """Pages only: nobody collected the static files of this test's node."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "whitenoise" not in name]


@pytest.fixture
def owner(person):
    made = person()
    datasets.create_project(made, "lab")
    instruments.create_instrument(made, "xrd-1", title="XRD 1")
    return made


@pytest.fixture
def browser(client, owner):
    client.force_login(Person.objects.get(uid=owner.id))
    return client


def rules_of(owner):
    return instruments.get_instrument(owner, "xrd-1").config["folders"]


def test_a_rule_is_added_without_yaml(browser, owner):
    answer = browser.post("/instruments/xrd-1", {**FORM, "example": r"2026\AB12_1.ras"}, follow=True)
    assert answer.status_code == 200
    assert "lab/xrd-ab12" in answer.content.decode()
    second = {**FORM, "pattern": "*.txt", "dataset": "notes", "settle_s": "30"}
    browser.post("/instruments/xrd-1", second)
    assert rules_of(owner) == [
        {
            "path": r"C:\Data\XRD",
            "settle_s": 30.0,
            "complete": {},
            "ignore": [],
            "rules": [
                {"pattern": "{sample}_*.ras", "project": "lab", "dataset": "xrd-{sample}"},
                {"pattern": "*.txt", "project": "lab", "dataset": "notes"},
            ],
        }
    ]
    browser.post("/instruments/xrd-1", {"remove": "1", "path": r"C:\Data\XRD", "pattern": "{sample}_*.ras"})
    assert [rule["pattern"] for rule in rules_of(owner)[0]["rules"]] == ["*.txt"]
    browser.post("/instruments/xrd-1", {"remove": "1", "path": r"C:\Data\XRD", "pattern": "*.txt"})
    assert rules_of(owner) == []


@pytest.mark.parametrize(
    "change",
    [
        {"example": "nothing.csv"},
        {"dataset": "XRD {sample}"},
        {"dataset": "{operator}"},
        {"pattern": "re:("},
        {"project": "nobodys"},
        {"path": ""},
        {"settle_s": "soon"},
    ],
)
def test_a_rule_that_cannot_be_is_explained_and_nothing_is_lost(browser, owner, change):
    answer = browser.post("/instruments/xrd-1", {**FORM, **change})
    page = answer.content.decode()
    assert answer.status_code in {403, 404, 422}
    assert 'role="alert"' in page
    assert change.get("pattern", "{sample}_*.ras") in page
    assert rules_of(owner) == []


def test_only_owned_projects_are_offered(browser, person):
    datasets.create_project(person("other"), "theirs")
    page = browser.get("/instruments/xrd-1").content.decode()
    assert '<option value="lab"' in page
    assert "theirs" not in page


@pytest.mark.parametrize(
    ("language", "reason"), [("ja", "この名前に合う規則がありません。"), ("en", "No rule fits this name.")]
)
def test_the_report_reads_in_both_languages(browser, owner, language, reason):
    token = instruments.new_token(owner, "xrd-1")
    uid = instruments.get_instrument(owner, "xrd-1").id
    assert token
    beat = {
        "queue": 3,
        "clock_offset_s": -3600.0,
        "oldest_waiting_at": "2026-04-01T00:00:00Z",
        "host": "XRD-PC",
        "unplaced": [{"path": "odd.txt", "code": "no_rule", "fields": {}, "reason": "?"}],
        "errors": [
            {
                "path": "new.dat",
                "code": "a_code_of_tomorrow",
                "fields": {},
                "reason": "Said by a newer agent.",
            }
        ],
        "recent": [
            {
                "path": "a.ras",
                "size": 1_500_000,
                "project": "lab",
                "dataset": "xrd-ab12",
                "at": "2026-04-01T00:00:00Z",
            }
        ],
    }
    instruments.hear(Actor("instrument", uid, "xrd-1"), beat)
    page = browser.get("/instruments/xrd-1", headers={"Accept-Language": language}).content.decode()
    for shown in (
        reason,
        "odd.txt",
        "Said by a newer agent.",
        "a.ras",
        "/d/lab/xrd-ab12",
        "-3600",
        "note warn",
    ):
        assert shown in page


@pytest.mark.parametrize(
    "junk",
    [
        {
            "errors": "x",
            "recent": [1, {"size": "big", "at": 5, "project": "../", "dataset": None}],
            "queue": "<b>",
        }
    ],
)
def test_a_report_of_any_shape_does_no_harm(browser, owner, junk):
    uid = instruments.get_instrument(owner, "xrd-1").id
    instruments.hear(
        Actor("instrument", uid, "xrd-1"),
        {**junk, "clock_offset_s": "late", "folders": {}, "oldest_waiting_at": []},
    )
    answer = browser.get("/instruments/xrd-1")
    assert answer.status_code == 200
    assert b"<b>" not in answer.content


def test_the_command_holds_the_token_once(browser):
    shown = browser.post("/instruments/xrd-1", {"token": "1"}).content.decode()
    assert shown.count("--token") == 2
    assert "--token" not in browser.get("/instruments/xrd-1").content.decode()


def test_the_agent_is_served_to_everybody(client, db):
    from tsunagu.client.agent_file import agent_bytes

    answer = client.get("/agent/tsunagu_agent.pyz")
    assert answer.status_code == 200
    assert answer.content == agent_bytes()
    assert client.get("/agent/verify_version.py").content.startswith(b'"""')
