"""The dataset card: ``README.md`` with the head that clients read, made from the record unless the dataset has its own.

Source: https://huggingface.co/docs/hub/datasets-manual-configuration (configs), datasets-cards (other keys).
"""

from __future__ import annotations

import re
from collections import Counter

import yaml

from tsunagu.core import settings
from tsunagu.data.datasets import api as datasets
from tsunagu.doors.hub.revisions import Revision
from tsunagu.foundation.identity.api import Actor
from tsunagu.standards import api as standards

NAME = "README.md"
_LOADERS = {
    "csv": (".csv", ".tsv"),
    "parquet": (".parquet",),
    "json": (".jsonl", ".ndjson"),
    "text": (".txt",),
    "imagefolder": (".png", ".jpg", ".jpeg", ".tif", ".tiff"),
}
_SAMPLED = 2000
# Clients find splits by these words in names themselves; then nothing is added.
_SPLIT = re.compile(
    r"(?:^|[/_.\- ])(?:train|training|test|testing|eval|evaluation|dev|valid(?:ation)?)(?:[/_.\- ]|\Z)",
    re.IGNORECASE,
)


def own_card(actor: Actor, revision: Revision) -> datasets.FileCard | None:
    """The dataset's own README.md."""
    try:
        return datasets.get_file(actor, revision.card, NAME, version=revision.version.number)
    except datasets.NoSuchFileError:
        return None


def made_card(actor: Actor, revision: Revision) -> bytes:
    """A card from the record of the version."""
    said = _said(revision)
    head: dict[str, object] = {}
    if title := said.get("title"):
        head["pretty_name"] = title
    if licence := said.get("licence"):
        known = standards.known_licence(licence)
        head |= {"license": known.hub} if known else {"license": "other", "license_name": licence}
    if configs := _configs(actor, revision):
        head["configs"] = configs
    version = revision.version
    place = f"{settings.current().control_address}/d/{revision.card.slug}"
    lines = [f"# {title or revision.card.slug}", ""]
    if other := said.get("title_en") or said.get("title_ja"):
        lines += [other, ""]
    if text := said.get("description"):
        lines += [text, ""]
    slug, number = revision.card.slug, version.number
    lines += [
        f"Version {number} of [{slug}]({place}?version={number}), frozen {version.frozen_at}.",
        f"It holds {version.file_count:,} files of {version.byte_count:,} bytes together.",
        "",
        f"Its hash is `{version.version_hash}`; `tsunagu verify {slug}` checks every byte against it.",
        "",
    ]
    front = yaml.safe_dump(head, allow_unicode=True, sort_keys=False) if head else ""
    whole = [f"---\n{front}---\n"] if front else []
    return "\n".join([*whole, *lines]).encode()


def _said(revision: Revision) -> dict[str, str]:
    described = revision.version.described
    return {name: str(found.get("value", "")) for name, found in described.items() if isinstance(found, dict)}


def _configs(actor: Actor, revision: Revision) -> list[dict[str, object]]:
    """Which files make the table: those of the kind that most files are, unless their names say splits."""
    page = datasets.list_files(actor, revision.card, version=revision.version.number, limit=_SAMPLED)
    paths = [file.path for file in page.files]
    kinds = Counter(kind for path in paths for kind, ends in _LOADERS.items() if path.lower().endswith(ends))
    if not kinds:
        return []
    kind = min(kinds, key=lambda name: (-kinds[name], list(_LOADERS).index(name)))
    chosen = [path for path in paths if path.lower().endswith(_LOADERS[kind])]
    if any(_SPLIT.search(path) for path in chosen):
        return []
    ends = sorted({f"**/*.{path.rpartition('.')[2]}" for path in chosen})
    return [{"config_name": "default", "data_files": [{"split": "train", "path": ends}]}]
