"""Built files and one pool for the room's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tsunagu.formats.api import ExtractorPool
from tsunagu.formats.tests.built import BUILDERS, build


@pytest.fixture(scope="session")
def pool() -> Iterator[ExtractorPool]:
    with ExtractorPool() as made:
        yield made


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One file of each format by name; never written to."""
    folder = tmp_path_factory.mktemp("built")
    return {name: build(name, folder) for name in BUILDERS}
