"""Who gives time stamps: any RFC 3161 authority by HTTP, or the embedded test authority.

The embedded one runs ``openssl ts`` with keys in HOME/secrets: the whole path works on a fresh node, but whoever owns
the node owns that clock. Everything that shows its stamps says that they are not independent.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

from tsunagu.core import egress, settings
from tsunagu.core.errors import TsunaguError
from tsunagu.foundation.ledger.errors import AuthorityError

_WITHIN_S = 20.0
EMBEDDED = "embedded"
OFF = "off"


class Authority(Protocol):
    """Somebody who puts a time under a hash."""

    name: str
    is_independent: bool

    @property
    def certificates(self) -> str:
        """PEM of the roots that its tokens must lead to."""
        ...

    def ask(self, query: bytes) -> bytes:
        """Send a request (DER), give the response (DER).

        Raises:
            AuthorityError: there is no answer.
        """
        ...


def configured() -> Authority | None:
    """The authority of the settings ``timestamp_url`` and ``timestamp_ca``; None when stamping is off."""
    node = settings.current()
    if node.timestamp_url == OFF:
        return None
    if node.timestamp_url:
        return HttpAuthority(node.timestamp_url, node.timestamp_ca)
    return EmbeddedAuthority(node.home / "secrets" / "test-authority")


class HttpAuthority:
    """An authority over HTTP (RFC 3161, section 3.4)."""

    is_independent = True

    def __init__(self, url: str, ca_file: str) -> None:
        self.name, self._ca_file = url, ca_file

    @property
    def certificates(self) -> str:
        """The pinned roots."""
        if not self._ca_file:
            raise AuthorityError(
                "No certificate of the time-stamp authority is pinned.",
                remedy="Set timestamp_ca to a PEM file with the authority's root certificate.",
            )
        try:
            return Path(self._ca_file).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise AuthorityError(f"The file timestamp_ca cannot be read: {error}") from None

    def ask(self, query: bytes) -> bytes:
        """POST the request."""
        try:
            answer = egress.post(self.name, query, media_type="application/timestamp-query")
        except TsunaguError as error:
            raise AuthorityError(f"{error.message} {error.remedy}") from None
        if answer.status != HTTPStatus.OK:
            raise AuthorityError(f"{self.name} answered with status {answer.status}.")
        if answer.media_type != "application/timestamp-reply":
            raise AuthorityError(f"{self.name} answered with something else than a time stamp.")
        return answer.content


_REQUEST = ("req", "-newkey", "rsa:3072", "-nodes", "-batch")
_EXTENSIONS = "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n"
_CONFIGURATION = """[tsa]
default_tsa = this
[this]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.crt
certs = {folder}/ca.crt
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.32473.1
other_policies = 1.3.6.1.4.1.32473.1
digests = sha256, sha512
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class EmbeddedAuthority:
    """The test authority: ``openssl ts`` with its own root, made on first use. Ten years, one machine, no independence."""

    name = EMBEDDED
    is_independent = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def certificates(self) -> str:
        """Its own root."""
        self._prepare()
        return (self._folder / "ca.crt").read_text("utf-8")

    def ask(self, query: bytes) -> bytes:
        """Answer a request."""
        self._prepare()
        with tempfile.TemporaryDirectory() as work, self._lock():
            asked, given = Path(work, "q.tsq"), Path(work, "r.tsr")
            asked.write_bytes(query)
            config = Path(work, "tsa.cnf")  # made anew each time: it names the folder, and a home may move
            config.write_text(_CONFIGURATION.format(folder=self._folder))
            self._openssl(
                "ts", "-reply", "-config", str(config), "-queryfile", str(asked), "-out", str(given)
            )
            return given.read_bytes()

    def _prepare(self) -> None:
        if (self._folder / "serial").exists():
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._lock():
            if (self._folder / "serial").exists():
                return
            at = {
                name: str(self._folder / name)
                for name in ("ca.key", "ca.crt", "tsa.key", "tsa.csr", "tsa.crt")
            }
            subject = "/CN=Tsunagu test authority (not independent)"
            self._openssl(
                *_REQUEST, "-x509", "-days", "3650", "-subj", subject,
                "-keyout", at["ca.key"], "-out", at["ca.crt"],
            )  # fmt: skip
            self._openssl(
                *_REQUEST, "-subj", f"{subject[:-1]}, clock)", "-keyout", at["tsa.key"], "-out", at["tsa.csr"]
            )
            (self._folder / "tsa.ext").write_text(_EXTENSIONS)
            self._openssl(
                "x509", "-req", "-in", at["tsa.csr"], "-CA", at["ca.crt"], "-CAkey", at["ca.key"], "-days", "3650",
                "-CAcreateserial", "-extfile", str(self._folder / "tsa.ext"), "-out", at["tsa.crt"],
            )  # fmt: skip
            draft = self._folder / "serial.draft"
            draft.write_text("01\n")
            draft.rename(self._folder / "serial")  # last: it says that the rest is whole

    def _lock(self) -> Any:
        return _Locked(self._folder / "lock")

    def _openssl(self, *arguments: str) -> None:
        program = shutil.which("openssl")
        if program is None:
            raise AuthorityError(
                "The program openssl is missing.", remedy="Install it, or set timestamp_url."
            )
        try:
            done = subprocess.run(  # noqa: S603
                [program, *arguments], capture_output=True, text=True, check=False, timeout=_WITHIN_S
            )
        except subprocess.TimeoutExpired:
            raise AuthorityError("openssl took too long.") from None
        if done.returncode:
            raise AuthorityError(f"openssl {arguments[0]} failed: {done.stderr.strip()[-300:]}")


class _Locked:
    """One at a time: serial numbers must not repeat."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> None:
        self._open = self._file.open("a")
        fcntl.flock(self._open, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._open.close()
