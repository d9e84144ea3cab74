"""Errors of the room."""

from __future__ import annotations

from tsunagu.core.errors import InvalidInputError
from tsunagu.data.usage.agents import BadRobotsFileError

__all__ = ["BadMonthError", "BadRobotsFileError"]


class BadMonthError(InvalidInputError):
    """A month that is none."""

    code = "usage.bad_month"
    default_message = "That is no month, or the span of months is too long."
    default_remedy = "Write months as 2027-03, the first before the last, ten years at most."
