"""Pages of paper: what an index takes of them, and on which page a hit was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tsunagu.data.datasets import api as datasets
from tsunagu.data.discovery import showing
from tsunagu.data.discovery.types import Marked
from tsunagu.data.scans import api as scans


def texts_of(sources: Mapping[str, tuple[datasets.Source, int]]) -> dict[str, list[scans.PageText]]:
    """Texts of the pages that versions hold, by ULID of the dataset; nothing of sealed ones, whose files lie closed.

    Args:
        sources: By ULID, a dataset and the number of its version; 0: none.
    """
    scanned = scans.scanned_contents(sources)
    found = {}
    for key in scanned:
        source, version = sources[key]
        if source.key_domain or version < 1:
            continue
        # Under the paths of this very version: who sees it must not learn what the draft calls the same file.
        found[key] = scans.texts(key, datasets.paths_at(source, version, scanned[key]))
    return found


def found_on(
    sources: Mapping[str, tuple[datasets.Source, int]], wanted: Sequence[str]
) -> dict[str, tuple[str, int, tuple[Marked, ...]]]:
    """The first page of each dataset on which one of the texts stands: path, number, the place in words."""
    found = {}
    for key, pages in texts_of(sources).items() if wanted else ():
        for page in pages:
            cut = showing.excerpt([page.text], wanted)
            if any(piece.is_match for piece in cut):
                found[key] = page.path, page.number, cut
                break
    return found
