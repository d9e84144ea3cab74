"""Reading the ledger: entries and proofs, from stored landmarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tsunagu.foundation.ledger import proofs
from tsunagu.foundation.ledger.errors import NoSuchProofError
from tsunagu.foundation.ledger.merkle import LANDMARK_LEVELS, node_hash
from tsunagu.foundation.ledger.models import Entry, Head, Subtree
from tsunagu.foundation.ledger.types import EntryCard, Proof

_WIDTH = 1 << LANDMARK_LEVELS
_MOST_TILES = 256  # 2 MiB of hashes


class StoredNodes:
    """Subtree roots from the database, by tiles of up to 256 siblings; keep one for as long as the log may not grow.

    A proof touches at most two tiles for every eight levels: under ten queries in a log of 16 million entries.
    """

    def __init__(self) -> None:
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """The root of one full subtree.

        Raises:
            LookupError: entries or landmarks are missing in the database.
        """
        base, span = level - level % LANDMARK_LEVELS, level % LANDMARK_LEVELS
        start = index << span
        row = self._tile(base, start >> LANDMARK_LEVELS)
        begin = start & (_WIDTH - 1)
        row = row[begin : begin + (1 << span)]
        if len(row) != 1 << span:
            raise LookupError(f"the ledger lacks nodes of level {base} from {start}")
        while len(row) > 1:
            row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
        return row[0]

    def _tile(self, level: int, number: int) -> list[bytes]:
        found = self._tiles.get((level, number))
        if found is None:
            first = number << LANDMARK_LEVELS
            within = {"index__gte": first, "index__lt": first + _WIDTH}
            leaves = Entry.objects.filter(**within).order_by("index").values_list("index", "leaf_hash")
            subtrees = Subtree.objects.filter(level=level, **within).order_by("index")
            found = []
            for index, digest in leaves if level == 0 else subtrees.values_list("index", "digest"):
                if index != first + len(found):
                    break  # what stands behind a gap is not where it seems to be
                found.append(bytes(digest))
            while len(self._tiles) >= _MOST_TILES:
                self._tiles.pop(next(iter(self._tiles)))
            self._tiles[level, number] = found
        return found


def size() -> int:
    """How many entries there are."""
    return Head.objects.filter(pk=1).values_list("size", flat=True).first() or 0


def prove_inclusion(index: int, tree_size: int, nodes: proofs.Nodes | None = None) -> Proof:
    """That an entry stands in the tree of the first ``tree_size`` entries.

    Raises:
        NoSuchProofError: there is no such entry or tree.
    """
    nodes = nodes or StoredNodes()
    try:
        _require_size(tree_size)
        path = proofs.inclusion(nodes, index, tree_size)
        return _proof(index, tree_size, path, proofs.root_at(nodes, tree_size))
    except (ValueError, LookupError):
        raise NoSuchProofError from None


def prove_consistency(old: int, new: int, nodes: proofs.Nodes | None = None) -> Proof:
    """That the tree of the first ``new`` entries only adds to the tree of the first ``old``.

    Raises:
        NoSuchProofError: there are no such trees.
    """
    nodes = nodes or StoredNodes()
    try:
        _require_size(new)
        path = proofs.consistency(nodes, old, new)
        return _proof(old, new, path, proofs.root_at(nodes, new))
    except (ValueError, LookupError):
        raise NoSuchProofError from None


def _require_size(tree_size: int) -> None:
    if tree_size > size():
        raise LookupError(tree_size)


def _proof(first: int, tree_size: int, path: Sequence[bytes], root: bytes) -> Proof:
    return Proof(first, tree_size, root.hex(), tuple(step.hex() for step in path))


def entries_about(subject: str, *, below: int) -> Iterator[EntryCard]:
    """Entries about a dataset, a project or a key, in their order, from the first ``below``."""
    rows = Entry.objects.filter(subject=subject, index__lt=below).order_by("index")
    for row in rows.iterator(chunk_size=1000):
        yield EntryCard(row.index, row.kind, row.body)
