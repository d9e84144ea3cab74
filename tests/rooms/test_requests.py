"""Requests for access: ask, answer, be told; and nobody learns what they may not know."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from tests.rooms.clients import client_of
from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.sharing import api as sharing
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.ledger.models import Entry
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

pytestmark = pytest.mark.django_db


def test_a_request_is_answered_with_a_role_that_ends(dataset, person, monkeypatch):
    owner, card = dataset
    asker = person("asker")
    sharing.ask(asker, "lab", "data", reason="to compare with May")
    [waiting] = sharing.to_answer(owner)
    assert (waiting.place, waiting.reason, waiting.asker.name) == ("lab/data", "to compare with May", "asker")
    assert sharing.to_answer(owner, dataset=card) == [waiting]
    sharing.approve(owner, waiting.id, until="2099-03-31", words="cite us")
    assert datasets.get_dataset(asker, "lab", "data")
    [told] = sharing.own(asker)
    assert (told.state, told.answer) == ("approved", "cite us")
    assert not sharing.to_answer(owner)
    assert policy.members(card.resource)[0].expires_at == "2099-03-31T15:00:00.000Z"
    assert [run.kind for run in runs.of_dataset(card.id)][:3] == [
        "approve_request",
        "share",
        "request_access",
    ]
    said = str(list(Entry.objects.values_list("body", flat=True)))
    assert "to compare with May" not in said
    assert "cite us" not in said
    sharing.withdraw(asker, told.id)
    assert not sharing.own(asker)
    monkeypatch.setattr(clock, "now", lambda: dt.datetime(2099, 4, 1, tzinfo=dt.UTC))
    with pytest.raises(NotFoundError):
        datasets.get_dataset(asker, "lab", "data")


def test_declining_needs_words_and_gives_nothing(dataset, person):
    owner, _ = dataset
    asker = person("asker")
    asked = sharing.ask(asker, "lab", "data", reason="x")
    with pytest.raises(sharing.NoReasonError):
        sharing.decline(owner, asked.id, words="  ")
    sharing.decline(owner, asked.id, words="not out yet")
    [told] = sharing.own(asker)
    assert (told.state, told.answer) == ("declined", "not out yet")
    with pytest.raises(NotFoundError):
        datasets.get_dataset(asker, "lab", "data")
    with pytest.raises(NotFoundError):
        sharing.approve(owner, asked.id)


def test_asking_tells_nobody_whether_a_dataset_exists(dataset, person):
    owner, _ = dataset
    datasets.create_dataset(owner, "lab", "zzreal")
    asker = person("asker")
    browser = client_of(asker)
    names = ("zzreal", "zznone")
    for name in names:
        assert browser.post(f"/d/lab/{name}/ask", {"reason": "x"}, follow=True).status_code == 200
    assert {card.name: card.state for card in sharing.own(asker)} == dict.fromkeys(names, "open")
    pages = []
    for name in names:
        refused = browser.get(f"/d/lab/{name}")
        assert refused.status_code == 404
        text = refused.content.decode().replace(name, "N")
        pages.append(re.sub(r'value="\w{64}"|<time.*?</time>|\d{4}-\d\d-\d\dT[\d:.]+Z', "", text))
    assert pages[0] == pages[1]
    assert "/d/lab/N/ask" in pages[0]


def test_only_those_concerned_answer_or_withdraw(dataset, person):
    owner, card = dataset
    asker, other, editor = person("asker"), person("other"), person("editor")
    sharing.share(owner, card, role="editor", email="editor@example.org")
    asked = sharing.ask(asker, "lab", "data", reason="x")
    for somebody in (other, editor, asker, identity.ANONYMOUS):
        with pytest.raises(NotFoundError):
            sharing.approve(somebody, asked.id)
        with pytest.raises(NotFoundError):
            sharing.decline(somebody, asked.id, words="no")
        assert not sharing.to_answer(somebody)
        if somebody != asker:
            with pytest.raises(NotFoundError):
                sharing.withdraw(somebody, asked.id)
    with pytest.raises(identity.NotSignedInError):
        sharing.ask(identity.ANONYMOUS, "lab", "data", reason="x")


def test_asking_again_changes_the_words_and_there_is_an_end_to_asking(dataset, person, monkeypatch):
    owner, _ = dataset
    asker = person("asker")
    sharing.ask(asker, "lab", "data", reason="one")
    sharing.ask(asker, "lab", "data", reason="two", role="editor")
    [waiting] = sharing.to_answer(owner)
    assert (waiting.reason, waiting.role) == ("two", "editor")
    for number in range(19):
        sharing.ask(asker, "lab", f"n{number}", reason="x")
    with pytest.raises(sharing.TooManyRequestsError):
        sharing.ask(asker, "lab", "more", reason="x")
    later = clock.now() + dt.timedelta(days=91)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert sharing.expire() == 20
    assert not sharing.to_answer(owner)
    assert {card.state for card in sharing.own(asker)} == {"expired"}


def test_pages_carry_a_request_from_the_refusal_to_the_answer(dataset, person):
    asker = person("asker")
    owner, _ = dataset
    theirs, ours = client_of(asker), client_of(owner)
    refused = theirs.get("/d/lab/data")
    assert refused.status_code == 404
    assert "/d/lab/data/ask" in refused.content.decode()
    assert theirs.post("/d/lab/data/ask", {"reason": "to compare", "role": "reader"}).status_code == 302
    assert "to compare" in ours.get("/").content.decode()
    assert "to compare" in ours.get("/d/lab/data/access").content.decode()
    [waiting] = sharing.to_answer(owner)
    form = {"request": waiting.id, "approve": "1", "role": "reader", "until": "2099-03-31"}
    assert ours.post("/", form).status_code == 302
    assert theirs.get("/d/lab/data").status_code == 200
    home = theirs.get("/").content.decode()
    assert "approved" in home
    assert theirs.post("/", {"request": waiting.id, "withdraw": "1"}).status_code == 302
    assert "approved" not in theirs.get("/").content.decode()
