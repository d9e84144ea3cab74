"""What every handler of the byte server works with."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from tsunagu.core.blobs import BlobStore, open_store
from tsunagu.core.capabilities import KeyCarrier, Signer
from tsunagu.core.ids import is_id
from tsunagu.dataplane.control import Commit, Control, Staged
from tsunagu.dataplane.metrics import Metrics
from tsunagu.dataplane.receive import TooMuchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tsunagu.core.bundle import Entry
    from tsunagu.dataplane.settings import Settings


_KEPT_CHUNKS = 32  # of 64 KiB, for a request that reads many small files out of one object


@dataclasses.dataclass(frozen=True)
class Grant:
    """What a push capability allows, and the store that takes its bytes.

    Attributes:
        domain: The key domain in which the dataset is sealed; empty: it is not.
    """

    run: str
    dataset: str
    max_bytes: int | None
    domain: str
    store: BlobStore

    def check_size(self, size: int) -> None:
        """Refuse what is larger than the capability allows.

        Raises:
            TooMuchError: with the limit.
        """
        if self.max_bytes is not None and size > self.max_bytes:
            raise TooMuchError("This is larger than what may still be sent.", limit=self.max_bytes)

    def commit(self, unit: str, kind: str, place: tuple[str, int], files: Sequence[Entry]) -> Commit:
        """What control is told of an object and its plain size."""
        key, size = place
        if self.domain:
            from tsunagu.core.blobs.chunks import sealed_size

            size = sealed_size(size)
        return Commit(self.run, self.dataset, unit, key, size, kind, files, self.domain)


@dataclasses.dataclass(frozen=True)
class StageGrant:
    """What a capability to send ahead of a commit allows, and the store that takes its bytes.

    Attributes:
        who: Kind, id and token of the sender; control asks the rules about them again.
        domain: The key domain in which the dataset is sealed; empty: it is not.
        claims: What else the capability says.
    """

    dataset: str
    who: tuple[str, ...]
    domain: str
    store: BlobStore
    data_key: bytes
    claims: dict[str, Any]

    def staged(self, unit: str, place: tuple[str, int], sha256: str) -> Staged:
        """What control is told of an object and its plain size."""
        key, plain = place
        size = plain
        if self.domain:
            from tsunagu.core.blobs.chunks import sealed_size

            size = sealed_size(plain)
        return Staged(self.dataset, self.who, unit, key, size, sha256, plain, self.domain)


@dataclasses.dataclass(frozen=True)
class Context:
    """The parts of a running byte server."""

    settings: Settings
    signer: Signer
    carrier: KeyCarrier
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
            carrier=KeyCarrier(settings.spool_dir),
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
        domain = str(claims.get("dom") or "")
        store = self.store
        if domain:
            store = self._sealed(self.carrier.show(str(claims["dk"]), f"push {run} {domain}"))
        return Grant(run, dataset, claims.get("max"), domain, store)

    def read_stage(self, token: str, purpose: str) -> StageGrant:
        """What a capability to send ahead of a commit allows.

        Args:
            token: The capability.
            purpose: ``stage`` (one object) or ``xet``.

        Raises:
            CapabilityRefusedError: it is not valid.
        """
        claims: dict[str, Any] = self.signer.read(token, purpose)
        dataset, domain = str(claims["ds"]), str(claims.get("dom") or "")
        if not is_id(dataset):
            raise ValueError("control signed a capability without ids")
        store, data_key = self.store, b""
        if domain:
            data_key = self.carrier.show(str(claims["dk"]), f"stage {dataset} {domain}")
            store = self._sealed(data_key)
        return StageGrant(dataset, tuple(claims["who"]), domain, store, data_key, claims)

    def stage(self, staged: Staged) -> None:
        """Have an object wait for a commit; a second object of the same unit goes."""
        if self.control.stage(staged) != staged.key:
            self.store.delete(staged.key)

    def store_of(self, key: str, hidden: str) -> BlobStore:
        """The store that reads an object.

        Args:
            key: Of the object.
            hidden: Its own key as control hid it; empty: the object is not sealed.

        Raises:
            CapabilityRefusedError: the key was hidden for another object, or too long ago.
        """
        if not hidden:
            return self.store
        from tsunagu.core.blobs.sealed import SealedStore

        shown = self.carrier.show(hidden, f"get {key}")
        return SealedStore(self.store, lambda _key: shown, keeps=_KEPT_CHUNKS)

    def _sealed(self, data_key: bytes) -> BlobStore:
        from tsunagu.core.blobs.sealed import SealedStore  # a node without sealed datasets carries no cipher

        return SealedStore.of(self.store, data_key)

    def commit(self, commit: Commit) -> dict[str, Any]:
        """Have control write the rows, and count."""
        answer = self.control.commit(commit)
        self.metrics.add("committed_files", len(commit.files))
        return answer
