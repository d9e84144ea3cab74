"""Pages: what is hidden stays hidden (A-1), and what people typed is never run (W-1, W-2, M-7)."""

from __future__ import annotations

import html.parser
import itertools
import re
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import URLPattern
from django.utils.http import urlencode

from tests.rooms.clients import client_of
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.doors.hub import urls as hub
from tsunagu.doors.web.urls import urlpatterns
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.models import Person
from tsunagu.foundation.policy import api as policy

pytestmark = pytest.mark.django_db

_VALUES = {
    "project": "undisclosed", "dataset": "spectra", "path": "a.csv", "folder": "a", "form": "json", "name": "xrd-undisclosed",
    "status": "pending", "kind": "branch", "number": "1",
}  # fmt: skip
_NOTHING = {
    "project": "no-undisclosed", "dataset": "no-spectra", "path": "a.csv", "folder": "a", "form": "json",
    "name": "no-xrd-undisclosed", "status": "pending", "kind": "branch", "number": "1",
}  # fmt: skip
# Pages about no thing of a project, and the doors of sign-in with their own tests.
_NOT_ABOUT_THINGS = {"welcome", "saml_finish"}


def _address(pattern: URLPattern, values: dict[str, str]) -> str:
    """A pattern's address with its parts filled in."""
    text = str(pattern.pattern).removeprefix("^").removesuffix("$").replace("[.]", ".").replace(r"\.", ".")
    text = re.sub(r"\(\?P<(\w+)>(?:\[[^]]*\]|[^()])*\)", lambda match: values[match[1]], text)
    return "/" + re.sub(r"<str:(\w+)>", lambda match: values[match[1]], text)


def _about_things() -> list[URLPattern]:
    return [
        one
        for one in urlpatterns
        if re.search(r"<(?:str:)?\w+>", str(one.pattern)) and one.name not in _NOT_ABOUT_THINGS
    ]


def _said(answer, values):
    """Status, where it leads, and the words, without the names that were asked about and what differs each time."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.getvalue().decode())
    text = re.sub(r"<time [^>]*>[^<]*</time>", "", text)
    where = answer.headers.get("Location", "")
    for value in sorted(values.values(), key=len, reverse=True):
        if len(value) > len("a.csv"):
            text, where = text.replace(value, "?"), where.replace(value, "?")
    return answer.status_code, where, text


def test_strangers_see_of_hidden_things_what_they_see_of_nothing(world, people):
    hidden_names = {
        **_VALUES,
        "run": world.victim["run"],
        "job": world.victim["job"],
        "key": world.victim["publication"],
        "thing": world.victim["thing"],
    }
    no_names = {
        **_NOTHING,
        "run": world.nowhere["run"],
        "job": world.nowhere["job"],
        "key": world.nowhere["publication"],
        "thing": world.nowhere["thing"],
    }
    patterns = _about_things()
    assert len(patterns) > 20
    told = []
    for pattern in patterns:
        for who in ("stranger", "ended", "admin", None):
            if who == "admin" and re.search("instruments|publishing", str(pattern.pattern)):
                continue  # administrators look after instruments, and stand in for curators
            for method in ("get", "post"):
                client = people(who)
                hidden, nothing = (
                    _said(getattr(client, method)(_address(pattern, names)), names)
                    for names in (hidden_names, no_names)
                )
                if hidden != nothing or (hidden[0] == 200 and pattern.name != "ask"):
                    told.append((pattern.name, who, method, hidden[:2], nothing[:2]))
    assert not told


def _program(name):
    """A client with a token of somebody in the world; None: nobody is signed in."""
    if name is None:
        return Client(headers={"accept-language": "en"})
    secret = identity.issue_token(Person.objects.get(email=f"{name}@example.org").uid, label="test")
    return Client(headers={"accept-language": "en", "authorization": f"Bearer {secret}"})


def test_the_hub_says_of_hidden_datasets_what_it_says_of_none(world, people):
    """The same for the wire of the Hugging Face Hub."""
    told = []
    for pattern in hub.urlpatterns:
        if not re.search(r"<\w+>", str(pattern.pattern)):
            continue
        for revision in ("main", "v1"):
            names = {**_VALUES, "revision": revision}
            for who in ("stranger", "ended", "admin", None):
                # What writes takes tokens alone, and says so to every browser (401).
                clients = {
                    people(who): {401, 404, 405},
                    _program(who): {404, 405} if who else {401, 404, 405},
                }
                for client, method in itertools.product(clients, ("get", "post", "head", "put", "delete")):
                    said = []
                    for values in (names, {**_NOTHING, "revision": revision}):
                        answer = getattr(client, method)(_address(pattern, values))
                        said.append((*_said(answer, values), answer.headers.get("X-Error-Code")))
                    if said[0] != said[1] or said[0][0] not in clients[client]:
                        told.append((str(pattern.pattern), who, method, said))
    assert not told
    for who in ("stranger", None):
        assert b"undisclosed" not in people(who).get("/api/datasets").getvalue()


_SCRIPT = "\"><img src=x onerror=alert(1)><script>alert(2)</script>'{{7*7}}"


_DATA = {"application/json", "application/ld+json"}  # blocks that browsers do not run


class _Elements(html.parser.HTMLParser):
    """Collects what a browser would run."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if any(name.startswith("on") for name in values) or values.get("src") == "x":
            self.bad.append(self.get_starttag_text())
        if tag == "script" and not values.get("src") and values.get("type") not in _DATA:
            self.bad.append(self.get_starttag_text())
        for name in ("href", "src", "action"):
            if (values.get(name) or "").strip().lower().startswith(("javascript:", "data:text")):
                self.bad.append(self.get_starttag_text())


def test_what_people_typed_is_never_run(dataset, put, person, plain_static):
    """File names, titles, notes, metadata, names of people and search words with markup in them."""
    owner, card = dataset
    name = _SCRIPT.replace("/", "_")
    put(owner, card, {f"{name}.txt": b"x", f"{name}/b.csv": b"x,y\n1,2\n", "javascript:alert(1)": b"1"})
    for field in ("title", "description", "licence"):
        description.set_value(owner, card.id, field, _SCRIPT)
    datasets.freeze_version(owner, card.id, note=_SCRIPT)
    guest = person("mallory")
    Person.objects.filter(uid=guest.id).update(name=_SCRIPT)
    policy.grant(owner, card.resource, subject_kind="person", subject_id=guest.id, role=policy.Role.EDITOR)
    browser = client_of(owner)
    pages = [
        "/",
        "/projects",
        "/projects/lab",
        "/projects/lab/members",
        f"/datasets?{urlencode({'q': _SCRIPT})}",
    ]
    parts = (
        "",
        "/files",
        "/metadata",
        "/provenance",
        "/versions",
        "/access",
        "/freeze",
        "/ai-use",
        "/upload",
    )
    pages += [f"/d/lab/data{part}" for part in parts]
    pages += [
        f"/d/lab/data/file/{quote(name)}.txt",
        f"/d/lab/data/files/{quote(name)}",
    ]
    seen = 0
    for page in pages:
        answer = browser.get(page)
        text = answer.getvalue().decode()
        assert answer.status_code == 200, page
        assert (
            "script-src" not in answer.headers["Content-Security-Policy"]
        )  # default-src 'self': none inline
        found = _Elements()
        found.feed(text)
        assert not found.bad, page
        assert "49" not in re.findall(r"alert\(2\)&lt;/script&gt;&#x27;(\S{0,8})", text)
        seen += "onerror=alert(1)&gt;" in text
    assert seen >= 8, "the markup must have been shown as text on the pages that show it"


@pytest.mark.parametrize("char", ["\u202e", "\u2066", "\u200b", "\ufeff"])
def test_signs_that_turn_names_around_are_shown(dataset, put, plain_static, char):
    """M-7: a name such as "gpj.exe" turned around, or with a letter that nobody sees, does not pass for another."""
    owner, card = dataset
    put(owner, card, {f"evil{char}txt.exe": b"x"})
    text = client_of(owner).get("/d/lab/data/files").getvalue().decode()
    as_values = re.sub(r'<input type="checkbox"[^>]* value="[^"]*"', "", text)
    assert char not in as_values
    assert f"evil\u2039U+{ord(char):04X}\u203atxt.exe" in text
