"""What can go wrong with environments."""

from __future__ import annotations

from tsunagu.core.errors import InvalidInputError


class BadLockError(InvalidInputError):
    """A lock file that names something without a hash, or that is no requirements file."""

    code = "environments.bad_lock"
    default_message = "This lock file cannot be used."
    default_remedy = "Write it with: uv pip compile --generate-hashes, or pip-compile --generate-hashes; every package needs a hash."
