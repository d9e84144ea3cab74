"""The door of readiness: versions made AI-ready, the card that judges them, documents that describe them."""

from tsunagu.data.readiness.attesting import attest
from tsunagu.data.readiness.cards import card, repaired_columns
from tsunagu.data.readiness.choosing import take_back
from tsunagu.data.readiness.errors import (
    BadChoiceError,
    BadMomentsError,
    BadRulesError,
    ForeignDatasetError,
    NoSuchChoiceError,
    NotAttestedError,
    NothingFrozenError,
    ReadyAlreadyError,
    TooManyFilesError,
)
from tsunagu.data.readiness.making import AnyPlan, AnyProfile, Maker, Stored, limits_of, offer
from tsunagu.data.readiness.record import croissant, data_package, ro_crate, schema_org
from tsunagu.data.readiness.selectors import preparation, prepared
from tsunagu.data.readiness.services import repair, start
from tsunagu.data.readiness.types import (
    ChoiceCard,
    GroupScore,
    PreparationCard,
    ReadinessCard,
    Repair,
    Result,
    Rule,
)

__all__ = [
    "AnyPlan",
    "AnyProfile",
    "BadChoiceError",
    "BadMomentsError",
    "BadRulesError",
    "ChoiceCard",
    "ForeignDatasetError",
    "GroupScore",
    "Maker",
    "NoSuchChoiceError",
    "NotAttestedError",
    "NothingFrozenError",
    "PreparationCard",
    "ReadinessCard",
    "ReadyAlreadyError",
    "Repair",
    "Result",
    "Rule",
    "Stored",
    "TooManyFilesError",
    "attest",
    "card",
    "croissant",
    "data_package",
    "limits_of",
    "offer",
    "preparation",
    "prepared",
    "repair",
    "repaired_columns",
    "ro_crate",
    "schema_org",
    "start",
    "take_back",
]
