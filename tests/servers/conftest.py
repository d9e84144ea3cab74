"""PostgreSQL and Ceph RGW, started once for all tests here; absent packages skip visibly."""

from __future__ import annotations

import pytest

from tests.servers import postgresql
from tsunagu.core.blobs.tests.conftest import bucket, s3_client, s3_server

__all__ = ["bucket", "s3_client", "s3_server"]


@pytest.fixture(scope="session")
def database_server():
    if postgresql.programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with postgresql.running() as server:
        yield server


@pytest.fixture
def grown(database_server, s3_server, bucket, request):
    """Settings of a node on PostgreSQL and S3."""
    return {
        "TSUNAGU_DATABASE_URL": database_server.new_database(),
        "TSUNAGU_STORE_URL": f"s3://{bucket}/{request.node.name[:40]}?endpoint={s3_server['endpoint']}&region={s3_server['region']}",
        "TSUNAGU_S3_ACCESS_KEY_ID": s3_server["access_key_id"],
        "TSUNAGU_S3_SECRET_ACCESS_KEY": s3_server["secret_access_key"],
    }
