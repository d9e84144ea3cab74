"""Versions as an OCFL 1.1 object: each version of the dataset is one of the object, each content lies there once.

The lists stand in a small database beside the object while it grows, so that a million files need no memory. Digests are
SHA-256, which the specification permits and the node computed when the bytes came in: nothing is read twice.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tsunagu.client.archive import documents, work
from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tsunagu.client.progress import Progress
    from tsunagu.client.workspace import Dataset

_WORK = ".tsunagu-archive"
_SCHEMA = """
create table content (digest text primary key, path text not null, version int not null) without rowid;
create table state (version int, path text, digest text, primary key (version, path)) without rowid;
create index state_by_digest on state (version, digest, path);
"""


def write(
    dataset: Dataset, number: int, destination: str, progress: Progress | None = None
) -> tuple[int, int]:
    """Write every version up to ``number`` as one object; returns how many files and bytes the last one has.

    Raises:
        UsageError: the destination holds something else, or one of the versions is not shown to this person.
        IncompleteError: a file could not be fetched.
    """
    target = work.begin(destination, {"form": "ocfl", "dataset": dataset.name, "version": number})
    answer = documents.ask(dataset.node, dataset.name, number, "ocfl")
    if (
        len(answer["documents"]["versions"]) != number
    ):  # an object of OCFL begins with version 1 and leaves none out
        raise UsageError(
            text("archive_lacks_versions", name=dataset.name, version=number),
            remedy=text("archive_lacks_versions_remedy"),
        )
    scratch = target / _WORK
    scratch.mkdir(exist_ok=True)
    (scratch / "lists.sqlite").unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(scratch / "lists.sqlite")) as lists:
        lists.executescript(_SCHEMA)
        growing = _Object(dataset, target, lists, answer)
        size = (0, 0)
        for version in answer["documents"]["versions"]:
            size = growing.add(version, is_last=version["number"] == number, progress=progress)
    (target / "0=ocfl_object_1.1").write_text("ocfl_object_1.1\n", "utf-8")
    shutil.rmtree(scratch)
    work.end(target)
    return size


class _Object:
    """The object while it grows."""

    def __init__(
        self, dataset: Dataset, target: Path, lists: sqlite3.Connection, answer: dict[str, Any]
    ) -> None:
        self._dataset, self._target, self._lists, self._answer = dataset, target, lists, answer
        self._files = target / _WORK / "files"
        self._blocks: list[dict[str, Any]] = []

    def add(self, version: dict[str, Any], *, is_last: bool, progress: Progress | None) -> tuple[int, int]:
        """Add a version: fetch what changed, link what is new, write the inventory."""
        number = version["number"]
        report = self._dataset.pull(str(self._files), version=number, force=True, progress=progress)
        if report.problems:
            # Perhaps a file of the version before stands where this one has a folder: from the beginning then.
            shutil.rmtree(self._files)
            report = self._dataset.pull(str(self._files), version=number, force=True, progress=progress)
        work.refuse_incomplete(report)
        content = self._target / f"v{number}" / "content"
        shutil.rmtree(content.parent, ignore_errors=True)
        content.mkdir(parents=True)
        count = byte_count = 0
        for file in self._dataset.files(version=number):
            if self._name(number, f"data/{file.path}", file.sha256):
                _link(
                    self._files.joinpath(*file.path.split("/")),
                    content.joinpath("data", *file.path.split("/")),
                )
            count, byte_count = count + 1, byte_count + file.size
        self._add_documents(content / "metadata", version, is_last=is_last)
        if not any(content.iterdir()):
            content.rmdir()  # a version without new content has no content folder
        self._blocks.append(
            {
                "number": number,
                "created": version["frozen_at"],
                "message": version["note"] or f"Version {number}",
                "user": {"name": version["frozen_by"] or self._answer["documents"]["node"]["name"]},
            }
        )
        self._lists.commit()
        for folder in (content.parent, self._target):
            self._write_inventory(folder, number)
        return count, byte_count

    def _add_documents(self, folder: Path, version: dict[str, Any], *, is_last: bool) -> None:
        if is_last:
            folder.mkdir(parents=True, exist_ok=True)
            name = self._dataset.name
            documents.write_all(self._dataset.node, name, version["number"], folder, self._answer, "ocfl")
        else:
            documents.write_version(folder, version)
        for path in list(documents.below(folder)):
            logical = f"metadata/{path.relative_to(folder).as_posix()}"
            if not self._name(version["number"], logical, documents.digest(path)):
                path.unlink()  # the same document lies in an earlier version
        for inner in sorted(folder.rglob("*"), reverse=True):
            with contextlib.suppress(OSError):
                inner.rmdir()
        with contextlib.suppress(OSError):
            folder.rmdir()

    def _name(self, number: int, logical: str, digest: str) -> bool:
        """Put a path into the state of a version; whether its content is new to the object."""
        self._lists.execute("insert into state values (?, ?, ?)", (number, logical, digest))
        done = self._lists.execute(
            "insert or ignore into content values (?, ?, ?)", (digest, f"v{number}/content/{logical}", number)
        )
        return done.rowcount == 1

    def _write_inventory(self, folder: Path, head: int) -> None:
        path = folder / "inventory.json"
        with path.open("w", encoding="utf-8", newline="\n") as out:
            self._inventory(out, head)
        (folder / "inventory.json.sha256").write_text(f"{documents.digest(path)} inventory.json\n", "utf-8")

    def _inventory(self, out: IO[str], head: int) -> None:
        about = {
            "id": f"urn:tsunagu:dataset:{self._answer['documents']['dataset']['id']}",
            "type": "https://ocfl.io/1.1/spec/#inventory",
            "digestAlgorithm": "sha256",
            "head": f"v{head}",
        }
        out.write(json.dumps(about)[:-1] + ',\n"manifest": {')
        rows = self._lists.execute("select digest, path from content order by digest")
        _write_pairs(out, ((digest, [path]) for digest, path in rows))
        out.write('},\n"versions": {')
        for place, block in enumerate(self._blocks):
            said = {key: value for key, value in block.items() if key != "number"}
            out.write(
                ("," if place else "")
                + f'\n"v{block["number"]}": '
                + json.dumps(said, ensure_ascii=False)[:-1]
            )
            out.write(', "state": {')
            _write_pairs(out, self._state(block["number"]))
            out.write("}}")
        out.write("}}\n")

    def _state(self, number: int) -> Iterator[tuple[str, list[str]]]:
        rows = self._lists.execute(
            "select digest, path from state where version = ? order by digest, path", (number,)
        )
        digest, paths = "", list[str]()
        for found, path in rows:
            if found != digest and paths:
                yield digest, paths
                paths = []
            digest = found
            paths.append(path)
        if paths:
            yield digest, paths


def _write_pairs(out: IO[str], pairs: Iterator[tuple[str, list[str]]]) -> None:
    for number, (digest, paths) in enumerate(pairs):
        out.write(("," if number else "") + f'\n"{digest}": {json.dumps(paths, ensure_ascii=False)}')


def _link(source: Path, target: Path) -> None:
    """The same bytes under another name; where the disk knows no hard links, a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
