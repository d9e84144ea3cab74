"""What can go wrong with runs of partner nodes."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, NotFoundError


class NoSuchGuestError(NotFoundError):
    """There is no such run of a partner node."""

    code = "compute.no_such_guest"
    default_message = "There is no such run of another node."


class GuestOverError(ConflictError):
    """It has ended."""

    code = "compute.guest_over"
    default_message = "This run of another node has ended."
