"""What the ledger hands out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where an entry stands: its index, and size and root of the tree right after it."""

    index: int
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class EntryCard:
    """One entry; SHA-256 of a zero byte and ``body`` in UTF-8 is its leaf."""

    index: int
    kind: str
    body: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Hashes as hex that lead from something to a tree head.

    Attributes:
        first: Index of the entry (inclusion), or size of the older tree (consistency).
        size: Size of the tree.
        root: Its head, hex.
        path: The hashes, hex, in the order of RFC 9162.
    """

    first: int
    size: int
    root: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """Result of recomputing the ledger; ``problem`` names the first thing that is wrong.

    Attributes:
        more_problems: What else is wrong with signed heads, time stamps and co-signatures.
        waiting_count: Heads whose time stamp is still to come.
    """

    size: int
    root: str
    problem: str = ""
    more_problems: tuple[str, ...] = ()
    head_count: int = 0
    stamp_count: int = 0
    waiting_count: int = 0
    cosignature_count: int = 0

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong, the first fault first."""
        return [problem for problem in (self.problem, *self.more_problems) if problem]


@dataclass(frozen=True, slots=True)
class StampCard:
    """A time stamp of a head, or that it waits for one.

    Attributes:
        authority: Address of the authority, or ``embedded``.
        is_independent: False for the embedded one: it proves nothing to those who doubt the node.
        query: RFC 3161 request, DER.
        reply: RFC 3161 response, DER; empty while it waits.
        certificates: PEM of the root that the token was checked against.
        stamped_at: What the authority's clock said, RFC 3339; empty while it waits.
        attempts: How often the authority was asked.
        said: Why the last attempt gave nothing.
    """

    authority: str
    is_independent: bool
    query: bytes
    reply: bytes
    certificates: str
    stamped_at: str
    attempts: int
    said: str


@dataclass(frozen=True, slots=True)
class HeadCard:
    """A signed tree head. ``cosignatures``: (witness, its public key, signature line)."""

    size: int
    root: str
    note: str
    public_key: bytes
    key_id: str
    signed_at: str
    stamps: tuple[StampCard, ...]
    cosignatures: tuple[tuple[str, bytes, str], ...]

    @property
    def stamp(self) -> StampCard | None:
        """A time stamp that was kept, an independent one first."""
        kept = [stamp for stamp in self.stamps if stamp.reply]
        return max(kept, key=lambda stamp: stamp.is_independent, default=None)
