"""Object Lock of a real S3 store: what is retained cannot be deleted, whoever holds the keys."""

from __future__ import annotations

import datetime as dt
import os

import botocore.exceptions
import pytest

from tsunagu.core.blobs import new_key, open_store
from tsunagu.core.errors import UnavailableError

pytestmark = pytest.mark.servers


def put_one(bucket, server, spool):
    address = f"s3://{bucket}/kept?endpoint={server['endpoint']}&region={server['region']}"
    keys = {name: server[name] for name in ("access_key_id", "secret_access_key")}
    store = open_store(address, options={**keys, "spool": str(spool)})
    writer = store.create(new_key())
    os.write(writer.fileno(), b"kept")
    writer.finish(4)
    return store, writer.key


def test_a_locked_object_stays_until_its_day(s3_server, s3_client, tmp_path):
    s3_client.create_bucket(Bucket="object-lock", ObjectLockEnabledForBucket=True)
    store, key = put_one("object-lock", s3_server, tmp_path)
    until = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=2)
    assert store.lock(key, until)
    name = f"kept/{key}"
    told = s3_client.get_object_retention(Bucket="object-lock", Key=name)["Retention"]
    assert (told["Mode"], told["RetainUntilDate"]) == ("COMPLIANCE", until)
    version = s3_client.list_object_versions(Bucket="object-lock")["Versions"][0]["VersionId"]
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        s3_client.delete_object(Bucket="object-lock", Key=name, VersionId=version)
    with pytest.raises(UnavailableError):
        store.lock(key, until - dt.timedelta(days=1))  # not even the store shortens it
    assert store.lock(key, until + dt.timedelta(days=1))


def test_a_bucket_without_object_lock_says_so(s3_server, bucket, tmp_path):
    store, key = put_one(bucket, s3_server, tmp_path)
    assert store.lock(key, dt.datetime.now(dt.UTC) + dt.timedelta(days=2)) is False
