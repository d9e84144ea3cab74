"""What goes wrong while harvesting, in words for the administrator."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError, NotFoundError, TsunaguError


class NoSuchSourceError(NotFoundError):
    """There is no such source."""

    code = "harvesting.no_such_source"
    default_message = "There is no such source."
    default_remedy = "tsunagu harvest --list shows the sources."


class SourceKnownError(ConflictError):
    """The same list of the same repository is harvested already."""

    code = "harvesting.source_known"
    default_message = "This repository is harvested already."
    default_remedy = "Harvest it again by its name, or remove it first."


class NotARepositoryError(InvalidInputError):
    """What answers there does not speak OAI-PMH, or offers nothing that is read here."""

    code = "harvesting.not_a_repository"
    default_message = "What answers at this address is no OAI-PMH repository."
    default_remedy = "Ask its operator for the base URL of OAI-PMH; it often ends with /oai."


class SourceSaysError(TsunaguError):
    """The source answered with an error of the protocol; ``fields`` name it."""

    code = "harvesting.source_says"
    status = 502
    exit_code = 8
    default_message = "The source answered with an error."


class BadAnswerError(TsunaguError):
    """The source answered with something that is no OAI-PMH."""

    code = "harvesting.bad_answer"
    status = 502
    exit_code = 8
    default_message = "The source did not answer in OAI-PMH."


class EndlessListError(TsunaguError):
    """The list of the source does not end."""

    code = "harvesting.endless"
    status = 502
    exit_code = 8
    default_message = "The list of the source does not end."
    default_remedy = "Tell its operator. What came so far is kept."
