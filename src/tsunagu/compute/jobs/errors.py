"""What can go wrong with jobs."""

from __future__ import annotations

from tsunagu.core.errors import (
    CapabilityRefusedError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    TsunaguError,
)


class NoSuchJobError(NotFoundError):
    """The run is unknown, or the asker may not see everything that it used."""

    code = "compute.no_such_job"
    default_message = "There is no such run, or you may not see it."


class NotFrozenError(ConflictError):
    """A job reads frozen versions, and the dataset has none."""

    code = "compute.not_frozen"
    default_message = (
        "This dataset has no frozen version; a run uses frozen versions, so that it can be repeated."
    )
    default_remedy = "Freeze the dataset first."


class BadJobError(InvalidInputError):
    """A job was described in a way that cannot be run."""

    code = "compute.bad_job"
    default_message = "This run cannot be made as it is described."


class OutputTakenError(ConflictError):
    """The dataset for the outputs holds what people put there."""

    code = "compute.output_taken"
    default_message = "The dataset for the outputs holds files that no run made; a run would replace them."
    default_remedy = "Name another dataset for the outputs."


class OutputBusyError(ConflictError):
    """Another run delivers into the same dataset just now; the wrapper tries again."""

    code = "compute.output_busy"
    default_message = "Another run delivers its outputs into this dataset just now."


class OutputNotSealedError(ConflictError):
    """An input is sealed and the dataset for the outputs is not."""

    code = "compute.output_not_sealed"
    default_message = "An input is sealed, and what is made from it must not lie plain."
    default_remedy = "Name a sealed dataset for the outputs; tsunagu seal PROJECT/DATASET --create makes one."


class BudgetExceededError(TsunaguError):
    """The project's allocation does not cover what the limits ask for."""

    code = "compute.budget_exceeded"
    status = 403
    exit_code = 6
    default_message = "The project's allocation is not enough for this run."
    default_remedy = (
        "Ask for less time, memory or disk, or ask the administrator of the node for a larger allocation."
    )


class NoExecutorError(TsunaguError):
    """Nothing here can run the job."""

    code = "compute.no_executor"
    status = 503
    exit_code = 8
    default_message = "This node cannot run jobs in that place."
    default_remedy = "Ask its administrator; tsunagu check says what is missing."


class ExecutorAwayError(TsunaguError):
    """The place does not answer just now; what was to be started there waits."""

    code = "compute.executor_away"
    status = 503
    exit_code = 8
    default_message = "The place where the run shall go on does not answer."
    default_remedy = "Wait; the run stays in the queue."


class JobOverError(ConflictError):
    """The job has ended."""

    code = "compute.job_over"
    default_message = "This run has ended."


class ForgedMessageError(CapabilityRefusedError):
    """A message about a job that its wrapper did not sign, or that was heard before."""

    code = "compute.forged_message"
    default_message = "This message does not come from the run that it names, or it was heard before."
    default_remedy = ""
