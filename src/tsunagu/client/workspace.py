"""The Python client: projects and datasets of one node as objects.

import tsunagu
node = tsunagu.connect()
dataset = node.dataset("films/run-7")
dataset.push("measured/")
for file in dataset.files(): ...
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from tsunagu.client.account import cache_folder, resolve
from tsunagu.client.node import Node, dataset_path
from tsunagu.client.types import DatasetInfo, FileInfo, ProjectInfo, Value, VersionInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from tsunagu.client.progress import Progress
    from tsunagu.client.pull import PullReport
    from tsunagu.client.push import PushReport
    from tsunagu.client.verify import VerifyReport

_PAGE = 1000


def connect(url: str | None = None, token: str | None = None) -> Client:
    """A client for a node.

    Args:
        url: The node's address; otherwise ``TSUNAGU_URL``, the stored account, or this machine.
        token: An access token; otherwise ``TSUNAGU_TOKEN`` or the stored account.

    Raises:
        NotSignedInError: no token is known.
    """
    return Client(Node(resolve(url, token)))


class Client:
    """A node as one person or instrument sees it. Use it in one thread; close it, or use ``with``."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.node.close()

    def me(self) -> dict[str, Any]:
        """Who the token stands for."""
        return self.node.get("/me")

    def projects(self) -> Iterator[ProjectInfo]:
        """Every project that the asker may see."""
        return (ProjectInfo.of(item) for item in self.node.pages("/projects", "projects"))

    def create_project(self, name: str, title: str = "") -> ProjectInfo:
        """Make a project."""
        return ProjectInfo.of(self.node.post("/projects", {"name": name, "title": title or name}))

    def project(self, name: str) -> Project:
        """A project by name; nothing is asked yet."""
        return Project(self.node, name)

    def datasets(self) -> Iterator[DatasetInfo]:
        """Every dataset that the asker may see, last changed first."""
        return (DatasetInfo.of(item) for item in self.node.pages("/datasets", "datasets", limit=_PAGE))

    def dataset(self, name: str) -> Dataset:
        """A dataset by ``PROJECT/DATASET``; nothing is asked yet."""
        return Dataset(self.node, name)

    def verify_ledger(self) -> dict[str, Any]:
        """Ask the node to recompute its ledger."""
        return self.node.get("/verify/ledger")

    def verify(self) -> VerifyReport:
        """Ask the node to recompute its ledger and every dataset that the asker may see."""
        from tsunagu.client.verify import verify_everything

        return verify_everything(self)


class Project:
    """A project."""

    def __init__(self, node: Node, name: str) -> None:
        self.node, self.name = node, name

    def datasets(self) -> Iterator[DatasetInfo]:
        """Its datasets that the asker may see."""
        pages = self.node.pages("/datasets", "datasets", project=self.name, limit=_PAGE)
        return (DatasetInfo.of(item) for item in pages)

    def dataset(self, name: str) -> Dataset:
        """One of its datasets."""
        return Dataset(self.node, f"{self.name}/{name}")


class Dataset:
    """A dataset. Lists are asked for page by page, as they are read."""

    def __init__(self, node: Node, name: str) -> None:
        self.node, self.name = node, name
        self._place = dataset_path(name)

    def show(self) -> dict[str, Any]:
        """What the node says about it, as it says it."""
        return self.node.get(self._place)

    def info(self) -> DatasetInfo:
        """The same, typed."""
        return DatasetInfo.of(self.show())

    def push(
        self,
        folder: str,
        *,
        note: str = "",
        create: bool = True,
        inputs: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> PushReport:
        """Send what the dataset does not have yet.

        Raises:
            TsunaguError: it could not be ended; pushing again goes on where it stopped.
        """
        from tsunagu.client.push import Push

        push = Push(
            self.node,
            self.name,
            folder,
            cache=cache_folder(),
            note=note,
            create=create,
            inputs=inputs,
            progress=progress,
        )
        return push.run()

    def pull(
        self,
        destination: str,
        *,
        version: int | None = None,
        prefix: str = "",
        force: bool = False,
        progress: Progress | None = None,
    ) -> PullReport:
        """Fetch what the folder does not have yet.

        Args:
            destination: The folder; made when missing.
            version: A frozen version; the draft otherwise.
            prefix: Only paths that start so.
            force: Overwrite files that somebody changed here.
            progress: Counts what was done.
        """
        from tsunagu.client.pull import Pull

        pull = Pull(
            self.node, self.name, destination, version=version, prefix=prefix, force=force, progress=progress
        )
        return pull.run()

    def files(self, *, version: int | None = None, prefix: str = "") -> Iterator[FileInfo]:
        """Its files with what the extractor made of them."""
        pages = self.node.pages(
            f"{self._place}/files", "files", version=version, prefix=prefix or None, limit=_PAGE
        )
        return (FileInfo.of(item) for item in pages)

    def tree(self, folder: str = "", *, version: int | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        """One level: ``("folder", {...})`` and ``("file", {...})``."""
        after: str | None = None
        while True:
            query = {"version": version, "folder": folder, "after": after}
            page = self.node.get(f"{self._place}/tree", **query)
            yield from (("folder", item) for item in page.get("folders", ()))
            yield from (("file", item) for item in page.get("files", ()))
            after = page.get("next")
            if after is None:
                return

    def metadata(self) -> Iterator[Value]:
        """Its values with their origin."""
        return (Value.of(item) for item in self.node.pages(f"{self._place}/metadata", "values", limit=_PAGE))

    def set(self, name: str, value: Any, unit: str | None = None) -> dict[str, Any]:
        """Write a value; nothing that a reader finds overwrites it."""
        return self.node.put(f"{self._place}/metadata/{quote(name, safe='')}", {"value": value, "unit": unit})

    def proposals(self) -> Iterator[dict[str, Any]]:
        """Values that somebody or something proposes."""
        return self.node.pages(f"{self._place}/proposals", "proposals")

    def decide(self, proposal: str, decision: str) -> dict[str, Any]:
        """``accept`` or ``reject`` a proposal."""
        return self.node.post(f"{self._place}/proposals/{quote(proposal, safe='')}/{decision}")

    def remove(self, paths: Sequence[str]) -> dict[str, Any]:
        """Take files out of the draft; frozen versions keep them."""
        return self.node.delete(f"{self._place}/files", {"paths": list(paths)})

    def freeze(self, note: str = "") -> VersionInfo:
        """Make the draft an immutable version."""
        return VersionInfo.of(self.node.post(f"{self._place}/freeze", {"note": note}))

    def versions(self) -> Iterator[VersionInfo]:
        """Its frozen versions."""
        return (VersionInfo.of(item) for item in self.node.pages(f"{self._place}/versions", "versions"))

    def version(self, number: int) -> VersionInfo:
        """One frozen version with its record."""
        return VersionInfo.of(self.node.get(f"{self._place}/versions/{number}"))

    def diff(self, old: str, new: str) -> dict[str, Any]:
        """Counts, and every changed file."""
        query = {"from": old, "to": new}
        first = self.node.get(f"{self._place}/diff", **query)
        files = list(first.get("files", ()))
        after = first.get("next")
        while after is not None:
            page = self.node.get(f"{self._place}/diff", after=after, **query)
            files += page.get("files", ())
            after = page.get("next")
        return {"counts": first.get("counts", {}), "files": files}

    def runs(self) -> Iterator[dict[str, Any]]:
        """What made it: captures, extractions, freezes, decisions, with their outcome."""
        return self.node.pages(f"{self._place}/runs", "runs")

    def verify(self, *, local: str | None = None, version: int | None = None) -> VerifyReport:
        """Ask the node to recompute hashes; with ``local`` check a folder on this machine instead."""
        from tsunagu.client.verify import verify_local, verify_node

        if local is None:
            return verify_node(self)
        return verify_local(self, local, version)

    def evidence(self, destination: str, *, version: int | None = None) -> tuple[int, list[str]]:
        """Write the evidence file of a version (the last one when none is named); a ZIP, or else an unpacked folder.

        Returns:
            Number of the version, and the names of the parts.

        Raises:
            UsageError: the dataset was never frozen, or something is at the destination.
        """
        from tsunagu.client import evidence
        from tsunagu.client.errors import UsageError
        from tsunagu.client.messages import text

        number = version or next((one.number for one in self.versions()), 0)
        if not number:
            raise UsageError(
                text("evidence_no_version", dataset=self.name), remedy=f"tsunagu freeze {self.name}"
            )
        return number, evidence.fetch(self.node, self.name, number, destination)

    def open(self, path: str, *, version: int | None = None) -> io.BufferedReader:
        """A file as a seekable Python file."""
        from tsunagu.client.remote_file import RemoteFile

        return io.BufferedReader(RemoteFile(self.node, self.name, path, version), 1 << 20)
