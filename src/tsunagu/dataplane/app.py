"""The byte server's application: a route table, capabilities, CORS for the one control origin."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path

from tsunagu.core.blobs import open_store
from tsunagu.core.capabilities import Signer
from tsunagu.core.errors import NotFoundError, TsunaguError, UnavailableError
from tsunagu.dataplane import bundles, downloads, forms
from tsunagu.dataplane.config import Config
from tsunagu.dataplane.control import Control
from tsunagu.dataplane.http import REASONS, Answer, Environ, StartResponse, header
from tsunagu.dataplane.tus import Uploads

logger = logging.getLogger(__name__)

_EXPOSED = (
    "Location, Tus-Resumable, Tus-Version, Tus-Extension, Upload-Offset, Upload-Length, Upload-Expires, "
    "Tsunagu-Sha256, Tsunagu-Size, ETag, Content-Range"
)
_ALLOWED = (
    "Authorization, Content-Type, Range, If-Range, Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, "
    "Upload-Checksum, Tsunagu-Bundle-Id, X-HTTP-Method-Override"
)


class Metrics:
    """Counters for /metrics."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, name: str, count: int = 1) -> None:
        """Count something."""
        with self._lock:
            self._counts[name] += count

    def text(self, open_uploads: int) -> bytes:
        """OpenMetrics text."""
        with self._lock:
            counts = dict(self._counts)
        lines = []
        for name in ("received_bytes", "sent_bytes", "requests", "failed_requests"):
            lines += [f"# TYPE tsunagu_{name} counter", f"tsunagu_{name}_total {counts.get(name, 0)}"]
        lines += ["# TYPE tsunagu_open_uploads gauge", f"tsunagu_open_uploads {open_uploads}", "# EOF\n"]
        return "\n".join(lines).encode()


class ByteServer:
    """A WSGI application; ``gunicorn.socket`` in the environment opens its fast paths."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.signer = Signer.from_file(Path(config.key_file))
        self.store = open_store(config.store_url, options=config.store_options)
        self.control = Control(config.control_url, self.signer)
        self.metrics = Metrics()
        self.uploads = Uploads(self)
        self._routes: tuple[tuple[str, re.Pattern[str], Callable[..., Answer]], ...] = (
            ("POST", re.compile(r"/bundles\Z"), lambda e: bundles.put_bundle(self, e)),
            ("POST", re.compile(r"/fetch\Z"), lambda e: bundles.fetch(self, e)),
            ("POST", re.compile(r"/form\Z"), lambda e: forms.put_form(self, e)),
            ("GET", re.compile(r"/o/([\w.-]+)(?:/.*)?\Z"), lambda e, t: downloads.get_file(self, e, t)),
            ("HEAD", re.compile(r"/o/([\w.-]+)(?:/.*)?\Z"), lambda e, t: downloads.get_file(self, e, t)),
            ("GET", re.compile(r"/zip/([\w.-]+)/([^/]*)\Z"), lambda _, t, n: downloads.get_zip(self, t, n)),
            ("GET", re.compile(r"/healthz\Z"), lambda _: Answer.json({"ok": True})),
            ("GET", re.compile(r"/metrics\Z"), lambda _: self._metrics()),
        )
        threading.Thread(target=self._tidy, name="tidy", daemon=True).start()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        started = time.monotonic()
        try:
            answer = self._route(environ)
        except TsunaguError as error:
            answer = Answer.problem(error)
        except Exception:
            logger.exception("request_failed", extra={"path": _plain_path(environ)})
            answer = Answer.problem(UnavailableError("The byte server failed; nothing was acknowledged."))
        self.metrics.add("requests")
        if answer.status >= 500:  # noqa: PLR2004
            self.metrics.add("failed_requests")
        headers = {**answer.headers, **self._cors(environ)}
        if answer.status >= 400 and environ["REQUEST_METHOD"] in {"POST", "PATCH"}:  # noqa: PLR2004
            headers["Connection"] = "close"  # the rest of a refused body is not worth reading
        reason = REASONS.get(answer.status) or HTTPStatus(answer.status).phrase
        start_response(f"{answer.status} {reason}", list(headers.items()))
        logger.info(
            "request",
            extra={
                "method": environ["REQUEST_METHOD"],
                "path": _plain_path(environ),
                "status": answer.status,
                "duration_s": round(time.monotonic() - started, 4),
            },
        )
        return answer.body

    def base_url(self, environ: Environ) -> str:
        """How the client calls this server."""
        scheme = header(environ, "X-Forwarded-Proto") or environ.get("wsgi.url_scheme", "http")
        return f"{scheme}://{header(environ, 'Host')}"

    def _route(self, environ: Environ) -> Answer:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        if path == "/tus" or path.startswith("/tus/"):
            if method == "OPTIONS" and header(environ, "Access-Control-Request-Method"):
                return Answer(204)
            return self.uploads.handle(environ, path[5:])
        if method == "OPTIONS":
            return Answer(204)
        for verb, pattern, handle in self._routes:
            match = pattern.match(path)
            if match and verb == method:
                return handle(environ, *match.groups())
        raise NotFoundError("There is nothing at this address of the byte server.")

    def _cors(self, environ: Environ) -> dict[str, str]:
        if header(environ, "Origin") != self.config.control_origin:
            return {}
        return {
            "Access-Control-Allow-Origin": self.config.control_origin,
            "Access-Control-Allow-Methods": "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
            "Access-Control-Allow-Headers": _ALLOWED,
            "Access-Control-Expose-Headers": _EXPOSED,
            "Access-Control-Max-Age": "600",
            "Vary": "Origin",
        }

    def _metrics(self) -> Answer:
        body = self.metrics.text(self.uploads.open_count())
        kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
        return Answer(200, {"Content-Type": kind, "Content-Length": str(len(body))}, [body])

    def _tidy(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                self.uploads.expire()
            time.sleep(3600)


def _plain_path(environ: Environ) -> str:
    """The path without capabilities: logs must not give access."""
    parts = environ.get("PATH_INFO", "").split("/")
    return "/".join(parts[:2])


def create_app(config: Config) -> ByteServer:
    """The application for a configuration."""
    return ByteServer(config)
