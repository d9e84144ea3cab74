"""The door of runs: everything that happened, with outcome and reason."""

from tsunagu.foundation.runs.selectors import (
    MOST_BAD,
    by_row_ids,
    ended_badly,
    get,
    of_dataset,
    open_count,
    recent_of_actor,
    row_ids,
    sources_of,
    using,
)
from tsunagu.foundation.runs.services import finish, record, settle_silent, start
from tsunagu.foundation.runs.types import Ended, Link, Outcome, RunCard

__all__ = [
    "MOST_BAD",
    "Ended",
    "Link",
    "Outcome",
    "RunCard",
    "by_row_ids",
    "ended_badly",
    "finish",
    "get",
    "of_dataset",
    "open_count",
    "recent_of_actor",
    "record",
    "row_ids",
    "settle_silent",
    "sources_of",
    "start",
    "using",
]
