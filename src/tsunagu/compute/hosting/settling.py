"""How a run of a partner node ends here: counted by what its wrapper measured, signed with this node's key."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.utils import translation

from tsunagu.compute.hosting.models import Guest
from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.jobs.api import State
from tsunagu.compute.partners import api as partners
from tsunagu.compute.runner.api import BadOrderError, Result, is_signed
from tsunagu.core import clock
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.runs import api as runs

_OUTCOMES = {
    State.SUCCEEDED: runs.Outcome.OK,
    State.FAILED: runs.Outcome.FAILED,
    State.CANCELLED: runs.Outcome.ABORTED,
}
_COUNTED = ("exit_code", "signal", "cpu_s", "peak_memory_bytes", "duration_s", "input_bytes", "output_bytes")


def settle(guest: Guest, left: dict[str, Any]) -> bool:
    """End a run by the result that its wrapper left; False when it is none of this run.

    Call it in a transaction that holds the row.
    """
    try:
        body, signature = str(left["body"]).encode(), str(left["signature"])
        message = json.loads(body)
        result = Result.of(message["result"])
    except (KeyError, TypeError, ValueError, BadOrderError):
        return False
    if not is_signed(guest.secret, body, signature) or message.get("run") != guest.partner_run:
        return False
    guest.left = {"body": left["body"], "signature": signature}
    account = {name: value for name, value in result.as_json().items() if name in _COUNTED}
    account |= {"host": dict(result.host), "result_sha256": hashlib.sha256(body).hexdigest()}
    state = {"ok": State.SUCCEEDED, "cancelled": State.CANCELLED, "withdrawn": State.CANCELLED}.get(
        result.code, State.FAILED
    )
    used = {
        "cpu_s": result.cpu_s,
        "memory_gb_h": result.peak_memory_bytes / 1e9 * result.duration_s / 3600,
        "output_bytes": result.output_bytes if state is State.SUCCEEDED else 0,
    }
    close(guest, state, result.code[:40], used=used, account=account)
    return True


def close(
    guest: Guest,
    state: State,
    code: str,
    *,
    why: str = "",
    used: dict[str, float] | None = None,
    account: dict[str, Any] | None = None,
) -> None:
    """End a run of a partner node; without ``used`` nothing is charged."""
    guest.state, guest.code, guest.why = state, code, why[:500]
    guest.secret, guest.ended_at = "", clock.now()
    for name in ("cpu_s", "memory_gb_h", "output_bytes"):
        setattr(guest, name, (used or {}).get(name, 0))
    guest.account = {"run": guest.run_id, "partner_run": guest.partner_run, "code": code, **(account or {})}
    guest.signature = partners.sign(b"tsunagu account\0" + ledger.canonical(guest.account).encode())
    guest.save()
    with translation.override("en"):  # the record is in one language, whoever asked last
        reason = "" if code == "ok" else jobs.sentence(code, {"why": why})
    runs.finish(guest.run_id, _OUTCOMES[state], reason=reason, parameters=guest.account)
