from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tsunagu.core.blobs.tests.conftest import bucket, s3_client, s3_server
from tsunagu.dataplane.tests.kit import ByteNode

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["bucket", "s3_client", "s3_server"]


@pytest.fixture(scope="module", params=["plain", "sealed"])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByteNode]:
    """A byte server that the tests of one file share; once for a plain dataset, once for a sealed one."""
    node = ByteNode(tmp_path_factory.mktemp("node"), is_sealed=request.param == "sealed")
    node.start()
    yield node
    node.close()


@pytest.fixture
def fresh_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByteNode]:
    """A byte server of one's own, not yet started."""
    node = ByteNode(tmp_path_factory.mktemp("fresh"), idle_timeout_s=3.0, header_timeout_s=2.0)
    yield node
    node.close()


@pytest.fixture
def s3_node(
    tmp_path_factory: pytest.TempPathFactory, s3_server: dict[str, Any], bucket: str
) -> Iterator[ByteNode]:
    """A byte server on S3, not yet started."""
    url = f"s3://{bucket}/{uuid4().hex[:8]}?endpoint={s3_server['endpoint']}&region={s3_server['region']}"
    keys = {name: s3_server[name] for name in ("access_key_id", "secret_access_key")}
    node = ByteNode(tmp_path_factory.mktemp("s3"), store_url=url, store_options=keys)
    yield node
    node.close()
