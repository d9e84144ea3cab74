"""What readers found in a dataset's files, as far as an index takes it in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tsunagu.data.description import sealing
from tsunagu.data.description.mappings import current_mapping, parsed
from tsunagu.data.description.models import Extraction, Fact
from tsunagu.formats import api as formats

# A change of a title must not take seconds because the dataset has a million files.
_MOST_FACTS = 50_000
_MOST_KINDS = 100


@dataclass(frozen=True, slots=True)
class Findable:
    """What files say: distinct (name, text, number or None, unit), and the formats that they are in."""

    facts: frozenset[tuple[str, str, float | None, str]]
    formats: tuple[str, ...]


def found_in_files(dataset_id: str, contents: Collection[bytes] | None = None) -> Findable:
    """Normalised fields and formats of a dataset's files, without asking the rules: the caller does.

    Args:
        dataset_id: The dataset.
        contents: Only files with these SHA-256; None: all of the draft that were read.

    Returns:
        What is in the first 50,000 fields, in no order that means something.
    """
    rows = Fact.objects.filter(dataset_id=dataset_id).values_list("name", "text", "number", "unit")
    readers = Extraction.objects.filter(dataset_id=dataset_id, is_current=True).exclude(reader="")
    if contents is None:
        kinds = readers.values_list("reader", flat=True).distinct()[:_MOST_KINDS]
        return Findable(frozenset(rows[:_MOST_FACTS]), tuple(sorted(kinds)))
    several = rows.values_list("name", "text", "number", "unit", "extraction__sha256")[:_MOST_FACTS]
    facts = {
        (name, text, number, unit) for name, text, number, unit, sha in several if bytes(sha) in contents
    }
    named = {reader for reader, sha in readers.values_list("reader", "sha256") if bytes(sha) in contents}
    return Findable(frozenset(facts), tuple(sorted(named)[:_MOST_KINDS]))


def beginning_of_texts(dataset_id: str, hashes: Collection[bytes]) -> list[str]:
    """The beginning of text files by SHA-256, as their readers kept it; the caller has asked the rules."""
    rows = Extraction.objects.filter(dataset_id=dataset_id, is_current=True, sha256__in=list(hashes))
    previews = [preview for row in rows.defer("outcome") for preview in sealing.shown_previews(row)]
    return [str(preview["text"]) for preview in previews if preview.get("kind") == "text"]


def terms() -> dict[str, formats.Term]:
    """The names of the mapping in force, with labels, types and units."""
    return {term.name: term for term in parsed(current_mapping().text).terms}
