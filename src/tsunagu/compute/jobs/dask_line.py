"""The line to the Dask scheduler of the settings."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from tsunagu.compute.jobs.errors import NoExecutorError
from tsunagu.core import settings

_CONNECT_S = 5.0
_ASK_AGAIN_S = 10.0


class DaskLine:
    """Connected when it is needed, and again when it was lost."""

    def __init__(self) -> None:
        self._client: Any = None
        self._away_until = 0.0

    @contextlib.contextmanager
    def open(self) -> Iterator[Any]:
        """The client; one that did not answer is not asked again for a while, for each question takes seconds then.

        Raises:
            NoExecutorError: the scheduler does not answer.
        """
        if time.monotonic() < self._away_until:
            raise NoExecutorError("The Dask scheduler does not answer.")
        try:
            yield self._connected()
        except (OSError, TimeoutError) as error:
            self._away_until = time.monotonic() + _ASK_AGAIN_S
            if self._client is not None:
                self._client.close(timeout=0)
                self._client = None
            raise NoExecutorError(f"The Dask scheduler does not answer: {error}") from error

    def _connected(self) -> Any:
        if self._client is not None and self._client.status == "running":
            return self._client
        try:
            import dask
            from distributed import Client
            from distributed.security import Security
        except ModuleNotFoundError as error:
            raise NoExecutorError("Dask is not installed on this node: pip install tsunagu[dask].") from error
        node = settings.current()
        dask.config.set({"distributed.comm.timeouts.connect": _CONNECT_S, "distributed.comm.retry.count": 0})
        security = None
        if node.dask_tls_ca:
            security = Security(  # type: ignore[no-untyped-call]
                tls_ca_file=node.dask_tls_ca,
                tls_client_cert=node.dask_tls_cert,
                tls_client_key=node.dask_tls_key,
                require_encryption=True,
            )
        self._client = Client(  # type: ignore[no-untyped-call]
            node.dask_scheduler, timeout=_CONNECT_S, set_as_default=False, security=security
        )
        return self._client
