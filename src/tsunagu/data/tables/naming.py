"""Files to tables: shards of one name are one table, and a name can stand in SQL without quotes where possible."""

from __future__ import annotations

import re
from collections.abc import Iterable

SUFFIX = ".parquet"
_SHARD = re.compile(r"[-_.]\d+(-of-\d+)?$")


def named(paths: Iterable[str]) -> dict[str, list[str]]:
    """Name of a table -> its files, both sorted. Where a name would stand for two folders, the folder is part of it."""
    groups: dict[str, list[str]] = {}
    for path in sorted(paths):
        groups.setdefault(_SHARD.sub("", path.removesuffix(SUFFIX)), []).append(path)
    short: dict[str, list[str]] = {}
    for whole in groups:
        short.setdefault(_word(whole.rpartition("/")[2]), []).append(whole)
    found: dict[str, list[str]] = {}
    for word, several in short.items():
        for whole in several:
            name = word if len(several) == 1 else _word(whole)
            while name in found:
                name += "_"
            found[name] = groups[whole]
    return dict(sorted(found.items()))


def _word(text: str) -> str:
    found = re.sub(r"\W+", "_", text).strip("_") or "table"
    return f"t_{found}" if found[0].isdigit() else found
