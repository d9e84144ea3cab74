"""``tsunagu check``: every setting with its origin, what is missing, which engines answer."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import django

from tsunagu.core import settings
from tsunagu.core.errors import TsunaguError
from tsunagu.doors.cli.running import running_node

_LITTLE_SPACE = 2 << 30
_COPY_PATIENCE = dt.timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        state: ``ok``, ``warn`` (the node works, somebody should know) or ``bad`` (it does not).
        remedy: What to do about it; empty when there is nothing to do.
    """

    name: str
    state: str
    detail: str
    remedy: str = ""


def check(options: argparse.Namespace) -> int:
    """Print settings and findings; exit code 1 when something is bad."""
    node = settings.current()
    looks: tuple[Callable[[settings.Settings], list[Finding]], ...] = (_home,)
    if node.home.exists():  # looking must not make a home
        django.setup()
        looks = _LOOKS
    findings = [finding for look in looks for finding in _safely(look, node)]
    is_ok = all(finding.state != "bad" for finding in findings)
    rows = _settings(node)
    if options.json:
        report = {"ok": is_ok, "settings": rows, "findings": [asdict(finding) for finding in findings]}
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        _print(node, rows, findings)
    return 0 if is_ok else 1


def _settings(node: settings.Settings) -> list[dict[str, Any]]:
    rows = []
    for setting in settings.TABLE:
        value = node.values[setting.name]
        if setting.is_secret and value:
            value = "(hidden)"
        shown = list(value) if isinstance(value, tuple) else value
        rows.append(
            {"name": setting.name, "value": shown, "unit": setting.unit, "origin": node.origins[setting.name]}
        )
    return rows


def _print(node: settings.Settings, rows: list[dict[str, Any]], findings: list[Finding]) -> None:
    print(f"home {node.home}\n")
    for row in rows:
        value = ",".join(map(str, row["value"])) if isinstance(row["value"], list) else row["value"]
        shown = f"{value} {row['unit']}".strip() or "(empty)"
        print(f"  {row['name']:<22} {shown:<34} {row['origin']}")
    print()
    for finding in findings:
        mark = {"ok": "ok  ", "warn": "warn", "bad": "BAD "}[finding.state]
        print(f"{mark}  {finding.name:<12} {finding.detail}")
        if finding.remedy:
            print(f"{'':6}{'':<12} -> {finding.remedy}")


def _safely(look: Callable[[settings.Settings], list[Finding]], node: settings.Settings) -> list[Finding]:
    """What a look found; one that breaks is a finding itself, and the others still run."""
    try:
        return look(node)
    except TsunaguError as error:
        return [Finding(_name_of(look), "bad", error.message, error.remedy)]
    except Exception as error:  # noqa: BLE001 - a broken engine may raise anything
        return [Finding(_name_of(look), "bad", f"{type(error).__name__}: {error}".strip()[:400])]


def _name_of(look: Callable[..., Any]) -> str:
    return look.__name__.strip("_")


def _home(node: settings.Settings) -> list[Finding]:
    if not node.home.exists():
        return [Finding("home", "warn", f"{node.home} does not exist yet.", "tsunagu up makes it.")]
    free = shutil.disk_usage(node.home).free
    state, remedy = ("ok", "") if free > _LITTLE_SPACE else ("warn", "Make room, or move the store.")
    keys = (node.capability_key_file, node.home / "secrets" / "django.key")
    loose = [file for file in keys if file.exists() and file.stat().st_mode & 0o077]
    return [
        Finding("home", state, f"{free / 1e9:.1f} GB free", remedy),
        *(Finding("secrets", "bad", f"{file} can be read by others.", f"chmod 600 {file}") for file in loose),
    ]


def _database(_: settings.Settings) -> list[Finding]:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    began = time.perf_counter()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("select sqlite_version()")
        else:
            cursor.execute("select current_setting('server_version')")
        version = cursor.fetchone()[0]
    latency = (time.perf_counter() - began) * 1000
    executor = MigrationExecutor(connection)
    open_count = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    found = [Finding("database", "ok", f"{connection.vendor} {version}, answers in {latency:.1f} ms")]
    if open_count:
        remedy = "tsunagu up applies them after a backup."
        found.append(Finding("migrations", "warn", f"{open_count} are not applied.", remedy))
    return found


def _store(node: settings.Settings) -> list[Finding]:
    """Write an object, read it back, remove it: what an upload needs."""
    from tsunagu.core.blobs import new_key
    from tsunagu.foundation.storage import api as storage

    began = time.perf_counter()
    content = os.urandom(4096)
    key, store = new_key(), storage.store()
    writer = store.create(key)
    os.write(writer.fileno(), content)
    writer.finish(len(content))
    with store.open(key, 0, len(content)) as reader:
        is_same = b"".join(reader.pieces()) == content
    store.delete(key)
    took = (time.perf_counter() - began) * 1000
    where = node.store_address.partition("?")[0]
    if not is_same:
        return [Finding("store", "bad", f"{where} gave other bytes back than were written.")]
    return [Finding("store", "ok", f"{where}: write, read and delete in {took:.0f} ms")]


def _sealed(node: settings.Settings) -> list[Finding]:
    """Whether the keys of sealed datasets are here, and for the node alone."""
    from django.db import DatabaseError

    from tsunagu.foundation.storage import api as storage

    loose = [file for file in node.keys_folder.glob("*.json") if file.stat().st_mode & 0o077]
    found = [
        Finding("sealed", "bad", f"{file} can be read by others.", f"chmod 600 {file}") for file in loose
    ]
    try:
        count, shut = storage.shut_domains()
    except DatabaseError:  # not migrated yet; the finding about migrations says so
        return found
    if shut:
        detail = f"The keys of {len(shut)} of {count} sealed datasets are not here, first {shut[0]}."
        return [*found, Finding("sealed", "bad", detail, "Bring the key backup (docs/how-to/seal.md).")]
    if count:
        remedy = "tsunagu backup DEST --keys FOLDER keeps a copy apart from the data."
        found.append(Finding("sealed", "ok", f"{count} datasets are sealed, their keys are here", remedy))
    return found


def _servers(node: settings.Settings) -> list[Finding]:
    running = running_node(node.home)
    if running is None:
        return [Finding("servers", "warn", "No node runs on this home.", "tsunagu up")]
    found = []
    # The ports that the node has, not those of the settings: one may have been given on its command line.
    for name, port in zip(("control", "bytes"), running.ports, strict=True):
        address = f"http://{node.host}:{port}/healthz"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                is_ok = answer.status == 200  # noqa: PLR2004
            found.append(Finding(name, "ok" if is_ok else "bad", f"answers on port {port}"))
        except OSError as error:
            reason = getattr(error, "reason", error)
            found.append(Finding(name, "warn", f"does not answer on port {port}: {reason}", "tsunagu up"))
    return found


def _workers(node: settings.Settings) -> list[Finding]:
    from django.db import DatabaseError

    from tsunagu.core import clock, jobs
    from tsunagu.core.models import WorkerBeat

    since = clock.now() - dt.timedelta(seconds=node.job_lease_s)
    try:
        beats = WorkerBeat.objects.filter(beat_at__gt=since).values_list("worker_id", flat=True)
        alive = len({name.partition("-")[0] for name in beats})  # one that was just replaced counts once
    except DatabaseError:  # not migrated yet; the finding about migrations says so
        return []
    failed = jobs.failed_count()
    state = "ok" if alive >= node.workers else "warn"
    detail = f"{alive} of {node.workers} alive, {jobs.waiting_count()} jobs wait, {failed} failed for good"
    remedy = "See the log for job_of_lost_worker and tracebacks." if failed else ""
    return [Finding("workers", state, detail, remedy)]


def _sandbox(node: settings.Settings) -> list[Finding]:
    """Try to break out of a real child that reads files."""
    from tsunagu.formats import api as formats

    with formats.ExtractorPool() as pool:
        report = pool.report()
        problems = pool.problems()
    down = [wall.name for wall in report.walls if not wall.holds]
    state = "warn" if down else "ok"
    detail = f"{len(report.walls) - len(down)} of {len(report.walls)} walls hold"
    detail += f"; missing: {', '.join(down)}" if down else ""
    remedy = "Files are still read in a child with limits; a newer kernel brings the rest." if down else ""
    found = [Finding("sandbox", state, detail, remedy)]
    found += [Finding("readers", "warn", problem) for problem in problems]
    readers, _ = formats.installed_readers()
    detail = f"{len(readers)} installed, at most {node.extract_timeout_s:g} s a file"
    return [*found, Finding("readers", "ok", detail)]


def _compute(node: settings.Settings) -> list[Finding]:
    """Whether jobs can be walled in; nothing else of the node depends on it."""
    from tsunagu.compute.jobs import api as jobs

    if not node.compute_slots:
        return [Finding("compute", "ok", "switched off (compute_slots = 0)")]
    if why := jobs.sandbox_problem():
        remedy = "Install bubblewrap (apt-get install bubblewrap) and allow user namespaces, or set compute_slots = 0."
        return [Finding("compute", "warn", f"No jobs are run: {why}", remedy)]
    return [Finding("compute", "ok", f"{node.compute_slots} jobs at once, walled in by bubblewrap")]


def _notebooks(node: settings.Settings) -> list[Finding]:
    """Whether people can open notebooks, and where their browsers find them."""
    from tsunagu.compute.jobs import api as jobs
    from tsunagu.compute.notebooks import api as notebooks

    if not node.notebook_slots:
        return [Finding("notebooks", "ok", "switched off (notebook_slots = 0)")]
    if why := notebooks.problem() or jobs.sandbox_problem():
        remedy = "See docs/how-to/work-in-a-notebook.md, or set notebook_slots = 0."
        return [Finding("notebooks", "warn", f"No notebooks are opened: {why}", remedy)]
    return [Finding("notebooks", "ok", f"{node.notebook_slots} at once, at {node.notebook_address('{run}')}")]


def _slurm(node: settings.Settings) -> list[Finding]:
    """Whether the cluster that the settings name answers; jobs for it wait until it does."""
    from tsunagu.compute.jobs import api as jobs

    if not node.slurm_folder:
        return []
    if why := jobs.slurm_problem():
        return [Finding("slurm", "warn", f"No jobs go to Slurm: {why}", "Look at the settings slurm_...")]
    return [Finding("slurm", "ok", f"jobs share {node.slurm_folder} with the cluster")]


def _usage(node: settings.Settings) -> list[Finding]:
    from tsunagu.data.usage import api as usage

    count = len(usage.read_patterns(node.usage_robots_file))
    detail = f"visits are counted; robots by the node's own patterns and {count} of usage_robots_file"
    return [Finding("usage", "ok", detail)]


def _addresses(node: settings.Settings) -> list[Finding]:
    from urllib.parse import urlsplit

    control, data = urlsplit(node.control_address), urlsplit(node.bytes_address)
    found = []
    if control.hostname == data.hostname:
        detail = (
            "Pages and user content share one host name, so a hostile file could read the session cookie."
        )
        found.append(
            Finding("addresses", "bad", detail, "Give the byte server a name of its own (bytes_url).")
        )
    if control.scheme != "https" and control.hostname not in {"localhost", "127.0.0.1"}:
        found.append(
            Finding(
                "addresses",
                "bad",
                "control_url is plain HTTP on a name that others reach.",
                "Put a proxy with TLS in front (docs/how-to/run-in-production.md).",
            )
        )
    return found or [Finding("addresses", "ok", f"{node.control_address}, bytes {node.bytes_address}")]


def _federation(_: settings.Settings) -> list[Finding]:
    """The metadata feeds: which copy is in use, and why the last try failed if it did."""
    from tsunagu.foundation.identity import api as identity

    found = []
    for card in identity.feed_status():
        detail = f"{card.name}: {card.entity_count} identity providers, valid until {card.valid_until}"
        if card.state == "never":
            detail = f"{card.name}: no good copy yet"
        state = {"good": "ok", "old": "warn"}.get(card.state, "bad")
        remedy = f"{card.problem} tsunagu federation tries again." if card.problem else ""
        found.append(Finding("federation", state, detail, remedy))
    return found


def _openid(_: settings.Settings) -> list[Finding]:
    """The OpenID providers: is each described completely, does it answer, and is it who the settings say."""
    from tsunagu.foundation.identity import api as identity

    found = []
    try:
        providers = identity.openid_providers()
    except identity.BadProviderSettingError as error:
        return [Finding("openid", "bad", error.message, error.remedy)]
    for row in providers:
        try:
            count = identity.look_at_openid(row)
        except identity.ProviderDownError as error:
            found.append(Finding("openid", "warn", f"{row.id}: {error.message}", "Look at its issuer."))
        else:
            found.append(Finding("openid", "ok", f"{row.id}: {row.issuer}, {count} keys, {row.callback}"))
    return found


def _evidence(node: settings.Settings) -> list[Finding]:
    """Whose clock stands under the ledger, and whether it answers."""
    from django.db import DatabaseError

    from tsunagu.foundation.ledger import api as ledger

    if node.timestamp_url == "off":
        return [Finding("time stamps", "warn", "are off: heads are signed only.", "Set timestamp_url.")]
    try:
        heads = ledger.head_cards(limit=50)
    except DatabaseError:  # not migrated yet; the finding about migrations says so
        return []
    silent = [stamp.said for head in heads for stamp in head.stamps if not stamp.reply and stamp.said]
    if silent:
        return [
            Finding("time stamps", "warn", f"{len(silent)} heads wait: {silent[0]}", "Look at timestamp_url.")
        ]
    if not node.timestamp_url:
        detail = "come from the embedded test authority, which is not independent."
        return [
            Finding("time stamps", "warn", detail, "Set timestamp_url and timestamp_ca to your authority's.")
        ]
    if not node.timestamp_ca:
        detail = "timestamp_url is set, and no root certificate is pinned."
        return [Finding("time stamps", "bad", detail, "Set timestamp_ca.")]
    return [Finding("time stamps", "ok", f"come from {node.timestamp_url}")]


def _keeping(node: settings.Settings) -> list[Finding]:
    """The second store: does it answer, is it behind; and what the last reading of everything found."""
    from django.db import DatabaseError

    from tsunagu.core import clock
    from tsunagu.foundation.storage import api as storage

    try:
        stands, read = storage.behind(), storage.checkup()
    except DatabaseError:  # not migrated yet; the finding about migrations says so
        return []
    found = []
    if not stands.is_set:
        found.append(Finding("replica", "warn", "No second store is set.", "Set replica_url."))
    else:
        storage.check_replica()
        detail = f"{stands.waiting_count:,} of {stands.object_count:,} objects wait to be copied"
        late = clock.isoformat(clock.now() - _COPY_PATIENCE)
        is_late = bool(stands.waiting_since) and stands.waiting_since < late
        remedy = "See the log for replica_failed; tsunagu replica --now copies them." if is_late else ""
        found.append(Finding("replica", "warn" if is_late else "ok", detail, remedy))
    if read.damaged_keys:
        detail = f"{len(read.damaged_keys)} objects are damaged and no copy could repair them."
        found.append(Finding("scrub", "bad", detail, "tsunagu verify names the files."))
    else:
        since = f"read again since {read.read_since}" if read.read_since else "not all read again yet"
        found.append(Finding("scrub", "ok", f"{since}; each object within {node.scrub_days} days"))
    return found


_LOOKS = (
    _home,
    _addresses,
    _usage,
    _database,
    _store,
    _sealed,
    _keeping,
    _servers,
    _workers,
    _evidence,
    _federation,
    _openid,
    _sandbox,
    _compute,
    _notebooks,
    _slurm,
)
