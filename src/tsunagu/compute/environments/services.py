"""Lock files as read-only Python environments: checked when asked for, built once outside of any job.

Only wheels are installed, each by its hash, so that building runs no code of a package.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tsunagu.compute.environments.errors import BadLockError
from tsunagu.compute.environments.models import Environment
from tsunagu.core import clock, settings

_MOST_BYTES = 1 << 20
_BUILD_S = 900
_REASON = 2000
_DAY_S = 86_400
_PROXIES = {"https_proxy", "http_proxy", "no_proxy", "ssl_cert_file"}
# A name, perhaps with extras, pinned to one version, perhaps with a marker, and hashes. No options, no addresses.
_PINNED = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._ -]*\])?\s*==\s*[A-Za-z0-9.+!_-]+\s*(;[^#]*?)?"
    r"(\s+--hash=sha256:[0-9a-f]{64})+\Z"
)


def want(lock: str) -> str:
    """Have the environment of a lock file built when it is not there yet; its hash. Call it before a job is queued.

    Raises:
        BadLockError: the file names something that is not pinned by a hash.
    """
    text = checked(lock)
    lock_hash = hashlib.sha256(text.encode()).hexdigest()
    row, is_new = Environment.objects.get_or_create(
        lock_hash=lock_hash, defaults={"lock": text, "state": "waiting", "asked_at": clock.now()}
    )
    if not is_new and row.state in {"failed", "kept"}:
        # The cause of a failure may be gone: a registry that did not answer, a full disk.
        Environment.objects.filter(pk=lock_hash, state=row.state).update(state="waiting", reason="")
    return lock_hash


def keep(lock: str) -> str:
    """Remember a lock file whose environment is built on another node; its hash.

    Raises:
        BadLockError: the file names something that is not pinned by a hash.
    """
    text = checked(lock)
    lock_hash = hashlib.sha256(text.encode()).hexdigest()
    Environment.objects.get_or_create(
        lock_hash=lock_hash, defaults={"lock": text, "state": "kept", "asked_at": clock.now()}
    )
    return lock_hash


def checked(lock: str) -> str:
    """The lines of a lock file that name packages, in order.

    Raises:
        BadLockError: with the first line that cannot be used.
    """
    if len(lock.encode("utf-8", "replace")) > _MOST_BYTES:
        raise BadLockError(f"The lock file is longer than {_MOST_BYTES:,} bytes.")
    lines = []
    for line in re.sub(r"\\\r?\n", " ", lock).splitlines():
        text = " ".join(re.sub(r"(^|\s)#.*", "", line).split())
        if not text:
            continue
        if not _PINNED.match(text):
            raise BadLockError(f"A line of the lock file is not pinned by a hash: {text[:120]!r}.")
        lines.append(text)
    if not lines:
        raise BadLockError("The lock file names no package.")
    return "\n".join(sorted(lines)) + "\n"


def folder_of(lock_hash: str) -> Path:
    """Where an environment lies on this node. The path holds for ever: the scripts in it name it."""
    return settings.current().spool / "environments" / lock_hash[:32]


def used(lock_hash: str) -> None:
    """A job gets this environment now, so it is kept for another while."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(folder_of(lock_hash))


def remove_unused() -> int:
    """Remove environments that no job got for a long time; how many. The lock stays, and who asks has it built again."""
    days = settings.current().environments_unused_days
    root = settings.current().spool / "environments"
    if not days or not root.is_dir():
        return 0
    before = time.time() - days * _DAY_S
    old = [one for one in root.iterdir() if one.is_dir() and one.stat().st_mtime < before]
    for folder in old:
        # Out of the way first: a half-removed one must not be taken for whole.
        gone = folder.with_name(f"{folder.name}.gone")
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
    return len(old)


def state_of(lock_hash: str) -> tuple[str, str]:
    """``waiting``, ``ready``, ``failed``, or ``kept`` (built elsewhere); and why. An environment whose folder is gone waits again."""
    row = Environment.objects.filter(pk=lock_hash).first()
    if row is None:
        return "failed", "the lock file is not known"
    if row.state == "ready" and not (folder_of(lock_hash) / "bin" / "python").exists():
        Environment.objects.filter(pk=lock_hash).update(state="waiting")
        return "waiting", ""
    return row.state, row.reason


def lock_of(lock_hash: str) -> str:
    """The lock file of an environment."""
    return Environment.objects.get(pk=lock_hash).lock


def next_waiting() -> str:
    """The hash of an environment that is to be built; empty when there is none."""
    waiting = Environment.objects.filter(state="waiting").order_by("asked_at")
    return waiting.values_list("pk", flat=True).first() or ""


def build(lock_hash: str) -> None:
    """Install an environment, for as long as that takes; its row says how it went."""
    row = Environment.objects.get(pk=lock_hash)
    folder = folder_of(lock_hash)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = folder.parent / f"{lock_hash}.txt"
    lock.write_text(row.lock, "utf-8")
    reason = ""
    try:
        _run([sys.executable, "-m", "venv", str(folder)])
        install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input"]
        install += ["--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:", "--no-deps"]
        _run([*install, "--no-cache-dir", "-r", str(lock)])
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", b"") or b""
        reason = (said.decode("utf-8", "replace").strip() or str(error))[-_REASON:]
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        lock.unlink(missing_ok=True)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if not reason else 0
    Environment.objects.filter(pk=lock_hash).update(
        state="failed" if reason else "ready", reason=reason, byte_count=size, tried_at=clock.now()
    )


def _run(command: list[str]) -> None:
    """Run a step of the build without the node's own variables, which may hold secrets."""
    kept = {"PATH": os.defpath, "HOME": str(settings.current().spool), "LANG": "C.UTF-8"}
    # How this machine reaches a registry is said in pip's own variables, which are no settings of the node.
    kept |= {
        name: value
        for name, value in os.environ.items()
        if name.startswith("PIP_") or name.lower() in _PROXIES
    }
    subprocess.run(command, env=kept, capture_output=True, check=True, timeout=_BUILD_S)  # noqa: S603
