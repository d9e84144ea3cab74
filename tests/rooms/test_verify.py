"""The check of a whole dataset finds what lies in old versions too, and says where; a clock that jumps breaks nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from tsunagu.core import clock
from tsunagu.core.errors import InvalidInputError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.models import Version
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.storage.models import Content

pytestmark = pytest.mark.django_db


def whole(actor, card):
    problems, counts, after = [], [0, 0, 0], ""
    while True:
        report = datasets.verify(actor, card, after=after)
        problems += report.problems
        for place, count in enumerate((report.version_count, report.file_count, report.byte_count)):
            counts[place] += count
        after = report.after
        if not after:
            return problems, tuple(counts)


def test_bytes_that_only_an_old_version_holds_are_checked(dataset, put):
    owner, card = dataset
    put(owner, card, {"a": b"first", "b": b"stays"})
    datasets.freeze_version(owner, card.id)
    put(owner, card, {"a": b"second"})
    datasets.remove_files(owner, card.id, ["b"])
    datasets.freeze_version(owner, card.id)
    put(owner, card, {"c": b"draft"})
    card = datasets.get_dataset(owner, "lab", "data")
    assert whole(owner, card) == ([], (2, 4, len(b"first" + b"stays" + b"second" + b"draft")))
    # The content of a in version 1 lies elsewhere now: its bytes are another file's.
    import hashlib

    Content.objects.filter(name=hashlib.sha256(b"first").digest()).update(offset=1)
    problems, _ = whole(owner, card)
    assert len(problems) == 1
    assert problems[0].startswith("a (versions 1 to 1): ")
    assert "SHA-256" in problems[0] or "bytes are there" in problems[0]


def test_a_broken_chain_of_versions_is_named(dataset, put):
    owner, card = dataset
    for number in range(3):
        put(owner, card, {"a": str(number).encode()})
        datasets.freeze_version(owner, card.id)
    card = datasets.get_dataset(owner, "lab", "data")
    assert not whole(owner, card)[0]
    Version.objects.filter(number=1).update(version_hash="0" * 64)
    problems, _ = whole(owner, card)
    assert any("lab/data@1" in problem for problem in problems)
    assert any("another predecessor" in problem for problem in problems)


def test_strangers_check_only_what_is_frozen(dataset, put, person):
    owner, card = dataset
    put(owner, card, {"a": b"1"})
    datasets.freeze_version(owner, card.id)
    from tsunagu.data.datasets.models import Dataset

    Dataset.objects.filter(uid=card.id).update(access="open")
    put(owner, card, {"b": b"22"})
    seen = datasets.get_dataset(identity.ANONYMOUS, "lab", "data")
    assert whole(identity.ANONYMOUS, seen) == ([], (1, 1, 1))


@pytest.mark.parametrize("after", ["x", "[]", '["bytes"]', '["bytes", ["a"]]', '["versions", "x"]', "7"])
def test_a_foreign_cursor_is_refused(dataset, after):
    owner, card = dataset
    with pytest.raises(InvalidInputError):
        datasets.verify(owner, card, after=after)


@pytest.mark.parametrize("jump", [dt.timedelta(days=-3), dt.timedelta(days=400)])
def test_a_clock_that_jumps_breaks_nothing(dataset, put, monkeypatch, jump):
    owner, card = dataset
    put(owner, card, {"a": b"1"})
    datasets.freeze_version(owner, card.id)
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + jump)
    put(owner, card, {"a": b"2", "b": b"3"})
    second = datasets.freeze_version(owner, card.id)
    monkeypatch.setattr(clock, "now", real)
    put(owner, card, {"c": b"4"})
    third = datasets.freeze_version(owner, card.id)
    assert (second.number, third.number) == (2, 3)
    card = datasets.get_dataset(owner, "lab", "data")
    assert [version.number for version in datasets.list_versions(card)] == [3, 2, 1]
    assert not whole(owner, card)[0]
    assert not ledger.verify().problem
    cards, _ = datasets.list_datasets(owner)
    assert [found.name for found in cards] == ["data"]
