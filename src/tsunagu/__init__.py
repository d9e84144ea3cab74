"""Tsunagu: a research data cloud. ``import tsunagu`` gives the light client and loads no heavy library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsunagu.client import Client, connect

__all__ = ["Client", "connect"]
__version__ = "0.1.0.dev0"


def __getattr__(name: str) -> Any:
    if name in __all__:
        from tsunagu import client

        return getattr(client, name)
    raise AttributeError(name)
