"""Recompute the name of a frozen version from its manifest and its record. Needs Python alone, runs alone.

python verify_version.py RECORD.json MANIFEST.json [NAME]
RECORD: {"bytes","count","dataset","format","metadata","number","previous","root"}
MANIFEST: a list of {"path","size","sha256"}, or an object that holds it as "files"
"""

import hashlib
import json
import sys
from typing import Any


def H(*parts: bytes) -> bytes:  # noqa: N802 - as in the specification
    """SHA-256 of the parts, one after the other."""
    return hashlib.sha256(b"".join(parts)).digest()


def merkle_root(files: "list[tuple[str, int, str]]") -> str:
    """The root over (path, size, sha256 in hexadecimal), as 64 hexadecimal digits."""
    level: dict[int, list[tuple[bytes, bytes]]] = {}
    for path, size, sha256 in files:
        name = path.encode()
        leaf = H(b"\0", len(name).to_bytes(4, "big"), size.to_bytes(8, "big"), name, bytes.fromhex(sha256))
        level.setdefault(int.from_bytes(H(name)[:2], "big"), []).append((name, leaf))
    nodes = {index: H(b"\1", *(leaf for _, leaf in sorted(leaves))) for index, leaves in level.items()}
    for _ in range(4):
        parents: dict[int, list[bytes]] = {}
        for index in sorted(nodes):
            parents.setdefault(index >> 4, []).append(bytes([index & 15]) + nodes[index])
        nodes = {index: H(b"\2", *children) for index, children in parents.items()}
    return nodes.get(0, H(b"\3")).hex()


def record_name(record: "dict[str, Any]") -> str:
    """The SHA-256 of the canonical JSON of a version record: the name of the version."""
    keys = ("bytes", "count", "dataset", "format", "metadata", "number", "previous", "root")
    kept = {key: record[key] for key in keys}
    return H(json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hex()


def problems(
    record: "dict[str, Any]", manifest: "list[dict[str, Any]]", name: "str | None" = None
) -> "list[str]":
    """What is wrong, as a list of sentences; empty when all is well."""
    files = [(file["path"], file["size"], file["sha256"]) for file in manifest]
    found = []
    if (len(files), sum(size for _, size, _ in files)) != (record["count"], record["bytes"]):
        found.append("the record counts other files or bytes than the manifest holds")
    if merkle_root(files) != record["root"]:
        found.append("the root of the record is not the root of the manifest")
    if name is not None and record_name(record) != name:
        found.append("the name of the version is not the hash of its record")
    return found


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as a, open(sys.argv[2], encoding="utf-8") as b:  # noqa: PTH123
        record, manifest = json.load(a), json.load(b)
    manifest = manifest["files"] if isinstance(manifest, dict) else manifest
    wrong = problems(record, manifest, sys.argv[3] if len(sys.argv) > 3 else None)  # noqa: PLR2004
    print("\n".join(wrong) or f"ok: version {record['number']}, name {record_name(record)}")
    sys.exit(7 if wrong else 0)
