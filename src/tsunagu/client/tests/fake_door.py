"""The HTTP side of the fake node: the door's bytes and answers, and every way in which they can go wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tsunagu.core.ids import new_id
from tsunagu.core.paths import check_path

if TYPE_CHECKING:
    from tsunagu.client.tests.fake_node import FakeNode

TOKEN = "secret-token"


@dataclass
class Fault:
    """One misbehaviour: for requests whose ``METHOD /path`` matches, ``count`` times, after ``skip`` of them.

    ``patience_s``: what a ``status`` says of when to ask again.

    kinds: ``status`` (answer ``value``), ``cut_request`` (read ``value`` bytes of the body, then hang up),
    ``drop_answer`` (do the work, then hang up), ``cut_answer`` (send ``value`` bytes of the body, then hang up),
    ``expire`` (forget the capability), ``wrong_hash`` (answer another hash), ``spoil`` (flip a byte of the answer).
    """

    match: str
    kind: str
    value: Any = 0
    count: int = 1
    skip: int = 0
    patience_s: int = 0


class RefusedError(Exception):
    def __init__(self, status: int, code: str, title: str = "refused", **fields: Any) -> None:
        super().__init__(title)
        self.status = status
        self.problem = {"code": code, "title": title, "status": status, "remedy": "try", "fields": fields}


class HangUpError(Exception):
    pass


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeNode
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *args: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (HangUpError, ConnectionError, TimeoutError):
            self.close_connection = True

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_GET  # noqa: N815 - names of the standard library

    def _handle(self) -> None:
        patience: dict[str, str] = {}
        parts = urlsplit(self.path)
        request = f"{self.command} {parts.path}"
        self.fake.requests.append(request)
        self.taken = 0
        try:
            if fault := self.fake.take_fault(request, "status"):
                self._body()
                patience = {"Retry-After": str(fault.patience_s)} if fault.patience_s else {}
                raise RefusedError(  # noqa: TRY301 - answered below
                    fault.value, "core.unavailable" if fault.value == 503 else "core.error", "made to fail"
                )
            if self.fake.take_fault(request, "expire"):
                self.fake.capabilities.clear()
            if parts.path.startswith("/api/"):
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    raise RefusedError(401, "access.token_refused", "The token is not known.")  # noqa: TRY301
                body = self._body()
                query = {
                    key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()
                }
                status, answer = self.fake.control(
                    self.command, parts.path, query, json.loads(body) if body else None
                )
                self._json(request, status, answer)
            else:
                self._bytes(request, parts.path)
        except RefusedError as error:
            self._json(request, error.status, error.problem, "application/problem+json", **patience)

    def _body(self, into: Any = None) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        fault = self.fake.take_fault(f"{self.command} {urlsplit(self.path).path}", "cut_request")
        limit = min(length, fault.value) if fault else length
        kept = bytearray() if into is None else into
        remaining = limit
        while remaining:
            piece = self.rfile.read(min(remaining, 65536))
            if not piece:
                raise HangUpError
            kept += piece
            remaining -= len(piece)
        self.fake.bytes_received += limit
        if fault:
            raise HangUpError
        return bytes(kept) if into is None else b""

    def _json(
        self, request: str, status: int, content: Any, kind: str = "application/json", **more: str
    ) -> None:
        hidden = json.dumps(content, ensure_ascii=False, default=str).encode()
        self._send(request, status, {"Content-Type": kind, **more}, hidden)

    def _send(self, request: str, status: int, headers: dict[str, str], content: bytes = b"") -> None:
        if self.fake.take_fault(request, "drop_answer"):
            raise HangUpError
        if content and self.fake.take_fault(request, "spoil"):
            content = content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]
        cut = self.fake.take_fault(request, "cut_answer")
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: cut.value] if cut else content)
        self.wfile.flush()
        if cut:
            raise HangUpError

    def _bytes(self, request: str, path: str) -> None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if path == "/bundles":
            body = self._body()
            answer = self.fake.take_bundle(token, self.headers["Tsunagu-Bundle-Id"], body)
            self._json(request, 201, answer)
        elif path.startswith("/tus"):
            self._tus(request, path, token)
        elif path == "/fetch":
            claims = [self.fake.capability(t, "get") for t in json.loads(self._body())["capabilities"]]
            out = bytearray()
            for claim in claims:
                if claim["path"] in self.fake.withdrawn:
                    raise RefusedError(
                        410, "datasets.withdrawn", "The file was withdrawn.", path=claim["path"]
                    )
                content, name = self.fake.blobs[claim["h"]], claim["path"].encode()
                out += (
                    struct.pack(">HQ32s", len(name), len(content), bytes.fromhex(claim["h"])) + name + content
                )
            self._send(
                request,
                200,
                {"Content-Type": "application/vnd.tsunagu.bundle; version=1"},
                bytes(out) + b"\0\0",
            )
        elif path.startswith("/o/"):
            self._object(request, path)
        else:
            raise RefusedError(404, "core.not_found")

    def _object(self, request: str, path: str) -> None:
        claim = self.fake.capability(path.split("/")[2], "get")
        content = self.fake.blobs[claim["h"]]
        etag = f'"{claim["h"]}"'
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not asked or self.headers.get("If-Range", etag) != etag:
            self._send(request, 200, {"ETag": etag}, content)
            return
        start = int(asked[1])
        end = min(int(asked[2]) if asked[2] else len(content) - 1, len(content) - 1)
        if start >= len(content):
            self._send(request, 416, {"Content-Range": f"bytes */{len(content)}"})
            return
        headers = {"ETag": etag, "Content-Range": f"bytes {start}-{end}/{len(content)}"}
        self._send(request, 206, headers, content[start : end + 1])

    def _tus(self, request: str, path: str, token: str) -> None:
        fake = self.fake
        claims = fake.capability(token, "push")
        if self.command == "POST":
            pairs = dict(p.split(" ") for p in self.headers["Upload-Metadata"].split(","))
            named = {key: base64.b64decode(value).decode() for key, value in pairs.items()}
            assert check_path(named["path"]) == named["path"]
            one = new_id()
            fake.uploads[one] = {"id": one, "run": claims["run"], "path": named["path"], "sha256": named.get("sha256"),
                                 "size": int(self.headers["Upload-Length"]), "content": bytearray(), "committed": False}  # fmt: skip
            self._body()
            self._send(request, 201, {"Location": f"/tus/{one}", "Tus-Resumable": "1.0.0"})
            return
        upload = fake.uploads.get(path.removeprefix("/tus/"))
        if upload is None:
            self._body()
            raise RefusedError(404, "core.not_found", "There is no such upload.")
        if upload["run"] != claims["run"]:
            raise RefusedError(403, "bytes.other_run", "The upload belongs to another run.")
        if self.command == "HEAD":
            self._send(
                request,
                200,
                {"Upload-Offset": str(len(upload["content"])), "Upload-Length": str(upload["size"])},
            )
        elif self.command == "DELETE":
            del fake.uploads[upload["id"]]
            self._send(request, 204, {})
        elif int(self.headers["Upload-Offset"]) != len(upload["content"]):
            self._body()
            raise RefusedError(409, "bytes.wrong_offset", "The offset is not the one on the disk.")
        else:
            self._patch(request, upload)

    def _patch(self, request: str, upload: dict[str, Any]) -> None:
        announced = self.headers.get("Upload-Checksum")
        if announced:
            body = self._body()
            name, _, value = announced.partition(" ")
            if hashlib.new(name, body).digest() != base64.b64decode(value):
                raise RefusedError(460, "core.checksum_mismatch", "The piece is wrong.")
            upload["content"] += body
        else:
            self._body(into=upload["content"])
        assert len(upload["content"]) <= upload["size"]
        headers = {"Upload-Offset": str(len(upload["content"])), "Tus-Resumable": "1.0.0"}
        if len(upload["content"]) == upload["size"]:
            if self.fake.take_fault(request, "commit_fails"):
                raise RefusedError(503, "core.unavailable", "control does not answer")
            with self.fake.lock:
                headers |= self.fake.complete(upload)
            if self.fake.take_fault(request, "wrong_hash"):
                headers["Tsunagu-Sha256"] = "0" * 64
        self._send(request, 204, headers)
