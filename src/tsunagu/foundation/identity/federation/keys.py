"""The service provider's own key: it signs requests and opens encrypted assertions."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from pathlib import Path

from tsunagu.core import clock, settings
from tsunagu.core.ids import new_id

_YEARS = 10
_BITS = 3072


def key_pair() -> tuple[str, str]:
    """Private key and certificate in PEM form; made at first use, in HOME/secrets/saml.pem.

    The certificate signs itself: federations trust the key that stands in the registered metadata.
    """
    file = settings.current().home / "secrets" / "saml.pem"
    if not file.exists():
        _make(file)
    text = file.read_text("ascii")
    key, _, rest = text.partition("-----BEGIN CERTIFICATE-----")
    return key, f"-----BEGIN CERTIFICATE-----{rest}"


def _make(file: Path) -> None:
    """One file for both, put in place by a link: of two processes that make a key, one wins whole."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(65537, _BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tsunagu service provider")])
    now = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=365 * _YEARS))
        .sign(key, hashes.SHA256())
    )
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f"{file.name}.{new_id()}")
    draft.touch(mode=0o600)
    draft.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    with contextlib.suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()
