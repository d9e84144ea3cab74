"""A published dataset goes from one node to another: version by version, then its records, then the addresses.

Every step can be done again, so a move that broke off goes on where it stopped.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tsunagu.client.account import cache_folder
from tsunagu.client.errors import IncompleteError, NodeRefusedError
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path
from tsunagu.client.push import Push
from tsunagu.client.walk import walk

if TYPE_CHECKING:
    from tsunagu.client.progress import Progress
    from tsunagu.client.workspace import Client, Dataset

_REMOVED_AT_ONCE = 1000
_FORBIDDEN, _NOT_FOUND, _CONFLICT = 403, 404, 409


@dataclass(frozen=True)
class Moved:
    """What became of one dataset.

    Attributes:
        differing: Parts of its records that are not as they were.
        foreign_dois: DOIs that the new node cannot tell its agency of: they go on by the old node's redirect.
    """

    dataset: str
    url: str
    version_count: int
    record_count: int
    differing: list[str]
    foreign_dois: list[str]

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


@dataclass(frozen=True)
class Move:
    """One move of one dataset.

    Attributes:
        here: The node where it stands.
        there: The node where it is to stand.
        name: ``PROJECT/DATASET`` here.
        to: ``PROJECT/DATASET`` there.
        institution: Name of the institution there; empty: that node's own.
        work: Folder for the bytes on their way; nothing of it is needed afterwards.
    """

    here: Client
    there: Client
    name: str
    to: str
    institution: str
    work: str

    def run(self, progress: Progress) -> Moved:
        """Do it.

        Raises:
            TsunaguError: it could not be ended; the dataset stands where it stood, and the same command goes on.
        """
        packed = self.here.node.post(f"{dataset_path(self.name)}/moves", repeatable=True)
        source, place = packed["source"], dataset_path(self.to)
        target = self._opened(packed["title"])
        self._treat_alike()
        there = {one.number for one in target.versions()}
        for version in packed["versions"]:
            if version["number"] not in there:
                self._carry(target, version["number"], progress)
            wish = {"source": source, "version": version}
            self.there.node.post(f"{place}/moves/versions", wish, repeatable=True)
        arrived = self.there.node.post(
            f"{place}/moves/publications",
            {
                "source": source,
                "institution": self.institution,
                "concept": packed["concept"],
                "publications": packed["publications"],
            },
            repeatable=True,
        )
        url = f"{self.there.node.account.url}/d/{self.to}"
        left = self.here.node.put(f"{dataset_path(self.name)}/moves", {"to": url})
        return Moved(
            self.name,
            url,
            len(packed["versions"]),
            left["moved"],
            arrived["differing"],
            arrived["foreign_dois"],
        )

    def _opened(self, title: str) -> Dataset:
        """The dataset there, made where it is not."""
        project, _slash, name = self.to.partition("/")
        target = self.there.dataset(self.to)
        try:
            target.show()
        except NodeRefusedError as error:
            if error.status != _NOT_FOUND:
                raise
            try:
                self.there.create_project(project)
            except NodeRefusedError as taken:
                if taken.status != _CONFLICT:
                    raise
            self.there.node.post("/datasets", {"project": project, "name": name, "title": title})
        return target

    def _treat_alike(self) -> None:
        """Before a byte comes, the dataset there is treated as the one here: plan, labels, terms for AI."""
        self._plan()
        labels = self.here.node.get(f"{dataset_path(self.name)}/labels")["labels"]
        place = f"{dataset_path(self.to)}/labels"
        held = {one["name"]: one["value"] for one in self.there.node.get(place)["labels"]}
        for one in labels:
            if one["level"] and held.get(one["name"]) != one["value"]:
                reason = text("move_label_reason", source=self.here.node.account.url)
                self.there.node.put(place, {"name": one["name"], "value": one["value"], "reason": reason})
        terms = self.here.node.get(f"{dataset_path(self.name)}/ai-terms")
        if not terms["is_default"]:
            wish = {name: terms[name] for name in ("uses", "limits", "countries", "until")}
            self.there.node.put(f"{dataset_path(self.to)}/ai-terms", wish)

    def _plan(self) -> None:
        """The plan of the project, which says among others who paid, where the project there has none."""
        plans = [f"/projects/{quote(one.partition('/')[0], safe='')}/plan" for one in (self.name, self.to)]
        try:
            self.there.node.get(plans[1])
        except NodeRefusedError as error:
            if error.status != _NOT_FOUND:
                raise
        else:
            return
        try:
            plan = self.here.node.get(plans[0])
        except NodeRefusedError as error:
            if error.status in {_FORBIDDEN, _NOT_FOUND}:  # there is none, or not for this person
                return
            raise
        self.there.node.put(plans[1], plan)

    def _carry(self, target: Dataset, number: int, progress: Progress) -> None:
        """Make the draft there hold the files of a version here, and nothing else."""
        source = self.here.dataset(self.name)
        wanted = {one.path for one in source.files(version=number)}
        os.makedirs(self.work, exist_ok=True)  # noqa: PTH103
        for found in list(walk(self.work, lambda _skipped: None, takes_all=True)):
            if found.path not in wanted:
                os.unlink(found.native)  # noqa: PTH108
        pulled = source.pull(self.work, version=number, force=True, progress=progress)
        surplus = [one.path for one in target.files() if one.path not in wanted]
        for start in range(0, len(surplus), _REMOVED_AT_ONCE):
            target.remove(surplus[start : start + _REMOVED_AT_ONCE])
        pushed = Push(
            self.there.node,
            self.to,
            self.work,
            cache=cache_folder(),
            note=f"{self.here.node.account.url}/d/{self.name}/v{number}",
            create=False,
            progress=progress,
            takes_all=True,
        ).run()
        problems = [(one["path"], one["reason"]) for one in pulled.problems]
        problems += [(one.path, one.reason) for one in pushed.problems]
        if problems:
            path, reason = problems[0]
            raise IncompleteError(
                text("move_problems", count=len(problems), dataset=self.name, path=path), remedy=reason
            )
