"""The key that signs ID tokens, and the secret behind the names that programs know people by."""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import Any

import jwt

from tsunagu.core import settings
from tsunagu.core.ids import new_id

_BITS = 3072
ALGORITHM = "RS256"


def public_keys() -> dict[str, Any]:
    """The public key as a JSON Web Key Set (RFC 7517)."""
    return {"keys": [_public(settings.current().home)]}


def sign(said: dict[str, Any]) -> str:
    """A signed JSON Web Token."""
    home = settings.current().home
    return jwt.encode(said, _key(home), ALGORITHM, {"kid": str(_public(home)["kid"])})


def pairwise(sector: str, person_id: str) -> str:
    """The name of a person for one program: two programs cannot compare whom they know."""
    secret = _stored(settings.current().home / "secrets" / "pairwise.key", lambda: secrets.token_bytes(32))
    digest = hmac.new(secret, f"{sector}\0{person_id}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@functools.lru_cache(maxsize=4)
def _key(home: Path) -> Any:
    from cryptography.hazmat.primitives import serialization

    return serialization.load_pem_private_key(_stored(home / "secrets" / "openid.pem", _make), None)


@functools.lru_cache(maxsize=4)
def _public(home: Path) -> dict[str, Any]:
    found = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(_key(home).public_key()))
    # RFC 7638: the name of a key follows from the key, so two processes agree on it.
    thumb = json.dumps({name: found[name] for name in ("e", "kty", "n")}, separators=(",", ":"))
    name = base64.urlsafe_b64encode(hashlib.sha256(thumb.encode()).digest()).rstrip(b"=").decode()
    return {"kty": "RSA", "n": found["n"], "e": found["e"], "kid": name, "use": "sig", "alg": ALGORITHM}


def _make() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(65537, _BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _stored(file: Path, make: Any) -> bytes:
    """A secret of this node, made at first use; put in place by a link, so that of two makers one wins whole."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = file.with_name(f"{file.name}.{new_id()}")
        draft.touch(mode=0o600)
        draft.write_bytes(make())
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    return file.read_bytes()
