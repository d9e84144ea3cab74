"""DataCite's REST interface on loopback, as far as publishing needs it, with faults on demand.

It does what the service is documented to do: events that do not apply are ignored and reported as success, PUT creates,
findable never goes back to draft, strangers do not see what is not findable, the handle may fail to be written.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import re
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

_DOI = re.compile(r"10\.\d{4,5}/[-._;()/:a-z0-9*~$=]+\Z")
_MOVES = {
    ("draft", "register"): "registered",
    ("draft", "publish"): "findable",
    ("registered", "publish"): "findable",
    ("findable", "hide"): "registered",
    ("registered", "show"): "findable",
}

_REPOSITORY, _PASSWORD = "ABCD.EFGH", "secret-of-the-account"


class DataCite:
    """The service's state. ``fault`` is what goes wrong with the next writes, ``times`` how often (-1: always)."""

    def __init__(self) -> None:
        self.dois: dict[str, dict[str, Any]] = {}
        self.writes: list[tuple[str, dict[str, Any]]] = []
        self.reads: list[str] = []
        self.agents: set[str] = set()
        self.fault, self.times = "", 0
        self.handles: dict[str, str] = {}

    def fail(self, fault: str, times: int = 1) -> None:
        """Let the next writes go wrong."""
        self.fault, self.times = fault, times

    def next_fault(self) -> str:
        """The fault of this write."""
        if not self.fault or not self.times:
            return ""
        self.times -= 1
        return self.fault

    def put(self, doi: str, attributes: dict[str, Any], *, handle: bool) -> tuple[int, dict[str, Any]]:
        """Create or update; every attribute that is not sent keeps its value."""
        created = doi not in self.dois
        row = self.dois.setdefault(doi, {"state": "draft", "registered": None})
        event = attributes.get("event")
        row.update({key: value for key, value in attributes.items() if key != "event"})
        row["state"] = _MOVES.get((row["state"], event), row["state"])
        if handle and row["state"] != "draft" and row["registered"] is None:
            row["registered"] = "2027-03-31T09:00:00.000Z"
        self.writes.append((doi, attributes))
        return (201 if created else 200), {
            "data": {"id": doi, "type": "dois", "attributes": {"doi": doi, **row}}
        }


class _Answer(http.server.BaseHTTPRequestHandler):
    service: DataCite

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.service.agents.add(self.headers.get("User-Agent", ""))
        fault = self.service.next_fault()
        if fault == "before":  # the connection breaks before anything happens
            self.connection.close()
            return
        if fault.isdigit():
            self._say(int(fault), {"errors": [{"status": fault, "title": "no"}]}, **{"Retry-After": "7"})
            return
        if fault == "date":
            self._say(429, {"errors": []}, **{"Retry-After": "Wed, 31 Mar 2027 10:00:00 GMT"})
            return
        if not self._is_owner():
            self._say(401, {"errors": [{"status": "401", "title": "Bad credentials."}]})
            return
        doi = self._doi()
        if not _DOI.match(doi):
            self._say(
                404,
                {"errors": [{"status": "404", "title": "The resource you are looking for doesn't exist."}]},
            )
            return
        attributes = json.loads(body)["data"]["attributes"]
        if problem := _problem(attributes):
            self._say(422, {"errors": [{**problem, "uid": doi}]})
            return
        status, said = self.service.put(doi, attributes, handle=fault != "handle")
        if fault == "after":  # it has happened, and nobody hears of it: the most valuable fault
            self.connection.close()
        elif fault == "slow":
            time.sleep(1)
            self.connection.close()
        elif fault == "html":
            self._send(200, b"<html>maintenance</html>", "text/html")
        else:
            self._say(status, said)

    def do_GET(self) -> None:
        if self.path.startswith("/api/handles/"):
            target = self.service.handles.get(unquote(self.path.removeprefix("/api/handles/")))
            found = [{"type": "URL", "data": {"format": "string", "value": target}}] if target else []
            self._say(200 if target else 404, {"responseCode": 1 if target else 100, "values": found})
            return
        doi = self._doi()
        self.service.reads.append(doi)
        row = self.service.dois.get(doi)
        if row is None or (row["state"] != "findable" and not self._is_owner()):
            self._say(404, {"errors": [{"status": "404"}]})
        else:
            self._say(200, {"data": {"id": doi, "attributes": {"doi": doi, **row}}})

    def _doi(self) -> str:
        return unquote(self.path.removeprefix("/dois/")).lower()

    def _is_owner(self) -> bool:
        pair = base64.b64encode(f"{_REPOSITORY}:{_PASSWORD}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {pair}"

    def _say(self, status: int, said: dict[str, Any], **headers: str) -> None:
        self._send(status, json.dumps(said).encode(), "application/vnd.api+json", **headers)

    def _send(self, status: int, body: bytes, media_type: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": media_type, "X-Stand-In": "1", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _problem(attributes: dict[str, Any]) -> dict[str, str] | None:
    """The first thing that the kernel asks for and that is not there; one error at a time, as the service does."""
    for name in ("creators", "titles", "publicationYear", "publisher", "types"):
        if not attributes.get(name):
            return {"source": name, "title": "Missing child element(s)."}
    if not str(attributes.get("url", "")).startswith(("http://", "https://", "ftp://")):
        return {"source": "url", "title": "Not a valid HTTP(S) or FTP URL"}
    return None


def account_at(host: str) -> dict[str, str]:
    """The account that it knows, as the setting ``doi_accounts`` holds it."""
    return {"prefix": "10.12345", "url": f"http://{host}", "repository": _REPOSITORY, "password": _PASSWORD}


@contextlib.contextmanager
def running_datacite() -> Iterator[tuple[DataCite, str]]:
    """The service and its address, without a scheme."""
    service = DataCite()
    handler = type("Answer", (_Answer,), {"service": service})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service, f"localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
