"""Two bundles on their way at once: while the node writes the rows of one, the next one travels."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from threading import local
from typing import TYPE_CHECKING

from tsunagu.client.node import Node
from tsunagu.client.uploads import Uplink
from tsunagu.core.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from tsunagu.client.push_state import Known

_AT_ONCE = 2  # more gains nothing: control commits one bundle after the other

Sent = tuple["list[Known]", int, dict[str, int]]


class Senders:
    """Threads with a connection of their own each.

    Args:
        uplink: The push; its capability is where every thread begins.
    """

    def __init__(self, uplink: Uplink) -> None:
        self._uplink = uplink
        self._own = local()
        self._nodes: list[Node] = []
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="tsunagu-send")
        self._waiting: deque[tuple[list[Known], int, Future[dict[str, int]]]] = deque()

    def send(self, files: list[Known], body: bytes) -> Iterator[Sent]:
        """Hand a bundle over; yields what has arrived meanwhile: files, bytes of the bundle, the node's answer.

        Raises:
            TsunaguError: an earlier bundle was refused.
        """
        self._waiting.append((files, len(body), self._pool.submit(self._send, body)))
        while len(self._waiting) > _AT_ONCE:
            yield self._next()

    def drain(self) -> Iterator[Sent]:
        """Wait for the rest.

        Raises:
            TsunaguError: a bundle was refused.
        """
        while self._waiting:
            yield self._next()

    def close(self) -> None:
        """End the threads; what has not begun is not sent."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for node in self._nodes:
            node.close()

    def _next(self) -> Sent:
        files, size, future = self._waiting.popleft()
        return files, size, future.result()

    def _send(self, body: bytes) -> dict[str, int]:
        uplink: Uplink | None = getattr(self._own, "uplink", None)
        if uplink is None:
            node = Node(self._uplink.node.account)
            self._nodes.append(node)
            opened = {"byte_url": self._uplink.base, "capability": self._uplink.capability}
            uplink = self._own.uplink = Uplink(node, self._uplink.run, opened, self._uplink.state)
        return uplink.send_bundle(new_id(), body)
