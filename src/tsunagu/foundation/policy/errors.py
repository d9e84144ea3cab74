"""A rule said no."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError, TsunaguError
from tsunagu.foundation.policy.types import Decision


class ActionDeniedError(TsunaguError):
    """The actor may not do this; the message says why and what would help."""

    code = "policy.denied"
    status = 403
    exit_code = 3
    default_message = "You may not do this."

    @classmethod
    def of(cls, decision: Decision, action: str) -> ActionDeniedError:
        """The error for a decision that is not an allow."""
        return cls(" ".join(decision.reasons), remedy=decision.remedy, action=action, basis=decision.basis)


class LastOwnerError(ConflictError):
    """A project must keep an owner."""

    code = "policy.last_owner"
    default_message = "This is the last owner; data must not be left without one."
    default_remedy = "Make somebody else an owner first."


class NoReasonError(InvalidInputError):
    """A label was to be made less strict without a reason."""

    code = "policy.no_reason"
    default_message = "A label can be made less strict only with a reason."
    default_remedy = "Write why; it goes into the record of the dataset."


class BadPolicyError(InvalidInputError):
    """A policy text that cannot be used; the message names the rule."""

    code = "policy.bad_text"
    default_message = "This policy text cannot be used."
    default_remedy = "Correct the rule; tsunagu policy check FOLDER looks at texts without using them."
