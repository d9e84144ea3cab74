"""The door of the runner: the one job definition, the one result, the signed line, and whether walls can be built."""

from tsunagu.compute.runner.hosted import run_wrapper
from tsunagu.compute.runner.line import HEADER, is_signed, sign
from tsunagu.compute.runner.marks import (
    DOOR_FOLDER,
    FINISH_FILE,
    OUT_FOLDER,
    RESULT_FILE,
    WITHDRAWN_FILE,
    is_alive,
    remove,
)
from tsunagu.compute.runner.order import BadOrderError, Bounds, Input, JobFile, Limits, Order, Result
from tsunagu.compute.runner.walls import problem

__all__ = [
    "DOOR_FOLDER",
    "FINISH_FILE",
    "HEADER",
    "OUT_FOLDER",
    "RESULT_FILE",
    "WITHDRAWN_FILE",
    "BadOrderError",
    "Bounds",
    "Input",
    "JobFile",
    "Limits",
    "Order",
    "Result",
    "is_alive",
    "is_signed",
    "problem",
    "remove",
    "run_wrapper",
    "sign",
]
