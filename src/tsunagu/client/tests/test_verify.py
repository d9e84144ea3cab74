"""Verification: the version hash against a second implementation, the node's own check, a local folder."""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsunagu.client import verify_version

if TYPE_CHECKING:
    from tsunagu.client.tests.fake_node import FakeNode
    from tsunagu.client.workspace import Client

EMPTY_ROOT = hashlib.sha256(b"\x03").hexdigest()
ZERO = hashlib.sha256(b"").hexdigest()
# Fixed vectors: a change here would rename every version that was ever frozen.
VECTORS = [
    ([], "084fed08b978af4d7d196a7446a86b58009e636b611db16211b65a9aadff29c5"),
    ([("a", 0, ZERO)], "d3aa3ec5b64305ca2e104a69caa3967e15fab36850fc9d8cd8af06e39c539b54"),
]


def slow_root(files: list[tuple[str, int, str]]) -> str:
    """The rule of wire.md once more, recursively and without sharing a line with the shipped script."""
    sha = hashlib.sha256

    def node(prefix: str, below: list[tuple[str, bytes, bytes]]) -> bytes:
        if len(prefix) == 4:
            return sha(
                b"\x01" + b"".join(leaf for _, _, leaf in sorted(below, key=lambda one: one[1]))
            ).digest()
        out = b"\x02"
        for nibble in "0123456789abcdef":
            part = [one for one in below if one[0].startswith(prefix + nibble)]
            if part:
                out += bytes([int(nibble, 16)]) + node(prefix + nibble, part)
        return sha(out).digest()

    leaves = []
    for path, size, content in files:
        name = path.encode()
        leaf = sha(b"\x00" + struct.pack(">IQ", len(name), size) + name + bytes.fromhex(content)).digest()
        leaves.append((sha(name).hexdigest()[:4], name, leaf))
    return node("", leaves).hex() if leaves else EMPTY_ROOT


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=20), st.integers(0, 2**60), max_size=60))
def test_the_script_agrees_with_the_rule(sizes: dict[str, int]) -> None:
    files = [
        (path, size, hashlib.sha256(repr(size).encode()).hexdigest())
        for path, size in sizes.items()
        if path.encode("utf-8", "replace").decode() == path
    ]
    assert verify_version.merkle_root(files) == slow_root(files)
    assert verify_version.merkle_root(files[::-1]) == slow_root(files)


def test_fixed_vectors() -> None:
    for files, root in VECTORS:
        assert verify_version.merkle_root(files) == slow_root(files)
        assert verify_version.merkle_root(files) == root
    two = [("raw/測定.csv", 7, "aa" * 32), ("a", 0, ZERO)]
    assert (
        verify_version.merkle_root(two) == "75d8edbfaee4792fa27cefd72fbfffeb0d2f240883ae35ac2864936f96ef95e9"
    )
    record = {"bytes": 7, "count": 2, "dataset": "01J00000000000000000000000", "format": "tsunagu-version-1",
              "metadata": "bb" * 32, "number": 1, "previous": None, "root": verify_version.merkle_root(two)}  # fmt: skip
    assert (
        verify_version.record_name(record)
        == "9eecaecf0cb568c638b5227d015c99bbbe100f9ea9ae52ec0f57e3d599ed4a94"
    )


def test_one_bucket_may_hold_many(tmp_path: Path) -> None:
    names: dict[bytes, list[str]] = {}
    for number in range(40_000):
        names.setdefault(hashlib.sha256(str(number).encode()).digest()[:2], []).append(str(number))
    crowded = max(names.values(), key=len)
    assert len(crowded) > 1
    files = [(name, 1, ZERO) for name in crowded]
    assert verify_version.merkle_root(files) == slow_root(files)


def frozen(client: Client, fake: FakeNode) -> dict[str, Any]:
    fake.put("films/one", "a.dat", b"alpha")
    fake.put("films/one", "raw/測定.csv", b"beta")
    client.dataset("films/one").freeze()
    return fake.datasets["films/one"].versions[0]


@pytest.mark.parametrize("break_it", ["", "size", "record", "name"])
def test_the_script_runs_alone(client: Client, fake: FakeNode, tmp_path: Path, break_it: str) -> None:
    version = frozen(client, fake)
    files = [{"path": p, "size": s, "sha256": h} for p, (s, h) in version["_files"].items()]
    record, name = json.loads(version["record"]), version["hash"]
    if break_it == "size":
        files[0]["size"] += 1
    if break_it == "record":
        record["previous"] = "00" * 32
    if break_it == "name":
        name = "00" * 32
    (tmp_path / "record.json").write_text(json.dumps(record), encoding="utf-8")
    (tmp_path / "manifest.json").write_text(json.dumps({"files": files}), encoding="utf-8")
    script = Path(verify_version.__file__).read_text(encoding="utf-8")
    (tmp_path / "alone.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "alone.py", "record.json", "manifest.json", name],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == (7 if break_it else 0), done.stderr
    assert done.stdout.startswith("ok: version 1" if not break_it else "the ")


def test_the_node_checks_itself_in_pages(client: Client, fake: FakeNode) -> None:
    frozen(client, fake)
    fake.page_size = 1
    report = client.dataset("films/one").verify()
    assert report.is_ok
    assert report.checked == {"files": 2}
    fake.blobs[fake.datasets["films/one"].files["raw/測定.csv"][1]] = b"rotten"
    report = client.dataset("films/one").verify()
    assert not report.is_ok
    assert report.problems == [{"path": "raw/測定.csv", "problem": "bytes differ"}]


def test_a_local_folder_against_a_version(client: Client, fake: FakeNode, tmp_path: Path) -> None:
    version = frozen(client, fake)
    dest = tmp_path / "d"
    client.dataset("films/one").pull(str(dest))
    dataset = client.dataset("films/one")
    assert dataset.verify(local=str(dest), version=1).is_ok
    (dest / "a.dat").write_bytes(b"alphA")
    (dest / "raw" / "測定.csv").unlink()
    report = dataset.verify(local=str(dest), version=1)
    assert {(one["path"], one["problem"]) for one in report.problems} == {
        ("a.dat", "differs"),
        ("raw/測定.csv", "missing"),
    }
    version["record"] = json.dumps({**json.loads(version["record"]), "root": "00" * 32})
    assert len(dataset.verify(local=str(dest), version=1).problems) == 4
