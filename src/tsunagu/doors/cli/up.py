"""``tsunagu up``: one parent that prepares the home, starts control, bytes and workers, and stops them gently."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tsunagu.core import lifeline, logs, settings
from tsunagu.core.errors import TsunaguError
from tsunagu.doors.cli import forking
from tsunagu.doors.cli.running import left_behind, only_one
from tsunagu.doors.cli.saving import quick_backup

_RESTART_AFTER_S = 1.0
_STOP_WITHIN_S = 25.0
_PREPARE_WITHIN_S = 24 * 3600.0  # a large database is saved first
_PORT_WITHIN_S = 30.0


class PortTakenError(TsunaguError):
    """Something else listens there."""

    code = "node.port_taken"
    default_message = "A port of the node is in use by another program."


def up(options: argparse.Namespace) -> int:
    """Start the node and watch over its processes until SIGTERM or Ctrl-C."""
    del options
    node = settings.current()
    node.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    for folder in ("secrets", "spool", "tmp", "run", "mail"):
        (node.home / folder).mkdir(exist_ok=True, mode=0o700)
    logs.configure(node.log_level)
    was_killed = left_behind(node.home)
    with only_one(node) as mark_ready:
        for port in (node.port, node.bytes_port_number):
            _require_free(node.host, port, within_s=_PORT_WITHIN_S if was_killed else 0)
        config = _write_bytes_config(node)
        apart: dict[str, tuple[str, ...]] = {"bytes": ("tsunagu.dataplane.serve", "--config", str(config))}
        if node.notebook_slots:
            apart["notebooks"] = ("tsunagu.compute.gate",)
        parts: dict[str, Starter] = {name: partial(_start_apart, *command) for name, command in apart.items()}
        children = Children({**parts, **_loaded_parts(node)})
        return children.watch(lambda: _say_ready(node, mark_ready))


Child = forking.Forked | subprocess.Popen[bytes]
Starter = Callable[[], Child]


def _start_apart(*command: str) -> Child:
    """The byte server or the gate to notebooks, which share nothing with the rest but files."""
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", *command],
        start_new_session=True,
        preexec_fn=lambda: lifeline.end_with_parent(signal.SIGTERM),  # noqa: PLW1509 - this parent has one thread
    )


def _loaded_parts(node: settings.Settings) -> dict[str, Starter]:
    """The parts that need the whole program: it is loaded once, here, and the parts begin as copies."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tsunagu.config.settings"  # whatever the shell says
    compute, index, prepare, serve, work = (
        importlib.import_module(f"tsunagu.config.{name}")
        for name in ("compute", "index", "prepare", "serve", "work")
    )
    prepare.load()
    forking.settle()
    # In a copy, so that no connection to the database is ever open here.
    if forking.Forked("tsunagu: prepare", prepare.main).wait(_PREPARE_WITHIN_S):
        raise TsunaguError("The database could not be prepared; its backup is in HOME/backups.")
    works: dict[str, Callable[[], object]] = {"control": serve.main, "index": index.main}
    for number in range(1, node.workers + 1):
        works[f"worker-{number}"] = partial(work.main, number)
    if node.compute_slots or node.slurm_folder or node.notebook_slots:
        works["compute"] = compute.main
    return {name: partial(forking.Forked, f"tsunagu: {name}", main) for name, main in works.items()}


class Children:
    """The processes of a node; one that ends is started again."""

    def __init__(self, starters: Mapping[str, Starter]) -> None:
        self._starters = starters
        self._running: dict[str, Child] = {}
        self._is_stopping = False

    def watch(self, on_ready: object) -> int:
        """Start all, start again what ends, stop all on SIGTERM or SIGINT."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        for name in self._starters:
            self._start(name)
        if callable(on_ready):
            on_ready()
        while not self._is_stopping:
            time.sleep(0.5)
            for name, child in list(self._running.items()):
                if child.poll() is not None and not self._is_stopping:
                    print(f"tsunagu: {name} ended ({child.returncode}); starting it again.", file=sys.stderr)
                    time.sleep(_RESTART_AFTER_S)
                    self._start(name)
        return self._end_all()

    def _start(self, name: str) -> None:
        self._running[name] = self._starters[name]()

    def _stop(self, *_: object) -> None:
        self._is_stopping = True

    def _end_all(self) -> int:
        for child in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
        deadline = time.monotonic() + _STOP_WITHIN_S
        for child in self._running.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
        return 0


def _say_ready(node: settings.Settings, mark_ready: Callable[[], None]) -> None:
    deadline = time.monotonic() + 60
    for port in (node.port, node.bytes_port_number):
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://{node.host}:{port}/healthz", timeout=2).close()
                break
            time.sleep(0.1)
    mark_ready()
    print(f"Tsunagu answers on {node.control_address} (bytes on {node.bytes_address}).", flush=True)


def _require_free(host: str, port: int, *, within_s: float) -> None:
    """Wait for the port: processes of a node whose parent was killed may still be about to end."""
    deadline = time.monotonic() + within_s
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                if time.monotonic() > deadline:
                    raise PortTakenError(
                        f"Port {port} on {host} is in use by another program.",
                        remedy="Give another one with --port.",
                    ) from None
            else:
                return
        time.sleep(0.1)


def _write_bytes_config(node: settings.Settings) -> Path:
    from tsunagu.core.capabilities import KeyCarrier, Signer

    Signer.from_file(node.capability_key_file)
    KeyCarrier(node.spool).renew()  # what was hidden for the servers before this start stays hidden
    values = {
        "control_url": f"http://{node.host}:{node.port}",
        "control_origin": node.control_address,
        "store_url": node.store_address,
        "store_options": node.store_options,
        "key_file": str(node.capability_key_file),
        "spool_dir": str(node.spool),
        "host": node.host,
        "port": node.bytes_port_number,
        "threads": node.bytes_threads,
    }
    path = node.home / "run" / "bytes.json"
    path.touch(mode=0o600)  # it may hold the keys of an S3 store
    path.write_text(json.dumps(values), "utf-8")
    return path


def prepare_database(*, say: bool = False) -> None:
    """Bring the database up to date; on an older home after a backup, and saying so."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return
    if executor.loader.applied_migrations:
        target = quick_backup()
        if say:
            print(f"This home is older than the program: saved as {target}, now bringing it up to date.")
    call_command("migrate", verbosity=0, interactive=False)
