"""Calls of an S3 store that the client which moves the bytes does not offer.

Unfinished multipart uploads are listed and aborted: what nobody aborts is stored and billed for ever. Objects are
retained by Object Lock. Requests are signed as AWS Signature Version 4 says
(https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import http.client
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET

from tsunagu.core import clock
from tsunagu.core.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_NO_LOCK = {
    400,
    405,
    409,
    501,
}  # InvalidRequest, InvalidBucketState, NotImplemented: the bucket has no Object Lock
_TIMEOUT_S = 30.0
_MAX_ANSWER = 16 << 20


class Unfinished(NamedTuple):
    """A multipart upload that was neither completed nor aborted."""

    key: str
    upload_id: str
    started_at: float  # seconds since 1970


class MultipartDoor:
    """The three calls, for one bucket; keys include the prefix of the store.

    Args:
        endpoint: ``https://host[:port]``, path-style addressing.
        bucket: Name of the bucket.
        region: As the endpoint expects it.
        access_key_id: Who asks.
        secret_access_key: The secret of who asks.
    """

    def __init__(
        self, endpoint: str, bucket: str, *, region: str, access_key_id: str, secret_access_key: str
    ) -> None:
        self._endpoint = urlsplit(endpoint)
        self._bucket = bucket
        self._region = region
        self._access_key_id = access_key_id
        self._secret = secret_access_key

    def list(self, prefix: str) -> Iterator[Unfinished]:
        """Every unfinished upload whose key begins with the prefix."""
        markers: dict[str, str] = {}
        while True:
            root = _parse(self._ask("GET", "", {"uploads": "", "prefix": prefix, **markers}))
            for upload in root.iter("Upload"):
                started = dt.datetime.fromisoformat(_text(upload, "Initiated"))
                yield Unfinished(_text(upload, "Key"), _text(upload, "UploadId"), started.timestamp())
            if _text(root, "IsTruncated") != "true":
                return
            markers = {
                "key-marker": _text(root, "NextKeyMarker"),
                "upload-id-marker": _text(root, "NextUploadIdMarker"),
            }

    def abort(self, upload: Unfinished) -> None:
        """Drop an upload and its parts; no error when it is gone already."""
        self._ask("DELETE", upload.key, {"uploadId": upload.upload_id})

    def retain(self, key: str, until: dt.datetime) -> bool:
        """Lock an object until a moment, in compliance mode; False where the bucket was made without Object Lock."""
        body = (
            '<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Mode>COMPLIANCE</Mode>'
            f"<RetainUntilDate>{until.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}</RetainUntilDate></Retention>"
        ).encode()
        try:
            self._ask("PUT", key, {"retention": ""}, body, fine=(200, 204))
        except UnavailableError as error:
            if error.fields.get("status") in _NO_LOCK:
                return False
            raise
        return True

    def _ask(
        self,
        method: str,
        key: str,
        query: dict[str, str],
        content: bytes = b"",
        *,
        fine: Collection[int] = (200, 204, 404),
    ) -> bytes:
        path = quote(
            f"{self._endpoint.path.rstrip('/')}/{self._bucket}{'/' if key else ''}{key}", safe="/-_.~"
        )
        sorted_query = "&".join(
            f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(query.items())
        )
        kind = http.client.HTTPSConnection if self._endpoint.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._endpoint.hostname or "", self._endpoint.port, timeout=_TIMEOUT_S)
        try:
            headers = self._sign(method, path, sorted_query, content)
            connection.request(method, f"{path}?{sorted_query}", body=content or None, headers=headers)
            response = connection.getresponse()
            body = response.read(_MAX_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise UnavailableError("The S3 store does not answer.") from error
        finally:
            connection.close()
        if response.status not in fine:
            raise UnavailableError("The S3 store refused a request.", status=response.status)
        return body

    def _sign(self, method: str, path: str, query: str, content: bytes) -> dict[str, str]:
        payload = hashlib.sha256(content).hexdigest()
        moment = clock.now().strftime("%Y%m%dT%H%M%SZ")
        scope = f"{moment[:8]}/{self._region}/s3/aws4_request"
        headers = {"host": self._endpoint.netloc, "x-amz-content-sha256": payload, "x-amz-date": moment}
        if content:  # S3 wants it where a lock is at stake
            digest_md5 = hashlib.md5(content, usedforsecurity=False).digest()
            headers["content-md5"] = base64.b64encode(digest_md5).decode()
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        request = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{payload}"
        digest = hashlib.sha256(request.encode()).hexdigest()
        key = f"AWS4{self._secret}".encode()
        for part in (moment[:8], self._region, "s3", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(
            key, f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}".encode(), "sha256"
        ).hex()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self._access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return headers


def _parse(body: bytes) -> ET.Element:
    """The answer without its XML namespace, which differs between servers."""
    if not body:
        return ET.Element("nothing")
    root = ET.fromstring(body)  # noqa: S314 - from the store that holds all our bytes, not from a user
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _text(element: ET.Element, name: str) -> str:
    return element.findtext(name) or ""
