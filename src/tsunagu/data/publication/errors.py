"""What can go wrong with publishing."""

from __future__ import annotations

from typing import Self

from tsunagu.core.errors import ConflictError, InvalidInputError, NotFoundError
from tsunagu.foundation.policy.api import ActionDeniedError, Decision


class NoInstitutionError(NotFoundError):
    """There is no institution of that name."""

    code = "publication.no_institution"
    default_message = "There is no institution of that name on this node."
    default_remedy = "tsunagu institution list shows their names."


class BadInstitutionError(InvalidInputError):
    """An institution that cannot be written so."""

    code = "publication.bad_institution"
    default_message = "The institution cannot be saved like this."
    default_remedy = "Correct the field that is named and save it again; nothing was changed."


class NoPublicationError(NotFoundError):
    """There is no such request, or one may not know it."""

    code = "publication.not_found"
    default_message = "There is no such publication, or you may not see it."


class BadRequestError(InvalidInputError):
    """A wish to publish that cannot be meant."""

    code = "publication.bad_request"
    default_message = "The request for publication cannot be used like this."


class NotReadyError(ConflictError):
    """The machine checks found what must be put right first."""

    code = "publication.not_ready"
    default_message = "The version cannot be published yet, because checks found gaps."
    default_remedy = "Put right what is named, then ask again."


class OwnRequestError(ActionDeniedError):
    """Who asked for a publication cannot decide about it where somebody else can."""

    code = "publication.own_request"
    default_message = "You asked for this publication, so another curator decides about it."
    default_remedy = "Wait for a colleague; a comment tells them what they should know."

    @classmethod
    def of(cls, decision: Decision, action: str) -> Self:
        """In words of its own: the rule's say only who may."""
        return cls(action=action, basis=decision.basis)


class WrongStateError(ConflictError):
    """The step does not fit the state of the publication."""

    code = "publication.wrong_state"
    default_message = "This step does not fit the present state of the publication."
    default_remedy = "Open the publication again; somebody may have decided in the meantime."


class AlreadyPublishedError(ConflictError):
    """The version is published, or was."""

    code = "publication.already_published"
    default_message = "This version is published already, or was withdrawn."
    default_remedy = "Correct or restore the published record, or freeze a new version and publish that."


class CannotMoveError(ConflictError):
    """A dataset that cannot be moved to another node, or not so."""

    code = "publication.cannot_move"
    default_message = "This dataset cannot be moved like this."


class AlreadyMovedError(ConflictError):
    """It stands at another node already; the field ``to`` is its page there."""

    code = "publication.moved"
    default_message = "This dataset stands on another node already."


class NotThereError(ConflictError):
    """The other node does not show what is to lead there."""

    code = "publication.not_there"
    default_message = "The other node does not show the records yet."
    default_remedy = "Run tsunagu move again; it goes on where it stopped, and nothing was changed here."


class NoWordsError(InvalidInputError):
    """A step that needs words for others."""

    code = "publication.no_words"
    default_message = "This step needs a few words, because others must be able to understand it later."
    default_remedy = "Say what is to be changed, or why."
