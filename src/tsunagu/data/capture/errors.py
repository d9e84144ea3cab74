"""What can go wrong while files arrive."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError, NotFoundError


class NoSuchPushError(NotFoundError):
    """The push is unknown, or it is somebody else's."""

    code = "capture.no_such_push"
    default_message = "There is no such push, or it is not yours."


class PushClosedError(ConflictError):
    """The push has ended."""

    code = "capture.push_closed"
    default_message = "This push has ended; nothing more can be added to it."
    default_remedy = "Start a new push; files that arrived are skipped."


class DraftInUseError(ConflictError):
    """A commit would freeze what others have put into the draft."""

    code = "capture.draft_in_use"
    default_message = (
        "The draft of this dataset holds changes that nobody has frozen; this commit would freeze them too."
    )
    default_remedy = (
        "Freeze them first (tsunagu freeze PROJECT/DATASET), or take them out, then commit again."
    )


class HeadMovedError(ConflictError):
    """Somebody froze a version after the one that a commit was made for."""

    code = "capture.head_moved"
    status = 412
    default_message = "There is a newer version than the one that this commit was made for."
    default_remedy = "Look at what changed, then commit again on top of the newest version."


class BytesMissingError(InvalidInputError):
    """A commit names bytes that did not arrive."""

    code = "capture.bytes_missing"
    default_message = "The bytes of a file were not sent for this dataset, or have another size."
    default_remedy = "Upload the file again, then commit."
