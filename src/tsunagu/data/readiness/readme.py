"""The dataset card of what was made: each table a configuration of its own, so that clients load it as it is."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from tsunagu.data.datasets import api as datasets
from tsunagu.formats import api as formats
from tsunagu.standards import api as standards

NAME = "README.md"
_SHOWN_COLUMNS = 100


def write(card: datasets.DatasetCard, version: datasets.VersionRef, tables: Sequence[formats.Made]) -> bytes:
    """README.md with the head that clients of the Hugging Face Hub read."""
    said = {
        name: str(found.get("value", ""))
        for name, found in version.described.items()
        if isinstance(found, dict)
    }
    title = said.get("title") or said.get("title_ja") or said.get("title_en") or card.slug
    head: dict[str, object] = {"pretty_name": title}
    if licence := said.get("licence"):
        known = standards.known_licence(licence)
        head |= {"license": known.hub} if known else {"license": "other", "license_name": licence}
    if tables:
        head["configs"] = [
            {
                "config_name": made.plan.name,
                "data_files": [{"split": "train", "path": made.plan.path}],
                **({"default": True} if number == 0 else {}),
            }
            for number, made in enumerate(tables)
        ]
    front = yaml.safe_dump(head, allow_unicode=True, sort_keys=False)
    lines = [
        f"---\n{front}---\n",
        f"# {title}",
        "",
        *([said["description"], ""] if said.get("description") else []),
        f"Made by Tsunagu from version {version.number} of {card.slug} (`{version.version_hash}`).",
        "The column `source_file` says from which file of it a row comes. `profile.json` says what is in the tables.",
        "",
    ]
    for made in tables:
        lines += _table(made)
    return "\n".join(lines).encode()


def _table(made: formats.Made) -> list[str]:
    profile = made.profile
    rows = [
        f"| {_cell(one.name)} | {one.kind} | {_cell(one.unit)} | {_cell(one.description)} |"
        for one in profile.columns[:_SHOWN_COLUMNS]
    ]
    parts = ", ".join(f"{name} {count:,}" for name, count in sorted(profile.split_counts.items()))
    has_column = any(one.name == formats.SPLIT_COLUMN for one in profile.columns)
    return [
        f"## {made.plan.name}",
        "",
        f"{profile.row_count:,} rows from {len(made.plan.sources):,} files in `{made.plan.path}`.",
        "",
        # Clients of the Hub know one split for each file: without a word they would train on the test rows.
        *(
            [f"The column `{formats.SPLIT_COLUMN}` says the part of each row ({parts}): filter by it.", ""]
            if has_column
            else []
        ),
        "| column | kind | unit | meaning |",
        "|---|---|---|---|",
        *rows,
        "",
    ]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
