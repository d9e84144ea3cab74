"""Fixtures of the in-process tests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def person(db: Any) -> Callable[..., Any]:
    """Makes people that act."""
    from tsunagu.foundation.identity import api as identity
    from tsunagu.foundation.identity.models import Person

    def make(name: str = "owner", **more: Any) -> identity.Actor:
        identity.ensure_person(f"{name}@example.org", name=name, **more)
        return identity.actor_for_person(Person.objects.get(email=f"{name}@example.org"))

    return make


@pytest.fixture
def dataset(person: Callable[..., Any]) -> tuple[Any, Any]:
    """An owner and an empty dataset."""
    from tsunagu.data.datasets import api as datasets

    owner = person()
    datasets.create_project(owner, "lab")
    return owner, datasets.create_dataset(owner, "lab", "data")


@pytest.fixture
def put() -> Callable[..., Any]:
    """Puts files into the draft as the byte server does; content is text."""
    from tsunagu.core.blobs import new_key
    from tsunagu.core.blobs.chunks import sealed_size
    from tsunagu.core.ids import new_id
    from tsunagu.data.capture import api as capture
    from tsunagu.data.datasets.models import Dataset
    from tsunagu.foundation.storage.selectors import store_of

    def send(actor: Any, card: Any, files: dict[str, bytes]) -> dict[str, Any]:
        opened = capture.open_push(actor, card.project, card.name)
        key, pack, rows = new_key(), b"", []
        for path, content in files.items():
            rows.append((path, len(content), hashlib.sha256(content).hexdigest(), len(pack)))
            pack += content
        domain = Dataset.objects.get(uid=card.id).key_domain
        writer = store_of(domain).create(key)
        writer.write(pack, 0)
        writer.finish(len(pack))
        size = sealed_size(len(pack)) if domain else len(pack)
        answer = capture.commit_arrival(
            capture.Arrival(opened.run, card.id, new_id(), key, size, "pack", rows, domain)
        )
        capture.finish_push(actor, opened.run)
        return {**answer, "run": opened.run}

    return send
