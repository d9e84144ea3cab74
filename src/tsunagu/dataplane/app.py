"""The byte server as one WSGI application: routes, errors, browser rules, access log."""

from __future__ import annotations

import json
import logging
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from tsunagu.core.errors import InvalidInputError, NotFoundError, TsunaguError
from tsunagu.dataplane import bundles, fetch, form, objects, zips
from tsunagu.dataplane.cas.door import CasDoor
from tsunagu.dataplane.context import Context
from tsunagu.dataplane.exchange import Environ, Request, Response
from tsunagu.dataplane.lfs import LfsDoor
from tsunagu.dataplane.tus import TusDoor
from tsunagu.dataplane.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tsunagu.core.blobs import Reader
    from tsunagu.dataplane.settings import Settings

    StartResponse = Callable[..., Any]

access_log = logging.getLogger("tsunagu.dataplane.access")
_log = logging.getLogger("tsunagu.dataplane")

_HOURLY_S = 3600.0
_METHODS = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
_ASKABLE = (
    "Authorization, Content-Type, If-None-Match, If-Range, Range, Tsunagu-Bundle-Id, Tus-Resumable, "
    "Upload-Checksum, Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override"
)
_READABLE = (
    "Content-Disposition, Content-Length, Content-Range, ETag, Location, Retry-After, Tsunagu-Sha256, Tsunagu-Size, "
    "Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Expires, "
    "Upload-Length, Upload-Metadata, Upload-Offset"
)


class MethodError(InvalidInputError):
    """A method that the address does not know."""

    code = "dataplane.method"
    status = 405
    default_message = "This address does not know that method."


def create_app(settings: Settings) -> App:
    """The application for any threaded WSGI server; gunicorn's gthread worker gives it the fast path.

    Also begins to remove expired uploads, now and every hour, in a thread.
    """
    context = Context.build(settings)
    uploads = Uploads(settings.spool_dir, lifetime_s=settings.upload_lifetime_s)
    uploads.remove_scraps()
    cas = CasDoor(context)
    threading.Thread(target=_tidy, args=(uploads, context, cas), daemon=True, name="tidy").start()
    return App(context, uploads, cas)


class App:
    """The WSGI callable."""

    def __init__(self, context: Context, uploads: Uploads, cas: CasDoor) -> None:
        self._context = context
        self._uploads = uploads
        self._tus = TusDoor(context, uploads)
        self._lfs = LfsDoor(context, uploads)
        self._cas = cas
        self._routes = self._table()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        started = time.monotonic()
        request = Request(environ)
        first = request.path.split("/", 2)[1] if request.path.startswith("/") else ""
        route = first if any(first == known for known, _ in self._routes) else "other"
        response = self._respond(request, route)
        response.headers += self._browser_headers(request)
        if route == "tus" and not any(name == "Tus-Resumable" for name, _ in response.headers):
            response.headers.append(("Tus-Resumable", "1.0.0"))
        if response.status >= 400 and request.has_body:  # noqa: PLR2004
            request.body.discard()
        watch = _Watch(self._context, request, response, route, started)
        start_response(response.status_line, response.headers)
        wrapper = environ.get("wsgi.file_wrapper")
        if response.reader is not None and wrapper is not None and response.reader.fileno() is not None:
            result: Iterable[bytes] = wrapper(_File(response.reader, watch), 1 << 20)
            return result
        return _Pieces(response, watch)

    def _respond(self, request: Request, route: str) -> Response:
        try:
            return self._route(request, route)
        except TsunaguError as error:
            return Response.problem(error)
        except Exception:  # noqa: BLE001 - the last resort of a server: logged with its trace, answered as 500
            _log.exception("request failed", extra={"route": route})
            return Response.problem(InternalError())

    def _route(self, request: Request, route: str) -> Response:
        parts = [part for part in request.path.split("/")[2:] if part]
        methods = self._routes.get((route, len(parts)))
        if methods is None:
            raise NotFoundError
        if request.method == "OPTIONS":
            return self._tus.describe(request) if route == "tus" else Response(204)
        handler = methods.get("GET" if request.method == "HEAD" and "HEAD" not in methods else request.method)
        if handler is None:
            raise MethodError(allowed=sorted(methods))
        return handler(request, *parts)

    def _table(self) -> dict[tuple[str, int], dict[str, Callable[..., Response]]]:
        """Handlers by first part of the path, number of parts behind it, and method; GET answers HEAD too."""
        context, tus, lfs, cas = self._context, self._tus, self._lfs, self._cas
        return {
            ("bundles", 0): {"POST": partial(bundles.post_bundle, context)},
            ("fetch", 0): {"POST": partial(fetch.post_fetch, context)},
            ("tails", 0): {"POST": partial(fetch.post_tails, context)},
            ("form", 0): {"POST": partial(form.post_form, context)},
            ("lfs", 1): {"PUT": lfs.put, "POST": lfs.complete},
            ("lfs", 2): {"PUT": lfs.put},
            ("o", 2): {"GET": lambda request, token, _name: objects.get_object(context, request, token)},
            ("zip", 2): {
                "GET": lambda request, token, name: zips.get_zip(context, request, token, _as_text(name))
            },
            ("tus", 0): {"GET": tus.unfinished, "POST": tus.create},
            ("tus", 1): {"HEAD": tus.head, "PATCH": tus.patch, "DELETE": tus.terminate},
            ("xet", 3): {"POST": cas.post},
            ("xet", 5): {"POST": cas.put_xorb, "GET": cas.find_chunk},
            ("healthz", 0): {"GET": lambda _request: Response.json(200, {"status": "ok"})},
            ("metrics", 0): {"GET": lambda _request: self._show_metrics()},
        }

    def _show_metrics(self) -> Response:
        text = self._context.metrics.render(open_uploads=self._uploads.count())
        return Response.text(200, text, "application/openmetrics-text; version=1.0.0; charset=utf-8")

    def _browser_headers(self, request: Request) -> list[tuple[str, str]]:
        """CORS: the one control origin, never with credentials."""
        origin = self._context.settings.control_origin
        headers = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
        if request.header("Origin") != origin:
            return headers[1:]
        headers.append(("Access-Control-Expose-Headers", _READABLE))
        if request.method == "OPTIONS":
            headers += [
                ("Access-Control-Allow-Methods", _METHODS),
                ("Access-Control-Allow-Headers", _ASKABLE),
                ("Access-Control-Max-Age", "7200"),
            ]
        return headers


class InternalError(TsunaguError):
    """A defect of ours."""

    code = "dataplane.defect"
    status = 500
    default_message = "The byte server met an error of its own; the log names it."
    default_remedy = "Try again; if it stays, tell the administrator."


class _Watch:
    """Writes the one line of the access log when the answer is out, without addresses, names or tokens."""

    def __init__(
        self, context: Context, request: Request, response: Response, route: str, started: float
    ) -> None:
        self._context = context
        self._facts: dict[str, object] = {
            "event": "request",
            "method": request.method,
            "route": route,
            "status": response.status,
            **response.facts,
        }
        self._started = started
        self._is_done = False

    def finish(self, *, is_whole: bool = True) -> None:
        """Count and log, once."""
        if self._is_done:
            return
        self._is_done = True
        facts = self._facts
        self._context.metrics.add("requests", route=facts["route"], status=facts["status"])
        duration = round((time.monotonic() - self._started) * 1000)
        cut = {} if is_whole else {"cut_off": True}
        access_log.info(json.dumps({**facts, "duration_ms": duration, **cut}))


class _File:
    """What a server's file wrapper wants: a file number that it may hand to sendfile."""

    def __init__(self, reader: Reader, watch: _Watch) -> None:
        self.read = reader.read
        self._reader = reader
        self._watch = watch

    def fileno(self) -> int:
        number = self._reader.fileno()
        if number is None:
            raise OSError("this reader has no file")
        return number

    def close(self) -> None:
        self._reader.close()
        self._watch.finish()


class _Pieces:
    """A body in pieces; closes its reader and writes the log line at the end."""

    def __init__(self, response: Response, watch: _Watch) -> None:
        self._response = response
        self._pieces: Iterator[bytes] = response.pieces()
        self._watch = watch
        self._is_whole = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        self._is_whole = True

    def close(self) -> None:
        closer = getattr(self._pieces, "close", None)
        if closer is not None:
            closer()
        if self._response.reader is not None:
            self._response.reader.close()
        self._watch.finish(is_whole=self._is_whole)


def _as_text(wsgi_text: str) -> str:
    """WSGI carries paths as bytes in latin-1 clothes."""
    return wsgi_text.encode("latin-1").decode("utf-8", "replace")


def _tidy(uploads: Uploads, context: Context, cas: CasDoor) -> None:
    while True:
        try:
            count = uploads.remove_expired(context.store) + cas.remove_unused()
        except Exception:  # noqa: BLE001 - the thread must live on
            _log.exception("expired uploads could not be removed")
        else:
            if count:
                _log.info("expired uploads removed", extra={"count": count})
        time.sleep(_HOURLY_S)
