"""The door of harvesting: sources, their rounds, and what came from them."""

from tsunagu.data.harvesting.errors import NoSuchSourceError, NotARepositoryError, SourceKnownError
from tsunagu.data.harvesting.selectors import (
    get_source,
    list_records,
    list_sources,
    record_content,
    record_ids,
    records,
)
from tsunagu.data.harvesting.services import add, ask_now, pause, remove
from tsunagu.data.harvesting.tasks import soon
from tsunagu.data.harvesting.types import FoundRecord, RecordCard, SourceCard

__all__ = [
    "FoundRecord",
    "NoSuchSourceError",
    "NotARepositoryError",
    "RecordCard",
    "SourceCard",
    "SourceKnownError",
    "add",
    "ask_now",
    "get_source",
    "list_records",
    "list_sources",
    "pause",
    "record_content",
    "record_ids",
    "records",
    "remove",
    "soon",
]
