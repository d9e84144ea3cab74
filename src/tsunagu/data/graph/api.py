"""The door of the graph: things, what they have to do with each other, and which of them are one."""

from tsunagu.data.graph.claims import KINDS
from tsunagu.data.graph.deciding import STEPS, decide, may_decide
from tsunagu.data.graph.errors import DecidedError, NoSuchMergeError, NoSuchThingError, NotAskedError
from tsunagu.data.graph.indexing import begin_anew, catch_up, keep_up
from tsunagu.data.graph.linked_data import to_json_ld
from tsunagu.data.graph.merges import STATES, count_merges, get_merge, list_merges
from tsunagu.data.graph.selectors import (
    find,
    find_uid,
    get_card,
    get_thing,
    neighbours,
    own_uid,
    thing_for,
    things_for,
)
from tsunagu.data.graph.types import (
    Card,
    Conflict,
    Evidence,
    Group,
    MergeCard,
    Name,
    Neighbour,
    Pid,
    SourceCard,
    Thing,
)

__all__ = [
    "KINDS",
    "STATES",
    "STEPS",
    "Card",
    "Conflict",
    "DecidedError",
    "Evidence",
    "Group",
    "MergeCard",
    "Name",
    "Neighbour",
    "NoSuchMergeError",
    "NoSuchThingError",
    "NotAskedError",
    "Pid",
    "SourceCard",
    "Thing",
    "begin_anew",
    "catch_up",
    "count_merges",
    "decide",
    "find",
    "find_uid",
    "get_card",
    "get_merge",
    "get_thing",
    "keep_up",
    "list_merges",
    "may_decide",
    "neighbours",
    "own_uid",
    "thing_for",
    "things_for",
    "to_json_ld",
]
