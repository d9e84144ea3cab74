"""The door of environments: lock files that become read-only Python environments of jobs."""

from tsunagu.compute.environments.errors import BadLockError
from tsunagu.compute.environments.services import build, folder_of, lock_of, next_waiting, state_of, want

__all__ = ["BadLockError", "build", "folder_of", "lock_of", "next_waiting", "state_of", "want"]
