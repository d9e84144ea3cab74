"""What can go wrong with datasets."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError, NotFoundError
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


class NothingToFreezeError(ConflictError):
    """The draft equals the last version."""

    code = "datasets.nothing_to_freeze"
    default_message = "The draft does not differ from the last version."
    default_remedy = "Add, replace or remove a file, or change the description, then freeze."


class NoSuchVersionError(NotFoundError):
    """The dataset has no such version."""

    code = "datasets.no_such_version"
    default_message = "This dataset has no such version."


class NoSuchFileError(NotFoundError):
    """The version holds no such file."""

    code = "datasets.no_such_file"
    default_message = "There is no such file in this version."


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
    "NothingToFreezeError",
]
