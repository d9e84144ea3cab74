"""The hash of a version: a 16-ary Merkle tree over SHA-256(path), updated for the changed paths only. Pure.

Specification with test vectors: docs/reference/wire.md, "The version hash". Node ids are
``level * 65536 + prefix``; level 0 is the root, the children of level 3 are the 65,536 buckets.
"""

from __future__ import annotations

import hashlib
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

EMPTY_ROOT = hashlib.sha256(b"\x03").digest()
BUCKETS = 65536
_LEVELS = 4
_ENTRY = 33  # nibble byte and child hash
_LEAF_HEAD = struct.Struct(">BIQ")


def bucket_of(path: str) -> int:
    """The bucket of a path: the first two bytes of SHA-256 of its UTF-8 form, 0 to 65,535."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:2], "big")


def leaf_hash(path: bytes, byte_count: int, sha256: bytes) -> bytes:
    """``H(0x00, u32 path length, u64 size, path, sha256)``."""
    return hashlib.sha256(_LEAF_HEAD.pack(0, len(path), byte_count) + path + sha256).digest()


def bucket_hash(files: Iterable[tuple[str, int, bytes]]) -> bytes:
    """Hash of one bucket's files, given as (path, byte count, sha256) sorted by path."""
    leaves = b"".join(leaf_hash(path.encode(), size, sha256) for path, size, sha256 in files)
    return hashlib.sha256(b"\x01" + leaves).digest()


def node_hash(kids: bytes) -> bytes:
    """``H(0x02, for each present child in order: nibble byte, child hash)``."""
    return hashlib.sha256(b"\x02" + kids).digest()


def update(
    changed: Mapping[int, bytes | None], load: Callable[[Sequence[int]], Mapping[int, bytes]]
) -> tuple[dict[int, bytes | None], bytes]:
    """Carry changed buckets up to the root.

    Args:
        changed: New hash of each changed bucket; None when it became empty.
        load: Gives the stored kids of nodes by id; absent nodes are missing from its answer.

    Returns:
        Nodes to write (None: to delete), and the new root.
    """
    written: dict[int, bytes | None] = {}
    current: dict[int, bytes | None] = dict(changed)
    root = b""
    for level in range(_LEVELS - 1, -1, -1):
        by_parent: dict[int, dict[int, bytes | None]] = defaultdict(dict)
        for prefix, digest in current.items():
            by_parent[prefix >> 4][prefix & 15] = digest
        ids = {parent: level * BUCKETS + parent for parent in by_parent}
        stored = load(list(ids.values()))
        current = {}
        for parent, children in by_parent.items():
            kids = _merge(stored.get(ids[parent], b""), children)
            written[ids[parent]] = kids or None
            current[parent] = node_hash(kids) if kids else None
    root = current.get(0) or EMPTY_ROOT
    return written, root


def _merge(kids: bytes, children: Mapping[int, bytes | None]) -> bytes:
    table: dict[int, bytes | None] = {
        kids[start]: kids[start + 1 : start + _ENTRY] for start in range(0, len(kids), _ENTRY)
    }
    table.update(children)
    return b"".join(
        bytes([nibble]) + digest for nibble, digest in sorted(table.items()) if digest is not None
    )


def root_of(files: Iterable[tuple[str, int, bytes]]) -> bytes:
    """The root over all files of a version, computed from nothing: (path, byte count, sha256) in any order."""
    buckets: dict[int, list[tuple[str, int, bytes]]] = defaultdict(list)
    for file in files:
        buckets[bucket_of(file[0])].append(file)
    if not buckets:
        return EMPTY_ROOT
    # Sorting by code point equals sorting by UTF-8 bytes.
    _, root = update({bucket: bucket_hash(sorted(rows)) for bucket, rows in buckets.items()}, lambda _ids: {})
    return root
