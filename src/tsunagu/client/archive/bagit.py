"""A version as a BagIt 1.0 bag (RFC 8493): payload in ``data/``, documents as tag files in ``metadata/``."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tsunagu.client.archive import documents, work
from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.client.progress import Progress
    from tsunagu.client.workspace import Dataset


def write(
    dataset: Dataset, number: int, destination: str, progress: Progress | None = None
) -> tuple[int, int]:
    """Write a version as a bag; returns how many files and bytes it has.

    Each file's hash is checked while it is fetched. A second call goes on where the first one stopped.

    Raises:
        UsageError: the destination holds something else.
        IncompleteError: a file could not be fetched.
    """
    target = work.begin(destination, {"form": "bagit", "dataset": dataset.name, "version": number})
    answer = documents.ask(dataset.node, dataset.name, number, "bagit")
    payload = target / "data"
    work.refuse_incomplete(dataset.pull(str(payload), version=number, force=True, progress=progress))
    count = byte_count = 0
    with (target / "manifest-sha256.txt").open("w", encoding="utf-8", newline="\n") as manifest:
        for file in dataset.files(version=number):
            manifest.write(f"{file.sha256}  data/{_name(file.path)}\n")
            count, byte_count = count + 1, byte_count + file.size
    if documents.count_below(payload) != count:
        raise UsageError(
            text("archive_not_empty", path=str(payload)), remedy=text("archive_not_empty_remedy")
        )
    documents.write_all(dataset.node, dataset.name, number, _folder(target), answer, "bagit")
    found = answer["documents"]
    version = found["versions"][-1]
    (target / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", "utf-8")
    info = {
        "Source-Organization": found["node"]["name"],
        "External-Description": found["dataset"]["title"],
        "External-Identifier": f"{found['dataset']['url']}?version={number}",
        "Internal-Sender-Identifier": f"urn:tsunagu:version:{version['hash']}",
        "Internal-Sender-Description": "README: metadata/README.txt",
        "Bagging-Date": dt.datetime.now(dt.UTC).date().isoformat(),
        "Bag-Software-Agent": found["node"]["software"],
        "Payload-Oxum": f"{byte_count}.{count}",
    }
    lines = (f"{name}: {' '.join(value.split())}" for name, value in info.items() if value.strip())
    (target / "bag-info.txt").write_text("\n".join(lines) + "\n", "utf-8")
    _tag_manifest(target)
    work.end(target)
    return count, byte_count


def _folder(target: Path) -> Path:
    folder = target / "metadata"
    folder.mkdir(exist_ok=True)
    return folder


def _tag_manifest(target: Path) -> None:
    tags = [target / name for name in ("bagit.txt", "bag-info.txt", "manifest-sha256.txt")]
    tags += documents.below(target / "metadata")
    lines = [f"{documents.digest(path)}  {_name(path.relative_to(target).as_posix())}\n" for path in tags]
    (target / "tagmanifest-sha256.txt").write_text("".join(lines), "utf-8", newline="\n")


def _name(path: str) -> str:
    """A path as a manifest writes it (RFC 8493, 2.1.3): only these three characters are encoded."""
    return path.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")
