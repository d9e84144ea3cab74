"""A misbehaving node and an isolated home for every test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tsunagu.client import messages, transport
from tsunagu.client.account import Account
from tsunagu.client.node import Node
from tsunagu.client.tests.fake_door import TOKEN
from tsunagu.client.tests.fake_node import FakeNode
from tsunagu.client.workspace import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def fake() -> Iterator[FakeNode]:
    node = FakeNode()
    yield node
    node.stop()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("TSUNAGU_URL", "TSUNAGU_TOKEN", "TSUNAGU_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TSUNAGU_CONFIG", str(tmp_path / "home" / "account.json"))
    monkeypatch.setenv("TSUNAGU_CACHE", str(tmp_path / "cache"))
    messages.language.cache_clear()
    return tmp_path / "home"


@pytest.fixture
def client(fake: FakeNode) -> Iterator[Client]:
    line = transport.Transport(sleep=lambda _seconds: None)
    with Client(Node(Account(fake.url, TOKEN), line)) as made:
        yield made
