"""The door of evidence: a file for a version that outsiders check without Tsunagu."""

from tsunagu.data.evidence.bundle import write_evidence

__all__ = ["write_evidence"]
