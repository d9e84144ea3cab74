"""The door of storage: which bytes lie where, reading them, sealing them, signed addresses, the sweep."""

from tsunagu.foundation.storage.errors import KeyDestroyedError, KeyMissingError, TooLargeSealedError
from tsunagu.foundation.storage.keys import KeyRing, Tombstone, Wrapper, key_ring
from tsunagu.foundation.storage.notes import open_note, seal_note
from tsunagu.foundation.storage.resealing import Moved, drop_domain, drop_plain, reseal
from tsunagu.foundation.storage.selectors import (
    PLAIN,
    Location,
    as_file,
    carrier,
    check_content,
    content_name,
    every_location,
    get_capabilities,
    get_url,
    hidden_keys,
    locate,
    missing,
    push_capability,
    read_pieces,
    require_location,
    signer,
)
from tsunagu.foundation.storage.services import (
    NewObject,
    drop_unnamed,
    forget_dead,
    lock,
    named,
    put_pack,
    register,
)
from tsunagu.foundation.storage.stores import store

__all__ = [
    "PLAIN",
    "KeyDestroyedError",
    "KeyMissingError",
    "KeyRing",
    "Location",
    "Moved",
    "NewObject",
    "Tombstone",
    "TooLargeSealedError",
    "Wrapper",
    "as_file",
    "carrier",
    "check_content",
    "content_name",
    "drop_domain",
    "drop_plain",
    "drop_unnamed",
    "every_location",
    "forget_dead",
    "get_capabilities",
    "get_url",
    "hidden_keys",
    "key_ring",
    "locate",
    "lock",
    "missing",
    "named",
    "open_note",
    "push_capability",
    "put_pack",
    "read_pieces",
    "register",
    "require_location",
    "reseal",
    "seal_note",
    "signer",
    "store",
]
