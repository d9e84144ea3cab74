"""The ledger for those who check it: signed heads and proofs. They hold hashes, never what was recorded.

Heads and consistency proofs are for everybody: a log whose heads only its members see can show each member another one.
Where an entry stands is for those who are signed in; what it says is for those who may read the thing it is about
(the evidence file of a dataset).
"""

from __future__ import annotations

import base64
from typing import Any

from django.http import HttpRequest
from ninja import Router

from tsunagu.doors.rest import schemas_ledger as schemas
from tsunagu.doors.who import require_actor
from tsunagu.foundation.ledger import api as ledger

router = Router(tags=["ledger"])
_PAGE = 50


@router.get("/ledger/heads", response=schemas.HeadList)
def list_heads(request: HttpRequest, after: int = 0) -> Any:
    """Signed tree heads, newest first, with time stamps and co-signatures."""
    del request
    found = ledger.head_cards(below=after, limit=_PAGE + 1)
    more = found[_PAGE - 1].size if len(found) > _PAGE else None
    return {"heads": [head_row(head) for head in found[:_PAGE]], "next": more}


def head_row(head: ledger.HeadCard) -> dict[str, Any]:
    """A signed head as REST gives it."""
    return {
        "size": head.size,
        "root": head.root,
        "note": head.note,
        "key_id": head.key_id,
        "public_key": ledger.public_key_pem(head.public_key),
        "signed_at": head.signed_at,
        "time_stamps": [
            {
                "state": "kept" if stamp.reply else "waiting",
                "authority": stamp.authority,
                "is_independent": stamp.is_independent,
                "stamped_at": stamp.stamped_at or None,
                "reply": base64.b64encode(stamp.reply).decode(),
                "attempts": stamp.attempts,
            }
            for stamp in head.stamps
        ],
        "cosignatures": [
            {"witness": witness, "public_key": ledger.public_key_pem(key), "line": line}
            for witness, key, line in head.cosignatures
        ],
    }


@router.get("/ledger/proof/inclusion", response=schemas.Proof)
def prove_inclusion(request: HttpRequest, index: int, size: int) -> Any:
    """That entry ``index`` stands in the tree of the first ``size`` entries (RFC 9162, 2.1.3)."""
    require_actor(request)
    return _proof(ledger.prove_inclusion(index, size))


@router.get("/ledger/proof/consistency", response=schemas.Proof)
def prove_consistency(request: HttpRequest, old: int, new: int) -> Any:
    """That the tree of the first ``new`` entries only adds to the tree of the first ``old`` (RFC 9162, 2.1.4)."""
    del request
    return _proof(ledger.prove_consistency(old, new))


def _proof(proof: ledger.Proof) -> dict[str, Any]:
    return {"first": proof.first, "size": proof.size, "root": proof.root, "path": list(proof.path)}


@router.post("/ledger/cosign", response=schemas.CosignatureRow)
def cosign(request: HttpRequest, body: schemas.HeadToCosign) -> Any:
    """Co-sign a head of another node that this one witnesses; refuses a log that does not continue the one it saw.

    No sign-in: the head must be signed by one of the keys in the setting ``witnessed_keys``.
    """
    del request
    witness, key, line = ledger.cosign(body.note, body.old_size, body.proof)
    return {"witness": witness, "public_key": ledger.public_key_pem(key), "line": line}
