"""What can go wrong with descriptions."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError, NotFoundError


class NoSuchProposalError(NotFoundError):
    """The proposal is unknown or not of this dataset."""

    code = "description.no_such_proposal"
    default_message = "There is no such proposal."


class ProposalDecidedError(ConflictError):
    """Somebody was first."""

    code = "description.proposal_decided"
    default_message = "This proposal was decided already."


class BadValueError(InvalidInputError):
    """A value that the description cannot hold."""

    code = "description.bad_value"


class BadMappingError(InvalidInputError):
    """The mapping text cannot be used; the message names the line."""

    code = "description.bad_mapping"
