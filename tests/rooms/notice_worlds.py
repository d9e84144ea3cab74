"""Notices of COAR Notify as services send them, in both spellings, and a service that takes ours."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tsunagu.data.notices import api as notices
from tsunagu.data.notices.models import Received
from tsunagu.data.publication import api as publication

NEW = ["https://www.w3.org/ns/activitystreams", "https://coar-notify.net"]
OLD = ["https://www.w3.org/ns/activitystreams", "https://purl.org/coar/notify"]
ALL = ("relations", "reviews", "endorsements", "results", "told")
HOME = {"name_ja": "北見山大学", "name_en": "Kitamiyama University", "members_may_publish": True}
ORIGIN = "https://review.example.org"
INBOX = "https://review.example.org/inbox"
PAGE = "http://localhost:8000/d/lab/data/v1"
ARTICLE = "https://journal.example.org/articles/7"


def notice(types: Any, thing: Any, **more: Any) -> dict[str, Any]:
    """A notice of the partner."""
    return {
        "@context": NEW,
        "id": f"urn:uuid:{uuid.uuid4()}",
        "type": types,
        "actor": {"id": "mailto:editor@example.org", "type": "Person", "name": "Editor"},
        "origin": {"id": ORIGIN, "inbox": INBOX, "type": "Service"},
        "target": {"id": "http://localhost:8000", "inbox": "http://localhost:8000/inbox", "type": "Service"},
        "object": thing,
        **more,
    }


def relationship(
    *, subject: str = ARTICLE, other: str = PAGE, prefix: str = "as:", **more: Any
) -> dict[str, Any]:
    """That an article has data as its supplement."""
    thing = {
        "id": f"urn:uuid:{uuid.uuid4()}",
        "type": "Relationship",
        f"{prefix}subject": subject,
        f"{prefix}relationship": "http://purl.org/vocab/frbr/core#supplement",
        f"{prefix}object": other,
    }
    return notice(["Announce", "coar-notify:RelationshipAction"], thing, **more)


class Service:
    """What the service received, and how it is to answer next: statuses, ``drop`` or ``slow``."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.faults: list[Any] = []
        self.url = ""

    def ids(self) -> list[str]:
        """Ids of what came, in order."""
        return [str(one["id"]) for one in self.bodies]


@contextlib.contextmanager
def running_service() -> Iterator[Service]:
    """A service with an inbox at ``/inbox``."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            service.bodies.append(json.loads(content))
            service.headers.append({name.lower(): value for name, value in self.headers.items()})
            fault = service.faults.pop(0) if service.faults else 202
            if fault == "drop":
                self.close_connection = True
                return
            if fault == "slow":
                time.sleep(0.3)
                fault = 202
            self.send_response(fault)
            if fault == 429:
                self.send_header("Retry-After", "120")
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"said")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def take(body: dict[str, Any]) -> Received:
    """Have the node take a notice in."""
    return Received.objects.get(pk=notices.receive(json.dumps(body).encode()))


def pairs() -> set[tuple[str, str]]:
    """What the public record of the data says they have to do with."""
    found = publication.find_record("lab/data", 1)
    assert found is not None
    return {(one.type, one.identifier) for one in found.relations}
