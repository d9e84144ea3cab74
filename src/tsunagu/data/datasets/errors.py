"""What can go wrong with datasets."""

from __future__ import annotations

from tsunagu.core.errors import CapabilityRefusedError, ConflictError, InvalidInputError, NotFoundError
from tsunagu.core.paths import BadPathError


class BadNameError(InvalidInputError):
    """A project or dataset name that cannot stand in an address."""

    code = "datasets.bad_name"
    default_message = "This name cannot stand in an address."
    default_remedy = (
        "Use lower-case letters, digits, dots, hyphens and underscores, at most 100; titles are free text."
    )


class NameTakenError(ConflictError):
    """Somebody was first."""

    code = "datasets.name_taken"
    default_message = "This name is taken."
    default_remedy = "Choose another name."


class PathTakenError(ConflictError):
    """Another file stands where one was to be put that replaces nothing."""

    code = "datasets.path_taken"
    default_message = "Another file stands at this path."
    default_remedy = "Choose another path, or remove the file that stands there."


class NothingToFreezeError(ConflictError):
    """The draft equals the last version."""

    code = "datasets.nothing_to_freeze"
    default_message = "The draft does not differ from the last version."
    default_remedy = "Add, replace or remove a file, or change the description, then freeze."


class SealedMeanwhileError(CapabilityRefusedError):
    """Bytes that came plain, or for another key, when the dataset was just being sealed."""

    code = "datasets.sealed_meanwhile"
    default_message = "The dataset was sealed while this was sent; it has to be sent anew."


class NotSealedError(ConflictError):
    """Only what is sealed can be destroyed with proof."""

    code = "datasets.not_sealed"
    default_message = "This dataset is not sealed, so its bytes cannot be destroyed with proof."
    default_remedy = "Seal it first; when everything is sealed, shred it."


class StillSealingError(ConflictError):
    """Plain bytes of the dataset are still on the way into its key domain."""

    code = "datasets.still_sealing"
    default_message = "Some bytes of this dataset are not sealed yet, and would stay readable."
    default_remedy = (
        "Wait until everything is sealed; files that are named as damaged must be sent again first."
    )


class NotConfirmedError(InvalidInputError):
    """Destroying needs the name of the dataset, written out, and a reason."""

    code = "datasets.not_confirmed"
    default_message = "Write the name of the dataset and a reason: what is destroyed never comes back."


class NoSuchVersionError(NotFoundError):
    """The dataset has no such version."""

    code = "datasets.no_such_version"
    default_message = "This dataset has no such version."


class NoSuchFileError(NotFoundError):
    """The version holds no such file."""

    code = "datasets.no_such_file"
    default_message = "There is no such file in this version."


class LockedBytesError(ConflictError):
    """A dataset is to be sealed whose plain bytes the store must keep for a while."""

    code = "datasets.locked_bytes"
    default_message = (
        "This dataset is under retention: its bytes lie plain and locked, and could not be removed."
    )
    default_remedy = "Seal a dataset before its retention begins, or make a sealed one from it."


class DatasetRemovedError(NotFoundError):
    """The dataset was destroyed; what is left says who did it, when and why."""

    code = "datasets.removed"
    status = 410
    default_message = "This dataset was removed."
    default_remedy = "Its page says what it was, who removed it and why; its bytes cannot be had any more."


__all__ = [
    "BadNameError",
    "BadPathError",
    "DatasetRemovedError",
    "NameTakenError",
    "NoSuchFileError",
    "NoSuchVersionError",
    "NotConfirmedError",
    "NotSealedError",
    "NothingToFreezeError",
    "PathTakenError",
    "SealedMeanwhileError",
    "StillSealingError",
]
