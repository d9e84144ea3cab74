"""What of a request reaches a notebook, and what of its answers reaches the browser."""

from __future__ import annotations

from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie

Headers = list[tuple[bytes, bytes]]

COOKIE = "tsunagu_notebook"
_HOP = {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer"}
_HOP |= {b"proxy-connection", b"upgrade"}
_NEVER_IN = {b"authorization", b"forwarded", b"x-real-ip", b"cookie", b"expect"}
_NEVER_OUT = {b"content-security-policy", b"content-security-policy-report-only", b"set-cookie", b"server"}
_NEVER_OUT |= {b"clear-site-data", b"strict-transport-security", b"report-to", b"reporting-endpoints", b"nel"}

# A notebook shows what it was given, and must not be able to send it on: nothing is loaded from, framed by or sent to
# any place but the notebook itself. JupyterLab compiles schemas and its kernels' messages, hence unsafe-eval.
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; connect-src 'self' {socket}; "
    "worker-src 'self' blob:; frame-src 'self' blob: data:; manifest-src 'self'; form-action 'self'; base-uri 'self'; "
    "frame-ancestors 'self'; webrtc 'block'"
)
_FIXED: Headers = [
    (b"Referrer-Policy", b"no-referrer"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Cross-Origin-Opener-Policy", b"same-origin"),
    (b"Cross-Origin-Resource-Policy", b"same-origin"),
    (b"Origin-Agent-Cluster", b"?1"),
    (b"X-Robots-Tag", b"noindex"),
    (b"X-DNS-Prefetch-Control", b"off"),
]


def first(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """The value of a header; empty: it is not there. Names are lower case in h11."""
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def cookie_of(headers: Iterable[tuple[bytes, bytes]], *, is_secure: bool) -> str:
    """The browser's own cookie of the gate."""
    found = _cookies(headers).get(cookie_name(is_secure=is_secure))
    return found or ""


def cookie_name(*, is_secure: bool) -> str:
    """With https a name that no other host can set."""
    return f"__Host-{COOKIE}" if is_secure else COOKIE


def set_cookie(cookie: str, *, is_secure: bool) -> tuple[bytes, bytes]:
    """The header that gives a browser its cookie: for this host alone, unseen by scripts."""
    secure = "; Secure" if is_secure else ""
    text = f"{cookie_name(is_secure=is_secure)}={cookie}; Path=/; HttpOnly; SameSite=Lax{secure}"
    return (b"Set-Cookie", text.encode())


def inwards(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """What the notebook sees of a request: no cookie but its own, nothing that speaks of this node."""
    kept = [
        (name, value)
        for name, value in headers
        if name not in _HOP and name not in _NEVER_IN and not name.startswith(b"x-forwarded")
    ]
    own = "; ".join(f"{k}={v}" for k, v in _cookies(headers).items() if not k.endswith(COOKIE))
    return [*kept, (b"Cookie", own.encode("latin-1", "replace"))] if own else kept


def outwards(headers: Iterable[tuple[bytes, bytes]], origin: str) -> Headers:
    """What the browser sees of an answer: our policy in place of the notebook's, cookies for its own host alone."""
    found = list(headers)
    kept = [(name, value) for name, value in found if name not in _HOP and name not in _NEVER_OUT]
    kept += [(name, value) for name, value in found if name == b"set-cookie" and _is_harmless(value)]
    return [*kept, *guards(origin)]


def guards(origin: str) -> Headers:
    """What stands in every answer of a notebook's host."""
    socket = origin.replace("http", "ws", 1)
    return [*_FIXED, (b"Content-Security-Policy", _POLICY.format(socket=socket).encode())]


def is_own_origin(
    headers: Iterable[tuple[bytes, bytes]], method: str, origin: str, *, is_upgrade: bool
) -> bool:
    """Whether a request that may change something comes from a page of the notebook itself."""
    said = first(headers, b"origin")
    if is_upgrade or method not in {"GET", "HEAD"}:
        return said == origin
    site = first(headers, b"sec-fetch-site")
    # From elsewhere a browser may open a page, but neither load parts nor ask for data.
    return site in {"", "none", "same-origin"} or first(headers, b"sec-fetch-mode") == "navigate"


def _cookies(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    jar: SimpleCookie = SimpleCookie()
    for name, value in headers:
        if name == b"cookie":
            try:
                jar.load(value.decode("latin-1"))
            except CookieError:
                continue
    return {name: morsel.coded_value for name, morsel in jar.items()}


def _is_harmless(value: bytes) -> bool:
    low = value.decode("latin-1").lower()
    return "domain" not in low.partition(";")[2] and not low.partition("=")[0].strip().endswith(COOKIE)
