"""What stands beside the files of an archive, so that a reader needs neither Tsunagu nor its makers."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

from tsunagu.client import evidence
from tsunagu.client.archive import prov, readme
from tsunagu.client.errors import NodeRefusedError
from tsunagu.client.node import dataset_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tsunagu.client.node import Node


def ask(
    node: Node, dataset: str, version: int, form: str, recipients: list[str] | None = None
) -> dict[str, Any]:
    """Record the export on the node; its run and the documents that the asker may have."""
    wish = {"version": version, "form": form, "recipients": recipients or []}
    return node.post(f"{dataset_path(dataset)}/exports", wish)


def write_version(folder: Path, version: dict[str, Any]) -> None:
    """The record whose SHA-256 is the version's name, byte for byte, and the description that it froze."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "version.json").write_bytes(version["record"].encode())
    write_json(folder / "description.json", version["described"])


def write_all(node: Node, dataset: str, number: int, folder: Path, answer: dict[str, Any], form: str) -> None:
    """Every document of a version into a folder; what the asker may not have is left out, and the README says so."""
    found = answer["documents"]
    versions = found["versions"]
    write_version(folder, versions[-1])
    said = [{key: value for key, value in one.items() if key != "described"} for one in versions]
    write_json(folder / "versions.json", said)
    for name in ("dataset", "labels", "terms", "keeping", "plan", "ro_crate", "croissant"):
        if found.get(name):
            write_json(folder / f"{name.replace('_', '-')}.json", found[name])
    left_out = [name for name in ("plan", "ro_crate", "croissant") if not found.get(name)]
    place = dataset_path(dataset)
    write_lines(folder / "file-values.jsonl", _file_values(node, place, number))
    try:
        runs = list(node.pages(f"{place}/runs", "runs", limit=200))
    except NodeRefusedError:
        left_out.append("runs")
    else:
        write_lines(folder / "runs.jsonl", iter(runs))
        write_json(folder / "provenance.json", prov.document(runs))
    proof = folder / "evidence"
    shutil.rmtree(proof, ignore_errors=True)  # a call before this one may have been cut off
    evidence.fetch(node, dataset, number, str(proof))
    text = readme.text(dataset, versions[-1], found, form=form, left_out=left_out)
    (folder / "README.txt").write_text(text, "utf-8")


def _file_values(node: Node, place: str, number: int) -> Iterator[dict[str, Any]]:
    for value in node.pages(f"{place}/metadata", "values", version=number, limit=200):
        if (value.get("origin") or {}).get("kind") == "file":
            yield value


def write_json(path: Path, content: Any) -> None:
    """One JSON document, for machines and people."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n", "utf-8")


def write_lines(path: Path, items: Iterator[dict[str, Any]]) -> None:
    """JSON, one object a line, written as the items come."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for item in items:
            file.write(json.dumps(item, ensure_ascii=False, sort_keys=True) + "\n")


def digest(path: Path) -> str:
    """SHA-256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def count_below(folder: str | Path) -> int:
    """How many files lie below a folder; a folder of a million needs no memory."""
    with os.scandir(folder) as entries:
        return sum(count_below(entry.path) if entry.is_dir(follow_symlinks=False) else 1 for entry in entries)


def below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, in the order of their paths."""
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            yield from below(entry)
        else:
            yield entry
