"""The door of sharing: giving roles, taking them away, asking for them, saying what somebody may do."""

from tsunagu.data.sharing.errors import NoReasonError, TooManyRequestsError
from tsunagu.data.sharing.requests import (
    ASKABLE_ROLES,
    answered,
    approve,
    ask,
    decline,
    expire,
    own,
    to_answer,
    withdraw,
)
from tsunagu.data.sharing.rules import LAYERS, try_rules, write_rules
from tsunagu.data.sharing.services import Scope, end_roles, explain, explain_all, share, unshare
from tsunagu.data.sharing.types import DATASET_ACTIONS, Effect, Explained, RequestCard

__all__ = [
    "ASKABLE_ROLES",
    "DATASET_ACTIONS",
    "LAYERS",
    "Effect",
    "Explained",
    "NoReasonError",
    "RequestCard",
    "Scope",
    "TooManyRequestsError",
    "answered",
    "approve",
    "ask",
    "decline",
    "end_roles",
    "expire",
    "explain",
    "explain_all",
    "own",
    "share",
    "to_answer",
    "try_rules",
    "unshare",
    "withdraw",
    "write_rules",
]
