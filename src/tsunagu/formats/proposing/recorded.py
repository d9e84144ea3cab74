"""What somebody already wrote about the dataset, in a record that lies among its files: proposed as it stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsunagu.formats.proposing.evidence import READ, Evidence, Proposal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tsunagu.formats.types import Field, FieldValue, Outcome

READER = "record"
_NAMES = frozenset(
    ("title", "title_ja", "title_en", "description", "description_ja", "description_en", "creators", "contributors",
     "keywords", "licence", "rights_holder")
)  # fmt: skip
_LISTS = frozenset(("creators", "contributors", "keywords"))
_CONFIDENCE = 0.95


def recorded(outcomes: Iterable[tuple[str, Outcome]]) -> list[Proposal]:
    """The values of the record that stands highest: one in a folder further down is about a part."""
    records = [
        pair for pair in outcomes if pair[1].status in READ and pair[1].reader == READER
    ]  # fmt: skip
    if not records:
        return []
    path, outcome = min(records, key=lambda pair: (pair[0].count("/"), pair[0]))
    said: dict[str, list[Field]] = {}
    for item in outcome.reading.fields:
        if item.key in _NAMES:
            said.setdefault(item.key, []).append(item)
    return [_proposal(path, key, parts) for key, parts in said.items()]


def _proposal(path: str, key: str, parts: list[Field]) -> Proposal:
    """What is longer than one field may be stands in several of the same name."""
    values = [
        one for part in parts for one in (part.value if isinstance(part.value, tuple) else (part.value,))
    ]
    value: FieldValue = tuple(values) if key in _LISTS else "".join(str(one) for one in values)
    evidence = tuple(Evidence(path, part.key, part.where, part.value, READER) for part in parts[:20])
    return Proposal(key, value, None, _CONFIDENCE, "written_in_record", evidence)
