"""Tree heads are signed and time-stamped; openssl agrees; what was bent is found and named; an outage only delays."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from dataclasses import replace

import pytest
from django.db import connection

from tests.authority import running_authority
from tsunagu.core import clock
from tsunagu.core import settings as node_settings
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.ledger import notes
from tsunagu.foundation.ledger.models import Entry, SignedHead, TimeStamp

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="the program openssl is not installed"),
]


def grow(count=3):
    ledger.append_all("test", [{"n": ledger.size() + number} for number in range(count)])
    return ledger.sign_head(at_once=True)


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)


def test_openssl_agrees_with_signature_and_time_stamp(authority, tmp_path):
    grow()
    assert ledger.stamp_waiting() == 1
    head = ledger.head_cards()[0]
    said, signature = notes.parse(head.note)
    for name, content in {
        "head.txt": said.text.encode(), "head.sig": signature, "head.note": head.note.encode(),
        "head.tsr": head.stamp.reply, "head.tsq": head.stamp.query,
        "key.pem": ledger.public_key_pem(head.public_key).encode(), "ca.pem": head.stamp.certificates.encode(),
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
    signed = openssl(
        "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", tmp_path / "key.pem",
        "-in", tmp_path / "head.txt", "-sigfile", tmp_path / "head.sig",
    )  # fmt: skip
    assert "Signature Verified Successfully" in signed.stdout
    check = ("ts", "-verify", "-in", tmp_path / "head.tsr", "-CAfile", tmp_path / "ca.pem")
    for against in (("-data", tmp_path / "head.note"), ("-queryfile", tmp_path / "head.tsq")):
        assert "Verification: OK" in openssl(*check, *against).stdout
    assert head.stamp.is_independent
    report = ledger.verify()
    assert (report.problems, report.head_count, report.stamp_count, report.waiting_count) == ([], 1, 1, 0)


def test_the_key_is_private_and_named_in_the_ledger(authority):
    grow()
    file = node_settings.current().home / "secrets" / "ledger.key"
    assert file.stat().st_mode & 0o777 == 0o600
    named = Entry.objects.get(kind="signing_key")
    assert named.subject == ledger.head_cards()[0].key_id
    before = file.read_bytes()
    file.rename(file.with_suffix(".old"))
    grow()
    assert file.read_bytes() != before
    second = ledger.head_cards()[0]
    assert f'"replaces":"{named.subject}"' in Entry.objects.get(subject=second.key_id).body
    assert not ledger.verify().problems
    Entry.objects.filter(subject=named.subject).update(kind="other")
    assert "its key is not named" in ledger.verify().problem


def test_many_freezes_share_a_head(authority):
    first = grow()
    ledger.append("test", {"n": "more"})
    assert ledger.sign_head() == first
    SignedHead.objects.update(signed_at=clock.now() - dt.timedelta(seconds=11))
    assert ledger.sign_head() == first + 1
    assert ledger.sign_head(at_once=True) == first + 1
    assert SignedHead.objects.count() == 2


def test_an_outage_delays_and_loses_nothing(authority, dataset, put):
    owner, card = dataset
    put(owner, card, {"a": b"1"})
    authority.fault = "down"
    datasets.freeze_version(owner, card.id)
    for _ in range(2):
        grow()
        assert ledger.stamp_waiting() == 0
    waiting = ledger.head_cards()
    assert any("503" in stamp.said for head in waiting for stamp in head.stamps)
    assert ledger.verify().waiting_count == 2
    asked = len(authority.queries)
    assert ledger.stamp_waiting() == 0
    assert len(authority.queries) == asked, "an authority that is down is left alone for a while"
    authority.fault = ""
    TimeStamp.objects.update(next_try_at=clock.now())
    assert ledger.stamp_waiting() == 2
    assert ledger.stamp_waiting() == 0
    assert ledger.verify().waiting_count == 0


def test_waits_grow_to_an_hour(authority):
    authority.fault = "down"
    grow()
    pauses = []
    for _ in range(9):
        TimeStamp.objects.update(next_try_at=clock.now())
        began = clock.now()
        ledger.stamp_waiting()
        pauses.append(round((TimeStamp.objects.get().next_try_at - began).total_seconds() / 60))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@pytest.mark.parametrize(
    ("fault", "words"),
    [("replay", "Nonce mismatch"), ("html", "something else than a time stamp"), ("redirect", "302")],
)
def test_what_is_no_answer_to_our_question_is_not_kept(authority, fault, words):
    grow()
    ledger.stamp_waiting()
    grow()
    authority.fault = fault
    assert ledger.stamp_waiting() == 0
    said = TimeStamp.objects.get(stamped_at=None)
    assert words in said.said
    assert not bytes(said.reply)


def test_another_root_is_not_trusted(authority, tmp_path, monkeypatch):
    with running_authority(tmp_path / "other") as other:
        authority_of_others = other.ca_file.read_text()
    file = tmp_path / "pinned.pem"
    file.write_text(authority_of_others)
    given = node_settings.current()
    monkeypatch.setattr(
        node_settings, "current", lambda: replace(given, values={**given.values, "timestamp_ca": str(file)})
    )
    grow()
    assert ledger.stamp_waiting() == 0
    assert "cannot be kept" in TimeStamp.objects.get().said


def test_an_authority_without_a_pinned_root_is_not_used(authority, monkeypatch):
    given = node_settings.current()
    monkeypatch.setattr(
        node_settings, "current", lambda: replace(given, values={**given.values, "timestamp_ca": ""})
    )
    grow()
    assert ledger.stamp_waiting() == 0
    assert "is pinned" in TimeStamp.objects.get().said


def test_an_authority_on_an_inner_address_is_asked_only_when_the_settings_allow_it(authority, monkeypatch):
    given = node_settings.current()
    closed = {**given.values, "egress_allowed": ()}
    monkeypatch.setattr(node_settings, "current", lambda: replace(given, values=closed))
    asked = len(authority.queries)
    grow()
    assert ledger.stamp_waiting() == 0
    assert len(authority.queries) == asked
    assert "egress_allowed" in TimeStamp.objects.get().said


@pytest.mark.parametrize("jump", [dt.timedelta(minutes=-9), dt.timedelta(minutes=9)])
def test_a_clock_that_differs_is_said(authority, monkeypatch, jump):
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + jump)
    grow()
    assert ledger.stamp_waiting() == 0
    assert "The clocks differ" in TimeStamp.objects.get().said


def test_without_an_authority_the_stamp_says_that_it_is_not_independent():
    grow()
    assert ledger.stamp_waiting() == 1
    head = ledger.head_cards()[0]
    assert (head.stamp.authority, head.stamp.is_independent) == ("embedded", False)
    assert not ledger.verify().problems


def forge_root(head):
    SignedHead.objects.filter(pk=head.pk).update(root=b"\1" * 32)


def forge_note(head):
    SignedHead.objects.filter(pk=head.pk).update(note=head.note.replace("time 2", "time 1"))


def forge_key(head):
    SignedHead.objects.filter(pk=head.pk).update(public_key=b"\2" * 32)


def forge_token(head):
    stamp = head.stamps.get()
    reply = bytearray(stamp.reply)
    reply[-20] ^= 1  # in the signature
    TimeStamp.objects.filter(pk=stamp.pk).update(reply=bytes(reply))


def forge_time(head):
    TimeStamp.objects.filter(head=head).update(stamped_at=clock.now() - dt.timedelta(days=1))


@pytest.mark.parametrize("forge", [forge_root, forge_note, forge_key, forge_token, forge_time])
def test_each_forged_part_is_named(authority, forge):
    grow()
    size = grow()
    ledger.stamp_waiting()
    forge(SignedHead.objects.get(size=size))
    problems = ledger.verify().problems
    assert problems
    assert all(f"ead {size}" in problem for problem in problems)


def test_a_rewritten_history_does_not_lead_to_the_signed_head(authority):
    """Whoever has the whole database makes a log that fits in itself; the signature of before does not fit it."""
    grow(5)
    kept = list(SignedHead.objects.values())
    bodies = list(Entry.objects.order_by("index").values_list("kind", "body"))
    with connection.cursor() as cursor:
        for table in ("timestamp", "signedhead", "entry", "subtree", "head"):
            cursor.execute(f"delete from ledger_{table}")
    for kind, _ in bodies:
        ledger.append(kind, {"n": "other"})
    SignedHead.objects.create(**kept[0])
    assert "history was rewritten" in ledger.verify().problem


def test_lost_entries_are_named(authority):
    grow()
    TimeStamp.objects.all().delete()
    SignedHead.objects.update(size=50)
    assert "50" in ledger.verify().problem


def test_a_note_is_read_back_and_a_bent_one_is_refused():
    grow()
    note = ledger.head_cards()[0].note
    head, _ = notes.parse(note)
    assert f"{head.text}\n" in note
    for bent in (
        note.replace("\n\n", "\n"),
        note.replace("—", "-"),
        note[:-10],
        "",
        note.replace("time", "x\ntime"),
    ):
        with pytest.raises(ValueError, match="not"):
            notes.parse(bent)
