"""What a revision names: ``main`` (the newest frozen version), a number, ``v`` and a number, or a commit.

A commit is the first 40 digits of a version's hash: clients take 40 hexadecimal digits for something that never changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.hub.answers import NoSuchRevisionError
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_NUMBER = re.compile(r"v?([1-9]\d{0,8})\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_PAGE = 200
EMPTY = "0" * 40  # the commit that an empty dataset is at


@dataclass(frozen=True, slots=True)
class Revision:
    """A frozen version of a dataset that somebody may read."""

    card: datasets.DatasetCard
    version: datasets.VersionRef

    @property
    def commit(self) -> str:
        """The name that clients keep it under."""
        return self.version.version_hash[:40]


def readable(actor: Actor, project: str, dataset: str) -> datasets.DatasetCard:
    """A dataset whose frozen versions the actor may read.

    Raises:
        NotFoundError: there is none.
    """
    card = datasets.get_dataset(actor, project, dataset)
    if not policy.decide(actor, "dataset.read", card.resource):
        raise NotFoundError
    return card


def find(actor: Actor, project: str, dataset: str, revision: str) -> Revision:
    """A revision by any of its names.

    Raises:
        NotFoundError: there is no such dataset for this actor.
        NoSuchRevisionError: it has no such revision; one that nobody froze has none.
    """
    card = readable(actor, project, dataset)
    if revision == "main":
        newest = datasets.list_versions(card, limit=1)
        if newest:
            return Revision(card, newest[0])
    elif match := _NUMBER.match(revision):
        return Revision(card, datasets.get_version(card, int(match[1])))
    elif _COMMIT.match(revision):
        for version in versions(card):
            if version.version_hash.startswith(revision):
                return Revision(card, version)
    raise NoSuchRevisionError


def is_empty(card: datasets.DatasetCard) -> bool:
    """Whether nothing was ever put into a dataset, as those see who may: then ``main`` holds no file."""
    return card.sees_draft and not card.has_frozen and not card.file_count


def is_at_nothing(actor: Actor, project: str, dataset: str, revision: str) -> datasets.DatasetCard | None:
    """The dataset, when it is empty and the revision is ``main``.

    Clients ask for both between making a repository and their first commit; the Hub has a first commit by then.
    """
    if revision not in {"main", EMPTY}:
        return None
    card = readable(actor, project, dataset)
    return card if is_empty(card) else None


def versions(card: datasets.DatasetCard) -> list[datasets.VersionRef]:
    """Every frozen version, newest first."""
    found: list[datasets.VersionRef] = []
    before = 2**31 - 1
    while page := datasets.list_versions(card, before=before, limit=_PAGE):
        found += page
        before = page[-1].number
    return found
