"""The door of workflows: CWL documents of datasets as runs."""

from tsunagu.compute.workflows.asking import describe, entry_points, submit
from tsunagu.compute.workflows.errors import BadWorkflowError, NoCwltoolError
from tsunagu.compute.workflows.reading import Taken, Workflow, read

__all__ = [
    "BadWorkflowError",
    "NoCwltoolError",
    "Taken",
    "Workflow",
    "describe",
    "entry_points",
    "read",
    "submit",
]
