"""The stream as a dataset of PyTorch; importing this module needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.utils.data import IterableDataset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tsunagu.streaming.reader import Stream


class StreamDataset(IterableDataset):  # type: ignore[misc]  # torch is not there when types are checked
    """Yields whole batches: give it to a ``DataLoader`` with ``batch_size=None``.

    Each worker reads its part of the rank's shard. Positions of workers are kept by torchdata's ``StatefulDataLoader``.
    """

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self.stream = stream

    def __iter__(self) -> Iterator[Any]:
        return iter(self.stream)

    def set_epoch(self, epoch: int) -> None:
        """Begin that epoch; workers that live on for several epochs count by themselves."""
        self.stream.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """Where this worker stands."""
        return self.stream.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a worker stood."""
        self.stream.load_state_dict(state)
