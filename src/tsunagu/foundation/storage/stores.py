"""The node's store, opened once per process."""

from __future__ import annotations

import functools

from tsunagu.core import settings
from tsunagu.core.blobs import BlobStore, open_store


@functools.cache
def store() -> BlobStore:
    """The object store of this node."""
    node = settings.current()
    return open_store(node.store_address, options=node.store_options)


@functools.cache
def replica_store() -> BlobStore | None:
    """The second store, where one is set."""
    node = settings.current()
    return open_store(node.replica_url, options=node.replica_options) if node.replica_url else None
