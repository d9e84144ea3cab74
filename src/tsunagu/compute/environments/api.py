"""The door of environments: lock files that become read-only Python environments of jobs."""

from tsunagu.compute.environments.errors import BadLockError
from tsunagu.compute.environments.services import (
    build,
    folder_of,
    keep,
    lock_of,
    next_waiting,
    remove_unused,
    state_of,
    used,
    want,
)

__all__ = [
    "BadLockError",
    "build",
    "folder_of",
    "keep",
    "lock_of",
    "next_waiting",
    "remove_unused",
    "state_of",
    "used",
    "want",
]
