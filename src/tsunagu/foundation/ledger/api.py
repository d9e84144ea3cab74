"""The door of the ledger: an append-only Merkle log (RFC 6962) of versions, runs and decisions."""

from tsunagu.foundation.ledger.checking import verify
from tsunagu.foundation.ledger.errors import (
    AuthorityError,
    ForkError,
    NoSuchProofError,
    NotWitnessedError,
    OtherSizeError,
)
from tsunagu.foundation.ledger.heads import find_head, head_cards, sign_head, signed_part
from tsunagu.foundation.ledger.keys import as_pem as public_key_pem
from tsunagu.foundation.ledger.keys import from_base64 as public_key_of
from tsunagu.foundation.ledger.keys import is_signed, key_id, public_bytes, signing_key
from tsunagu.foundation.ledger.selectors import (
    StoredNodes,
    entries_about,
    prove_consistency,
    prove_inclusion,
    size,
)
from tsunagu.foundation.ledger.services import append, append_all, canonical
from tsunagu.foundation.ledger.stamps import stamp_waiting
from tsunagu.foundation.ledger.types import EntryCard, HeadCard, LedgerReport, Proof, Receipt, StampCard
from tsunagu.foundation.ledger.witnesses import ask_witnesses, cosign

__all__ = [
    "AuthorityError",
    "EntryCard",
    "ForkError",
    "HeadCard",
    "LedgerReport",
    "NoSuchProofError",
    "NotWitnessedError",
    "OtherSizeError",
    "Proof",
    "Receipt",
    "StampCard",
    "StoredNodes",
    "append",
    "append_all",
    "ask_witnesses",
    "canonical",
    "cosign",
    "entries_about",
    "find_head",
    "head_cards",
    "is_signed",
    "key_id",
    "prove_consistency",
    "prove_inclusion",
    "public_bytes",
    "public_key_of",
    "public_key_pem",
    "sign_head",
    "signed_part",
    "signing_key",
    "size",
    "stamp_waiting",
    "verify",
]
