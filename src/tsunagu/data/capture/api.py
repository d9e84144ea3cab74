"""The door of capture: files arrive in pushes and are acknowledged by receipts, or in commits that freeze at once."""

from tsunagu.data.capture.commits import NOTHING, commit
from tsunagu.data.capture.errors import (
    BytesMissingError,
    DraftInUseError,
    HeadMovedError,
    NoSuchPushError,
    PushClosedError,
)
from tsunagu.data.capture.selectors import open_pushes, pushes_of_dataset, receipt, unit_files
from tsunagu.data.capture.services import (
    commit_arrival,
    finish_push,
    open_push,
    plan,
    renew,
    settle_abandoned,
)
from tsunagu.data.capture.staging import (
    XetAccess,
    available,
    known_to,
    part_size,
    permit_object,
    permit_xet,
    stage_arrival,
)
from tsunagu.data.capture.types import (
    Arrival,
    CommitChange,
    NamedFile,
    NewFile,
    OpenPush,
    Plan,
    PushCard,
    Receipt,
    RemovedFile,
    RemovedFolder,
    StagedArrival,
)

__all__ = [
    "NOTHING",
    "Arrival",
    "BytesMissingError",
    "CommitChange",
    "DraftInUseError",
    "HeadMovedError",
    "NamedFile",
    "NewFile",
    "NoSuchPushError",
    "OpenPush",
    "Plan",
    "PushCard",
    "PushClosedError",
    "Receipt",
    "RemovedFile",
    "RemovedFolder",
    "StagedArrival",
    "XetAccess",
    "available",
    "commit",
    "commit_arrival",
    "finish_push",
    "known_to",
    "open_push",
    "open_pushes",
    "part_size",
    "permit_object",
    "permit_xet",
    "plan",
    "pushes_of_dataset",
    "receipt",
    "renew",
    "settle_abandoned",
    "stage_arrival",
    "unit_files",
]
