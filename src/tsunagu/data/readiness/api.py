"""The door of readiness: versions made AI-ready, the card that judges them, documents that describe them."""

from tsunagu.data.readiness.attesting import attest
from tsunagu.data.readiness.cards import card
from tsunagu.data.readiness.errors import (
    BadRulesError,
    ForeignDatasetError,
    NotAttestedError,
    NothingFrozenError,
    ReadyAlreadyError,
    TooManyFilesError,
)
from tsunagu.data.readiness.record import croissant, data_package, ro_crate, schema_org
from tsunagu.data.readiness.services import start
from tsunagu.data.readiness.types import (
    GroupScore,
    PreparationCard,
    ReadinessCard,
    Result,
    Rule,
)

__all__ = [
    "BadRulesError",
    "ForeignDatasetError",
    "GroupScore",
    "NotAttestedError",
    "NothingFrozenError",
    "PreparationCard",
    "ReadinessCard",
    "ReadyAlreadyError",
    "Result",
    "Rule",
    "TooManyFilesError",
    "attest",
    "card",
    "croissant",
    "data_package",
    "ro_crate",
    "schema_org",
    "start",
]
