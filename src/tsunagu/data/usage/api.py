"""The door of usage: doors note what was asked for, owners learn how their data are used."""

from tsunagu.data.usage.agents import kind_of, read_patterns
from tsunagu.data.usage.counts import rebuild
from tsunagu.data.usage.errors import BadMonthError, BadRobotsFileError
from tsunagu.data.usage.gathering import flush, note, start
from tsunagu.data.usage.report import dataset_report
from tsunagu.data.usage.selectors import public_use, public_uses, use_of
from tsunagu.data.usage.tasks import count_new
from tsunagu.data.usage.types import (
    Asked,
    Channel,
    CitationCard,
    InstitutionUse,
    Month,
    PublicUse,
    Totals,
    Use,
)

__all__ = [
    "Asked",
    "BadMonthError",
    "BadRobotsFileError",
    "Channel",
    "CitationCard",
    "InstitutionUse",
    "Month",
    "PublicUse",
    "Totals",
    "Use",
    "count_new",
    "dataset_report",
    "flush",
    "kind_of",
    "note",
    "public_use",
    "public_uses",
    "read_patterns",
    "rebuild",
    "start",
    "use_of",
]
