"""What can go wrong in the room."""

from __future__ import annotations

from tsunagu.core.errors import InvalidInputError, NotFoundError


class NoSuchSearchError(NotFoundError):
    """A saved search that is not there, or not this person's."""

    code = "discovery.no_such_search"
    default_message = "There is no saved search with this number, or it is somebody else's."
    default_remedy = "Look at your saved searches on the search page."


class TooManySearchesError(InvalidInputError):
    """Each saved search is asked again and again, so there is a limit."""

    code = "discovery.too_many_searches"
    default_message = "You have as many saved searches as one person can have."
    default_remedy = "Remove one that you no longer need, then save this one."
