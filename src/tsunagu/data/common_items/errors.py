"""Errors of the room."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError


class BadItemError(InvalidInputError):
    """A value that an item cannot take, or an item that is none."""

    code = "common_items.bad_item"
    default_message = "That item cannot take this value."
    default_remedy = "Choose one of the values on the page of the common items."


class ProposalChangedError(ConflictError):
    """What was accepted is not what is proposed now."""

    code = "common_items.proposal_changed"
    default_message = "The plan or the institution says something else by now, so nothing was taken over."
    default_remedy = "Look at the page again and accept what it proposes now."
