"""What readers found in a dataset's files, as far as an index takes it in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from tsunagu.data.description import sealing
from tsunagu.data.description.mappings import current_mapping, parsed
from tsunagu.data.description.models import Extraction, Fact
from tsunagu.formats import api as formats

# A change of a title must not take seconds because the dataset has a million files.
_MOST_FACTS = 50_000


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
    rows = Fact.objects.filter(dataset_id=dataset_id)
    if contents is None:
        facts = rows.values_list("name", "text", "number", "unit")[:_MOST_FACTS]
        return Findable(frozenset(facts), tuple(formats_of([dataset_id]).get(dataset_id, ())))
    several = rows.values_list("name", "text", "number", "unit", "extraction__sha256")[:_MOST_FACTS]
    named = Extraction.objects.filter(dataset_id=dataset_id, is_current=True).values_list("reader", "sha256")
    return Findable(
        frozenset(fact[:4] for fact in several if bytes(fact[4]) in contents),
        tuple(sorted({reader for reader, sha256 in named if reader and bytes(sha256) in contents})),
    )


# Steps from one reader to the next along an index, however many files there are; ``distinct`` would read them all.
_FORMATS = """
with recursive step(dataset_id, reader) as (
  select d.dataset_id, (select min(e.reader) from description_extraction e
                        where e.dataset_id = d.dataset_id and e.is_current and e.reader > '')
  from ({datasets}) d
  union all
  select s.dataset_id, (select min(e.reader) from description_extraction e
                        where e.dataset_id = s.dataset_id and e.is_current and e.reader > s.reader)
  from step s where s.reader is not null
)
select dataset_id, reader from step where reader is not null order by dataset_id, reader
"""


def formats_of(dataset_ids: Sequence[str]) -> dict[str, list[str]]:
    """The formats of all files that were read, by dataset, without asking the rules: the caller does."""
    if not dataset_ids:
        return {}
    several = " union all ".join(["select %s as dataset_id"] * len(dataset_ids))
    found: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_FORMATS.format(datasets=several), list(dataset_ids))
        for key, reader in cursor.fetchall():
            found.setdefault(key, []).append(reader)
    return found


def beginning_of_texts(hashes: Mapping[str, Sequence[bytes]]) -> dict[str, list[str]]:
    """The beginning of text files, as their readers kept it, by dataset; the caller has asked the rules.

    Args:
        hashes: SHA-256 of contents by ULID of the dataset.
    """
    wanted = {(key, sha256) for key, several in hashes.items() for sha256 in several}
    rows = Extraction.objects.filter(
        dataset_id__in=list(hashes), is_current=True, sha256__in=[sha256 for _key, sha256 in wanted]
    )
    found: dict[str, list[str]] = {}
    for row in rows.defer("outcome").order_by("path"):
        if (row.dataset_id, bytes(row.sha256)) in wanted:
            texts = [str(one["text"]) for one in sealing.shown_previews(row) if one.get("kind") == "text"]
            found.setdefault(row.dataset_id, []).extend(texts)
    return found


def terms() -> dict[str, formats.Term]:
    """The names of the mapping in force, with labels, types and units."""
    return {term.name: term for term in parsed(current_mapping().text).terms}


@dataclass(frozen=True, slots=True)
class Told:
    """What a file itself says, as far as it helps to sort it; empty where it says nothing."""

    reader: str = ""
    status: str = ""
    reason_code: str = ""
    instrument: str = ""
    measured_on: str = ""


_SORTING = ("instrument_name", "instrument_model", "measurement_start")


def told_by_files(dataset_id: str) -> dict[bytes, Told]:
    """What each content of a dataset says of instrument and day, without asking the rules: the caller does."""
    said: dict[bytes, dict[str, str]] = {}
    facts = Fact.objects.filter(dataset_id=dataset_id, name__in=_SORTING)
    for sha256, name, text in facts.values_list("extraction__sha256", "name", "text"):
        said.setdefault(bytes(sha256), {}).setdefault(name, text)
    rows = Extraction.objects.filter(dataset_id=dataset_id, is_current=True)
    found = {}
    for sha256, reader, status, reason_code in rows.values_list("sha256", "reader", "status", "reason_code"):
        told = said.get(bytes(sha256), {})
        found[bytes(sha256)] = Told(
            reader,
            status,
            reason_code,
            told.get("instrument_name") or told.get("instrument_model", ""),
            told.get("measurement_start", "")[:10],
        )
    return found
