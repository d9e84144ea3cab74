"""Sealing what is there, one key domain at a time, and destroying it: repeatable, for the right people, recorded."""

from __future__ import annotations

import hashlib
import os

import pytest

from tsunagu.core.errors import CapabilityRefusedError
from tsunagu.core.ids import new_id
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.models import Dataset
from tsunagu.data.datasets.services import sealing
from tsunagu.data.description import api as description
from tsunagu.data.description import extraction
from tsunagu.data.description import sealing as reading_sealing
from tsunagu.data.description.models import Extraction, Fact, Proposal
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage
from tsunagu.foundation.storage import resealing
from tsunagu.foundation.storage.models import StoredObject
from tsunagu.foundation.storage.stores import store

pytestmark = pytest.mark.django_db


def again(owner, card):
    return datasets.get_dataset_by_id(owner, card.id)


def seal_whole(owner, card):
    datasets.seal(owner, card.id)
    while sealing.move_some(card.id):
        pass
    return again(owner, card)


def content_of(card, sha256):
    return b"".join(storage.read_pieces(storage.require_location(sha256, card.domains)))


def holds_plain(data):
    """Whether any object of the store holds the bytes readable."""
    found = []
    for item in store().list():
        with store().open(item.key) as reader:
            if data in b"".join(reader.pieces()):
                found.append(item.key)
    return found


def sha(data):
    return hashlib.sha256(data).digest()


def test_what_is_there_is_moved_and_its_plain_copies_go(dataset, put):
    owner, card = dataset
    small, large, old = b"small secret", os.urandom(2_500_000), b"an older secret"
    put(owner, card, {"a": old})
    put(owner, card, {"a": small})  # the older one is kept aside, and counts
    put(owner, card, {"b": large, "empty": b""})
    datasets.freeze_version(owner, card.id)
    began = datasets.seal(owner, card.id)
    assert (began.state, began.done_count, began.total_count) == ("moving", 0, 8)
    card = seal_whole(owner, card)
    done = datasets.sealing_of(card.id)
    assert (done.state, done.done_count, done.total_count) == ("sealed", 8, 8)
    for data in (small, large, old, b""):
        assert content_of(card, sha(data)) == data
    for data in (small, large[:64], old):
        assert not holds_plain(data)
    report = datasets.verify(owner, card, after='["bytes", ["", 0, 0]]')
    assert (report.problems, report.file_count) == ([], 3)
    kinds = [run.kind for run in runs.of_dataset(card.id)]
    assert {"seal", "move_into_seal"} <= set(kinds)
    assert not ledger.verify().problem
    assert datasets.seal(owner, card.id) == done, "again: nothing changes"


def test_what_another_dataset_needs_stays_plain_there(dataset, put):
    owner, card = dataset
    put(owner, card, {"a": b"only here", "b": b"in both"})
    other = datasets.create_dataset(owner, "lab", "other")
    put(owner, other, {"b": b"in both", "c": b"only there"})
    card = seal_whole(owner, card)
    assert not holds_plain(b"only here")
    assert holds_plain(b"in both"), "the half-needed pack was written anew"
    for place, data in ((card, b"in both"), (other, b"in both"), (other, b"only there")):
        assert content_of(place, sha(data)) == data
    seal_whole(owner, other)
    assert not holds_plain(b"in both")
    assert not StoredObject.objects.filter(domain="").exists()


STEPS = ("register", "read_pieces", "_repack", "store")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_move_that_dies_anywhere_goes_on(dataset, put, monkeypatch, step, at):
    owner, card = dataset
    files = {f"f{number}": b"secret %d" % number * 50 for number in range(6)} | {"big": os.urandom(1_200_000)}
    put(owner, card, files)
    other = datasets.create_dataset(owner, "lab", "other")
    put(owner, other, {"shared": files["f3"]})
    datasets.seal(owner, card.id)
    real, calls = getattr(resealing, step), [0]

    def fragile(*arguments, **named):
        calls[0] += 1
        if calls[0] == at:
            raise KeyboardInterrupt
        return real(*arguments, **named)

    monkeypatch.setattr(resealing, step, fragile)
    for _ in range(20):
        try:
            if not sealing.move_some(card.id):
                break
        except KeyboardInterrupt:
            assert all(content_of(again(owner, card), sha(data)) == data for data in files.values())
    card = again(owner, card)
    assert card.seal_state == "sealed"
    for data in files.values():
        assert content_of(card, sha(data)) == data
    assert content_of(other, sha(files["f3"])) == files["f3"]
    for key in [item.key for item in store().list()]:
        storage.drop_unnamed([key])
    assert not holds_plain(b"secret 1")


def test_damaged_bytes_are_not_sealed_as_if_they_were_right(dataset, put):
    owner, card = dataset
    put(owner, card, {"good": b"good bytes"})
    put(owner, card, {"bad": b"bad bytes"})
    place = storage.require_location(sha(b"bad bytes"))
    path = store().local_path(place.key)
    path.write_bytes(b"BAD bytes")
    datasets.seal(owner, card.id)
    while sealing.move_some(card.id):
        pass
    state = datasets.sealing_of(card.id)
    assert (state.state, state.damaged_count) == ("moving", 1)
    with pytest.raises(datasets.StillSealingError):
        datasets.shred(owner, card.id, confirm="lab/data", reason="r")
    put(owner, card, {"bad": b"bad bytes"})
    assert sealing.unfinished() == [card.id]
    card = seal_whole(owner, card)
    assert card.seal_state == "sealed"
    assert content_of(card, sha(b"bad bytes")) == b"bad bytes"
    assert not holds_plain(b"BAD bytes")


def test_nothing_is_linked_from_one_domain_into_another(dataset, put):
    owner, card = dataset
    put(owner, card, {"a": b"plain and sealed"})
    sealed = datasets.create_dataset(owner, "lab", "sealed")
    datasets.seal(owner, sealed.id)
    asked = [("x", 16, sha(b"plain and sealed").hex())]
    opened = capture.open_push(owner, "lab", "sealed")
    assert capture.plan(owner, opened.run, asked).send == (0,)
    put(owner, sealed, {"y": b"plain and sealed", "z": b"sealed only"})
    plan = capture.plan(owner, opened.run, asked)
    assert (plan.linked, plan.send) == (1, ()), "inside the domain it is"
    back = capture.open_push(owner, "lab", "data")
    only = [("q", 11, sha(b"sealed only").hex())]
    assert capture.plan(owner, back.run, only).send == (0,), "nor out of it"


def test_a_question_about_a_hash_is_answered_within_what_the_asker_may_read(dataset, put, person):
    """Somebody who reads a sealed dataset learns nothing of a plain one that holds the same bytes."""
    owner, card = dataset
    put(owner, card, {"a": b"known to both"})
    sealed = datasets.create_dataset(owner, "lab", "sealed")
    datasets.seal(owner, sealed.id)
    put(owner, sealed, {"a": b"known to both"})
    reader = person("reader")
    policy.grant(owner, sealed.resource, subject_kind="person", subject_id=reader.id, role=policy.Role.READER)
    datasets.create_project(reader, "mine")
    opened = capture.open_push(reader, "mine", "d")
    assert capture.plan(reader, opened.run, [("x", 13, sha(b"known to both").hex())]).send == (0,)


def test_bytes_that_were_on_their_way_plain_are_refused(dataset, put):
    owner, card = dataset
    opened = capture.open_push(owner, "lab", "data")
    datasets.seal(owner, card.id)
    row = ("a", 1, sha(b"1").hex(), 0)
    with pytest.raises(datasets.SealedMeanwhileError) as caught:
        capture.commit_arrival(
            capture.Arrival(opened.run, card.id, new_id(), "00/" + new_id(), 1, "pack", [row])
        )
    assert isinstance(caught.value, CapabilityRefusedError), (
        "the client gets a new capability and sends again"
    )


def test_bytes_that_the_store_lost_are_asked_for_again_and_repaired(dataset, put):
    owner, card = dataset
    for sealed in (False, True):
        if sealed:
            card = datasets.create_dataset(owner, "lab", "sealed")
            datasets.seal(owner, card.id)
        put(owner, card, {"a": b"kept", "b": b"kept too"})
        put(owner, card, {"c": b"lost"})
        card = again(owner, card)
        asked = [(name, len(data), sha(data).hex()) for name, data in (("a", b"kept"), ("c", b"lost"))]
        opened = capture.open_push(owner, "lab", card.name)
        assert capture.plan(owner, opened.run, asked).send == ()
        store().delete(storage.require_location(sha(b"lost"), card.domains).key)
        assert capture.plan(owner, opened.run, asked).send == (1,)
        put(owner, card, {"c": b"lost"})
        assert capture.plan(owner, opened.run, asked).send == ()
        assert content_of(card, sha(b"lost")) == b"lost"
        assert datasets.verify(owner, card, after='["bytes", ["", 0, 0]]').problems == []


def test_only_those_who_may_seal_and_shred(dataset, put, person):
    owner, card = dataset
    project = datasets.get_project(owner, "lab").resource
    editor = person("editor")
    policy.grant(owner, project, subject_kind="person", subject_id=editor.id, role=policy.Role.EDITOR)
    with pytest.raises(policy.ActionDeniedError):
        datasets.seal(editor, card.id)
    put(owner, card, {"a": b"1"})
    with pytest.raises(datasets.NotSealedError):
        datasets.shred(owner, card.id, confirm="lab/data", reason="r")
    datasets.seal(owner, card.id)
    with pytest.raises(datasets.StillSealingError):
        datasets.shred(owner, card.id, confirm="lab/data", reason="r")
    card = seal_whole(owner, card)
    with pytest.raises(policy.ActionDeniedError):
        datasets.shred(editor, card.id, confirm="lab/data", reason="r")
    for confirm, reason in (("lab/other", "r"), ("", "r"), ("lab/data", " ")):
        with pytest.raises(datasets.NotConfirmedError):
            datasets.shred(owner, card.id, confirm=confirm, reason=reason)
    words = {"en": "kept until 2040", "ja": "2040年まで保存"}
    hold = policy.HeldAction(card.id, "destroy", words, words, words)
    policy.place_holds("test", card.project_id, [hold])
    with pytest.raises(policy.ActionDeniedError):
        datasets.shred(owner, card.id, confirm="lab/data", reason="r")
    assert content_of(card, sha(b"1")) == b"1"


@pytest.mark.parametrize("dies", [False, True])
def test_shredding_leaves_the_record_and_nothing_to_read(dataset, put, monkeypatch, dies):
    owner, card = dataset
    table = b"angle (deg),counts\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(60))
    put(owner, card, {"scan.csv": table})
    datasets.freeze_version(owner, card.id)
    card = seal_whole(owner, card)
    extraction.read_files(SYSTEM, new_id(), card.id, [("scan.csv", len(table), sha(table))])
    assert description.readings(card, [sha(table)])
    if dies:
        real = storage.carrier

        def die():
            raise KeyboardInterrupt

        monkeypatch.setattr(storage, "carrier", die)
        with pytest.raises(KeyboardInterrupt):
            datasets.shred(owner, card.id, confirm="lab/data", reason="wrong samples")
        monkeypatch.setattr(storage, "carrier", real)
        assert datasets.verify(owner, again(owner, card), after='["bytes", ["", 0, 0]]').shredded
    state = datasets.shred(owner, card.id, confirm="lab/data", reason="wrong samples")
    assert (state.state, state.shredded_by, state.reason) == ("shredded", owner.name, "wrong samples")
    proof = runs.get(state.shred_run_id)
    assert (proof.kind, proof.outcome) == ("shred", "ok")
    assert proof.parameters["key_fingerprint"] == state.fingerprint
    card = again(owner, card)
    with pytest.raises(storage.KeyDestroyedError, match="wrong samples"):
        storage.locate([sha(table)], card.domains)
    with pytest.raises(storage.KeyDestroyedError):
        capture.open_push(owner, "lab", "data")
    sealing.forget_bytes(card.id)
    reading_sealing.forget_derived(card.id)
    assert not StoredObject.objects.filter(domain=card.id).exists()
    for model in (Extraction, Fact, Proposal):
        assert not model.objects.filter(dataset_id=card.id).exists()
    assert [file.path for file in datasets.list_files(owner, card, version=1).files] == ["scan.csv"]
    report = datasets.verify(owner, card)
    assert report.problems == []
    assert datasets.shred(owner, card.id, confirm="lab/data", reason="again") == state
    assert extraction.read_files(SYSTEM, new_id(), card.id, [("scan.csv", 1, sha(b"late"))]) == 0


def test_readings_and_previews_are_sealed_with_the_bytes(dataset, put):
    """Those from before the sealing, and those from after it."""
    owner, card = dataset
    note = b"PATIENT 7: nobody may find this line in the database\n" * 3
    put(owner, card, {"a.txt": note})
    extraction.read_files(SYSTEM, new_id(), card.id, [("a.txt", len(note), sha(note))])
    shown = description.readings(card, [sha(note)])[sha(note)]
    assert "PATIENT 7" in str(shown.previews)
    card = seal_whole(owner, card)
    reading_sealing.seal_readings(card.id)
    again_shown = description.readings(card, [sha(note)])[sha(note)]
    assert again_shown.previews == shown.previews
    card_reading, outcome = description.reading(owner, card, "a.txt")
    assert card_reading.status == shown.status
    assert outcome["reading"]
    late = note + b"late"
    put(owner, card, {"b.txt": late})
    extraction.read_files(SYSTEM, new_id(), card.id, [("b.txt", len(late), sha(late))])
    import zlib

    for row in Extraction.objects.filter(dataset_id=card.id):
        assert "PATIENT" not in str(row.previews)
        with pytest.raises(zlib.error):
            zlib.decompress(bytes(row.outcome))


def test_an_empty_dataset_is_sealed_at_once(dataset):
    owner, card = dataset
    assert datasets.seal(owner, card.id).state == "sealed"
    assert Dataset.objects.get(uid=card.id).key_domain == card.id
