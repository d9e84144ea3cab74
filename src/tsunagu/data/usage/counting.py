"""What the Code of Practice for Research Data (COUNTER, release RD1) makes of hits. Pure: the same hits give the same counts.

- An *investigation* is a landing page, a preview or metadata; a *request* asks for content and is an investigation as well.
- Two hits of one user on one address within 30 seconds are a double click: the last of them counts.
- The pages and ranges of one download are one request: one user, one address, one hour.
- *Unique* counts sessions, not hits: one user, one hour of one day.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

DOUBLE_CLICK_S = 30
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit of a day.

    Attributes:
        at_s: Seconds since midnight where the node is.
        target: What stands for the address, without what leads through its pages.
        who: What stands for the user on this day.
        is_job: Whether the address is asked for many times in one download.
    """

    at_s: int
    version: int
    is_request: bool
    channel: str
    method: str
    target: str
    who: str
    is_job: bool = False


class Key(NamedTuple):
    """What a number counts; version 0 is all of them, an empty channel every one."""

    version: int
    metric: str
    method: str
    channel: str


TOTAL_INVESTIGATIONS = "total-dataset-investigations"
UNIQUE_INVESTIGATIONS = "unique-dataset-investigations"
TOTAL_REQUESTS = "total-dataset-requests"
UNIQUE_REQUESTS = "unique-dataset-requests"
METRICS = (TOTAL_INVESTIGATIONS, UNIQUE_INVESTIGATIONS, TOTAL_REQUESTS, UNIQUE_REQUESTS)


def settled(hits: Iterable[Hit]) -> list[Hit]:
    """The hits that count: of a double click the last, of a download's pages one."""
    by_target: defaultdict[tuple[str, str, bool], list[Hit]] = defaultdict(list)
    for hit in hits:
        by_target[hit.who, hit.target, hit.is_request].append(hit)
    kept: list[Hit] = []
    for several in by_target.values():
        several.sort(key=lambda one: (one.at_s, one.is_job))
        for hit, following in zip(several, [*several[1:], None], strict=True):
            if following is None or not _is_same(hit, following):
                kept.append(hit)
    return kept


def _is_same(hit: Hit, following: Hit) -> bool:
    if following.at_s - hit.at_s <= DOUBLE_CLICK_S:
        return True
    return hit.is_job and following.is_job and following.at_s // _HOUR_S == hit.at_s // _HOUR_S


def count(hits: Iterable[Hit]) -> Counter[Key]:
    """The numbers of one dataset on one day."""
    counts: Counter[Key] = Counter()
    sessions: defaultdict[Key, set[tuple[str, int]]] = defaultdict(set)
    for hit in settled(hits):
        session = (hit.who, hit.at_s // _HOUR_S)
        for version in (hit.version, 0):
            counts[Key(version, TOTAL_INVESTIGATIONS, hit.method, "")] += 1
            sessions[Key(version, UNIQUE_INVESTIGATIONS, hit.method, "")].add(session)
            if hit.is_request:
                counts[Key(version, TOTAL_REQUESTS, hit.method, "")] += 1
                counts[Key(version, TOTAL_REQUESTS, hit.method, hit.channel)] += 1
                sessions[Key(version, UNIQUE_REQUESTS, hit.method, "")].add(session)
    for key, several in sessions.items():
        counts[key] = len(several)
    return counts
