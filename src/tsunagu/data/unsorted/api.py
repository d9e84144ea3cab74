"""The door of unsorted: inboxes, what lies in them, decisions about many files."""

from tsunagu.data.unsorted.errors import (
    BadVerdictError,
    NoSuchProposalError,
    NothingPickedError,
    NotUnsortedError,
    TargetTakenError,
)
from tsunagu.data.unsorted.looking import counts, groups, is_inbox, narrowed, pile, proposals
from tsunagu.data.unsorted.selectors import decisions
from tsunagu.data.unsorted.services import Wish, accept, decide, open_inbox
from tsunagu.data.unsorted.types import (
    DIMENSIONS,
    KINDS,
    VERDICTS,
    DecisionCard,
    Group,
    Item,
    Pile,
    Proposal,
)

__all__ = [
    "DIMENSIONS",
    "KINDS",
    "VERDICTS",
    "BadVerdictError",
    "DecisionCard",
    "Group",
    "Item",
    "NoSuchProposalError",
    "NotUnsortedError",
    "NothingPickedError",
    "Pile",
    "Proposal",
    "TargetTakenError",
    "Wish",
    "accept",
    "counts",
    "decide",
    "decisions",
    "groups",
    "is_inbox",
    "narrowed",
    "open_inbox",
    "pile",
    "proposals",
]
