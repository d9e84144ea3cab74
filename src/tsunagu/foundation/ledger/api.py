"""The door of the ledger: an append-only Merkle log (RFC 6962) of versions, runs and decisions."""

from tsunagu.foundation.ledger.services import LedgerReport, Receipt, append, append_all, canonical, verify

__all__ = ["LedgerReport", "Receipt", "append", "append_all", "canonical", "verify"]
