"""What can go wrong in the graph."""

from __future__ import annotations

from tsunagu.core.errors import ConflictError, InvalidInputError, NotFoundError


class NoSuchThingError(NotFoundError):
    """Nothing that the asker may see has this name."""

    code = "graph.no_such_thing"
    default_message = "The graph has no such thing, or you may not see it."
    default_remedy = "Look for it by one of its identifiers, such as a DOI or an ORCID iD."


class NoSuchMergeError(NotFoundError):
    """There is no such proposal."""

    code = "graph.no_such_merge"
    default_message = "There is no such proposal, or you may not see it."
    default_remedy = "Open the list of proposals again; what the sources say may have changed."


class DecidedError(ConflictError):
    """Somebody decided it meanwhile, the same or otherwise."""

    code = "graph.decided"
    default_message = "This proposal is in another state by now, so nothing was changed."
    default_remedy = "Open the list of proposals again and look at what was decided."


class NotAskedError(InvalidInputError):
    """A question without anything to look for."""

    code = "graph.not_asked"
    default_message = "The graph was asked for nothing."
    default_remedy = "Give an identifier, a name or a kind of thing."
