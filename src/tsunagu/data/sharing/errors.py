"""What can go wrong with requests."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError


class TooManyRequestsError(ConflictError):
    """Somebody has very many requests open."""

    code = "sharing.too_many_requests"
    default_message = "You have many open requests for access already."
    default_remedy = "Wait for answers, or withdraw requests that you no longer need."


class NoReasonError(InvalidInputError):
    """A request or a refusal without words."""

    code = "sharing.no_reason"
    default_message = "A request for access and a refusal need a few words of reason."
    default_remedy = "Write what you need the data for, or why you decline."
