"""What can go wrong while a training reads."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, NotFoundError


class NoSuchUseError(NotFoundError):
    """The use is unknown, or it is somebody else's."""

    code = "training.no_such_use"
    default_message = "There is no such use by a training, or it is not yours."


class UseEndedError(ConflictError):
    """The use has ended: its processes said so, or nothing was heard of them for too long."""

    code = "training.use_ended"
    default_message = "This use by a training has ended."
    default_remedy = "Open the stream again; its position is kept by whoever reads."


class NoSuchTrainingError(NotFoundError):
    """The actor has no training of that name."""

    code = "training.no_such_training"
    default_message = "You have no training of that name."
    default_remedy = "See your trainings: tsunagu trainings."
