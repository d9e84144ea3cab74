"""The door of capture: files arrive in pushes and are acknowledged by receipts."""

from tsunagu.data.capture.errors import NoSuchPushError, PushClosedError
from tsunagu.data.capture.selectors import open_pushes, pushes_of_dataset, receipt, unit_files
from tsunagu.data.capture.services import (
    commit_arrival,
    finish_push,
    open_push,
    plan,
    renew,
    settle_abandoned,
)
from tsunagu.data.capture.types import Arrival, OpenPush, Plan, PushCard, Receipt

__all__ = [
    "Arrival",
    "NoSuchPushError",
    "OpenPush",
    "Plan",
    "PushCard",
    "PushClosedError",
    "Receipt",
    "commit_arrival",
    "finish_push",
    "open_push",
    "open_pushes",
    "plan",
    "pushes_of_dataset",
    "receipt",
    "renew",
    "settle_abandoned",
    "unit_files",
]
