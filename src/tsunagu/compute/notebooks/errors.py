"""What can go wrong with notebooks."""

from __future__ import annotations

from tsunagu.core.errors import (
    CapabilityRefusedError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)


class NoSuchNotebookError(NotFoundError):
    """Unknown, or not this person's."""

    code = "notebooks.no_such_notebook"
    default_message = "There is no such notebook, or it is somebody else's."


class NotebookOverError(ConflictError):
    """It has ended, or it was told to."""

    code = "notebooks.over"
    default_message = "This notebook was stopped."
    default_remedy = "Open another one on the page of the dataset; it goes on with what this one left."


class NotReadyError(ConflictError):
    """Its server does not answer yet."""

    code = "notebooks.not_ready"
    default_message = "This notebook is still being prepared."
    default_remedy = "Wait a moment; its page says when it can be entered."


class NotebooksOffError(UnavailableError):
    """This node opens none; the message says what its administrator does about that."""

    code = "notebooks.off"
    default_message = "This node opens no notebooks."


class NoJupyterError(InvalidInputError):
    """The environment for a notebook holds no JupyterLab."""

    code = "notebooks.no_jupyter"
    default_message = "The lock file names no jupyterlab, so its environment cannot open a notebook."
    default_remedy = "Add jupyterlab and ipykernel to it, pinned by hashes; or leave the lock file out."


class EntryRefusedError(CapabilityRefusedError):
    """A way into a notebook that is not open: used before, too old, or shut since."""

    code = "notebooks.entry_refused"
    default_message = "This way into the notebook is closed: it works once, for a short time, in one browser."
    default_remedy = "Press “Open” on the page of the notebook again."
