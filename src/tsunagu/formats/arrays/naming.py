"""Names of files become names in a store: nothing in them can lead out of it or be taken for part of it."""

from __future__ import annotations

import re
import unicodedata

_UNSAFE = re.compile(r"[^\w.+-]+")
_LONGEST = 100
_MOST_DEPTH = 24
# What stands between an array and its chunks, and the name of every node's metadata.
_RESERVED = {"c", "zarr.json"}


class Names:
    """Paths in one store, each given once, and the sizes that dimensions have in each group."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._groups: dict[str, str] = {}
        self._sizes: dict[tuple[str, str], int] = {}

    def of(self, name: str) -> str:
        """The path for an array."""
        parts = [one for one in name.split("/") if one] or ["array"]
        if len(parts) > _MOST_DEPTH:
            parts = [*parts[: _MOST_DEPTH - 1], parts[-1]]
        above = self.group("/".join(parts[:-1]))
        return self._new(f"{above}/{_safe(parts[-1])}" if above else _safe(parts[-1]))

    def group(self, name: str) -> str:
        """The path for a group; the same for the same name."""
        above = ""
        given: list[str] = []
        for part in (one for one in name.split("/") if one):
            given.append(part)
            key = "/".join(given)
            if key not in self._groups:
                self._groups[key] = self._new(f"{above}/{_safe(part)}" if above else _safe(part))
            above = self._groups[key]
        return above

    def _new(self, path: str) -> str:
        # File systems of many laptops do not tell a from A.
        made, number = path, 2
        while made.lower() in self._taken:
            made, number = f"{path}-{number}", number + 1
        self._taken.add(made.lower())
        return made

    def dimensions(self, path: str, named: tuple[str, ...], shape: tuple[int, ...]) -> tuple[str, ...]:
        """A name an axis; readers take two axes of one name in one group for the same, so they have one size."""
        group, _, leaf = path.rpartition("/")
        made: list[str] = []
        for axis, size in enumerate(shape):
            wanted = named[axis] if axis < len(named) and named[axis] else f"{leaf}_{axis}"
            while wanted in made or self._sizes.setdefault((group, wanted), size) != size:
                wanted = f"{leaf}_{axis}" if wanted != f"{leaf}_{axis}" else f"{wanted}_"
            made.append(wanted)
        return tuple(made)


def _safe(part: str) -> str:
    text = _UNSAFE.sub("-", unicodedata.normalize("NFC", part)).strip("-")[:_LONGEST]
    if not text.strip("."):
        text = "_" * max(1, len(text))
    # Zarr keeps names that begin with two underscores for itself.
    while text.startswith("__"):
        text = text[1:]
    return f"{text}_" if text.lower() in _RESERVED else text
