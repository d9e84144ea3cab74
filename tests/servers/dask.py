"""A Dask cluster for tests: a scheduler and workers as processes of their own, spoken to by TLS, ended by id."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.node import free_port


class Cluster:
    """Scheduler and workers; ``settings`` are what a node needs to use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._cert, self._key = _certificate(folder)
        self.port = free_port()
        self.address = f"tls://127.0.0.1:{self.port}"
        self._tls = ["--tls-ca-file", self._cert, "--tls-cert", self._cert, "--tls-key", self._key]
        self.workers: list[subprocess.Popen[bytes]] = []
        self._scheduler = self._started(
            "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard",
            "--protocol", "tls",
        )  # fmt: skip
        self._wait_for_scheduler()

    @property
    def settings(self) -> dict[str, str]:
        """For the environment of a node."""
        return {
            "TSUNAGU_DASK_SCHEDULER": self.address,
            "TSUNAGU_DASK_TLS_CA": self._cert,
            "TSUNAGU_DASK_TLS_CERT": self._cert,
            "TSUNAGU_DASK_TLS_KEY": self._key,
        }

    def add_worker(self, *, core: int | None = None) -> subprocess.Popen[bytes]:
        """One more worker with one thread, on a core of its own where one is given."""
        worker = self._started(
            "distributed.cli.dask_worker", self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny",
            "--no-dashboard", "--local-directory", str(self.folder), "--protocol", "tls", core=core,
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def stop(self) -> None:
        """End everything."""
        for process in (*self.workers, self._scheduler):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _started(self, module: str, *arguments: str, core: int | None = None) -> subprocess.Popen[bytes]:
        pinned = ["taskset", "-c", str(core)] if core is not None else []
        with (self.folder / "dask.log").open("ab") as log:
            return subprocess.Popen(
                [*pinned, sys.executable, "-m", module, *arguments, *self._tls],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
            )

    def _wait_for_scheduler(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError((self.folder / "dask.log").read_text("utf-8")[-2000:])


def _certificate(folder: Path) -> tuple[str, str]:
    """A certificate that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cluster")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    secret.chmod(0o600)
    return str(cert), str(secret)
