"""The door of keeping: retention, legal hold, destroying, reading everything again."""

from tsunagu.data.keeping.destroying import destroy, keeping_of
from tsunagu.data.keeping.errors import (
    CannotShortenError,
    HeldError,
    NoReasonError,
    RetainedError,
)
from tsunagu.data.keeping.legal_holds import lift_hold, list_holds, place_hold
from tsunagu.data.keeping.retention import problems, promise, retain
from tsunagu.data.keeping.scrubbing import scrub
from tsunagu.data.keeping.types import HoldCard, KeepingCard, RetentionCard

__all__ = [
    "CannotShortenError",
    "HeldError",
    "HoldCard",
    "KeepingCard",
    "NoReasonError",
    "RetainedError",
    "RetentionCard",
    "destroy",
    "keeping_of",
    "lift_hold",
    "list_holds",
    "place_hold",
    "problems",
    "promise",
    "retain",
    "scrub",
]
