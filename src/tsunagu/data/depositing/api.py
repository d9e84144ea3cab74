"""The door of depositing: published versions in the repositories of their institutions."""

from tsunagu.data.depositing.delivering import deliver_due
from tsunagu.data.depositing.errors import (
    NoRepositoryError,
    NotPublishedError,
    StrangeAddressError,
    UndecidedError,
)
from tsunagu.data.depositing.selectors import deposits_of, repositories_for
from tsunagu.data.depositing.services import deposit
from tsunagu.data.depositing.types import DepositCard, RepositoryCard

__all__ = [
    "DepositCard",
    "NoRepositoryError",
    "NotPublishedError",
    "RepositoryCard",
    "StrangeAddressError",
    "UndecidedError",
    "deliver_due",
    "deposit",
    "deposits_of",
    "repositories_for",
]
