"""Stores of arrays in what is made: where their files go, what the README says of them, what standards say of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tsunagu.core.errors import TsunaguError
from tsunagu.data.datasets import api as datasets
from tsunagu.formats import api as formats
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.storage import api as storage
from tsunagu.standards import api as standards

PROFILE = "profile.json"
SHARDS = "/shards"  # at the end of a recipe
_PROFILE_BYTES = 64 << 20
_ROOT = ".zarr/zarr.json"
_SHOWN_ARRAYS = 100


class Sink:
    """Takes the files of a store one after the other and hashes each as it comes."""

    def __init__(self, folder: str, domain: str) -> None:
        self._folder, self._domain = folder, domain
        self._written: dict[str, storage.Written] = {}
        self._path = ""
        self._writer: storage.ContentWriter | None = None

    def write(self, path: str, piece: bytes) -> None:
        """The next bytes of a file of the store."""
        if path != self._path or self._writer is None:
            self._end()
            self._path, self._writer = path, storage.ContentWriter(self._domain)
        self._writer.write(piece)

    def _end(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            self._written[f"{self._folder}/{self._path}"] = writer.finish()

    def finish(self) -> dict[str, storage.Written]:
        """Path in the dataset -> what was written."""
        self._end()
        return self._written

    def abort(self) -> None:
        """Forget the file that is being written; whole ones that nobody names are swept."""
        if self._writer is not None:
            self._writer.abort()


def write(stores: Sequence[formats.MadeStore], shards: Mapping[str, Sequence[str]]) -> bytes:
    """A section of the README for each store (how it is opened, and what is in it) and for shards."""
    lines: list[str] = []
    for made in stores:
        lines += _store(made)
    for name, paths in shards.items():
        lines += [
            f"## {name}, as WebDataset shards",
            "",
            f"The same pictures in {len(paths):,} tar files, `{paths[0]}` and on: of each sample the picture and `json`",
            "with what is said of it.",
            "",
        ]
    return "\n".join(lines).encode()


def _store(made: formats.MadeStore) -> list[str]:
    path = made.plan.path
    rows = [
        f"| {_cell(one.path)} | {_cell(_shape(one))} | {one.dtype} | {_cell(one.unit)} | {_cell(one.description)} |"
        for one in made.profile.arrays[:_SHOWN_ARRAYS]
    ]
    return [
        f"## {made.plan.name}",
        "",
        f"{len(made.profile.arrays):,} arrays from {made.profile.file_count:,} files in `{path}`, a Zarr v3 group.",
        f'Open it with `zarr.open("{path}")` or `xarray.open_datatree("{path}", engine="zarr")`.',
        "",
        "| array | shape | type | unit | meaning |",
        "|---|---|---|---|---|",
        *rows,
        "",
        *(
            [_LEFT, *(f"- {_cell(one.path)}: {_cell(one.reason)}" for one in made.profile.left[:20]), ""]
            if made.profile.left
            else []
        ),
    ]


_LEFT = "Not in it:"


def _shape(one: formats.ArrayProfile) -> str:
    return ", ".join(f"{name} {size:,}" for name, size in zip(one.dimensions, one.shape, strict=True))


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


# --- Read again, as standards see them


def described(
    actor: Actor, card: datasets.DatasetCard, version: datasets.VersionRef, paths: Sequence[str]
) -> tuple[standards.Store, ...]:
    """The stores of a version, with their arrays where the profile beside them says so.

    Args:
        actor: Who asks; the rules for files were asked already.
        card: The dataset.
        version: The version.
        paths: Of its files.
    """
    folders = [path.removesuffix("/zarr.json") for path in paths if path.endswith(_ROOT)]
    if not folders:
        return ()
    arrays = _arrays(actor, card, version)
    return tuple(standards.Store(folder, arrays.get(folder, ())) for folder in folders)


def _arrays(
    actor: Actor, card: datasets.DatasetCard, version: datasets.VersionRef
) -> Mapping[str, tuple[standards.ArrayEntry, ...]]:
    try:
        file = datasets.get_file(actor, card, PROFILE, version=version.number)
        if file.byte_count > _PROFILE_BYTES:
            return {}
        place = storage.require_location(file.sha256, card.domains)
        found: Any = json.loads(b"".join(storage.read_pieces(place)))
        # Anybody may have put a file of this name there.
        profiles = {
            str(one["path"]): formats.StoreProfile.from_json(
                {key: value for key, value in one.items() if key not in {"path", "reader"}}
            )
            for one in found["stores"]
        }
    except (TsunaguError, ValueError, KeyError, TypeError):
        return {}
    return {path: tuple(map(_entry, profile.arrays)) for path, profile in profiles.items()}


def _entry(one: formats.ArrayProfile) -> standards.ArrayEntry:
    axes = tuple(zip(one.dimensions, one.shape, strict=True))
    return standards.ArrayEntry(one.path, axes, one.dtype, one.unit, one.description)
