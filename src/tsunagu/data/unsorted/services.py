"""Opening inboxes, and deciding about many files at once."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.data.description import api as description
from tsunagu.data.unsorted import carrying, looking
from tsunagu.data.unsorted.errors import (
    BadVerdictError,
    NoSuchProposalError,
    NothingPickedError,
    NotUnsortedError,
    TargetTakenError,
)
from tsunagu.data.unsorted.models import Decision, Inbox, Left
from tsunagu.data.unsorted.selectors import card_of
from tsunagu.data.unsorted.types import VERDICTS, WITH_TARGET, DecisionCard, Proposal
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

_MOST_NOTE = 2000
_MOST_NAMES = 100
_File = tuple[str, int, bytes]  # path, byte count, SHA-256


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to become of files.

    Attributes:
        verdict: ``make`` a dataset of them, ``add`` them to one, ``negative`` (either, and told as a failure), ``duplicate``,
            ``remove`` or ``leave``.
        target: Name of the dataset in the same project, where the verdict needs one.
        title: Of a dataset that is made.
        note: Why; needed to leave files.
        told: What was tried and failed, for ``negative``: names of ``description.FAILURE`` -> text.
        proposal: Key of the proposal that is accepted; empty: a person's own choice.
    """

    verdict: str
    target: str = ""
    title: str = ""
    note: str = ""
    told: Mapping[str, str] = field(default_factory=dict)
    proposal: str = ""


def open_inbox(actor: Actor, project: str, name: str = "") -> DatasetCard:
    """The inbox of a name in a project; it is made if it is not there.

    Args:
        actor: Who sends.
        project: Name of the project.
        name: What lies in it, the name of a disk or folder say; empty: the project's own.

    Raises:
        NotFoundError: no such project for this actor.
        ActionDeniedError: the actor may not add datasets to it.
        NotUnsortedError: a dataset of this name is no inbox.
    """
    home = datasets.get_project(actor, project)
    policy.require(actor, "project.create_dataset", home.resource)
    whole = slug = looking.inbox_name(name)
    for number in range(2, _MOST_NAMES):
        with contextlib.suppress(datasets.DatasetRemovedError):
            card = _opened(actor, home.id, project, slug, name)
            break
        slug = f"{whole}.{number}"  # no folder's own name has a dot
    else:
        raise datasets.NameTakenError(name=whole)
    if not looking.is_inbox(card):
        raise NotUnsortedError(
            f"There is a dataset named {slug} that is no inbox.", remedy="Give the folder another name."
        )
    return card


def _opened(actor: Actor, project_id: str, project: str, slug: str, name: str) -> DatasetCard:
    """The dataset of that name, made where there is none.

    Raises:
        DatasetRemovedError: there was one; its name stays with its tombstone.
    """
    with contextlib.suppress(NotFoundError):
        return datasets.get_dataset(actor, project, slug)
    with contextlib.suppress(datasets.NameTakenError), transaction.atomic():
        made = datasets.create_dataset(actor, project, slug, title=name.strip()[:300])
        Inbox.objects.create(dataset_id=made.id, project_id=project_id, made_by=actor.id, made_at=clock.now())
    return datasets.get_dataset(actor, project, slug)


def decide(actor: Actor, project: str, inbox: str, paths: Sequence[str], wish: Wish) -> DecisionCard:
    """Decide about files of an inbox; a recorded decision, carried out in the background.

    Args:
        actor: Who decides.
        project: Name of the project.
        inbox: Name of the dataset in which the files lie.
        paths: Which files; a path that ends with ``/`` is a folder and all below it.
        wish: What is to become of them.

    Raises:
        NotFoundError: no such project or dataset for this actor.
        NotUnsortedError: the dataset is no inbox.
        NothingPickedError: none of the files lies there.
        BadVerdictError: no such decision, or something it needs is missing.
        ActionDeniedError: the actor may not do that to the inbox or to the target.
        TargetTakenError: the target is an inbox itself.
        NameTakenError, BadNameError: the dataset cannot be made under this name.
    """
    _check(wish)
    card = _inbox_to(actor, project, inbox, removes=wish.verdict != "leave")
    return _decided(actor, project, card, _picked(card, paths), wish)


def _inbox_to(actor: Actor, project: str, inbox: str, *, removes: bool) -> DatasetCard:
    """An inbox from which the actor may take files, or in which the actor may leave them."""
    card = datasets.get_dataset(actor, project, inbox)
    if not looking.is_inbox(card):
        raise NotUnsortedError
    policy.require(actor, "dataset.write", card.resource, {"removes": True} if removes else None)
    return card


def _decided(
    actor: Actor, project: str, card: DatasetCard, files: Sequence[_File], wish: Wish
) -> DecisionCard:
    with transaction.atomic():
        target = _target(actor, project, wish) if wish.verdict in WITH_TARGET else None
        if target is not None and wish.verdict == "negative":
            description.tell_failure(actor, target.id, wish.told)
        made = _written(actor, card, target, files, wish)
        if wish.verdict == "leave":
            _leave(made)
    if made.state == "open":
        carrying.soon(made.uid)
    return card_of(made, card.name, made.target)


def accept(
    actor: Actor, project: str, keys: Sequence[str], *, names: Mapping[str, str] | None = None
) -> list[DecisionCard]:
    """Accept proposals, in bulk: all, or none. Each becomes a dataset of its own; names that are taken get a number.

    Args:
        actor: Who accepts.
        project: Name of the project.
        keys: Which proposals.
        names: Key -> another name than the proposed one.

    Raises:
        NoSuchProposalError: files came or went meanwhile; none is accepted then.
        NotFoundError, ActionDeniedError, BadNameError: as ``decide`` raises.
    """
    policy.require(actor, "project.create_dataset", datasets.get_project(actor, project).resource)
    offered = {one.key: one for one in looking.proposals(looking.pile(actor, project).items)}
    if missing := [key for key in keys if key not in offered]:
        raise NoSuchProposalError(key=missing[0])
    chosen = [offered[key] for key in dict.fromkeys(keys)]
    cards = {name: _inbox_to(actor, project, name, removes=True) for name in {one.inbox for one in chosen}}
    lying = {
        name: {file.path: file for file in datasets.all_files(card, card.draft_number)}
        for name, card in cards.items()
    }
    made = []
    with transaction.atomic():
        for one in chosen:
            files = [lying[one.inbox][path] for path in one.paths if path in lying[one.inbox]]
            name = (names or {}).get(one.key) or one.name
            made.append(_accepted(actor, project, cards[one.inbox], files, one, name))
    return made


def _accepted(
    actor: Actor,
    project: str,
    card: DatasetCard,
    files: Sequence[datasets.FileCard],
    one: Proposal,
    name: str,
) -> DecisionCard:
    if not files:
        raise NoSuchProposalError(key=one.key)
    rows = [(file.path, file.byte_count, file.sha256) for file in files]
    title = " ".join(part for part in (one.folder, one.instrument, one.week) if part)
    for number in range(1, _MOST_NAMES):
        wish = Wish("make", name if number == 1 else f"{name}-{number}", title=title, proposal=one.key)
        with contextlib.suppress(datasets.NameTakenError, datasets.DatasetRemovedError):
            return _decided(actor, project, card, rows, wish)
    raise datasets.NameTakenError(name=name)


def _check(wish: Wish) -> None:
    if wish.verdict not in VERDICTS:
        raise BadVerdictError
    if wish.verdict in WITH_TARGET and not wish.target:
        raise BadVerdictError("The decision needs the name of a dataset.", remedy="Name the dataset.")
    if wish.verdict == "leave" and not wish.note.strip():
        raise BadVerdictError(
            "A note says why files are left unsorted.", remedy="Write a sentence for who looks next."
        )
    if wish.verdict == "negative" and not any(text.strip() for text in wish.told.values()):
        raise BadVerdictError(
            "A failure is told: what was tried, at least.", remedy="Write a sentence on what was tried."
        )


def _picked(card: DatasetCard, paths: Sequence[str]) -> list[_File]:
    single = {path for path in paths if not path.endswith("/")}
    folders = tuple(path for path in paths if path.endswith("/"))
    everything = datasets.all_files(card, card.draft_number)
    found = [
        (file.path, file.byte_count, file.sha256)
        for file in everything
        if file.path in single or file.path.startswith(folders)
    ]
    if not found:
        raise NothingPickedError
    return found


def _target(actor: Actor, project: str, wish: Wish) -> DatasetCard:
    """Where the files go; made for ``make``, looked up for ``add``, either for ``negative``."""
    if wish.verdict == "make":
        return datasets.create_dataset(actor, project, wish.target, title=wish.title)
    try:
        card = datasets.get_dataset(actor, project, wish.target)
    except NotFoundError:
        if wish.verdict == "add":
            raise
        return datasets.create_dataset(actor, project, wish.target, title=wish.title)
    if looking.is_inbox(card):
        raise TargetTakenError
    policy.require(actor, "dataset.push", card.resource)
    return card


def _written(
    actor: Actor,
    card: DatasetCard,
    target: DatasetCard | None,
    files: Sequence[_File],
    wish: Wish,
) -> Decision:
    now, run_id, byte_count = clock.now(), new_id(), sum(size for _, size, _ in files)
    links = [runs.Link("in", "dataset", card.id, card.slug)]
    if target is not None:
        links.append(runs.Link("out", "dataset", target.id, target.slug))
    runs.start(
        actor,
        "sort",
        run_id=run_id,
        dataset_id=card.id,
        parameters={
            "verdict": wish.verdict,
            "file_count": len(files),
            "byte_count": byte_count,
            "note": wish.note[:_MOST_NOTE],
            "proposal": wish.proposal,
            "paths": [path for path, _, _ in files[:100]],
        },
        links=links,
    )
    return Decision.objects.create(
        project_id=card.project_id,
        dataset_id=card.id,
        verdict=wish.verdict,
        target_id=target.id if target else "",
        target=target.slug if target else "",
        note=wish.note.strip()[:_MOST_NOTE],
        files=[[path, size, sha256.hex()] for path, size, sha256 in files],
        file_count=len(files),
        byte_count=byte_count,
        run_id=run_id,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name[:200],
        token_id=actor.token_id,
        made_at=now,
        changed_at=now,
    )


def _leave(made: Decision) -> None:
    Left.objects.bulk_create(
        [
            Left(dataset_id=made.dataset_id, path=path, note=made.note, decision=made)
            for path, _size, _sha256 in made.files
        ],
        update_conflicts=True,
        unique_fields=["dataset_id", "path"],
        update_fields=["note", "decision"],
        batch_size=5000,
    )
    made.state = "done"
    made.save(update_fields=["state"])
    runs.finish(made.run_id, runs.Outcome.OK)
