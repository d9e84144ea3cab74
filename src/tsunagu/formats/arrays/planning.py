"""From what readers said of the files of a version to the Zarr stores to be made of them.

Files of one reader that hold the same arrays (names, shapes, types and units) become one store with a leading
dimension ``file``. Nothing is put together that differs: it goes into a store of its own, and the plan says what differs.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tsunagu.formats.arrays.types import ArrayConflict, StorePlan
from tsunagu.formats.converting.file_columns import file_columns, name_of
from tsunagu.formats.converting.types import SOURCE_COLUMN, Problem, SourcePlan
from tsunagu.formats.mapping.units import known

MOST_STORES = 500
_MOST_FACTS = 2000
_NUMBERS = re.compile(r"[<>|=]?([iufcb])(\d+)\Z|(bool|u?int\d+|float(?:16|32|64)|complex(?:64|128))\Z")
_LETTERS = {"i": "int", "u": "uint", "f": "float", "c": "complex"}
# Attributes that the readers of arrays copy themselves, to where they stand.
_COPIED = re.compile(r"@|^(global )?attribute |^dimension ")
_Signature = tuple[tuple[str, tuple[int, ...], str, str], ...]


@dataclass(slots=True)
class _Group:
    reader: str
    signature: _Signature
    members: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ArraysPlan:
    """What is to be made of the arrays of a version.

    Attributes:
        taken: Paths of the files that are in a store.
    """

    stores: tuple[StorePlan, ...]
    problems: tuple[Problem, ...] = ()
    conflicts: tuple[ArrayConflict, ...] = ()
    taken: frozenset[str] = frozenset()


def plan_arrays(files: Iterable[Any], *, readers: frozenset[str], labels: Mapping[str, str]) -> ArraysPlan:
    """The stores that a version's files become.

    Args:
        files: ``ReadFile`` in the order of their paths.
        readers: Names of those whose arrays can be read.
        labels: Words for common names, which describe what is said of each file.
    """
    groups: dict[Any, _Group] = {}
    problems = []
    for file in files:
        reader = file.outcome.get("reader") or ""
        if reader not in readers:
            continue
        if file.outcome["status"] == "unreadable":
            problems.append(Problem(file.path, file.outcome["reason"], file.outcome.get("reason_code", "")))
            continue
        signature = _signature(file.outcome["reading"])
        if not signature:
            continue
        group = groups.get((reader, _key(signature)))
        if group is None and len(groups) >= MOST_STORES:
            reason = f"The files have more than {MOST_STORES} different sets of arrays."
            problems.append(Problem(file.path, reason, "too_big"))
            continue
        if group is None:
            group = groups[reader, _key(signature)] = _Group(reader, signature)
        group.members.append(file)
    names: set[str] = set()
    stores = tuple(_store(group, names, labels) for group in groups.values())
    taken = frozenset(source.path for store in stores for source in store.sources)
    return ArraysPlan(stores, tuple(problems), _conflicts(groups.values()), taken)


def _signature(reading: Mapping[str, Any]) -> _Signature:
    """The arrays of numbers of a file; nothing where each of them is a column of one of its tables."""
    columns = {
        (column["name"], table["row_count"]) for table in reading["tables"] for column in table["columns"]
    }
    found = []
    is_more = False
    for array in reading.get("arrays", ()):
        dtype, shape = _type_name(str(array["dtype"])), tuple(array["shape"])
        if dtype is None or not shape or 0 in shape:
            continue
        found.append((array["name"], shape, dtype, _unit(array.get("unit"))))
        leaf = array["name"].rpartition("/")[2]
        is_more |= len(shape) > 1 or (leaf, shape[0]) not in columns
    return tuple(sorted(found)) if is_more else ()


def _unit(text: str | None) -> str:
    return known(text) or text if text else ""


def _type_name(text: str) -> str | None:
    match = _NUMBERS.match(text)
    if match is None:
        return None
    letter, size, name = match.groups()
    if name:
        return str(name)
    return "bool" if letter == "b" else f"{_LETTERS[letter]}{int(size) * 8}"


def _key(signature: _Signature) -> Any:
    # A single array may be called after its file.
    return signature[0][1:] if len(signature) == 1 else signature


def _store(group: _Group, names: set[str], labels: Mapping[str, str]) -> StorePlan:
    files = group.members
    base = name_of([file.path for file in files], group.reader)
    name = next(one for n in count(1) if (one := f"{base}-{n}" if n > 1 else base) not in names)
    names.add(name)
    is_stack = len(files) > 1
    columns, values = file_columns(files, {SOURCE_COLUMN}, labels) if is_stack else ((), [()])
    sources = tuple(
        SourcePlan(file.path, "", file.byte_count, said) for file, said in zip(files, values, strict=True)
    )
    return StorePlan(name, group.reader, sources, columns, _facts(files), is_stack)


def _facts(files: Sequence[Any]) -> dict[str, Any]:
    """What the files say, where all say the same; nothing that may point at a person."""
    common: dict[str, Any] | None = None
    for file in files:
        said = {}
        for one in file.outcome["reading"]["fields"]:
            where = one.get("where", "")
            if one.get("personal") or _COPIED.search(where):
                continue
            key = one["key"] if one["key"] not in said else f"{one['key']} ({where})"
            said[key] = {"value": one["value"], **({"unit": one["unit"]} if one.get("unit") else {})}
        if common is None:
            common = dict(list(said.items())[:_MOST_FACTS])
        else:
            common = {key: value for key, value in common.items() if said.get(key) == value}
    return common or {}


def _conflicts(groups: Iterable[_Group]) -> tuple[ArrayConflict, ...]:
    """Arrays of one name, in files whose arrays have the same names, that differ in one thing or another."""
    same: dict[Any, list[_Group]] = defaultdict(list)
    for group in groups:
        names = frozenset(one[0] for one in group.signature) if len(group.signature) > 1 else ""
        same[group.reader, names].append(group)
    found = []
    for several in same.values():
        for place, array in enumerate(several[0].signature):
            for what, part in (("shape", 1), ("type", 2), ("unit", 3)):
                counts: Counter[str] = Counter()
                for group in several:
                    value = group.signature[place][part]
                    text = " x ".join(map(str, value)) if isinstance(value, tuple) else str(value)
                    counts[text] += len(group.members)
                if len(counts) > 1:
                    found.append(ArrayConflict(array[0], what, tuple(counts.most_common())))
    return tuple(found)
