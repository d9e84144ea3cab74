"""A node made of threads and dictionaries that speaks docs/reference/wire.md, and can misbehave on demand."""

from __future__ import annotations

import hashlib
import json
import re
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from tsunagu.client import verify_version
from tsunagu.client.tests.fake_door import Door, Fault, RefusedError
from tsunagu.core.ids import new_id
from tsunagu.core.paths import BadPathError, check_path


@dataclass
class Dataset:
    id: str
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    history: list[tuple[str, str]] = field(
        default_factory=list
    )  # every (path, sha256) that was ever committed
    versions: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)


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

        class Ours(Door):
            fake = node

        server = ThreadingHTTPServer(("127.0.0.1", 0), Ours)
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
