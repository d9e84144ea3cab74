"""An OpenID provider that can lie: it signs whatever a test wants, on loopback."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT = "tsunagu"


class LyingProvider:
    """Tells the truth until a test changes ``claims``, ``sign`` or ``described``."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.host = f"127.0.0.1:{port}"
        self.key = rsa.generate_private_key(65537, 2048)
        self.other_key = rsa.generate_private_key(65537, 2048)
        self.nonce = ""
        self.reset()

    def reset(self) -> None:
        """An honest provider again."""
        self.claims: dict[str, Any] = {"sub": "248289761001"}
        self.user_info: dict[str, Any] = {}
        self.left_out: tuple[str, ...] = ()
        self.described: dict[str, Any] = {}
        self.jwks = {"keys": [self.public(self.key, "one")]}
        self.sign = lambda said: jwt.encode(said, self.key, "RS256", {"kid": "one"})
        self.redeemed: list[dict[str, str]] = []

    @staticmethod
    def public(key: Any, name: str) -> dict[str, Any]:
        return {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": name, "use": "sig"}

    def pem(self) -> bytes:
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def id_token(self) -> str:
        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "auth_time": now}
        said |= {"nonce": self.nonce, **self.claims}
        return self.sign({key: value for key, value in said.items() if key not in self.left_out})

    def answer(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        if path == "/.well-known/openid-configuration":
            places = {
                f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("authorization", "token", "userinfo")
            }
            return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **places, **self.described}
        if path == "/keys":
            return self.jwks
        if path == "/userinfo":
            return {"sub": self.claims.get("sub"), **self.user_info}
        self.redeemed.append(form)
        return {"access_token": "access", "token_type": "Bearer", "id_token": self.id_token()}


@contextlib.contextmanager
def running() -> Iterator[LyingProvider]:
    """One on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            form = {key: value[0] for key, value in parse_qs(self.rfile.read(length).decode()).items()}
            body = json.dumps(provider.answer(self.path, form)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = LyingProvider(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
