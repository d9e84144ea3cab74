"""WEKO's SWORDv3 server on loopback, as far as depositing needs it, with faults on demand.

It does what WEKO is documented to do: it takes one form part named ``file`` whose name equals that of the request, compares a
lower-case hexadecimal SHA-256 of the zip, wants a valid bag with an RO-Crate 1.1 in ``data/``, answers 202 where a person
approves and says ``ingested`` of what waits for that (only the revision changes with the approval), has no header Location on
201 and 202, refuses to delete what has a DOI, and answers 400 to an item that it has.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import hashlib
import http.server
import io
import json
import re
import socket
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bagit  # type: ignore[import-untyped]

TOKEN = "token-of-the-repository"
_STATE = "http://purl.org/net/sword/3.0/state/"
_SIMPLE_ZIP = "http://purl.org/net/sword/3.0/package/SimpleZip"


class Weko:
    """The server's state. ``fault`` is what goes wrong with the next writes, ``times`` how often (-1: always)."""

    def __init__(self) -> None:
        self.host = ""
        self.items: dict[int, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.zips: list[bytes] = []
        self.has_workflow = self.finds_duplicates = self.hides_deposit = self.says_state = False
        self.most_bytes = 16_777_216_000
        self.users = {"hanako@example.ac.jp"}
        self.fault, self.times = "", 0

    def fail(self, fault: str, times: int = 1) -> None:
        """Let the next writes go wrong."""
        self.fault, self.times = fault, times

    def next_fault(self) -> str:
        """The fault of this write."""
        if not self.fault or not self.times:
            return ""
        self.times -= 1
        return self.fault

    def writes(self, method: str = "") -> list[str]:
        """Writes so far, as method and path."""
        return [f"{verb} {path}" for verb, path in self.asked if verb != "GET" and method in {"", verb}]

    def approve(self, number: int) -> None:
        """A person approves what waits."""
        item = self.items[number]
        item["waits"] = ""
        item["revision"] += 4
        if item["is_leaving"]:
            del self.items[number]

    def reject(self, number: int) -> None:
        """A person refuses what waits."""
        self.items[number]["waits"] = "rejected"

    def crate(self, number: int) -> dict[str, Any]:
        """The root of the crate of an item."""
        graph = self.items[number]["crate"]["@graph"]
        return next(one for one in graph if one["@id"] == "./")


class _RefusedError(Exception):
    """Status, type and words of an error document."""


class _Answer(http.server.BaseHTTPRequestHandler):
    service: Weko

    def do_GET(self) -> None:
        self.service.asked.append(("GET", self.path))
        if self.service.fault == "down" and self.service.times:
            self.connection.close()
        elif not self._may():
            return
        elif self.path == "/sword/service-document":
            said = {"@type": "ServiceDocument", "maxUploadSize": self.service.most_bytes, "onBehalfOf": True}
            self._say(200, said)
        elif self.path.startswith("/workflow/"):
            self._send(200, b"<html>an activity</html>", "text/html")
        elif (item := self._item()) is not None:
            self._say(200, self._status(*item, is_asked=True))
        else:
            self._fail(404, "NotFound", "The item does not exist.")

    def do_POST(self) -> None:
        self._write(None)

    def do_PUT(self) -> None:
        if (item := self._item()) is None:
            self._drain()
            self.service.asked.append(("PUT", self.path))
            self._fail(404, "NotFound", "The item does not exist.")
        else:
            self._write(item[0])

    def do_DELETE(self) -> None:
        self.service.asked.append(("DELETE", self.path))
        fault = self.service.next_fault()
        if fault == "before":
            self.connection.close()
            return
        if not self._may():
            return
        item = self._item()
        if item is None:
            self._fail(404, "NotFound", "The item does not exist.")
        elif "wk:grant" in self.service.crate(item[0]):
            self._fail(400, "BadRequest", "The item has a DOI and cannot be deleted.")
        elif self.service.has_workflow:
            item[1].update(waits="approval", is_leaving=True)
            self._send(
                202, b"", "text/html", Location=f"http://{self.service.host}/workflow/activity/detail/D-1"
            )
        else:
            del self.service.items[item[0]]
            if fault == "after":
                self.connection.close()
            else:
                self._send(204, b"", "text/html")

    def _write(self, number: int | None) -> None:
        fault = self.service.next_fault()
        self.service.asked.append((self.command, self.path))
        if fault in {"before", "down"}:  # the connection breaks before the body was read
            self.connection.shutdown(socket.SHUT_RDWR)
            self.connection.close()
            return
        body = self._drain()
        self.service.headers.append(dict(self.headers))
        if fault.isdigit():
            self._fail(int(fault), "InternalServerError", "no", **{"Retry-After": "70"})
            return
        if fault == "gateway":
            self._send(502, b"<html>bad gateway</html>", "text/html")
            return
        if not self._may():
            return
        try:
            crate, content = self._taken(body)
        except _RefusedError as error:
            self._fail(*error.args)
            return
        if number is None and self._is_known(crate):
            self._fail(400, "BadRequest", "The item exists already.")
            return
        if number is None:
            number = max(self.service.items, default=0) + 1
        old = self.service.items.get(number, {"revision": 1})
        waits = "approval" if self.service.has_workflow else ""
        self.service.items[number] = {
            "crate": crate, "waits": waits, "revision": old["revision"] + 2, "is_leaving": False,
        }  # fmt: skip
        self.service.zips.append(content)
        said = self._status(number, self.service.items[number])
        if fault == "after":  # it has happened, and nobody hears of it
            self.connection.close()
        elif fault == "html":
            self._send(200, b"<html>maintenance</html>", "text/html")
        else:
            self._say(202 if waits else 200 if self.command == "PUT" else 201, said)

    def _is_known(self, crate: dict[str, Any]) -> bool:
        known = [json.dumps(one["crate"]) for one in self.service.items.values()]
        return self.service.finds_duplicates and json.dumps(crate) in known

    def _taken(self, body: bytes) -> tuple[dict[str, Any], bytes]:
        """The crate and the zip."""
        if len(body) < int(self.headers.get("Content-Length", "0")):  # no server takes the half of a body
            raise _RefusedError(400, "BadRequest", "The body ends too soon.")
        named = re.fullmatch(r"attachment; ?filename=(\S+)", self.headers.get("Content-Disposition", ""))
        if named is None:
            raise _RefusedError(400, "BadRequest", "Content-Disposition is missing.")
        if self.headers.get("Packaging") != _SIMPLE_ZIP:
            raise _RefusedError(415, "PackagingFormatNotAcceptable", "This packaging is not accepted.")
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        form = email.message_from_bytes(head + body, policy=email.policy.HTTP)
        parts = {one.get_param("name", header="Content-Disposition"): one for one in form.iter_parts()}
        if set(parts) != {"file"} or parts["file"].get_content_type() != "application/zip":
            raise _RefusedError(400, "BadRequest", "The form has no part named file.")
        if parts["file"].get_filename() != named[1]:
            raise _RefusedError(400, "BadRequest", "The file name is not that of Content-Disposition.")
        content = parts["file"].get_payload(decode=True)
        assert isinstance(content, bytes)
        if len(content) > self.service.most_bytes:
            raise _RefusedError(413, "MaxUploadSizeExceeded", "The file is too large.")
        if self.headers.get("Digest") != f"SHA-256={hashlib.sha256(content).hexdigest()}":
            raise _RefusedError(412, "DigestMismatch", "The digest does not match.")
        who = self.headers.get("On-Behalf-Of")
        if who is not None and who not in self.service.users:
            raise _RefusedError(412, "OnBehalfOfNotAllowed", "There is no such user.")
        return self._unpacked(content)

    def _unpacked(self, content: bytes) -> tuple[dict[str, Any], bytes]:
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(folder)
            try:
                bagit.Bag(folder).validate()
            except bagit.BagError as error:
                raise _RefusedError(415, "ContentMalformed", f"This is no bag: {error}") from error
            crate = json.loads((Path(folder) / "data" / "ro-crate-metadata.json").read_bytes())
        context = crate["@context"]
        root = next(one for one in crate["@graph"] if one["@id"] == "./")
        if "https://w3id.org/ro/crate/1.1/context" not in context:
            raise _RefusedError(415, "MetadataFormatNotAcceptable", "This is no RO-Crate 1.1.")
        if root.get("wk:publishStatus") not in {"public", "private"} or not root.get("wk:index"):
            raise _RefusedError(400, "BadRequest", "wk:publishStatus and wk:index are required.")
        if not isinstance(root.get("wk:grant", []), list) or "identifier" in root:
            raise _RefusedError(400, "BadRequest", "wk:grant is no list, or the item's number is wrong.")
        return crate, content

    def _item(self) -> tuple[int, dict[str, Any]] | None:
        found = re.fullmatch(r"/sword/deposit/(\d+)", self.path)
        item = self.service.items.get(int(found[1])) if found else None
        return (int(found[1]), item) if found and item is not None else None

    def _status(self, number: int, item: dict[str, Any], *, is_asked: bool = False) -> dict[str, Any]:
        base = f"http://{self.service.host}"
        pages = [f"{base}/records/{number}", f"http://hdl.example.org/20.500.1/{number}"]
        if item["waits"] and not is_asked:
            pages = [f"{base}/workflow/activity/detail/A-{number}", pages[0]]
        state = "ingested"
        if item["waits"] == "rejected":
            state = "rejected"
        elif item["waits"] and (not is_asked or self.service.says_state):
            state = "inWorkflow"
        found: dict[str, Any] = {
            "@id": "" if item["waits"] and self.service.hides_deposit else f"{base}/sword/deposit/{number}",
            "@type": "Status",
            "links": [{"@id": one, "contentType": "text/html", "rel": ["alternate"]} for one in pages],
            "state": [
                {"@id": f"{_STATE}{state}", "description": "Not in scope." if state == "rejected" else ""}
            ],
        }
        return {**found, "eTag": str(item["revision"])} if is_asked or not item["waits"] else found

    def _may(self) -> bool:
        said = self.headers.get("Authorization", "")
        if said == f"Bearer {TOKEN}":
            return True
        self._fail(403 if said else 401, "AuthenticationFailed", "The token is not known.")
        return False

    def _drain(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _fail(self, status: int, kind: str, said: str, **headers: str) -> None:
        self._say(status, {"@type": kind, "error": said}, **headers)

    def _say(self, status: int, said: dict[str, Any], **headers: str) -> None:
        self._send(status, json.dumps(said).encode(), "application/json", **headers)

    def _send(self, status: int, body: bytes, media_type: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": media_type, "X-Stand-In": "1", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def running_weko() -> Iterator[Weko]:
    """The server; ``host`` is its address without a scheme."""
    service = Weko()
    handler = type("Answer", (_Answer,), {"service": service})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    service.host = f"localhost:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
