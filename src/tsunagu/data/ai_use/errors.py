"""What can go wrong with the use of data by AI."""

from __future__ import annotations

from tsunagu.core.errors import InvalidInputError, NotFoundError, TsunaguError


class AiUseRefusedError(TsunaguError):
    """The guard did not say allow, so no byte goes to the model."""

    code = "ai_use.refused"
    status = 403
    exit_code = 3
    default_message = "This use by AI is not allowed, or questions about it are open."
    default_remedy = "Open the dataset's page Use by AI; it says what is open and who can answer."


class NoReasonError(InvalidInputError):
    """Terms were to become looser than those of a source, without a reason."""

    code = "ai_use.no_reason"
    default_message = "Terms looser than those of the data's sources need a reason."
    default_remedy = "Write why; it goes into the record of the dataset."


class BadChecklistError(InvalidInputError):
    """A text that is no checklist."""

    code = "ai_use.bad_checklist"
    default_message = "This text cannot be used as a checklist."
    default_remedy = "Correct what the message names; the checklist in force stays."


class NoSuchServiceError(NotFoundError):
    """An AI service that is not in the register."""

    code = "ai_use.no_such_service"
    default_message = "There is no such AI service in the register."
    default_remedy = "Choose a service of the register, or ask an officer to enter it."
