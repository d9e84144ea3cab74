"""The door of sharing: giving roles, taking them away, asking what somebody may do."""

from tsunagu.data.sharing.services import Scope, end_roles, explain, explain_all, share, unshare
from tsunagu.data.sharing.types import DATASET_ACTIONS, Explained

__all__ = ["DATASET_ACTIONS", "Explained", "Scope", "end_roles", "explain", "explain_all", "share", "unshare"]
