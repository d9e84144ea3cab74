"""Verify: let the node recompute what it holds, or compare a folder on this machine with a version."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tsunagu.client import verify_version
from tsunagu.client.local_tree import hash_file
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path
from tsunagu.client.walk import Skipped, walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from tsunagu.client.workspace import Client, Dataset


@dataclass
class VerifyReport:
    """What was checked and what is wrong; ``problems`` is empty when all is well.

    ``shredded`` names the datasets whose bytes were destroyed on purpose, with who and when.
    """

    dataset: str | None
    checked: dict[str, Any] = field(default_factory=dict)
    problems: list[Any] = field(default_factory=list)
    shredded: dict[str, str] = field(default_factory=dict)

    @property
    def is_ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {"ok": self.is_ok, **asdict(self)}


def verify_node(dataset: Dataset) -> VerifyReport:
    """Page through the node's own check; counts of the pages are added up."""
    report = VerifyReport(dataset.name)
    after: Any = None
    while True:
        content = {} if after is None else {"after": after}
        page = dataset.node.post(f"{dataset_path(dataset.name)}/verify", content, repeatable=True)
        for key, value in (page.get("checked") or {}).items():
            known = report.checked.get(key, 0)
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            report.checked[key] = known + value if is_number else value
        report.problems += page.get("problems") or []
        if page.get("shredded"):
            report.shredded[dataset.name] = page["shredded"]
        if not page.get("ok", True) and not report.problems:
            report.problems.append(text("verify_no_reason"))
        after = page.get("after")
        if page.get("done", True) or after is None:
            return report


def verify_everything(client: Client, on_dataset: Callable[[str], None] = lambda _name: None) -> VerifyReport:
    """The ledger, then every dataset that the asker may see.

    Args:
        client: The node.
        on_dataset: Told of each dataset before it is checked.
    """
    ledger = client.verify_ledger()
    said = dict(ledger.get("checked") or {})
    report = VerifyReport(None, {"ledger_entries": said.pop("entries", 0), **said, "datasets": 0})
    report.problems += ledger.get("problems") or (
        [] if ledger.get("ok", True) else [text("verify_no_reason")]
    )
    for info in client.datasets():
        name = f"{info.project}/{info.name}"
        on_dataset(name)
        found = verify_node(client.dataset(name))
        report.checked["datasets"] += 1
        report.shredded |= found.shredded
        for key, value in found.checked.items():
            report.checked[key] = report.checked.get(key, 0) + value
        report.problems += [{"where": name, "problem": problem} for problem in found.problems]
    return report


def verify_local(dataset: Dataset, folder: str, version: int | None) -> VerifyReport:
    """Compare every file of a folder with the dataset, and the list itself with the name of the version."""
    report = VerifyReport(dataset.name)
    listed = [(file.path, file.size, file.sha256) for file in dataset.files(version=version)]
    here: dict[str, str] = {}
    for found in walk(folder, lambda skipped: _skip(report, skipped)):
        here[found.path] = found.native
    for path, size, sha256 in listed:
        native = here.pop(path, None)
        if native is None:
            report.problems.append({"path": path, "problem": "missing"})
            continue
        try:
            is_same = os.path.getsize(native) == size and hash_file(native) == sha256  # noqa: PTH202
        except OSError as error:
            report.problems.append({"path": path, "problem": error.strerror or str(error)})
            continue
        if not is_same:
            report.problems.append({"path": path, "problem": "differs"})
    report.checked = {
        "files": len(listed),
        "bytes": sum(size for _, size, _ in listed),
        "not_in_dataset": len(here),
    }
    if version is not None:
        frozen = dataset.version(version)
        manifest = [{"path": path, "size": size, "sha256": sha256} for path, size, sha256 in listed]
        wrong = verify_version.problems(json.loads(frozen.record), manifest, frozen.hash)
        report.problems += [{"version": version, "problem": problem} for problem in wrong]
        report.checked["version_hash"] = frozen.hash
    return report


def _skip(report: VerifyReport, skipped: Skipped) -> None:
    if skipped.kind == "problem":
        report.problems.append({"path": skipped.path, "problem": skipped.reason})
