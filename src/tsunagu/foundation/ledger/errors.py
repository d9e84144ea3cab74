"""What the ledger refuses."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError


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


class NotWitnessedError(NotFoundError):
    """This node does not co-sign that log."""

    code = "ledger.not_witnessed"
    default_message = "This node does not witness a log with that key."
    default_remedy = "Ask its administrator to put the key into witnessed_keys."


class OtherSizeError(ConflictError):
    """The witness saw the log at another size; ``size`` says which one."""

    code = "ledger.other_size"
    default_message = "The witness last saw this log at another size."
    default_remedy = "Send the proof from that size."


class ForkError(ConflictError):
    """The log that is shown does not continue the one that was seen."""

    code = "ledger.fork"
    default_message = "This log does not continue the one that the witness saw: its history was rewritten."
    default_remedy = "Compare with a backup; the witness keeps both heads in its ledger."
