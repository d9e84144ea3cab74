"""The light client: Python's standard library alone.

``tsunagu.connect()`` gives a `Client`; the ``tsunagu`` command is `tsunagu.client.cli`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsunagu.client.workspace import Client, Dataset, Project, connect

__all__ = ["Client", "Dataset", "Project", "connect"]


def __getattr__(name: str) -> Any:
    # http.client and ssl cost 50 ms; `tsunagu --help` needs neither.
    if name in __all__:
        from tsunagu.client import workspace

        return getattr(workspace, name)
    raise AttributeError(name)
