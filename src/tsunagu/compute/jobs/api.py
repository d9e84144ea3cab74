"""The door of jobs: code that runs on dataset versions, where the data is."""

from tsunagu.compute.jobs.asking import again, cancel, cancel_array, submit, submit_each
from tsunagu.compute.jobs.budgets import allocate, budget
from tsunagu.compute.jobs.dask_line import DaskLine
from tsunagu.compute.jobs.entries import (
    BadEntryError,
    EntryPoint,
    Parameter,
    entry_points,
    file_text,
    lock_text,
)
from tsunagu.compute.jobs.errors import (
    BadJobError,
    BudgetExceededError,
    ForgedMessageError,
    JobOverError,
    NoExecutorError,
    NoSuchJobError,
    NotFrozenError,
    OutputBusyError,
    OutputNotSealedError,
    OutputTakenError,
)
from tsunagu.compute.jobs.executors import Executor, Sandbox, Submission
from tsunagu.compute.jobs.hearing import (
    Heard,
    answer,
    begin_delivery,
    delivered_by,
    deliverer,
    hear,
    reader,
    reads_of,
)
from tsunagu.compute.jobs.leaving import places_for
from tsunagu.compute.jobs.places import LENDABLE, RESERVED, SERVING, slurm_problem
from tsunagu.compute.jobs.places import offered as places
from tsunagu.compute.jobs.reasons import sentence
from tsunagu.compute.jobs.selectors import get_job, is_over, list_jobs, read_log
from tsunagu.compute.jobs.settling import require_still
from tsunagu.compute.jobs.supervisor import Attendant, Supervisor, serving_folder
from tsunagu.compute.jobs.types import Amounts, Budget, InputCard, JobCard, LogPage, Place, State, Wanted
from tsunagu.compute.runner.api import Limits
from tsunagu.compute.runner.api import problem as sandbox_problem

__all__ = [
    "LENDABLE",
    "RESERVED",
    "SERVING",
    "Amounts",
    "Attendant",
    "BadEntryError",
    "BadJobError",
    "Budget",
    "BudgetExceededError",
    "DaskLine",
    "EntryPoint",
    "Executor",
    "ForgedMessageError",
    "Heard",
    "InputCard",
    "JobCard",
    "JobOverError",
    "Limits",
    "LogPage",
    "NoExecutorError",
    "NoSuchJobError",
    "NotFrozenError",
    "OutputBusyError",
    "OutputNotSealedError",
    "OutputTakenError",
    "Parameter",
    "Place",
    "Sandbox",
    "State",
    "Submission",
    "Supervisor",
    "Wanted",
    "again",
    "allocate",
    "answer",
    "begin_delivery",
    "budget",
    "cancel",
    "cancel_array",
    "delivered_by",
    "deliverer",
    "entry_points",
    "file_text",
    "get_job",
    "hear",
    "is_over",
    "list_jobs",
    "lock_text",
    "places",
    "places_for",
    "read_log",
    "reader",
    "reads_of",
    "require_still",
    "sandbox_problem",
    "sentence",
    "serving_folder",
    "slurm_problem",
    "submit",
    "submit_each",
]
