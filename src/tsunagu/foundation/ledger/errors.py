"""What the ledger refuses."""

from __future__ import annotations

from tsunagu.core.errors import InvalidInputError, UnavailableError


class NoSuchProofError(InvalidInputError):
    """The entry or the tree does not exist."""

    code = "ledger.no_such_proof"
    default_message = "The ledger is not so long, or the older tree is larger than the newer one."
    default_remedy = "Ask for the heads first, and use sizes that stand there."


class AuthorityError(UnavailableError):
    """The time-stamp authority gave nothing that could be kept; it is asked again later."""

    code = "ledger.authority"
    default_message = "The time-stamp authority gave no usable answer."
    default_remedy = "It is asked again by itself; look at timestamp_url and timestamp_ca if this goes on."
