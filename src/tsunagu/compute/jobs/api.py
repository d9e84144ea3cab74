"""The door of jobs: code that runs on dataset versions, where the data is."""

from tsunagu.compute.jobs.asking import again, cancel, cancel_array, submit, submit_each
from tsunagu.compute.jobs.budgets import allocate, budget
from tsunagu.compute.jobs.entries import BadEntryError, EntryPoint, entry_points, lock_text
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
from tsunagu.compute.jobs.hearing import Heard, answer, begin_delivery, delivered_by, deliverer, hear, reader
from tsunagu.compute.jobs.places import offered as places
from tsunagu.compute.jobs.places import slurm_problem
from tsunagu.compute.jobs.reasons import sentence
from tsunagu.compute.jobs.selectors import get_job, list_jobs, read_log
from tsunagu.compute.jobs.supervisor import Supervisor
from tsunagu.compute.jobs.types import Amounts, Budget, InputCard, JobCard, LogPage, State, Wanted
from tsunagu.compute.runner.api import Limits
from tsunagu.compute.runner.api import problem as sandbox_problem

__all__ = [
    "Amounts",
    "BadEntryError",
    "BadJobError",
    "Budget",
    "BudgetExceededError",
    "EntryPoint",
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
    "State",
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
    "get_job",
    "hear",
    "list_jobs",
    "lock_text",
    "places",
    "read_log",
    "reader",
    "sandbox_problem",
    "sentence",
    "slurm_problem",
    "submit",
    "submit_each",
]
