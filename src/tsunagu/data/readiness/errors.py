"""What cannot be said of a dataset."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError, NotFoundError


class TooManyFilesError(ConflictError):
    """A document that names every file would be too large to be read."""

    code = "readiness.too_many_files"
    default_message = "This version holds more files than one document can name."
    default_remedy = "Make it AI-ready: many files of one kind become one table."


class NothingFrozenError(ConflictError):
    """Only a frozen version can be made AI-ready: a draft changes under one's hands."""

    code = "readiness.nothing_frozen"
    default_message = "This dataset has no frozen version yet."
    default_remedy = "Freeze a version first: tsunagu freeze PROJECT/DATASET."


class ForeignDatasetError(ConflictError):
    """The place of the AI-ready version is taken by a dataset that people made."""

    code = "readiness.foreign_dataset"
    default_message = (
        "A dataset stands where the AI-ready version would go, and it was not made from this one."
    )
    default_remedy = "Rename one of the two; nothing was changed."


class ReadyAlreadyError(ConflictError):
    """The dataset holds what was made AI-ready itself."""

    code = "readiness.ready_already"
    default_message = "This dataset is AI-ready itself: it was made from another one."
    default_remedy = "Make a new version of the dataset that it was made from AI-ready."


class NotAttestedError(InvalidInputError):
    """A criterion that people do not attest."""

    code = "readiness.not_attested"
    default_message = "No person decides this criterion."
    default_remedy = "The card says which criteria people attest."


class BadRulesError(InvalidInputError):
    """A rule set cannot be used; the message names the rule."""

    code = "readiness.bad_rules"
    default_message = "The rule set cannot be used."
    default_remedy = "Correct the rule that is named; the set in force stays as it was."


class NoSuchChoiceError(NotFoundError):
    """There is no such choice in force."""

    code = "readiness.no_such_choice"
    default_message = "There is no such choice about the tables of this dataset, or it was taken back."
    default_remedy = "The card lists the choices that are in force."


class BadChoiceError(InvalidInputError):
    """A choice that cannot be applied; the message says which part of it."""

    code = "readiness.bad_choice"
    default_message = "This cannot be chosen."
    default_remedy = "The card lists what can be repaired, and how: tsunagu ready PROJECT/DATASET --card."


class BadMomentsError(BadChoiceError):
    """A column cannot be divided at these moments, or at none that the tables propose; the message says why."""

    code = "readiness.bad_moments"
    default_message = "The column cannot be divided at these moments."
    default_remedy = "Write where validation and test begin, as in 2026-03-01/2026-04-01, or as two numbers."
