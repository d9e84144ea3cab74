"""One pool for all files, as a worker has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tsunagu.formats.api import ExtractorPool


@pytest.fixture(scope="session")
def pool() -> Iterator[ExtractorPool]:
    with ExtractorPool() as made:
        yield made
