"""What can go wrong between a researcher's machine and a node, and the exit code of each.

The node answers refusals as RFC 9457 problems; here they become the same tree of errors that the node raised.
"""

from __future__ import annotations

import functools
from http import HTTPStatus
from typing import Any

from tsunagu.core.errors import (
    ChecksumMismatchError,
    ConflictError,
    InvalidInputError,
    TsunaguError,
    UnavailableError,
)

EXIT_INTERRUPTED = 130
_CHECKSUM_MISMATCH = 460  # the number that tus took; no name for it in the standard library

_EXITS = {
    HTTPStatus.BAD_REQUEST: 2,
    HTTPStatus.UNAUTHORIZED: 3,
    HTTPStatus.FORBIDDEN: 3,
    HTTPStatus.NOT_FOUND: 4,
    HTTPStatus.CONFLICT: 5,
    HTTPStatus.GONE: 4,
    HTTPStatus.PRECONDITION_FAILED: 5,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: 2,
    HTTPStatus.UNPROCESSABLE_ENTITY: 2,
    HTTPStatus.TOO_MANY_REQUESTS: 8,
    HTTPStatus.BAD_GATEWAY: 8,
    HTTPStatus.SERVICE_UNAVAILABLE: 8,
    HTTPStatus.GATEWAY_TIMEOUT: 8,
    HTTPStatus.INSUFFICIENT_STORAGE: 6,
    _CHECKSUM_MISMATCH: 7,
}
_EXITS_BY_CODE = {"core.storage_full": 6, "datasets.quota_exceeded": 6, "core.checksum_mismatch": 7}


class NodeRefusedError(TsunaguError):
    """The node said no; code, status and remedy are the node's own."""

    code = "client.refused"


class NotSignedInError(TsunaguError):
    """No token, or one that the node no longer accepts."""

    code = "client.not_signed_in"
    status = 401
    exit_code = 3


class UnreachableError(UnavailableError):
    """The node could not be reached, or broke off too often."""

    code = "client.unreachable"


class BadAnswerError(TsunaguError):
    """Something answered, but not as a Tsunagu node does."""

    code = "client.bad_answer"
    exit_code = 8


class IncompleteError(TsunaguError):
    """The work ended, but some files could not be taken."""

    code = "client.incomplete"


class UsageError(InvalidInputError):
    """The command was given something that it cannot use."""

    code = "client.usage"


class LocalChangesError(ConflictError):
    """A file on this machine would be overwritten."""

    code = "client.local_changes"


class VerificationError(ChecksumMismatchError):
    """What was checked is not what the record says."""

    code = "client.verification_failed"


class LedgerInUseError(ConflictError):
    """Another watch works with the same ledger."""

    code = "client.ledger_in_use"


class NodeToolsMissingError(TsunaguError):
    """A command that runs a node was called where only the client is installed."""

    code = "client.node_tools_missing"


@functools.cache
def _leaf(code: str, status: int) -> type[TsunaguError]:
    exit_code = _EXITS_BY_CODE.get(code, _EXITS.get(status, 1))
    return type(
        "NodeRefusedError", (NodeRefusedError,), {"code": code, "status": status, "exit_code": exit_code}
    )


def from_problem(status: int, problem: dict[str, Any]) -> TsunaguError:
    """The error that a node's problem document describes."""
    code = str(problem.get("code") or f"http.{status}")
    title = str(problem.get("title") or problem.get("detail") or f"HTTP {status}")
    fields = problem.get("fields")
    known = fields if isinstance(fields, dict) else {}
    safe = {str(key): value for key, value in known.items() if key not in {"message", "remedy"}}
    return _leaf(code, int(status))(title, remedy=str(problem.get("remedy") or ""), **safe)
