"""From a plan to a store that is there: a file that fails is left out of the next attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tsunagu.formats.arrays.types import StorePlan, StoreProfile
from tsunagu.formats.converting.attempts import nothing_left, without_source
from tsunagu.formats.converting.surprises import SourceFailedError
from tsunagu.formats.converting.types import Problem

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class MadeStore:
    """A store of arrays that was made.

    Attributes:
        plan: The one that went through; its sources may be fewer than at first.
        result: What the last attempt handed back.
    """

    plan: StorePlan
    profile: StoreProfile
    problems: tuple[Problem, ...]
    result: Any


def settle_store(plan: StorePlan, attempt: Callable[[StorePlan], tuple[StoreProfile, Any]]) -> MadeStore:
    """Try until it goes through; what an attempt wrote before it raised is its own to clean up.

    Raises:
        ConversionError: no file is left, or too many of them fail.
    """
    problems: list[Problem] = []
    while plan.sources:
        try:
            profile, result = attempt(plan)
        except SourceFailedError as error:
            plan = without_source(plan, error.source, error.reason, error.code, problems)
        else:
            return MadeStore(plan, profile, tuple(problems), result)
    raise nothing_left(plan, problems)
