"""From a plan to a table that is there: attempts, each knowing what stopped the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from tsunagu.formats.converting.surprises import ColumnChangedError, SourceFailedError
from tsunagu.formats.converting.types import (
    Change,
    Problem,
    SourcePlan,
    TablePlan,
    TableProfile,
    json_list,
)
from tsunagu.formats.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_FAILED = 50
P = TypeVar("P", bound="AnyPlan")


@dataclass(frozen=True, slots=True)
class Made:
    """A table that was made.

    Attributes:
        plan: The one that went through; its columns may be wider and its sources fewer than at first.
        result: What the last attempt handed back.
    """

    plan: TablePlan
    profile: TableProfile
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    result: Any


def settle(plan: TablePlan, attempt: Callable[[TablePlan], tuple[TableProfile, Any]]) -> Made:
    """Try until it goes through: a column that changes its type becomes wider, a file that fails is left out.

    Args:
        plan: What is wanted.
        attempt: Makes the table of a plan and hands something back with the profile; what it wrote before it raised
            is its own to clean up.

    Raises:
        ConversionError: no file is left, or too many of them fail; ``fields`` name them with the reason of each.
    """
    changes: list[Change] = []
    problems: list[Problem] = []
    while plan.sources:
        try:
            profile, result = attempt(plan)
        except ColumnChangedError as error:
            path = plan.sources[error.source].path
            before = next(one.kind for one in plan.columns if one.name == error.column)
            if before == "text":
                plan = without_source(plan, error.source, error.reason, "corrupt", problems)
                continue
            plan = plan.as_text(error.column) if error.is_text else plan.widened(error.column)
            now = next(one.kind for one in plan.columns if one.name == error.column)
            changes.append(Change(error.column, before, now, path, error.reason))
        except SourceFailedError as error:
            plan = without_source(plan, error.source, error.reason, error.code, problems)
        else:
            return Made(plan, profile, tuple(changes), tuple(problems), result)
    raise nothing_left(plan, problems)


class AnyPlan(Protocol):
    """What is to be made of sources."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def sources(self) -> tuple[SourcePlan, ...]:
        """What it is made of."""
        ...

    def without(self, source: int) -> Self:
        """The plan without one of them."""
        ...


def nothing_left(plan: AnyPlan, problems: list[Problem]) -> ConversionError:
    """The error for a plan that lost all of its sources."""
    reason = f" {problems[-1].path}: {problems[-1].reason}" if problems else ""
    return ConversionError(
        f"None of the files of {plan.name} could be read.{reason}", problems=json_list(problems)
    )


def without_source(plan: P, source: int, reason: str, code: str, problems: list[Problem]) -> P:
    """The plan without a source that failed.

    Raises:
        ConversionError: too many of them fail.
    """
    problems.append(Problem(plan.sources[source].path, reason, code))
    if len(problems) > MOST_FAILED:
        raise ConversionError(
            f"More than {MOST_FAILED} files of {plan.name} could not be read: something is wrong with all of them.",
            problems=json_list(problems),
        )
    return plan.without(source)
