from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tsunagu.dataplane.tests.kit import ByteNode

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByteNode]:
    """A byte server that the tests of one file share."""
    node = ByteNode(tmp_path_factory.mktemp("node"))
    node.start()
    yield node
    node.close()


@pytest.fixture
def fresh_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByteNode]:
    """A byte server of one's own, not yet started."""
    node = ByteNode(tmp_path_factory.mktemp("fresh"), idle_timeout_s=3.0, header_timeout_s=2.0)
    yield node
    node.close()
