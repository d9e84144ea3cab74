"""Checking what stands beside the ledger: signed heads, time stamps, co-signatures."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tsunagu.foundation.ledger import keys, notes, proofs, services
from tsunagu.foundation.ledger.errors import AuthorityError
from tsunagu.foundation.ledger.models import Cosignature, Entry, SignedHead, TimeStamp, WitnessState
from tsunagu.foundation.ledger.selectors import StoredNodes
from tsunagu.foundation.ledger.stamps import check_token
from tsunagu.foundation.ledger.types import LedgerReport


@dataclass(slots=True)
class HeadsReport:
    """What was checked and what is wrong, in words."""

    head_count: int = 0
    stamp_count: int = 0
    waiting_count: int = 0
    cosignature_count: int = 0
    problems: list[str] = field(default_factory=list)


def check_heads(size: int) -> HeadsReport:
    """Check every signed head against the ledger of ``size`` entries, whose landmarks were checked before."""
    report, nodes = HeadsReport(), StoredNodes()
    for head in SignedHead.objects.order_by("size").iterator(chunk_size=500):
        report.head_count += 1
        problem = _problem_of(head, size, nodes)
        if problem:
            report.problems.append(f"Signed head {head.size}: {problem}")
    _check_stamps(report)
    for one in Cosignature.objects.select_related("head").iterator(chunk_size=500):
        report.cosignature_count += 1
        if not is_cosigned(one.head.note, one.witness, bytes(one.public_key), one.line):
            report.problems.append(f"Co-signature of {one.witness} under head {one.head_id} is not valid.")
    for state in WitnessState.objects.exclude(refused=""):
        report.problems.append(f"The witness {state.url} refuses head {state.size}: {state.refused}")
    return report


def _check_stamps(report: HeadsReport) -> None:
    for stamp in TimeStamp.objects.select_related("head").order_by("head_id").iterator(chunk_size=500):
        if stamp.stamped_at is None:
            report.waiting_count += 1
            continue
        report.stamp_count += 1
        try:
            given = check_token(bytes(stamp.reply), stamp.head.note.encode(), stamp.certificates, stamp.nonce)
        except AuthorityError as error:
            report.problems.append(f"Time stamp of head {stamp.head_id}: {error.message}")
        else:
            if given != stamp.stamped_at:
                report.problems.append(f"Time stamp of head {stamp.head_id}: the token says another time.")


def is_cosigned(note: str, witness: str, public_key: bytes, line: str) -> bool:
    """Whether the line is the witness's signature under the note."""
    try:
        head, _ = notes.parse(note)
        at_s, signature = notes.parse_cosignature(line, witness, public_key)
    except ValueError:
        return False
    return keys.is_signed(public_key, signature, notes.cosigned_text(head.text, at_s))


def _problem_of(head: SignedHead, size: int, nodes: StoredNodes) -> str:
    public_key = bytes(head.public_key)
    try:
        said, signature = notes.parse(head.note)
        is_signed = keys.is_signed(public_key, signature, said.text.encode())
        root = proofs.root_at(nodes, head.size) if head.size <= size else b""
    except (ValueError, LookupError) as error:
        return f"{error}."
    announced = Entry.objects.filter(subject=keys.key_id(public_key), kind="signing_key", index__lt=head.size)
    is_named = announced.exists()
    faults = (
        (not is_signed, "the signature is not valid."),
        (
            (said.size, said.root) != (head.size, bytes(head.root)),
            "the row was changed; the signed text says otherwise.",
        ),
        (
            head.size > size,
            f"it covers {head.size} entries, and the ledger has {size}: entries were lost or taken away.",
        ),
        (root != said.root, "the ledger no longer leads to it: history was rewritten."),
        (not is_named, "its key is not named in the ledger."),
    )
    return next((words for is_fault, words in faults if is_fault), "")


def verify() -> LedgerReport:
    """Recompute every leaf and the tree, then check signed heads, time stamps and co-signatures against it."""
    tree = services.verify()
    if tree.problem:
        return tree
    heads = check_heads(tree.size)
    first, *more = heads.problems or [""]
    return replace(
        tree,
        problem=first,
        more_problems=tuple(more),
        head_count=heads.head_count,
        stamp_count=heads.stamp_count,
        waiting_count=heads.waiting_count,
        cosignature_count=heads.cosignature_count,
    )
