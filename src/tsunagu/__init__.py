"""Tsunagu: a research data cloud. ``import tsunagu`` gives the light client and loads no heavy library."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsunagu.client import Client, connect
    from tsunagu.streaming.api import Stream, stream

__all__ = ["Client", "Stream", "connect", "stream"]
__version__ = "0.1.0.dev0"


def __getattr__(name: str) -> Any:
    if name in {"Stream", "stream"}:
        # Not by an import statement: the light client imports this module for its version, and must not need pyarrow.
        return getattr(import_module("tsunagu.streaming"), name)
    if name in __all__:
        from tsunagu import client

        return getattr(client, name)
    raise AttributeError(name)
