from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tsunagu.core.blobs import BlobStore, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

_STARTER = Path(__file__).resolve().parents[5] / "tests" / "servers" / "ceph.py"


@pytest.fixture(scope="session")
def s3_server() -> Iterator[dict[str, Any]]:
    """Address and keys of a real S3 server; one that already ran goes on running."""
    missing = json.loads(_call("missing"))
    if missing:
        pytest.skip(f"Ceph RGW is not installed: {', '.join(missing)} missing")
    was_there = (_STARTER.parents[2] / ".servers" / "ceph" / "facts.json").exists()
    yield json.loads(_call("start"))
    if not was_there:
        _call("stop")


@pytest.fixture(scope="session")
def s3_client(s3_server: dict[str, Any]) -> Any:
    """boto3, an independent client, as judge of what lies in the bucket."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=s3_server["endpoint"],
        aws_access_key_id=s3_server["access_key_id"],
        aws_secret_access_key=s3_server["secret_access_key"],
        region_name=s3_server["region"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


@pytest.fixture(scope="session")
def bucket(s3_client: Any) -> str:
    name = f"b{uuid4().hex[:12]}"
    s3_client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def s3_store(s3_server: dict[str, Any], bucket: str, tmp_path: Path) -> BlobStore:
    url = f"s3://{bucket}/{uuid4().hex[:8]}/objects?endpoint={s3_server['endpoint']}&region={s3_server['region']}"
    keys = {name: s3_server[name] for name in ("access_key_id", "secret_access_key")}
    return open_store(url, options={**keys, "spool": str(tmp_path / "spool")})


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.servers)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """Each kind of store, empty."""
    if request.param == "folder":
        return open_store((tmp_path / "objects with space").as_uri())
    found: BlobStore = request.getfixturevalue("s3_store")
    return found


def _call(action: str) -> str:
    done = subprocess.run(
        [sys.executable, str(_STARTER), action], capture_output=True, check=False, timeout=200
    )
    if done.returncode:
        pytest.fail(f"Ceph RGW: {done.stderr.decode()[-2000:]}")
    return done.stdout.decode().strip().splitlines()[-1] if done.stdout.strip() else ""
