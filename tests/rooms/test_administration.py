"""Pages for administrators: where they are found, and that nobody else enters."""

from __future__ import annotations

import re

import pytest

from tests.rooms.clients import client_of
from tsunagu.core import clock
from tsunagu.data.harvesting.models import Harvested, Source

pytestmark = pytest.mark.django_db


@pytest.fixture
def source():
    row = Source.objects.create(
        name="kita", url="https://kita.example.ac.jp/oai", prefix="jpcoar_2.0", title="北見山大学リポジトリ",
        made_at=clock.now(), due_at=clock.now(), state="failed", reason="no answer", seen_count=12, announced_count=40,
    )  # fmt: skip
    for number in range(60):
        Harvested.objects.create(
            source=row, identifier=f"oai:kita:{number}", datestamp="2027-01-01", content=b"x\x9c\x03\x00\x00\x00\x00\x01",
            changed_at=clock.now(), title=f"題 {number}", problem="It has no title." if number == 3 else "",
        )  # fmt: skip
    return row


def test_every_page_is_linked_and_opens(person, source):
    admin = client_of(person("admin", is_admin=True))
    home = admin.get("/").content.decode()
    assert 'href="/administration"' in home
    text = admin.get("/administration").content.decode()
    linked = re.findall(r'<dt><a href="([^"]+)">', text)
    assert len(linked) == 9
    for address in linked:
        assert admin.get(address).status_code == 200, address
    assert admin.get("/administration", headers={"accept-language": "ja"}).content.decode().count("管理") > 1


@pytest.mark.parametrize("address", ["/administration", "/harvest", "/harvest/kita", "/harvest/kita/1.xml"])
def test_nobody_else_enters(person, source, address):
    somebody = client_of(person("somebody"))
    assert somebody.get(address).status_code == 403
    assert "kita" not in somebody.get("/").content.decode()
    assert 'href="/administration"' not in somebody.get("/").content.decode()


@pytest.mark.parametrize(
    ("language", "words"), [("en", ("failed", "1 unreadable")), ("ja", ("失敗", "読み取り不可 1 件"))]
)
def test_a_repository_and_its_records(person, source, language, words):
    admin = client_of(person("admin", is_admin=True))
    admin.headers = {"accept-language": language}
    text = admin.get("/harvest", headers={"accept-language": language}).content.decode()
    for word in (*words, "北見山大学リポジトリ", "no answer"):
        assert word in text, word
    first = admin.get("/harvest/kita", headers={"accept-language": language}).content.decode()
    assert "題 59" in first
    older = re.search(r'href="(\?after=\d+)"', first)[1]
    assert "題 0" in admin.get(f"/harvest/kita{older}").content.decode()
    bad = admin.get("/harvest/kita?problems=1").content.decode()
    assert "It has no title." in bad
    assert "題 59" not in bad


def test_forms_do_what_they_say(person, source):
    admin = client_of(person("admin", is_admin=True))
    assert admin.post("/harvest", {"pause": "kita"}).status_code == 302
    source.refresh_from_db()
    assert source.state == "paused"
    assert admin.post("/harvest", {"ask": "kita"}).status_code == 302
    source.refresh_from_db()
    assert source.state == "waiting"
    wrong = admin.post("/harvest", {"address": "https://169.254.169.254/oai", "every_hours": "24"})
    assert wrong.status_code == 422
    assert 'value="https://169.254.169.254/oai"' in wrong.content.decode(), "what was typed stays"
    assert admin.post("/harvest", {"address": "https://x.example", "every_hours": "soon"}).status_code == 422
    assert admin.post("/harvest", {"remove": "kita"}).status_code == 302
    assert not Source.objects.exists()
