"""A dataset as batches over HTTP; ``tsunagu.stream`` is the door."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    # pyarrow is no part of the light client: what is missing is said in words.
    if name in {"Stream", "stream"}:
        try:
            from tsunagu.streaming import api
        except ModuleNotFoundError as error:
            if error.name not in {"numpy", "pyarrow"}:
                raise
            raise _package_missing() from error
        return getattr(api, name)
    raise AttributeError(name)


def _package_missing() -> Exception:
    from tsunagu.client.messages import text
    from tsunagu.streaming.errors import StreamPackageMissingError

    return StreamPackageMissingError(text("stream_package"), remedy='pip install "tsunagu[stream]"')
