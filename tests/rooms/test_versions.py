"""Any sequence of edits and freezes equals a plain Python model, on whatever database the tests run."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets import intervals, tree
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.runs import api as runs

PATHS = [
    "a",
    "a.txt",
    "a/b",
    "a/b/c",
    "a/b.d",
    "a/bb/c",
    "z",
    "データ/試料1.csv",
    "データ/試料2.csv",
    "ab",
    "a b",
    "A",
    "𠮷/髙",
]
CONTENTS = [b"", b"1", b"2", b"three"]
edits = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"), st.dictionaries(st.sampled_from(PATHS), st.sampled_from(CONTENTS), max_size=6)
        ),
        st.tuples(st.just("remove"), st.sets(st.sampled_from(PATHS), max_size=3)),
        st.tuples(st.just("freeze"), st.none()),
    ),
    max_size=14,
)


def commit(owner: Any, card: Any, files: dict[str, bytes]) -> None:
    run = runs.start(owner, "capture", dataset_id=card.id)
    entries = [(path, len(data), hashlib.sha256(data).digest()) for path, data in files.items()]
    datasets.commit_files(owner, card.id, run, entries)


def as_dict(files: Any) -> dict[str, bytes]:
    return {file.path: file.sha256 for file in files}


def check_state(owner: Any, name: str, model: dict[str, bytes], frozen: list[dict[str, bytes]]) -> None:
    card = datasets.get_dataset(owner, "lab", name)
    hashes = {path: hashlib.sha256(data).digest() for path, data in model.items()}
    assert as_dict(datasets.all_files(card, card.draft_number)) == hashes
    assert (card.file_count, card.byte_count) == (len(model), sum(map(len, model.values())))
    for number, state in enumerate(frozen, 1):
        version = datasets.get_version(card, number)
        listed = list(datasets.all_files(card, number))
        assert [file.path for file in listed] == sorted(state)
        expected = tree.root_of(
            (path, len(data), hashlib.sha256(data).digest()) for path, data in state.items()
        )
        assert version.root == expected.hex()
        assert not datasets.verify_version(card, version)
        assert hashlib.sha256(version.record.encode()).hexdigest() == version.version_hash


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=edits)
def test_edits_and_freezes_equal_a_model(person, steps):
    from tsunagu.core.ids import new_id

    owner = person()
    if not datasets.list_projects(owner):
        datasets.create_project(owner, "lab")
    card = datasets.create_dataset(owner, "lab", f"d{new_id().lower()}")
    model: dict[str, bytes] = {}
    frozen: list[dict[str, bytes]] = []
    for verb, value in steps:
        if verb == "put":
            commit(owner, card, value)
            model.update(value)
        elif verb == "remove":
            present = [path for path in value if path in model]
            if present:
                datasets.remove_files(owner, card.id, present)
            for path in present:
                del model[path]
        elif model != (frozen[-1] if frozen else None):
            datasets.freeze_version(owner, card.id)
            frozen.append(dict(model))
        else:
            with pytest.raises(datasets.NothingToFreezeError):
                datasets.freeze_version(owner, card.id)
    check_state(owner, card.name, model, frozen)
    check_diffs(owner, card.name, [*frozen, model])


def check_diffs(owner: Any, name: str, states: list[dict[str, bytes]]) -> None:
    card = datasets.get_dataset(owner, "lab", name)
    for old in range(1, len(states) + 1):
        for new in range(1, len(states) + 1):
            before, now = states[old - 1], states[new - 1]
            changes, after = datasets.list_diff(owner, card, old, new)
            assert not after
            found = {change.path: change.change for change in changes}
            wanted = {path: "added" for path in now if path not in before}
            wanted |= {path: "removed" for path in before if path not in now}
            wanted |= {path: "changed" for path in now if path in before and before[path] != now[path]}
            assert found == wanted
            paged, after = [], ""
            while True:
                part, after = datasets.list_diff(owner, card, old, new, after=after, limit=1)
                paged += [change.path for change in part]
                if not after:
                    break
            assert paged == sorted(wanted)
            kinds = list(wanted.values())
            counts = {kind: kinds.count(kind) for kind in ("added", "removed", "changed")}
            assert datasets.diff_counts(owner, card, old, new) == counts


@pytest.mark.django_db
def test_pages_and_folders_agree_with_the_whole(dataset):
    owner, card = dataset
    files = {f"f{n:03}/sub/{k}.dat": bytes([n, k]) for n in range(7) for k in range(9)} | {
        f"{n}.txt": bytes([n]) for n in range(30)
    }
    commit(owner, card, files)
    datasets.freeze_version(owner, card.id)
    datasets.remove_files(owner, card.id, ["f003/", "5.txt"])
    for version in (1, 2):
        card = datasets.get_dataset(owner, "lab", "data")
        paths, after = [], ""
        while True:
            page = datasets.list_files(owner, card, version=version, after=after, limit=7)
            paths += [file.path for file in page.files]
            after = page.after
            if not after:
                break
        expected = (
            sorted(files)
            if version == 1
            else sorted(p for p in files if p != "5.txt" and not p.startswith("f003/"))
        )
        assert paths == expected
        assert walk(owner, card, version, "") == expected


def walk(owner: Any, card: Any, version: int, folder: str) -> list[str]:
    found, after = [], ""
    while True:
        page = datasets.list_folder(owner, card, version=version, folder=folder, after=after, limit=4)
        for sub in page.folders:
            below = walk(owner, card, version, sub.path)
            assert sub.file_count in (None, len(below))
            found += below
        found += [file.path for file in page.files]
        after = page.after
        if not after:
            return sorted(found)


@pytest.mark.django_db
def test_both_ways_of_reading_a_version_agree(dataset, monkeypatch):
    owner, card = dataset
    for number in range(6):
        commit(owner, card, {f"{n % 4}/{n * (number + 1)}.x": bytes([number]) for n in range(20)})
        datasets.freeze_version(owner, card.id)
    merged = [list(datasets.all_files(card, v)) for v in range(1, 7)]
    monkeypatch.setattr(intervals, "_FEW_PAIRS", 0)
    assert merged == [list(datasets.all_files(card, v)) for v in range(1, 7)]


@pytest.mark.django_db
def test_a_prefix_that_is_a_file_is_listed(dataset):
    owner, card = dataset
    commit(owner, card, {"run": b"1", "run/a": b"2", "run2": b"3"})
    card = datasets.get_dataset(owner, "lab", "data")
    assert [f.path for f in datasets.list_files(owner, card, prefix="run").files] == ["run", "run/a", "run2"]


@pytest.mark.django_db
def test_a_replaced_draft_file_is_kept_aside(dataset, person):
    from tsunagu.data.datasets.models import Overwritten

    owner, card = dataset
    commit(owner, card, {"a": b"first"})
    commit(owner, card, {"a": b"second"})
    kept = Overwritten.objects.get()
    assert bytes(kept.sha256) == hashlib.sha256(b"first").digest()


@pytest.mark.django_db
def test_the_empty_version_has_the_fixed_root(dataset):
    owner, card = dataset
    version = datasets.freeze_version(owner, card.id)
    assert version.root == hashlib.sha256(b"\x03").hexdigest()
    assert json.loads(version.record)["count"] == 0
    assert not ledger.verify().problem


@pytest.mark.django_db
@pytest.mark.parametrize("what", ["size", "hash", "path", "record"])
def test_verification_names_what_was_changed(dataset, what):
    from django.db import connection

    from tsunagu.data.datasets.models import FileRow, Version

    owner, card = dataset
    commit(owner, card, {"a/b": b"x", "c": b"y"})
    datasets.freeze_version(owner, card.id)
    if what == "size":
        FileRow.objects.filter(path="c").update(byte_count=7)
    elif what == "hash":
        FileRow.objects.filter(path="c").update(sha256=bytes(32))
    elif what == "path":
        FileRow.objects.filter(path="c").update(path="d")
    else:
        version = Version.objects.get()
        Version.objects.update(record=version.record.replace('"count":2', '"count":3'))
    assert connection.vendor
    problems = datasets.verify_version(card, datasets.get_version(card, 1))
    assert problems
    assert "lab/data@1" in problems[0]
