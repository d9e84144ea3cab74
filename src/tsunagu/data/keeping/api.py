"""The door of keeping: retention, legal hold, destroying, reading everything again."""

from tsunagu.data.keeping.checking import NodeReport, check_node, problems
from tsunagu.data.keeping.destroying import destroy, keeping_of
from tsunagu.data.keeping.errors import (
    BadSuccessorError,
    CannotShortenError,
    HeldError,
    NoReasonError,
    RetainedError,
    SuccessorNeededError,
)
from tsunagu.data.keeping.exporting import record_export
from tsunagu.data.keeping.legal_holds import lift_hold, list_holds, place_hold
from tsunagu.data.keeping.retention import promise, retain
from tsunagu.data.keeping.scrubbing import scrub
from tsunagu.data.keeping.succession import close_account, orphans, reopen_account, sole_projects, succeed
from tsunagu.data.keeping.types import Handover, HoldCard, KeepingCard, RetentionCard

__all__ = [
    "BadSuccessorError",
    "CannotShortenError",
    "Handover",
    "HeldError",
    "HoldCard",
    "KeepingCard",
    "NoReasonError",
    "NodeReport",
    "RetainedError",
    "RetentionCard",
    "SuccessorNeededError",
    "check_node",
    "close_account",
    "destroy",
    "keeping_of",
    "lift_hold",
    "list_holds",
    "orphans",
    "place_hold",
    "problems",
    "promise",
    "record_export",
    "reopen_account",
    "retain",
    "scrub",
    "sole_projects",
    "succeed",
]
