"""What every handler of the byte server works with."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from tsunagu.core.blobs import BlobStore, open_store
from tsunagu.core.capabilities import Signer
from tsunagu.core.ids import is_id
from tsunagu.dataplane.control import Commit, Control
from tsunagu.dataplane.metrics import Metrics
from tsunagu.dataplane.receive import TooMuchError

if TYPE_CHECKING:
    from tsunagu.dataplane.settings import Settings


@dataclasses.dataclass(frozen=True)
class Grant:
    """What a push capability allows."""

    run: str
    dataset: str
    max_bytes: int | None

    def check_size(self, size: int) -> None:
        """Refuse what is larger than the capability allows.

        Raises:
            TooMuchError: with the limit.
        """
        if self.max_bytes is not None and size > self.max_bytes:
            raise TooMuchError("This is larger than what may still be sent.", limit=self.max_bytes)


@dataclasses.dataclass(frozen=True)
class Context:
    """The parts of a running byte server."""

    settings: Settings
    signer: Signer
    store: BlobStore
    control: Control
    metrics: Metrics

    @classmethod
    def build(cls, settings: Settings) -> Context:
        """Open the store and the key."""
        settings.spool_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        signer = Signer.from_file(settings.key_file)
        options = {"spool": str(settings.spool_dir / "store"), **settings.store_options}
        return cls(
            settings=settings,
            signer=signer,
            store=open_store(settings.store_url, options=options),
            control=Control(settings.control_url, signer, timeout_s=settings.control_timeout_s),
            metrics=Metrics(),
        )

    def read_grant(self, token: str) -> Grant:
        """What a push capability allows.

        Raises:
            CapabilityRefusedError: it is not valid.
        """
        claims: dict[str, Any] = self.signer.read(token, "push")
        run, dataset = str(claims["run"]), str(claims["ds"])
        if not is_id(run) or not is_id(dataset):
            raise ValueError("control signed a capability without ids")
        return Grant(run, dataset, claims.get("max"))

    def commit(self, commit: Commit) -> dict[str, Any]:
        """Have control write the rows, and count."""
        answer = self.control.commit(commit)
        self.metrics.add("committed_files", len(commit.files))
        return answer
