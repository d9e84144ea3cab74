"""What can be wrong with keeping and with giving up."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError


class CannotShortenError(ConflictError):
    """A retention was to end earlier than promised."""

    code = "keeping.cannot_shorten"
    default_message = "A retention can be prolonged and never shortened."
    default_remedy = "Wait for its end; not even an administrator can move it forward."


class RetainedError(ConflictError):
    """The dataset must be kept until a date."""

    code = "keeping.retained"
    default_message = "This dataset must be kept."
    default_remedy = "Wait until the retention is over."


class HeldError(ConflictError):
    """A legal hold lies on the dataset."""

    code = "keeping.held"
    default_message = "A legal hold lies on this dataset."
    default_remedy = "Ask the officer who placed the hold; it is lifted when its reason is gone."


class NoReasonError(InvalidInputError):
    """Something needs a reason and none was given."""

    code = "keeping.no_reason"
    default_message = "This needs a reason."
    default_remedy = "Write why; it goes into the record."


class SuccessorNeededError(ConflictError):
    """Somebody who leaves is the only owner of data."""

    code = "keeping.successor_needed"
    default_message = "This person is the only owner of data here."
    default_remedy = "Name a successor who takes the data over; data stays with the institution."


class BadSuccessorError(InvalidInputError):
    """Nobody can take over who has no working account, or who is the one that leaves."""

    code = "keeping.bad_successor"
    default_message = "This person cannot take over."
    default_remedy = "Name somebody else with an account that is open and does not end."
