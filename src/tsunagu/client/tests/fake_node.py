"""A node made of threads and dictionaries that speaks docs/reference/wire.md, and can misbehave on demand."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tsunagu.client import verify_version
from tsunagu.core.ids import new_id
from tsunagu.core.paths import BadPathError, check_path

TOKEN = "secret-token"


@dataclass
class Fault:
    """One misbehaviour: for requests whose ``METHOD /path`` matches, ``count`` times, after ``skip`` of them.

    kinds: ``status`` (answer ``value``), ``cut_request`` (read ``value`` bytes of the body, then hang up),
    ``drop_answer`` (do the work, then hang up), ``cut_answer`` (send ``value`` bytes of the body, then hang up),
    ``expire`` (forget the capability), ``wrong_hash`` (answer another hash), ``spoil`` (flip a byte of the answer).
    """

    match: str
    kind: str
    value: Any = 0
    count: int = 1
    skip: int = 0


@dataclass
class Dataset:
    id: str
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    history: list[tuple[str, str]] = field(
        default_factory=list
    )  # every (path, sha256) that was ever committed
    versions: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)


class RefusedError(Exception):
    def __init__(self, status: int, code: str, title: str = "refused", **fields: Any) -> None:
        super().__init__(title)
        self.status = status
        self.problem = {"code": code, "title": title, "status": status, "remedy": "try", "fields": fields}


class HangUpError(Exception):
    pass


class FakeNode:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.projects: dict[str, str] = {}
        self.datasets: dict[str, Dataset] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.blobs: dict[str, bytes] = {}
        self.bundles: dict[str, dict[str, Any]] = {}
        self.uploads: dict[str, dict[str, Any]] = {}
        self.capabilities: dict[str, dict[str, Any]] = {}
        self.withdrawn: set[str] = set()
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.agent_config: dict[str, Any] = {
            "instrument": {"id": "I1", "name": "XPS"},
            "folders": [],
            "poll_s": 0.1,
        }
        self.heartbeats: list[dict[str, Any]] = []
        self.page_size = 1000
        self.clock_offset_s = 0.0
        self.bytes_received = 0
        self._servers = [self._start(), self._start()]
        self.url, self.byte_url = (f"http://127.0.0.1:{server.server_port}" for server in self._servers)

    def _start(self) -> ThreadingHTTPServer:
        node = self

        class Handler(_Handler):
            fake = node

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return server

    def stop(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def dataset(self, name: str) -> Dataset:
        return self.datasets.setdefault(name, Dataset(new_id()))

    def content(self, name: str) -> dict[str, bytes]:
        return {path: self.blobs[sha] for path, (_, sha) in self.datasets[name].files.items()}

    def put(self, name: str, path: str, content: bytes) -> None:
        sha = hashlib.sha256(content).hexdigest()
        self.blobs[sha] = content
        self.dataset(name).files[path] = (len(content), sha)

    def take_fault(self, request: str, *kinds: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.kind in kinds and re.search(fault.match, request):
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.count -= 1
                    if fault.count <= 0:
                        self.faults.remove(fault)
                    return fault
        return None

    # ---- capabilities

    def sign(self, **claims: Any) -> str:
        token = "cap-" + new_id()
        self.capabilities[token] = claims
        return token

    def capability(self, token: str, purpose: str) -> dict[str, Any]:
        claims = self.capabilities.get(token)
        if claims is None or claims["p"] != purpose:
            raise RefusedError(401, "core.capability_refused", "expired", reason="expired")
        return claims

    # ---- control

    def control(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        routes: list[tuple[str, str, Any]] = [
            ("GET", r"/me", lambda: {"id": "P1", "name": "佐藤 花子", "email": "h@example.ac.jp"}),
            (
                "GET",
                r"/projects",
                lambda: {
                    "projects": [{"name": n, "title": t} for n, t in self.projects.items()],
                    "next": None,
                },
            ),
            ("POST", r"/projects", lambda: self._make_project(body)),
            ("GET", r"/datasets", lambda: self._datasets(query)),
            ("GET", r"/datasets/([^/]+/[^/]+)", self._show),
            ("POST", r"/datasets/([^/]+/[^/]+)/pushes", lambda name: self._open(name, body)),
            ("POST", r"/pushes/(\w+)/plan", lambda run: self._plan(run, body)),
            ("POST", r"/pushes/(\w+)/capability", self._renew),
            ("POST", r"/pushes/(\w+)/finish", lambda run: self._finish(run, body)),
            ("GET", r"/pushes/(\w+)/receipt", self._receipt),
            ("POST", r"/datasets/([^/]+/[^/]+)/pulls", lambda name: self._pulls(name, body)),
            ("GET", r"/datasets/([^/]+/[^/]+)/files", lambda name: self._files(name, query)),
            ("DELETE", r"/datasets/([^/]+/[^/]+)/files", lambda name: self._remove(name, body)),
            ("GET", r"/datasets/([^/]+/[^/]+)/tree", lambda name: self._tree(name, query)),
            (
                "GET",
                r"/datasets/([^/]+/[^/]+)/metadata",
                lambda name: {"values": list(self._known(name).metadata.values()), "next": None},
            ),
            ("PUT", r"/datasets/([^/]+/[^/]+)/metadata/(.+)", lambda name, key: self._set(name, key, body)),
            (
                "GET",
                r"/datasets/([^/]+/[^/]+)/proposals",
                lambda name: {"proposals": [{"id": "Q1", "name": "t", "value": 1}], "next": None},
            ),
            (
                "POST",
                r"/datasets/([^/]+/[^/]+)/proposals/(\w+)/(accept|reject)",
                lambda name, one, how: {"id": one, "state": how},
            ),
            (
                "GET",
                r"/datasets/([^/]+/[^/]+)/versions",
                lambda name: {"versions": self._known(name).versions, "next": None},
            ),
            (
                "GET",
                r"/datasets/([^/]+/[^/]+)/versions/(\d+)",
                lambda name, n: self._known(name).versions[int(n) - 1],
            ),
            ("POST", r"/datasets/([^/]+/[^/]+)/freeze", lambda name: self._freeze(name, body)),
            (
                "GET",
                r"/datasets/([^/]+/[^/]+)/diff",
                lambda name: {
                    "counts": {"added": 1, "removed": 0, "changed": 0},
                    "files": [{"path": "a", "change": "added"}],
                    "next": None,
                },
            ),
            (
                "GET",
                r"/datasets/([^/]+/[^/]+)/runs",
                lambda name: {
                    "runs": [{"id": r, **i} for r, i in self.runs.items() if i["dataset"] == name],
                    "next": None,
                },
            ),
            ("POST", r"/datasets/([^/]+/[^/]+)/verify", lambda name: self._verify(name, body)),
            ("GET", r"/verify/ledger", lambda: {"ok": True, "checked": {"entries": 3}, "problems": []}),
            (
                "GET",
                r"/agent/config",
                lambda: {**self.agent_config, "server_time": time.time() + self.clock_offset_s},
            ),
            ("POST", r"/agent/heartbeat", lambda: self.heartbeats.append(body) or {}),
        ]
        for wanted, pattern, run in routes:
            found = re.fullmatch("/api/v1" + pattern, path)
            if found and wanted == method:
                with self.lock:
                    answer = run(*(unquote(group) for group in found.groups()))
                return (201 if pattern.endswith("/pushes") else 200), answer
        raise RefusedError(404, "core.not_found", "There is nothing here.")

    def _known(self, name: str) -> Dataset:
        if name not in self.datasets:
            raise RefusedError(404, "core.not_found", "There is nothing here, or you may not see it.")
        return self.datasets[name]

    def _make_project(self, body: Any) -> Any:
        if body["name"] in self.projects:
            raise RefusedError(409, "projects.name_taken", "The name is taken.")
        self.projects[body["name"]] = body["title"]
        return {"id": new_id(), **body}

    def _datasets(self, query: dict[str, str]) -> Any:
        names = [n for n in self.datasets if not query.get("project") or n.startswith(query["project"] + "/")]
        return {"datasets": [self._show(n) for n in sorted(names)], "next": None}

    def _show(self, name: str) -> Any:
        known = self._known(name)
        project, _, dataset = name.partition("/")
        return {
            "id": known.id, "project": project, "name": dataset, "title": "", "description": "", "access": "closed",
            "state": "draft", "url": f"{self.url}/datasets/{name}", "versions": known.versions[-3:],
            "draft": {"number": len(known.versions) + 1, "count": len(known.files), "is_changed": True,
                      "bytes": sum(s for s, _ in known.files.values())},
        }  # fmt: skip

    def _open(self, name: str, body: Any) -> Any:
        if name not in self.datasets and not body["create"]:
            raise RefusedError(404, "core.not_found", "There is no such dataset.")
        if not re.fullmatch(r"[a-z0-9][\w.-]*/[a-z0-9][\w.-]*", name):
            raise RefusedError(
                422, "datasets.bad_name", "A name holds small letters, digits, dots and dashes."
            )
        dataset = self.dataset(name)
        run = new_id()
        self.runs[run] = {
            "dataset": name,
            "kind": body["kind"],
            "outcome": None,
            "reason": "",
            "files": {},
            "note": body.get("note"),
        }
        return {**self._capability(run), "dataset_id": dataset.id, "is_empty": not dataset.files}

    def _capability(self, run: str) -> dict[str, Any]:
        return {
            "run": run,
            "capability": self.sign(p="push", run=run),
            "expires_at": "2030-01-01T00:00:00Z",
            "byte_url": self.byte_url,
        }

    def _running(self, run: str) -> dict[str, Any]:
        if run not in self.runs:
            raise RefusedError(404, "core.not_found", "There is no such run.")
        if self.runs[run]["outcome"] is not None:
            raise RefusedError(409, "runs.is_over", "The run is over.")
        return self.runs[run]

    def _renew(self, run: str) -> Any:
        self._running(run)
        answer = self._capability(run)
        return {"capability": answer["capability"], "expires_at": answer["expires_at"]}

    def _plan(self, run: str, body: Any) -> Any:
        known = self._running(run)
        assert len(body["files"]) <= 10_000
        files = self.datasets[known["dataset"]].files
        send, same, linked = [], 0, 0
        for index, (path, size, sha) in enumerate(body["files"]):
            check_path(path)
            if files.get(path) == (size, sha):
                same += 1
            elif sha in self.blobs and len(self.blobs[sha]) == size:
                self._commit(run, path, sha, "linked")
                linked += 1
            else:
                send.append(index)
        return {"send": send, "same": same, "linked": linked}

    def _commit(self, run: str, path: str, sha: str, how: str) -> None:
        dataset = self.datasets[self.runs[run]["dataset"]]
        size = len(self.blobs[sha])
        dataset.files[path] = (size, sha)
        dataset.history.append((path, sha))
        self.runs[run]["files"][path] = {"path": path, "size": size, "sha256": sha, "how": how}

    def _finish(self, run: str, body: Any) -> Any:
        known = self.runs.get(run) or self._running(run)
        known["outcome"], known["reason"] = body["outcome"], body["reason"]
        return {key: value for key, value in self._receipt(run).items() if key != "files"}

    def _receipt(self, run: str) -> Any:
        files = list(self.runs[run]["files"].values())
        return {"run": run, "dataset": self.runs[run]["dataset"], "files": files, "count": len(files),
                "bytes": sum(f["size"] for f in files), "ledger": {"index": 1, "root": "00", "size": 2}}  # fmt: skip

    def _pulls(self, name: str, body: Any) -> Any:
        known = self._known(name)
        files = known.files if body["version"] is None else known.versions[body["version"] - 1]["_files"]
        limit = min(body["limit"], self.page_size)
        paths = sorted(p for p in files if p > body["after"] and p.startswith(body["prefix"]))
        page = [
            {"path": p, "size": files[p][0], "sha256": files[p][1],
             "capability": self.sign(p="get", h=files[p][1], path=p)} for p in paths[:limit]
        ]  # fmt: skip
        return {"version": body["version"], "files": page, "next": paths[limit - 1] if len(paths) > limit else None,
                "byte_url": self.byte_url, "version_hash": None}  # fmt: skip

    def _files(self, name: str, query: dict[str, str]) -> Any:
        known = self._known(name)
        files = known.versions[int(query["version"]) - 1]["_files"] if query.get("version") else known.files
        paths = sorted(
            p for p in files if p > query.get("after", "") and p.startswith(query.get("prefix", ""))
        )
        limit = min(int(query.get("limit", 1000)), self.page_size)
        page = [{"path": p, "size": files[p][0], "sha256": files[p][1], "reader": None, "status": "unrecognised",
                 "reason": "no reader knows it"} for p in paths[:limit]]  # fmt: skip
        return {"files": page, "next": paths[limit - 1] if len(paths) > limit else None}

    def _tree(self, name: str, query: dict[str, str]) -> Any:
        prefix = query["folder"] + "/" if query.get("folder") else ""
        folders: dict[str, list[int]] = {}
        files = []
        for path, (size, sha) in sorted(self._known(name).files.items()):
            if path.startswith(prefix):
                rest = path[len(prefix) :]
                if "/" in rest:
                    folders.setdefault(rest.split("/")[0], []).append(size)
                else:
                    files.append({"path": path, "size": size, "sha256": sha})
        shown = [{"name": n, "files": len(s), "bytes": sum(s)} for n, s in folders.items()]
        return {"folders": shown, "files": files, "next": None}

    def _remove(self, name: str, body: Any) -> Any:
        return {"removed": sum(self._known(name).files.pop(path, None) is not None for path in body["paths"])}

    def _set(self, name: str, key: str, body: Any) -> Any:
        value = {"key": key, "name": key, **body, "origin": "typed by 佐藤 花子"}
        self._known(name).metadata[key] = value
        return value

    def _freeze(self, name: str, body: Any) -> Any:
        known = self._known(name)
        files = dict(known.files)
        if known.versions and known.versions[-1]["_files"] == files:
            raise RefusedError(409, "datasets.nothing_to_freeze", "Nothing changed since the last version.")
        record = {
            "bytes": sum(s for s, _ in files.values()), "count": len(files), "dataset": known.id,
            "format": "tsunagu-version-1", "metadata": hashlib.sha256(b"{}").hexdigest(),
            "number": len(known.versions) + 1, "previous": known.versions[-1]["hash"] if known.versions else None,
            "root": verify_version.merkle_root([(p, s, h) for p, (s, h) in files.items()]),
        }  # fmt: skip
        version = {"number": record["number"], "hash": verify_version.record_name(record), "root": record["root"],
                   "record": json.dumps(record, sort_keys=True, separators=(",", ":")), "count": len(files), "bytes": record["bytes"], "note": body["note"], "_files": files}  # fmt: skip
        known.versions.append(version)
        return version

    def _verify(self, name: str, body: Any) -> Any:
        files = self._known(name).files
        paths = sorted(p for p in files if p > body.get("after", ""))[: self.page_size]
        problems = [{"path": p, "problem": "bytes differ"} for p in paths
                    if hashlib.sha256(self.blobs[files[p][1]]).hexdigest() != files[p][1]]  # fmt: skip
        is_done = not paths or paths[-1] == max(files)
        return {"ok": not problems, "checked": {"files": len(paths)}, "problems": problems, "done": is_done,
                "after": None if is_done else paths[-1]}  # fmt: skip

    # ---- bytes

    def take_bundle(self, token: str, bundle_id: str, body: bytes) -> dict[str, Any]:
        claims = self.capability(token, "push")
        with self.lock:
            if bundle_id in self.bundles:
                return self.bundles[bundle_id]
            self._running(claims["run"])
            members = []
            position = 0
            while True:
                if position + 2 > len(body):
                    raise RefusedError(422, "bytes.bundle_truncated", "The bundle has no end mark.")
                (length,) = struct.unpack_from(">H", body, position)
                position += 2
                if not length:
                    break
                size, sha = struct.unpack_from(">Q32s", body, position)
                position += 40
                path = body[position : position + length].decode()
                content = body[position + length : position + length + size]
                position += length + size
                if hashlib.sha256(content).digest() != sha:
                    raise RefusedError(460, "core.checksum_mismatch", "The hash is wrong.", path=path)
                try:
                    assert check_path(path) == path
                except BadPathError as error:
                    raise RefusedError(422, error.code, str(error), path=path) from None
                members.append((path, sha.hex(), content))
            assert position == len(body), "bytes after the end mark"
            for path, hexed, content in members:
                self.blobs[hexed] = content
                self._commit(claims["run"], path, hexed, "sent")
            answer = {"bundle": bundle_id, "files": len(members), "bytes": sum(len(c) for _, _, c in members)}
            self.bundles[bundle_id] = answer
            return answer

    def complete(self, upload: dict[str, Any]) -> dict[str, str]:
        content = bytes(upload["content"])
        sha = hashlib.sha256(content).hexdigest()
        if upload["sha256"] and upload["sha256"] != sha:
            del self.uploads[upload["id"]]
            raise RefusedError(460, "core.checksum_mismatch", "The hash is wrong.", path=upload["path"])
        if not upload["committed"]:
            self._running(upload["run"])
            self.blobs[sha] = content
            self._commit(upload["run"], upload["path"], sha, "sent")
            upload["committed"] = True
        return {"Tsunagu-Sha256": sha, "Tsunagu-Size": str(len(content))}


class _Handler(BaseHTTPRequestHandler):
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
        parts = urlsplit(self.path)
        request = f"{self.command} {parts.path}"
        self.fake.requests.append(request)
        self.taken = 0
        try:
            if fault := self.fake.take_fault(request, "status"):
                self._body()
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
            self._json(request, error.status, error.problem, "application/problem+json")

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

    def _json(self, request: str, status: int, content: Any, kind: str = "application/json") -> None:
        hidden = json.dumps(content, ensure_ascii=False, default=str).encode()
        self._send(request, status, {"Content-Type": kind}, hidden)

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
