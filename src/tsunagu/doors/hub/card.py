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
_MOST_HEAD = 64 << 10
_HEAD = re.compile(r"---[ \t]*\n(.*?)(?:^|\n)---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
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


def faults(content: str) -> tuple[list[str], list[str]]:
    """What is wrong with the head of a card, and what will only have no effect."""
    # Only so much is looked at: reading YAML is slow, and who sends it may be in no hurry.
    found = _HEAD.match(content[: 2 * _MOST_HEAD].replace("\r\n", "\n").removeprefix("\ufeff"))
    if found is None:
        return [], [
            "The README.md has no head in YAML: it names no licence and says not which files are the table."
        ]
    if len(found[1]) > _MOST_HEAD:
        return ["The head is longer than 64 KiB."], []
    try:
        head = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 2}, column {mark.column + 1}: " if mark else ""
        return [f"The head is no YAML: {place}{getattr(error, 'problem', None) or type(error).__name__}"], []
    if head is None:
        return [], []
    if not isinstance(head, dict):
        return ["The head must be a list of names and values (license: cc-by-4.0)."], []
    return [*_config_faults(head.get("configs")), *_info_faults(head)], _licence_warnings(head)


def _config_faults(configs: object) -> list[str]:
    if configs is None:
        return []
    if not isinstance(configs, list):
        return ["configs must be a list."]
    wrong, names = [], set()
    for number, config in enumerate(configs, 1):
        if not isinstance(config, dict) or not isinstance(config.get("config_name"), str):
            wrong.append(f"configs[{number}] needs a config_name.")
            continue
        name = config["config_name"]
        if name in names:
            wrong.append(f"Two configs are named {name}.")
        names.add(name)
        files = config.get("data_files")
        named = [one for one in files if isinstance(one, dict)] if isinstance(files, list) else []
        if any(not {"split", "path"} <= set(one) for one in named):
            wrong.append(f"data_files of {name} need both a split and a path.")
    return wrong


def _info_faults(head: dict[str, object]) -> list[str]:
    texts = ("pretty_name", "license_name", "license_link")
    wrong = [f"{name} must be text." for name in texts if not isinstance(head.get(name, ""), str)]
    if not isinstance(head.get("dataset_info", {}), dict | list):
        wrong.append("dataset_info must be a list of names and values, or several of them.")
    return wrong


def _licence_warnings(head: dict[str, object]) -> list[str]:
    said = head.get("license")
    words = said if isinstance(said, list) else [said]
    unknown = [
        word for word in words if word and not (isinstance(word, str) and standards.known_licence(word))
    ]
    if unknown and "other" not in unknown:
        return [
            f"The licence {unknown[0]!r} is not one that this node knows; people cannot tell what it allows."
        ]
    return []
