"""The door of storage: which bytes lie where, reading them, signed addresses, the sweep."""

from tsunagu.foundation.storage.selectors import (
    Location,
    as_file,
    check_content,
    every_location,
    get_capability,
    get_url,
    locate,
    read_pieces,
    require_location,
    signer,
)
from tsunagu.foundation.storage.services import (
    NewObject,
    drop_unnamed,
    forget_dead,
    named,
    put_pack,
    register,
)
from tsunagu.foundation.storage.stores import store

__all__ = [
    "Location",
    "NewObject",
    "as_file",
    "check_content",
    "drop_unnamed",
    "every_location",
    "forget_dead",
    "get_capability",
    "get_url",
    "locate",
    "named",
    "put_pack",
    "read_pieces",
    "register",
    "require_location",
    "signer",
    "store",
]
