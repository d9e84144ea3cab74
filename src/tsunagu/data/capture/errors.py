"""What can go wrong while files arrive."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, NotFoundError


class NoSuchPushError(NotFoundError):
    """The push is unknown, or it is somebody else's."""

    code = "capture.no_such_push"
    default_message = "There is no such push, or it is not yours."


class PushClosedError(ConflictError):
    """The push has ended."""

    code = "capture.push_closed"
    default_message = "This push has ended; nothing more can be added to it."
    default_remedy = "Start a new push; files that arrived are skipped."
