"""A legacy folder is seen, and decided about in bulk: nobody decides but people."""

from __future__ import annotations

import hashlib
import unicodedata

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.rooms.unsorted_worlds import carried, paths_in
from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.scans.models import Scan
from tsunagu.data.sharing import api as sharing
from tsunagu.data.unsorted import api as unsorted
from tsunagu.data.unsorted import tasks
from tsunagu.data.unsorted.models import Decision
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.policy.api import ActionDeniedError
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage.models import StoredObject

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stop_pool")]


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


def test_an_inbox_that_was_removed_is_opened_anew(dataset):
    owner, _ = dataset
    for name, expected in (("", "unsorted.2"), ("disk", "unsorted-disk.2")):
        datasets.remove_dataset(owner, unsorted.open_inbox(owner, "lab", name), reason="sorted")
        again = unsorted.open_inbox(owner, "lab", name)
        assert (again.name, unsorted.is_inbox(again)) == (expected, True)
        assert unsorted.open_inbox(owner, "lab", name).id == again.id


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
