"""A real PostgreSQL for the tests: a cluster in a folder, on loopback, with a port of its own.

The server refuses to run as root, so root hands the folder to the user ``postgres`` that Debian's package makes.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

_USER = "tsunagu"


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, or None when PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    on_path = shutil.which("initdb")
    return found[0].parent if found else (Path(on_path).parent if on_path else None)


class PostgreSQL:
    """A running server; ``new_database`` gives an address of a fresh database."""

    def __init__(self, home: Path, port: int, bin_dir: Path) -> None:
        self.home, self.port, self._bin = home, port, bin_dir

    def new_database(self) -> str:
        """The address of an empty database."""
        name = f"d{uuid.uuid4().hex[:12]}"
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", _USER, name)
        return self.address(name)

    def address(self, name: str = "postgres") -> str:
        """The address of a database."""
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{name}"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the user that owns the cluster."""
        command = [str(self._bin / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
        # pg_ctl hands its output on to the server, which would keep a pipe open for ever.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                timeout=120,
                cwd="/",
            )
            output.seek(0)
            if done.returncode:
                raise RuntimeError(f"{program}: {output.read().decode('utf-8', 'replace')[-2000:]}")


@contextlib.contextmanager
def running(*, is_durable: bool = False) -> Iterator[PostgreSQL]:
    """A server for the time of the block.

    Args:
        is_durable: Keep fsync on (benchmarks); tests do without.
    """
    bin_dir = programs()
    if bin_dir is None:
        raise RuntimeError("PostgreSQL is not installed.")
    # Not below the tests' own folder: every parent must be passable for the other user, and socket paths are short.
    home = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    home.chmod(0o755)
    data = home / "c"
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(data, owner.pw_uid, owner.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = PostgreSQL(home, port, bin_dir)
    try:
        server.run(
            "initdb", "-D", str(data / "data"), "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"
        )
        fsync = "" if is_durable else " -c fsync=off"
        options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1 -c max_connections=100{fsync}"
        server.run("pg_ctl", "-D", str(data / "data"), "-l", str(data / "log"), "-w", "-o", options, "start")
        try:
            yield server
        finally:
            server.run("pg_ctl", "-D", str(data / "data"), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)
