"""Decisions about unsorted files are carried out: nothing is copied, nothing is lost, nothing is replaced."""

from __future__ import annotations

import contextlib
import hashlib
import io
import threading

import pytest
from django.db import OperationalError, connection
from reportlab.pdfgen import canvas

from tests.rooms.unsorted_worlds import carried, paths_in
from tsunagu.core import jobs
from tsunagu.core.errors import NotFoundError, StorageFullError, UnavailableError
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.data.unsorted import api as unsorted
from tsunagu.data.unsorted import carrying, tasks
from tsunagu.data.unsorted.models import Decision
from tsunagu.foundation.runs import api as runs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stop_pool")]


@pytest.mark.parametrize("where", ["before the push ends", "before the files leave", "after the files left"])
def test_a_kill_at_any_point_loses_nothing_and_is_made_good(disk, monkeypatch, where):
    owner, card, _ = disk
    wish = unsorted.Wish("make", "sorted")
    made = unsorted.decide(owner, "lab", card.name, ["xrd/", "ir/ir.jdx"], wish)
    before = {"xrd/scan.ras", "xrd/notes.txt", "ir/ir.jdx"}
    place = {
        "before the push ends": "tsunagu.data.capture.api.finish_push",
        "before the files leave": "tsunagu.data.datasets.api.remove_files",
        "after the files left": "tsunagu.data.unsorted.carrying._end",
    }[where]

    def killed(*_args, **_more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(place, killed)
        with pytest.raises(KeyboardInterrupt):
            carrying.carry_out.call(decision=made.id)
    assert before <= paths_in(owner, card.name) | paths_in(owner, "sorted")
    assert carried(made).state == "done"
    assert paths_in(owner, "sorted") == before
    assert not paths_in(owner, card.name) & before


def test_duplicates_go_only_where_the_content_stands_elsewhere(disk):
    owner, card, _ = disk
    picked = ["copy/", "broken.pdf"]
    made = unsorted.decide(owner, "lab", card.name, picked, unsorted.Wish("duplicate"))
    done = carried(made)
    assert (done.state, done.reason[:1]) == ("done", "2")
    # Of two alike in the inbox the first stays; the only broken file stays, too.
    assert paths_in(owner, card.name) >= {"copy/twice again.csv", "broken.pdf"}
    assert not paths_in(owner, card.name) & {"copy/of-kept.csv", "copy/twice.csv"}


@pytest.fixture
def twins(dataset, put):
    """The same file in two inboxes, and nowhere else."""
    owner, _ = dataset
    cards = [unsorted.open_inbox(owner, "lab", name) for name in ("one", "two")]
    for card in cards:
        put(owner, card, {"a.csv": b"x,y\n7,8\n"})
    return owner, cards


def both(owner, cards, *verdicts):
    return [
        unsorted.decide(owner, "lab", card.name, ["a.csv"], unsorted.Wish(verdict))
        for card, verdict in zip(cards, verdicts, strict=True)
    ]


def test_of_twins_in_two_inboxes_one_stays_if_both_are_called_duplicates(twins):
    owner, cards = twins
    one, two = both(owner, cards, "duplicate", "duplicate")
    assert carried(one).reason == ""
    assert carried(two).reason.startswith("1 of the files")
    assert [paths_in(owner, card.name) for card in cards] == [set(), {"a.csv"}]


def test_a_copy_that_is_about_to_be_removed_does_not_count(twins):
    owner, cards = twins
    duplicate, remove = both(owner, cards, "duplicate", "remove")
    assert carried(duplicate).reason.startswith("1 of the files")
    assert carried(remove).state == "done"
    assert [paths_in(owner, card.name) for card in cards] == [{"a.csv"}, set()]


def test_a_copy_in_the_same_inbox_that_is_about_to_be_removed_does_not_count(disk):
    owner, card, _ = disk
    duplicate = unsorted.decide(owner, "lab", card.name, ["copy/twice.csv"], unsorted.Wish("duplicate"))
    remove = unsorted.decide(owner, "lab", card.name, ["copy/twice again.csv"], unsorted.Wish("remove"))
    assert carried(duplicate).reason.startswith("1 of the files")
    assert carried(remove).state == "done"
    assert "copy/twice.csv" in paths_in(owner, card.name)


@pytest.mark.django_db(transaction=True)
def test_duplicates_that_are_removed_at_the_same_moment_leave_one(twins, monkeypatch):
    owner, cards = twins
    decisions = both(owner, cards, "duplicate", "duplicate")
    look, has_looked, other_ended = datasets.stands_elsewhere, threading.Event(), threading.Event()

    def look_and_wait(*args, **more):
        found = look(*args, **more)
        if not has_looked.is_set():
            has_looked.set()
            other_ended.wait(1)  # without a lock the other one ends meanwhile, and has seen the copy here
        return found

    monkeypatch.setattr(datasets, "stands_elsewhere", look_and_wait)

    def carry_out(number):
        state = "open"
        while state == "open":
            with contextlib.suppress(OperationalError):  # SQLite in memory does not wait for its turn
                state = carried(decisions[number]).state

    def second():
        has_looked.wait(20)
        carry_out(1)
        other_ended.set()
        connection.close()

    thread = threading.Thread(target=second)
    thread.start()
    carry_out(0)
    thread.join(30)
    assert [row.state for row in Decision.objects.all()] == ["done", "done"]
    assert sorted(len(paths_in(owner, card.name)) for card in cards) == [0, 1]


def test_added_files_replace_nothing(disk, put):
    owner, card, _ = disk
    target = datasets.create_dataset(owner, "lab", "series")
    put(owner, target, {"ir/ir.jdx": b"another one"})
    wish = unsorted.Wish("add", "series")
    assert carried(unsorted.decide(owner, "lab", card.name, ["ir/"], wish)).state == "done"
    assert paths_in(owner, "series") == {"ir/ir.jdx", f"{card.name}/ir/ir.jdx"}
    with pytest.raises(NotFoundError):
        unsorted.decide(owner, "lab", card.name, ["xrd/"], unsorted.Wish("add", "nowhere"))
    with pytest.raises(unsorted.TargetTakenError):
        unsorted.decide(owner, "lab", card.name, ["xrd/"], unsorted.Wish("add", card.name))


def test_what_was_added_is_not_replaced_by_what_is_added_later(disk, put):
    owner, card, _ = disk
    target = datasets.create_dataset(owner, "lab", "series")
    put(owner, target, {"ir/ir.jdx": b"another one"})
    for content in (b"first", b"second", b"first"):
        put(owner, card, {"ir/ir.jdx": content})
        made = unsorted.decide(owner, "lab", card.name, ["ir/"], unsorted.Wish("add", "series"))
        assert carried(made).state == "done"
    beside = {"ir/ir.jdx", f"{card.name}/ir/ir.jdx", f"{card.name}-2/ir/ir.jdx"}
    assert paths_in(owner, "series") == beside
    # A file of the inbox that has itself the path to which another one would go.
    put(owner, card, {"ir/ir.jdx": b"third", f"{card.name}-3/ir/ir.jdx": b"fourth"})
    picked = ["ir/", f"{card.name}-3/"]
    made = unsorted.decide(owner, "lab", card.name, picked, unsorted.Wish("add", "series"))
    assert carried(made).state == "done"
    assert paths_in(owner, "series") == {
        *beside,
        f"{card.name}-3/ir/ir.jdx",
        f"{card.name}-4/ir/ir.jdx",
    }


def test_what_comes_into_the_target_at_the_same_moment_is_not_replaced(disk, put, monkeypatch):
    owner, card, _ = disk
    target = datasets.create_dataset(owner, "lab", "series")
    look, came = datasets.draft_hashes, []

    def and_then_somebody_pushes(dataset, paths):
        found = look(dataset, paths)
        if dataset.id == target.id and not came:
            came.append(1)
            put(owner, target, {"ir/ir.jdx": b"another one"})
        return found

    made = unsorted.decide(owner, "lab", card.name, ["ir/"], unsorted.Wish("add", "series"))
    monkeypatch.setattr(datasets, "draft_hashes", and_then_somebody_pushes)
    assert carried(made).state == "done"
    assert paths_in(owner, "series") == {"ir/ir.jdx", f"{card.name}/ir/ir.jdx"}
    fresh = datasets.get_dataset(owner, "lab", "series")
    assert look(fresh, ["ir/ir.jdx"])["ir/ir.jdx"] == hashlib.sha256(b"another one").digest()


@pytest.mark.parametrize("error", [UnavailableError, StorageFullError, OSError])
def test_an_outage_puts_a_decision_off(disk, monkeypatch, error):
    owner, card, _ = disk
    made = unsorted.decide(owner, "lab", card.name, ["ir/"], unsorted.Wish("make", "series"))

    def down(*_args, **_more):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(capture, "plan", down)
        assert carried(made).state == "open"
    assert "goes on" in unsorted.decisions(owner, "lab")[0].reason
    assert len(jobs.waiting(carrying.carry_out, decision=made.id)) == 2
    assert (carried(made).state, carried(made).reason) == ("done", "")
    assert paths_in(owner, "series") == {"ir/ir.jdx"}


def test_a_decision_that_cannot_be_carried_out_ends_its_push(disk, monkeypatch):
    owner, card, _ = disk
    made = unsorted.decide(owner, "lab", card.name, ["ir/"], unsorted.Wish("make", "series"))
    monkeypatch.setattr(capture, "plan", lambda *_args, **_more: capture.Plan((0,), 0, 0))
    row = carried(made)
    assert row.state == "failed"
    assert runs.get(row.push_run_id).outcome == "failed"


def test_who_comes_second_hears_that_nothing_was_left(disk):
    owner, card, _ = disk
    one, two = (
        unsorted.decide(owner, "lab", card.name, ["ir/"], unsorted.Wish("make", name)) for name in ("a", "b")
    )
    assert (carried(one).state, carried(one).reason) == ("done", "")
    assert carried(two).reason == "None of the files lay there any more."


def test_files_are_looked_at_and_removed_under_one_lock(disk, monkeypatch):
    owner, card, _ = disk
    made = unsorted.decide(owner, "lab", card.name, ["broken.pdf"], unsorted.Wish("remove"))
    steps = []

    def noted(name):
        real = getattr(datasets, name)

        def call(*args, **more):
            steps.append((name, connection.in_atomic_block))
            return real(*args, **more)

        monkeypatch.setattr(datasets, name, call)

    for name in ("lock_dataset", "draft_hashes", "remove_files"):
        noted(name)
    assert carried(made).state == "done"
    assert [name for name, _ in steps][-3:] == ["lock_dataset", "draft_hashes", "remove_files"]


def test_runs_of_decisions_end_with_their_inbox(disk):
    owner, card, _ = disk
    made = unsorted.decide(owner, "lab", card.name, ["ir/"], unsorted.Wish("make", "series"))
    datasets.remove_dataset(owner, card, reason="sorted")
    tasks.forget.call(dataset_id=card.id)
    tasks.forget.call(dataset_id=card.id)
    assert runs.get(made.run).outcome == "aborted"
    assert not unsorted.decisions(owner, "lab")


def test_pages_that_are_still_being_read_are_read_where_the_files_go(disk):
    from tsunagu.data.scans import api as scans

    owner, card, _ = disk
    scans.start(owner, card, ["broken.pdf"])
    made = unsorted.decide(owner, "lab", card.name, ["broken.pdf"], unsorted.Wish("make", "paper"))
    assert carried(made).state == "done"
    there = scans.scan_of(owner, datasets.get_dataset(owner, "lab", "paper"), "broken.pdf")
    assert there is not None
    assert there.state == "waiting"


def test_pages_that_were_read_go_with_their_files(disk, put):
    from tsunagu.data.scans import api as scans
    from tsunagu.data.scans import reading

    owner, card, _ = disk
    out = io.BytesIO()
    pen = canvas.Canvas(out, pagesize=(300, 200))
    pen.drawString(50, 150, "The kiln was cold in the morning.")
    pen.save()
    put(owner, card, {"paper/kiln.pdf": out.getvalue()})
    card = datasets.get_dataset(owner, "lab", card.name)
    (scan,) = scans.start(owner, card, ["paper/kiln.pdf"])
    try:
        reading.go_on(scan.id)
    finally:
        reading.reader().close()
        reading.reader.cache_clear()
    wish = unsorted.Wish("make", "kiln")
    assert carried(unsorted.decide(owner, "lab", card.name, ["paper/"], wish)).state == "done"
    made = datasets.get_dataset(owner, "lab", "kiln")
    page = scans.page(owner, made, "paper/kiln.pdf", 1)
    assert page.text == "The kiln was cold in the morning."
    carried_run = runs.get(scans.scan_of(owner, made, "paper/kiln.pdf").run)
    assert carried_run.parameters["carried_from"] == scan.run
