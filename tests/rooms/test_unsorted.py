"""A legacy folder is sorted in bulk: nothing is copied, nothing is lost, nobody decides but people."""

from __future__ import annotations

import contextlib
import hashlib
import io
import threading
import unicodedata

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from reportlab.pdfgen import canvas

from tsunagu.core import clock, jobs
from tsunagu.core.errors import NotFoundError, StorageFullError, UnavailableError
from tsunagu.core.ids import new_id
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.description.extraction import files_of, pool, read_files
from tsunagu.data.scans.models import Scan
from tsunagu.data.sharing import api as sharing
from tsunagu.data.unsorted import api as unsorted
from tsunagu.data.unsorted import carrying, tasks
from tsunagu.data.unsorted.models import Decision
from tsunagu.formats.tests.built import build
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.policy.api import ActionDeniedError
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage.models import StoredObject

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def stop_pool():
    yield
    pool().close()
    pool.cache_clear()


@pytest.fixture
def disk(dataset, put, tmp_path):
    """An old disk in the inbox: measured files, a copy of what is known, a broken file; all were read."""
    owner, known = dataset
    put(owner, known, {"kept.csv": b"x,y\n1,2\n"})
    card = unsorted.open_inbox(owner, "lab", "Old disk 1998")
    files = {
        "xrd/scan.ras": build("scan.ras", tmp_path).read_bytes(),
        "xrd/notes.txt": "焼成は失敗。\n".encode(),
        "ir/ir.jdx": build("ir.jdx", tmp_path).read_bytes(),
        "copy/of-kept.csv": b"x,y\n1,2\n",
        "copy/twice.csv": b"a,b\n5,6\n",
        "copy/twice again.csv": b"a,b\n5,6\n",
        "broken.pdf": b"%PDF-1.4 nothing more",
    }
    arrived = put(owner, card, files)
    read_files(SYSTEM, new_id(), card.id, files_of(card.id))
    return owner, datasets.get_dataset(owner, "lab", card.name), arrived


def paths_in(owner, name):
    card = datasets.get_dataset(owner, "lab", name)
    return {file.path for file in datasets.all_files(card, card.draft_number)}


def carried(card):
    carrying.carry_out.call(decision=card.id)
    return Decision.objects.get(uid=card.id)


def test_an_inbox_is_a_dataset_and_is_opened_once(dataset):
    owner, _ = dataset
    one = unsorted.open_inbox(owner, "lab", "Old disk 1998")
    assert (one.name, one.title) == ("unsorted-old-disk-1998-5d5109d5", "Old disk 1998")
    assert unsorted.open_inbox(owner, "lab", "Old disk 1998").id == one.id
    assert unsorted.open_inbox(owner, "lab").name == "unsorted"
    datasets.create_dataset(owner, "lab", "unsorted-taken")
    with pytest.raises(unsorted.NotUnsortedError):
        unsorted.open_inbox(owner, "lab", "taken")


def test_folders_whose_names_look_alike_lie_in_inboxes_of_their_own(dataset):
    owner, _ = dataset
    names = [
        "実験ノート",
        "古い測定",
        "測定　古い",
        "disk",
        "Disk",
        "ｄｉｓｋ",
        "DISK!",
        "sorted",
        "a" * 70,
        "a" * 71,
    ]
    opened = {name: unsorted.open_inbox(owner, "lab", name) for name in names}
    assert len({card.id for card in opened.values()}) == len(names)
    assert opened["disk"].name == "unsorted-disk"
    assert {name: unsorted.open_inbox(owner, "lab", name).id for name in names} == {
        name: card.id for name, card in opened.items()
    }
    # The same name in the form that macOS hands out.
    decomposed = unicodedata.normalize("NFD", "ポリマー")
    assert (
        unsorted.open_inbox(owner, "lab", decomposed).id == unsorted.open_inbox(owner, "lab", "ポリマー").id
    )


def test_japanese_folders_are_proposed_under_names_of_their_own(dataset, put):
    owner, _ = dataset
    card = unsorted.open_inbox(owner, "lab")
    put(
        owner,
        card,
        {"焼成/a.txt": b"1", "合成/a.txt": b"2", "ＸＲＤ/a.txt": b"3", "XRD/a.txt": b"4", "xrd/a.txt": b"5"},
    )
    offered = unsorted.proposals(unsorted.pile(owner, "lab").items)
    names = {one.folder: one.name for one in offered}
    assert len({names[folder] for folder in ("焼成", "合成", "ＸＲＤ", "XRD")}) == 4
    made = unsorted.accept(owner, "lab", [one.key for one in offered])
    assert [carried(one).state for one in made] == ["done"] * 5
    for one in made:
        assert len(paths_in(owner, one.target.partition("/")[2])) == 1


def test_the_node_says_what_it_sees(disk):
    owner, card, _ = disk
    pile = unsorted.pile(owner, "lab")
    kinds = {item.path: item.kind for item in pile.items}
    assert kinds == {
        "xrd/scan.ras": "data",
        "xrd/notes.txt": "data",
        "ir/ir.jdx": "data",
        "copy/of-kept.csv": "duplicate",
        "copy/twice.csv": "duplicate",
        "copy/twice again.csv": "data",
        "broken.pdf": "unreadable",
    }
    by_path = {item.path: item for item in pile.items}
    assert by_path["copy/of-kept.csv"].same_as == "lab/data/kept.csv"
    assert by_path["copy/twice.csv"].same_as == f"{card.slug}/copy/twice again.csv"
    assert by_path["xrd/scan.ras"].format == "xrd"
    assert by_path["xrd/scan.ras"].day
    folders = {group.value: group.file_count for group in unsorted.groups(pile.items, "folder")}
    assert folders == {"xrd": 2, "ir": 1, "copy": 3, "": 1}
    assert [item.path for item in unsorted.narrowed(pile.items, {"kind": "unreadable"})] == ["broken.pdf"]


def test_proposals_name_their_evidence_and_are_accepted_in_bulk(disk):
    owner, card, _ = disk
    offered = {one.folder: one for one in unsorted.proposals(unsorted.pile(owner, "lab").items)}
    xrd = offered["xrd"]
    # The note of the same folder says nothing of its own and goes with the measurement.
    assert xrd.paths == ("xrd/notes.txt", "xrd/scan.ras")
    assert xrd.week
    assert "of-kept.csv" not in str([one.paths for one in offered.values()])
    datasets.create_dataset(owner, "lab", xrd.name)  # somebody has the name already
    objects = StoredObject.objects.count()
    made = unsorted.accept(owner, "lab", [xrd.key, offered["ir"].key])
    assert [one.target for one in made] == [f"lab/{xrd.name}-2", f"lab/{offered['ir'].name}"]
    for one in made:
        assert carried(one).state == "done", one
    assert paths_in(owner, f"{xrd.name}-2") == {"xrd/notes.txt", "xrd/scan.ras"}
    assert not paths_in(owner, card.name) & {"xrd/notes.txt", "xrd/scan.ras", "ir/ir.jdx"}
    assert StoredObject.objects.count() == objects  # no byte was copied
    run = runs.get(made[0].run)
    assert (run.kind, run.outcome, run.parameters["proposal"]) == ("sort", "ok", xrd.key)
    with pytest.raises(unsorted.NoSuchProposalError):
        unsorted.accept(owner, "lab", [xrd.key])


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


def test_an_inbox_that_was_removed_is_opened_anew(dataset):
    owner, _ = dataset
    for name, expected in (("", "unsorted.2"), ("disk", "unsorted-disk.2")):
        datasets.remove_dataset(owner, unsorted.open_inbox(owner, "lab", name), reason="sorted")
        again = unsorted.open_inbox(owner, "lab", name)
        assert (again.name, unsorted.is_inbox(again)) == (expected, True)
        assert unsorted.open_inbox(owner, "lab", name).id == again.id


def test_runs_of_decisions_end_with_their_inbox(disk):
    owner, card, _ = disk
    made = unsorted.decide(owner, "lab", card.name, ["ir/"], unsorted.Wish("make", "series"))
    datasets.remove_dataset(owner, card, reason="sorted")
    tasks.forget.call(dataset_id=card.id)
    tasks.forget.call(dataset_id=card.id)
    assert runs.get(made.run).outcome == "aborted"
    assert not unsorted.decisions(owner, "lab")


def test_all_proposals_are_accepted_or_none(disk):
    owner, _, _ = disk
    one, two = unsorted.proposals(unsorted.pile(owner, "lab").items)[:2]
    with pytest.raises(datasets.BadNameError):
        unsorted.accept(owner, "lab", [one.key, two.key], names={two.key: "No Name"})
    assert not Decision.objects.exists()
    with pytest.raises(NotFoundError):
        datasets.get_dataset(owner, "lab", one.name)


def test_proposals_of_one_list_have_names_of_their_own(dataset, put):
    owner, _ = dataset
    put(owner, unsorted.open_inbox(owner, "lab"), {"2003/data/a.txt": b"1", "2004/data/a.txt": b"2"})
    put(owner, unsorted.open_inbox(owner, "lab", "zip"), {"2003/data/a.txt": b"3", "other/a.txt": b"4"})
    names = [one.name for one in unsorted.proposals(unsorted.pile(owner, "lab").items)]
    assert names[1] == "2004-data"
    assert names[3] == "other"
    assert len(set(names)) == 4


def test_a_note_is_written_anew(disk):
    owner, card, _ = disk
    for note in ("ask Ito", "ask Sato"):
        unsorted.decide(owner, "lab", card.name, ["broken.pdf", "ir/"], unsorted.Wish("leave", note=note))
    assert {item.note for item in unsorted.pile(owner, "lab").left} == {"ask Sato"}


def test_what_comes_later_to_the_path_of_a_file_that_was_left_is_looked_at(disk, put):
    owner, card, _ = disk
    unsorted.decide(owner, "lab", card.name, ["broken.pdf"], unsorted.Wish("leave", note="ask Ito"))
    put(owner, card, {"broken.pdf": b"%PDF-1.4 another one"})
    pile = unsorted.pile(owner, "lab")
    assert not pile.left
    assert "broken.pdf" in {item.path for item in pile.items}


def test_left_with_a_note_and_removed(disk):
    owner, card, _ = disk
    with pytest.raises(unsorted.BadVerdictError):
        unsorted.decide(owner, "lab", card.name, ["broken.pdf"], unsorted.Wish("leave"))
    unsorted.decide(owner, "lab", card.name, ["broken.pdf"], unsorted.Wish("leave", note="ask Ito"))
    pile = unsorted.pile(owner, "lab")
    assert [(item.path, item.note) for item in pile.left] == [("broken.pdf", "ask Ito")]
    assert "broken.pdf" not in {item.path for item in pile.items}
    gone = unsorted.decide(owner, "lab", card.name, ["broken.pdf"], unsorted.Wish("remove"))
    assert carried(gone).state == "done"
    assert not unsorted.pile(owner, "lab").left
    with pytest.raises(unsorted.NothingPickedError):
        unsorted.decide(owner, "lab", card.name, ["broken.pdf"], unsorted.Wish("remove"))


def test_what_was_left_keeps_nothing_else_from_being_looked_at(disk, monkeypatch):
    owner, card, _ = disk
    monkeypatch.setattr("tsunagu.data.unsorted.looking.MOST_ITEMS", 2)
    assert unsorted.pile(owner, "lab").is_cut
    left = ["broken.pdf", "copy/of-kept.csv", "copy/twice again.csv", "copy/twice.csv", "ir/ir.jdx"]
    unsorted.decide(owner, "lab", card.name, left, unsorted.Wish("leave", note="ask Ito"))
    pile = unsorted.pile(owner, "lab")
    assert [item.path for item in pile.items] == ["xrd/notes.txt", "xrd/scan.ras"]
    assert not pile.is_cut
    assert len(pile.left) == 2


def test_looking_asks_the_database_as_often_for_many_files_as_for_few(disk, put):
    owner, card, _ = disk

    def scanned(paths):
        files = {path: path.encode() for path in paths}
        put(owner, card, files)
        for path, content in files.items():
            Scan.objects.create(
                dataset_id=card.id,
                sha256=hashlib.sha256(content).digest(),
                path=path,
                byte_count=len(content),
                state="done",
                done_count=1,
                asked_at=clock.now(),
                changed_at=clock.now(),
            )
        with CaptureQueriesContext(connection) as queries:
            unsorted.pile(owner, "lab")
        return len(queries)

    few = scanned(["a.png"])
    many = scanned([f"{number}.png" for number in range(20)])
    assert many < few + 10  # rules that are kept for a moment are asked for now and then


def test_empty_files_are_no_duplicates_of_each_other(disk, put):
    owner, card, _ = disk
    known = datasets.get_dataset(owner, "lab", "data")
    put(owner, known, {"done": b""})
    put(owner, card, {"x/.keep": b"", "y/.keep": b""})
    kinds = {item.path: item.kind for item in unsorted.pile(owner, "lab").items}
    assert "duplicate" not in {kinds["x/.keep"], kinds["y/.keep"]}


def test_who_may_not_decide(disk, person):
    owner, card, _ = disk
    stranger, reader = person("stranger"), person("reader")
    sharing.share(owner, datasets.get_project(owner, "lab"), role="reader", email="reader@example.org")
    wish = unsorted.Wish("make", "mine")
    with pytest.raises(NotFoundError):
        unsorted.pile(stranger, "lab")
    with pytest.raises(NotFoundError):
        unsorted.decide(stranger, "lab", card.name, ["xrd/"], wish)
    assert unsorted.pile(reader, "lab").items
    with pytest.raises(ActionDeniedError):
        unsorted.decide(reader, "lab", card.name, ["xrd/"], wish)
    with pytest.raises(unsorted.NotUnsortedError):
        unsorted.decide(owner, "lab", "data", ["kept.csv"], wish)
    # What was decided by somebody who lost the right meanwhile is not carried out.
    sharing.share(owner, datasets.get_project(owner, "lab"), role="editor", email="reader@example.org")
    made = unsorted.decide(reader, "lab", card.name, ["xrd/"], wish)
    sharing.unshare(owner, datasets.get_project(owner, "lab"), "reader@example.org")
    assert carried(made).state == "failed"
    assert "xrd/scan.ras" in paths_in(owner, card.name)


def test_where_files_went_is_told_to_those_who_may_know_of_it(disk, monkeypatch):
    owner, card, _ = disk
    wish = unsorted.Wish("make", "secret-alloy")
    made = unsorted.decide(owner, "lab", card.name, ["ir/"], wish)
    assert unsorted.decisions(owner, "lab")[0].target == "lab/secret-alloy"
    monkeypatch.setattr(datasets, "visible_names", lambda _actor, _ids: {})  # rules may hide a single dataset
    (seen,) = unsorted.decisions(owner, "lab")
    assert (seen.id, seen.target) == (made.id, "")


def test_a_failure_is_told_while_sorting(disk):
    owner, card, _ = disk
    with pytest.raises(unsorted.BadVerdictError):
        unsorted.decide(owner, "lab", card.name, ["xrd/"], unsorted.Wish("negative", "no-phase"))
    told = {"negative_tried": "900 ℃で焼成した", "negative_reason": "前駆体が吸湿していた"}
    wish = unsorted.Wish("negative", "no-phase", told=told)
    assert carried(unsorted.decide(owner, "lab", card.name, ["xrd/"], wish)).state == "done"
    made = datasets.get_dataset(owner, "lab", "no-phase")
    said = {value.name: value.value for value in description.values(owner, made)}
    assert description.is_failure(said)
    assert description.failure_of(said) == list(told.items())


def test_pages_in_an_inbox_are_read_without_being_asked_for(disk):
    owner, card, arrived = disk
    from tsunagu.data.capture.models import Unit

    tasks.read_pages.call(dataset_id=card.id, unit=Unit.objects.get(push__run_id=arrived["run"]).uid)
    assert [scan.path for scan in Scan.objects.filter(dataset_id=card.id)] == ["broken.pdf"]
    assert Scan.objects.get().asked_by == SYSTEM.id
    assert owner.id != SYSTEM.id


def test_a_file_that_went_meanwhile_keeps_no_other_pages_from_being_read(disk, put, monkeypatch):
    from tsunagu.data.capture.models import Unit

    owner, card, _ = disk
    arrived = put(owner, card, {f"{number}.pdf": b"%PDF-1.4" + bytes([number]) for number in range(3)})
    real = datasets.draft_hashes

    def and_one_goes(dataset, paths):
        found = real(dataset, paths)
        if "1.pdf" in found:
            datasets.remove_files(owner, card.id, ["1.pdf"])
        return found

    monkeypatch.setattr(tasks, "_AT_ONCE", 1)
    monkeypatch.setattr(datasets, "draft_hashes", and_one_goes)
    tasks.read_pages.call(dataset_id=card.id, unit=Unit.objects.get(push__run_id=arrived["run"]).uid)
    assert {scan.path for scan in Scan.objects.filter(dataset_id=card.id)} == {"0.pdf", "2.pdf"}


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
