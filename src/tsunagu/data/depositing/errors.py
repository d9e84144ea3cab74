"""What can go wrong with depositing."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError, NotFoundError


class NoRepositoryError(NotFoundError):
    """The node knows no repository of that name for the institution."""

    code = "depositing.no_repository"
    default_message = "This node has no repository of that name for the institution."
    default_remedy = "Ask the administrator for a [[repositories]] table in the node's settings."


class NotPublishedError(ConflictError):
    """Only what is public goes into a repository."""

    code = "depositing.not_published"
    default_message = "The version is not published, and only published versions are deposited."
    default_remedy = "Publish the version first."


class UndecidedError(ConflictError):
    """A deposit was sent, no answer came, and sending it again might make a second item."""

    code = "depositing.undecided"
    default_message = "The deposit was sent and no answer came, so it may be in the repository already."
    default_remedy = (
        "Look into the repository: name the address of the deposit there, or say that it is not there."
    )


class StrangeAddressError(InvalidInputError):
    """An address that does not belong to the repository."""

    code = "depositing.strange_address"
    default_message = "The address is not one of a deposit in this repository."
    default_remedy = "It looks like https://repository.example.ac.jp/sword/deposit/123."
