"""Workers hear what is queued: at once, once it can be seen, and without asking the database."""

from __future__ import annotations

import threading

import pytest
from django.db import transaction

from tsunagu.core import jobs

PATIENCE_S = 20


@pytest.fixture
def bell(tmp_path, monkeypatch):
    file = tmp_path / "run" / "jobs.bell"
    file.parent.mkdir()
    monkeypatch.setattr(jobs, "_bell", lambda: file)
    return file


@jobs.job()
def nothing() -> None:
    """Does it."""


@pytest.mark.django_db(transaction=True)
def test_it_rings_when_what_was_queued_can_be_seen(bell):
    with transaction.atomic():
        nothing.enqueue()
        assert not bell.exists()
    assert bell.exists()
    bell.unlink()
    with transaction.atomic():
        nothing.enqueue()
        transaction.set_rollback(True)
    assert not bell.exists()


@pytest.mark.django_db(transaction=True)
def test_where_it_cannot_ring_it_is_queued_all_the_same(bell):
    bell.parent.rmdir()
    nothing.enqueue()
    assert jobs.waiting_count() == 1


def test_a_worker_that_waits_hears_it(bell):
    worker = jobs.NodeWorker("w")
    rung_at, heard = worker._rung_at(), []
    waiting = threading.Thread(target=lambda: heard.append(worker._wait(3600, rung_at)))
    waiting.start()
    bell.touch()
    waiting.join(PATIENCE_S)
    assert heard == [True]
    assert worker._wait(0.05, worker._rung_at()) is False
    assert worker._wait(3600, rung_at) is True, "what rang while it worked is heard"


def test_a_worker_that_is_told_to_stop_waits_no_longer(bell):
    worker = jobs.NodeWorker("w")
    waiting = threading.Thread(target=worker._wait, args=(3600, worker._rung_at()))
    waiting.start()
    worker.running = False
    waiting.join(PATIENCE_S)
    assert not waiting.is_alive()
