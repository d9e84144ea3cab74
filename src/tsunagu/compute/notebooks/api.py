"""The door of notebooks: open, stop and enter them; and what the node's gate to them asks."""

from tsunagu.compute.notebooks.errors import (
    EntryRefusedError,
    NoJupyterError,
    NoSuchNotebookError,
    NotebookOverError,
    NotebooksOffError,
    NotReadyError,
)
from tsunagu.compute.notebooks.keeping import Keeper
from tsunagu.compute.notebooks.selectors import get_notebook, open_notebooks, opened, problem, reaches
from tsunagu.compute.notebooks.services import (
    admit,
    enter,
    finish,
    open_notebook,
    require_seat,
    seat_of,
    stop,
)
from tsunagu.compute.notebooks.types import Asked, NotebookCard, Reach, Seat, Stage

__all__ = [
    "Asked",
    "EntryRefusedError",
    "Keeper",
    "NoJupyterError",
    "NoSuchNotebookError",
    "NotReadyError",
    "NotebookCard",
    "NotebookOverError",
    "NotebooksOffError",
    "Reach",
    "Seat",
    "Stage",
    "admit",
    "enter",
    "finish",
    "get_notebook",
    "open_notebook",
    "open_notebooks",
    "opened",
    "problem",
    "reaches",
    "require_seat",
    "seat_of",
    "stop",
]
