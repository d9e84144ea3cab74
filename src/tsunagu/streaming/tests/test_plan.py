"""The order of a stream: everything once, the same everywhere, a position is a number."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tsunagu.streaming.plan import Group, cut, permutation, shares, windows
from tsunagu.streaming.splits import of_split, splits

GROUPS = st.lists(st.tuples(st.integers(1, 500), st.integers(1, 10_000)), min_size=1, max_size=30)


def _groups(sizes):
    return [Group(number // 4, number % 4, rows, size) for number, (rows, size) in enumerate(sizes)]


def _rows(pieces):
    return [
        (piece.group.file, piece.group.index, row)
        for piece in pieces
        for row in range(piece.start, piece.start + piece.rows)
    ]


@given(GROUPS, st.integers(1, 9), st.booleans(), st.integers(0, 5), st.integers(100, 5000))
def test_every_row_is_read_once_by_exactly_one_shard(sizes, count, shuffle, epoch, most):
    groups = _groups(sizes)
    dealt = shares(cut(groups, count, most), count, seed=3, epoch=epoch, shuffle=shuffle)
    assert len(dealt) == count
    read = [row for share in dealt for row in _rows(share)]
    assert len(read) == len(set(read)) == sum(group.rows for group in groups)


@given(GROUPS, st.integers(1, 9))
def test_shards_differ_by_little_where_rows_can_be_dealt_out(sizes, count):
    groups = _groups(sizes)
    pieces = cut(groups, count, 1 << 30)
    totals = [
        sum(piece.rows for piece in one) for one in shares(pieces, count, seed=0, epoch=0, shuffle=True)
    ]
    longest = max(piece.rows for piece in pieces)
    assert max(totals) - min(totals) <= longest * (-(-len(pieces) // count))
    if count > 1 and sum(totals) >= count * 4:
        assert max(totals) < sum(totals), "no shard gets everything"


def test_one_shard_reads_whole_row_groups():
    groups = _groups([(100, 10), (300, 10)])
    assert [piece.rows for piece in cut(groups, 1, 1 << 20)] == [100, 300]
    assert max(piece.rows for piece in cut([Group(0, 0, 1000, 10 << 20)], 1, 1 << 20)) <= 100


@given(GROUPS, st.integers(1, 2000), st.booleans())
def test_windows_follow_each_other_and_hold_what_was_asked_for(sizes, rows, shuffle):
    pieces = cut(_groups(sizes), 1, 1 << 30)
    found = windows(pieces, rows=rows, most_bytes=1 << 30, shuffle=shuffle)
    assert [one.first for one in found[1:]] == [one.first + one.rows for one in found[:-1]]
    assert _rows([piece for one in found for piece in one.pieces]) == _rows(pieces)
    if shuffle:
        assert all(one.rows >= rows for one in found[:-1])


@given(st.integers(0, 3000), st.integers(0, 9), st.integers(0, 9))
def test_a_permutation_is_one_and_depends_on_its_key(count, seed, epoch):
    found = permutation(count, "rows", seed, epoch)
    assert sorted(found) == list(range(count))
    assert np.array_equal(found, permutation(count, "rows", seed, epoch))
    if count > 20:
        assert not np.array_equal(found, permutation(count, "rows", seed, epoch + 1))


def test_the_order_is_the_same_for_ever():
    """If this fails, positions that people saved would go on with other rows: give the format another number."""
    assert permutation(8, "rows", 0, 0).tolist() == [5, 3, 6, 0, 1, 7, 4, 2]


def test_neighbours_stay_together_when_nothing_is_shuffled():
    pieces = cut(_groups([(10, 1)] * 24), 3, 1 << 20)
    for share in shares(pieces, 3, seed=0, epoch=4, shuffle=False):
        places = [(piece.group.file, piece.group.index, piece.start) for piece in share]
        assert all(one < two for one, two in pairwise(places))


def test_splits_are_found_by_the_words_in_paths():
    paths = ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/test.parquet"]
    assert of_split(paths, "train") == paths[:2]
    assert of_split(paths, "test") == paths[2:]
    assert of_split(paths, "validation") == []
    assert of_split(["a/val/1.parquet", "a/training/1.parquet"], "validation") == ["a/val/1.parquet"]
    assert of_split(["table.parquet"], "train") == ["table.parquet"]
    assert of_split(["trainer.parquet", "test.parquet"], "train") == []
    assert of_split(paths, "") == sorted(paths)
    assert splits(paths) == ["train", "test"]
