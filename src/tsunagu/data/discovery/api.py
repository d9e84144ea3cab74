"""The door of discovery: searching, suggesting, saved searches, and keeping the index up to date."""

from tsunagu.data.discovery.clauses import FACETS
from tsunagu.data.discovery.documents import listed, said_by, titles_of
from tsunagu.data.discovery.errors import NoSuchSearchError, TooManySearchesError
from tsunagu.data.discovery.harvested import record_id
from tsunagu.data.discovery.indexing import catch_up, keep_up, rebuild
from tsunagu.data.discovery.saved import forget, list_saved, open_saved, save
from tsunagu.data.discovery.selectors import MOST_HITS, SORTS, search, suggest, told_failures
from tsunagu.data.discovery.showing import places_in
from tsunagu.data.discovery.types import Facet, Failure, Found, Hit, Marked, SavedCard, Suggestion

__all__ = [
    "FACETS",
    "MOST_HITS",
    "SORTS",
    "Facet",
    "Failure",
    "Found",
    "Hit",
    "Marked",
    "NoSuchSearchError",
    "SavedCard",
    "Suggestion",
    "TooManySearchesError",
    "catch_up",
    "forget",
    "keep_up",
    "list_saved",
    "listed",
    "open_saved",
    "places_in",
    "rebuild",
    "record_id",
    "said_by",
    "save",
    "search",
    "suggest",
    "titles_of",
    "told_failures",
]
