"""The root of every error that a person may see.

Each leaf has a stable ``code`` ("datasets.nothing_to_freeze"), a message that says what happened and why, and
a remedy that says what to do next. Doors map the tree once: ``status`` for HTTP, ``exit_code`` for the shell.
"""

from __future__ import annotations

from typing import Any, ClassVar


class TsunaguError(Exception):
    """Something that a person can understand and act on.

    Args:
        message: What happened and why, one sentence; class default when omitted.
        remedy: What to do next, one sentence.
        fields: Facts for machines (path, sha256 ...); they travel in JSON answers.
    """

    code: ClassVar[str] = "core.error"
    status: ClassVar[int] = 400
    exit_code: ClassVar[int] = 1
    default_message: ClassVar[str] = "Something went wrong."
    default_remedy: ClassVar[str] = ""

    def __init__(self, message: str = "", *, remedy: str = "", **fields: Any) -> None:
        self.message = message or str(self.default_message)
        self.remedy = remedy or str(self.default_remedy)
        self.fields = fields
        super().__init__(self.message)

    def as_problem(self) -> dict[str, Any]:
        """RFC 9457 problem details."""
        problem: dict[str, Any] = {
            "type": f"urn:tsunagu:error:{self.code}",
            "code": self.code,
            "status": self.status,
            "title": self.message,
        }
        if self.remedy:
            problem["remedy"] = self.remedy
        if self.fields:
            problem["fields"] = self.fields
        return problem


class NotFoundError(TsunaguError):
    """The thing does not exist, or the asker may not know that it does."""

    code = "core.not_found"
    status = 404
    exit_code = 4
    default_message = "There is nothing here, or you may not see it."


class InvalidInputError(TsunaguError):
    """What was sent cannot be used as it is."""

    code = "core.invalid_input"
    status = 422
    exit_code = 2
    default_message = "The input cannot be used as it is."


class ConflictError(TsunaguError):
    """The request does not fit the present state."""

    code = "core.conflict"
    status = 409
    exit_code = 5
    default_message = "This does not fit the present state."


class CapabilityRefusedError(TsunaguError):
    """A capability is missing, forged, expired or made for something else."""

    code = "core.capability_refused"
    status = 401
    exit_code = 3
    default_message = "This address is no longer valid."
    default_remedy = "Ask the node for a new one; the client does so by itself."


class StorageFullError(TsunaguError):
    """The disk or the store took no more bytes; nothing was lost."""

    code = "core.storage_full"
    status = 507
    exit_code = 6
    default_message = "The store is full; nothing of this request was kept."
    default_remedy = "Free space or ask the administrator, then send it again."


class ChecksumMismatchError(TsunaguError):
    """The bytes that arrived are not the bytes that were announced."""

    code = "core.checksum_mismatch"
    status = 460
    exit_code = 7
    default_message = "The bytes that arrived are not the ones that were announced."
    default_remedy = "Send the file again; it may have changed while it was read."


class UnavailableError(TsunaguError):
    """A part of the node does not answer."""

    code = "core.unavailable"
    status = 503
    exit_code = 8
    default_message = "A part of the node does not answer."
    default_remedy = "Try again in a moment; what was acknowledged is safe."
