"""What goes wrong while sorting, in words for the researcher."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError, NotFoundError


class NotUnsortedError(InvalidInputError):
    """The dataset is no inbox."""

    code = "unsorted.not_unsorted"
    default_message = "This dataset was described by somebody: it is not unsorted."
    default_remedy = "Files are sorted out of the inboxes of a project; tsunagu unsorted PROJECT lists them."


class NothingPickedError(InvalidInputError):
    """None of the files that were picked lies there."""

    code = "unsorted.nothing_picked"
    default_message = "None of the files that you picked lies unsorted here."
    default_remedy = "Look at the list again: somebody may have sorted them already."


class BadVerdictError(InvalidInputError):
    """No such decision, or something it needs is missing."""

    code = "unsorted.bad_verdict"
    default_message = (
        "Files are made a dataset, added to one, told as a failure, called duplicates, removed or left."
    )
    default_remedy = "Name one of make, add, negative, duplicate, remove, leave."


class TargetTakenError(ConflictError):
    """There is something of that name that is no place for the files."""

    code = "unsorted.target_taken"
    default_message = "There is an inbox of that name."
    default_remedy = "Choose another name for the dataset."


class NoSuchProposalError(NotFoundError):
    """The files changed since, or somebody was faster."""

    code = "unsorted.no_such_proposal"
    default_message = "This proposal does not hold any more."
    default_remedy = "Look at the list again: files came, or were sorted."
