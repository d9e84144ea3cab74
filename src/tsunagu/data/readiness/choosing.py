"""What people choose about the tables of a dataset: kept with the dataset, applied whenever its versions are converted."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Collection

from django.db import transaction
from django.utils.crypto import salted_hmac

from tsunagu.core import clock
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.readiness import by_time
from tsunagu.data.readiness.errors import BadChoiceError, NoSuchChoiceError, ReadyAlreadyError
from tsunagu.data.readiness.models import Choice, Preparation
from tsunagu.data.readiness.selectors import made_as
from tsunagu.formats import api as formats
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

DESCRIBE = "describe"
ROLES = ("group", "time", "target")
# Rows have one part, so one way of dividing them ends the other.
_SPLITS = ("split", by_time.KIND)
# There is one of each at most; of the others, one for each column.
_SINGLE = (*ROLES, *_SPLITS, "deduplicate")
_WITHOUT_COLUMN = ("deduplicate",)
_NEEDS_VALUE = ("rename", "encode", "missing", "unit", DESCRIBE)
_LONGEST_NAME = 100
_LONGEST_VALUE = 1000
_FEWEST_CODES = 2


def in_force(dataset_id: str) -> list[Choice]:
    """The choices about a dataset, oldest first."""
    return list(Choice.objects.filter(dataset_id=dataset_id, ended_at=None).order_by("pk"))


def rows_of(row: Preparation) -> list[Choice]:
    """The choices by which a preparation makes its tables, in their order."""
    rows = {one.uid: one for one in Choice.objects.filter(uid__in=row.choices)}
    return [rows[uid] for uid in row.choices if uid in rows]


def of_preparation(row: Preparation) -> tuple[formats.Choice, ...]:
    """The same as the converter takes them, with the keys of pseudonyms."""
    return tuple(
        formats.Choice(one.kind, one.column, _key(one.salt) if one.salt else one.value)  # type: ignore[arg-type]
        for one in rows_of(row)
    )


def _key(salt: str) -> str:
    """The key of pseudonyms: who has the database alone, or the node's secret alone, has none."""
    return salted_hmac("tsunagu.readiness.pseudonyms", salt, algorithm="sha256").hexdigest()


def name_of(kind: str, column: str, value: str) -> str:
    """A choice as people write it: ``KIND:COLUMN=VALUE``."""
    return kind + (f":{column}" if column else "") + (f"={value}" if value else "")


@transaction.atomic
def choose(
    actor: Actor,
    card: datasets.DatasetCard,
    choice: formats.Choice,
    *,
    columns: Collection[str],
    note: str = "",
) -> str:
    """Choose something about the tables of a dataset, or say what its description lacks; a run. Returns its id.

    Nothing is converted yet: the next conversion of any version applies it.

    Args:
        actor: Who may describe the dataset.
        card: The dataset.
        choice: What is chosen; a choice of the same kind about the same column ends with it, another split with a split.
        columns: Those that the tables have.
        note: Why.

    Raises:
        ActionDeniedError: the actor may not describe the dataset.
        ReadyAlreadyError: the dataset was made AI-ready itself; choices belong to its source.
        BadChoiceError: it cannot be applied; says why.
    """
    policy.require(actor, "dataset.describe", card.resource)
    if made_as(card.id):
        raise ReadyAlreadyError(dataset=card.slug)
    kind, column, value = choice.kind, choice.column.strip(), choice.value.strip()
    _check(kind, column, value, columns)
    if kind == "encode" and card.key_domain:
        raise BadChoiceError(
            "The values of a sealed dataset are not written into its choices.", remedy="Turn them into numbers where they are used."
        )  # fmt: skip
    run_id = runs.record(
        actor,
        "choose_repair",
        dataset_id=card.id,
        parameters={"kind": kind, "column": column, "value": value},
        links=[runs.Link("in", "dataset", card.id, card.slug)],
        reason=note[:1000],
    )
    alike = _SPLITS if kind in _SPLITS else (kind,)
    same = Choice.objects.filter(dataset_id=card.id, kind__in=alike, ended_at=None)
    if kind not in _SINGLE:
        same = same.filter(column=column)
    same.update(ended_at=clock.now(), ended_run_id=run_id)
    Choice.objects.create(
        uid=new_id(),
        dataset_id=card.id,
        kind=kind,
        column=column,
        value=value,
        salt=secrets.token_hex(32) if kind == "pseudonymise" else "",
        note=note[:1000],
        by_id=actor.id,
        by_name=actor.name,
        run_id=run_id,
        chosen_at=clock.now(),
    )
    return run_id


@transaction.atomic
def describe(actor: Actor, card: datasets.DatasetCard, name: str, value: str) -> None:
    """Write a value of the description, as a proposal where it is one, and freeze it if nothing else changed.

    Raises:
        ActionDeniedError: the actor may not describe the dataset.
        BadChoiceError: the value is empty.
        BadValueError: it is too long.
    """
    policy.require(actor, "dataset.describe", card.resource)
    if made_as(card.id):
        raise ReadyAlreadyError(dataset=card.slug)
    _check(DESCRIBE, name, value.strip(), ())
    was_frozen = card.state == "frozen"
    proposed = [
        one for one in description.proposals(actor, card) if one.name == name and str(one.value) == value
    ]
    if proposed:
        description.decide_proposal(actor, card.id, proposed[0].id, "accept")
    else:
        description.set_value(actor, card.id, name, value.strip())
    if was_frozen and policy.decide(actor, "dataset.freeze", card.resource):
        with contextlib.suppress(datasets.NothingToFreezeError):
            datasets.freeze_version(actor, card.id, note=name)


@transaction.atomic
def take_back(actor: Actor, card: datasets.DatasetCard, choice_id: str) -> str:
    """End a choice; a run. Returns its id. The next conversion no longer applies it.

    Raises:
        ActionDeniedError: the actor may not describe the dataset.
        NoSuchChoiceError: it is not in force.
    """
    policy.require(actor, "dataset.describe", card.resource)
    row = Choice.objects.select_for_update().filter(uid=choice_id, dataset_id=card.id, ended_at=None).first()
    if row is None:
        raise NoSuchChoiceError
    run_id = runs.record(
        actor,
        "take_back_repair",
        dataset_id=card.id,
        parameters={"kind": row.kind, "column": row.column, "value": row.value, "chosen_by": row.run_id},
        links=[runs.Link("in", "dataset", card.id, card.slug)],
    )
    row.ended_at, row.ended_run_id = clock.now(), run_id
    row.save(update_fields=["ended_at", "ended_run_id"])
    return run_id


def _check(kind: str, column: str, value: str, columns: Collection[str]) -> None:
    if kind not in (*formats.CHOICES, DESCRIBE):
        raise BadChoiceError(f"There is no repair {kind!r}.")
    if len(value) > _LONGEST_VALUE or len(column) > _LONGEST_VALUE // 2:
        raise BadChoiceError(f"A value has at most {_LONGEST_VALUE:,} characters.")
    if kind in _NEEDS_VALUE and not value:
        raise BadChoiceError(
            f"{kind} needs a value.", remedy=f"Write it behind a sign of equality: {kind}:COLUMN=VALUE."
        )
    if kind not in (*_WITHOUT_COLUMN, DESCRIBE):
        _check_column(kind, column, columns)
    if kind == "rename" and (value in columns or len(value) > _LONGEST_NAME):
        raise BadChoiceError(
            f"A column cannot be called {value[:_LONGEST_NAME]!r}: the name is taken or too long."
        )
    if kind == "encode" and len({one for one in value.split("|") if one}) < _FEWEST_CODES:
        raise BadChoiceError("Numbers need at least two values, with | between them.")


def _check_column(kind: str, column: str, columns: Collection[str]) -> None:
    if not column and kind not in ROLES:
        raise BadChoiceError(f"{kind} needs a column.", remedy=f"Write it behind a colon: {kind}:COLUMN.")
    # A file is no column, and one that is not there any more does no harm.
    if column and kind != "leave_out" and column not in columns:
        raise BadChoiceError(f"No table has a column {column!r}.", column=column)
    if column == formats.SOURCE_COLUMN and kind not in {"split", "group"}:
        raise BadChoiceError("The column with the file of each row stays as it is.")
