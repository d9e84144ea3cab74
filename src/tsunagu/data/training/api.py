"""The door of training: which data were read for which training."""

from tsunagu.data.training.errors import NoSuchTrainingError, NoSuchUseError, UseEndedError
from tsunagu.data.training.selectors import begun, training, trainings, uses_of
from tsunagu.data.training.services import end_use, note, open_use, permit, settle_silent
from tsunagu.data.training.types import OpenUse, Report, TrainingCard, UseCard

__all__ = [
    "NoSuchTrainingError",
    "NoSuchUseError",
    "OpenUse",
    "Report",
    "TrainingCard",
    "UseCard",
    "UseEndedError",
    "begun",
    "end_use",
    "note",
    "open_use",
    "permit",
    "settle_silent",
    "training",
    "trainings",
    "uses_of",
]
