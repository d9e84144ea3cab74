"""Runs what CI runs: installs what the server suites need, checks the house, then every suite.

``python tests/run.py`` is ``make test``; ``--fast`` is ``make check``. Suites whose servers cannot be had here are
skipped and named at the end.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
BIN = Path(PYTHON).parent
# Suite -> (a program that must be there, Debian packages that bring it).
SERVERS = {
    "proxy": ("nginx", ("nginx-light",)),
    "browser": ("chromium", ("chromium", "fonts-noto-cjk")),
    "pages": (
        "tesseract",
        (
            "tesseract-ocr",
            "tesseract-ocr-eng",
            "tesseract-ocr-jpn",
            "tesseract-ocr-jpn-vert",
            "tesseract-ocr-osd",
            "fonts-noto-cjk",
        ),
    ),
    "postgresql": ("/usr/lib/postgresql/15/bin/initdb", ("postgresql-15",)),
    "age": ("age", ("age",)),
    "compute": ("bwrap", ("bubblewrap",)),
    "torch": ("torchrun", ("python3-torch",)),
    "slurm": ("/usr/sbin/slurmctld", ("slurmctld", "slurmd", "slurm-client", "munge")),
    "s3": ("radosgw", ("radosgw", "ceph-mon", "ceph-osd", "ceph-mgr", "ceph-common")),
    "openid": ("npm", ("nodejs", "npm")),
    "saml": (
        "/usr/share/simplesamlphp/bin/pwgen.php",
        ("php-cli", "php-xml", "php-mbstring", "php-sqlite3", "simplesamlphp"),
    ),
}


def main(argv: list[str]) -> int:
    """Run everything; the exit code tells whether all of it passed."""
    is_fast = "--fast" in argv
    skipped = [] if is_fast else install_servers()
    if not is_fast:
        install_judges()
        install_apart()
        install_beside_torch()
    results: list[tuple[str, bool, float]] = []
    for name, command in (*checks(), *(suites(is_fast=is_fast))):
        started = time.monotonic()
        print(f"\n=== {name}", flush=True)
        code = subprocess.run(command, cwd=ROOT, check=False, env=environment()).returncode
        # pytest answers 5 when a suite holds no test for this machine.
        results.append((name, code in {0, 5}, time.monotonic() - started))
    print("\n=== Summary")
    for name, is_good, seconds in results:
        print(f"{'ok    ' if is_good else 'FAILED'} {seconds:7.1f} s  {name}")
    for name in skipped:
        print(f"skipped: the {name} suite; its packages are not here and cannot be installed without root.")
    failed = sum(not is_good for _, is_good, _ in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return bool(failed)


def checks() -> list[tuple[str, list[str]]]:
    """Format, lint, types, contracts, languages."""
    tree = ["src", "tests", "tools", "benchmarks", "plugins"]
    there = [name for name in tree if (ROOT / name).exists()]
    return [
        ("format", [str(BIN / "ruff"), "format", "--check", "--quiet", *there]),
        ("lint", [str(BIN / "ruff"), "check", "--quiet", *there]),
        ("types", [str(BIN / "mypy")]),
        ("contracts", [str(BIN / "lint-imports")]),
    ]


LONG = ("crash", "browser", "servers", "functional", "samples")


def suites(*, is_fast: bool) -> list[tuple[str, list[str]]]:
    """pytest, in two processes; those that mostly wait for nodes in three.

    Each suite reads only the files that hold its marks: to collect everything costs every process twenty seconds.
    """
    pytest = [PYTHON, "-m", "pytest", "-q", "--durations=5", "-n"]
    by_two = [*pytest, "2", "--dist", "loadfile"]
    by_three = [*pytest, "3", "--dist", "loadfile"]
    apart = [f"--ignore={file}" for file in wholly_long()]
    quick = ("quick tests", [*by_two, "-m", f"not ({' or '.join(LONG)})", *apart])
    if is_fast:
        return [quick]
    return [
        quick,
        (
            "a running node",
            [*by_three, "-m", "functional and not (crash or browser or servers)", *holding("functional")],
        ),
        (
            "real instrument files",
            [*pytest, "2", "-m", "samples and not (crash or browser or servers)", *holding("samples")],
        ),
        ("PostgreSQL, S3, SAML and OpenID", [*by_two, "-m", "servers", *holding("servers")]),
        ("browser", [*by_two, "-m", "browser", *holding("browser")]),
        (
            "kills at random points",
            [*pytest, "2", "--dist", "worksteal", "-m", "crash and not servers", *holding("crash")],
        ),
    ]


def test_files() -> list[Path]:
    """Every file of tests."""
    return sorted(file for top in ("src", "tests", "plugins") for file in (ROOT / top).rglob("test_*.py"))


def holding(mark: str) -> list[str]:
    """Files of tests in which a mark stands, or in a conftest beside or above them."""
    found = []
    for file in test_files():
        above = [folder / "conftest.py" for folder in file.parents if folder.is_relative_to(ROOT)]
        if any(f"mark.{mark}" in one.read_text("utf-8") for one in (file, *above) if one.exists()):
            found.append(str(file.relative_to(ROOT)))
    return found


def wholly_long() -> list[str]:
    """Files of which every test bears a mark of a long suite."""
    mark = re.compile(rf"^pytestmark = .*\bmark\.({'|'.join(LONG)})\b", re.MULTILINE)
    return [str(file.relative_to(ROOT)) for file in test_files() if mark.search(file.read_text("utf-8"))]


def install_servers() -> list[str]:
    """Install missing Debian packages as root; returns the suites that have to be skipped."""
    missing = {name: packages for name, (program, packages) in SERVERS.items() if not shutil.which(program)}
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        names = [package for packages in missing.values() for package in packages]
        print(f"Installing {', '.join(names)} for the server suites.", flush=True)
        with no_services():
            subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False)
            install = ["apt-get", "install", "-y", "-qq", *names]
            subprocess.run(install, env=quiet, check=False, stdout=subprocess.DEVNULL)
    return [name for name, (program, _) in SERVERS.items() if not shutil.which(program)]


def install_judges() -> None:
    """Validators whose demands do not fit beside ours get an environment of their own; without it their tests skip."""
    home, pins = ROOT / ".judges", ROOT / "tests" / "judges" / "requirements.txt"
    _keep("the judges of tests/judges", home, pins, _in_environment(home, pins))


def install_apart() -> None:
    """What runs bring along in environments of their own: a real JupyterLab and a real cwltool for their tests."""
    rooms = ROOT / "src" / "tsunagu" / "compute"
    for name, pins in {
        ".lab": rooms / "notebooks" / "jupyterlab.lock",
        ".cwl": rooms / "workflows" / "cwltool.lock",
    }.items():
        home = ROOT / name
        said = f"{name} for the tests of notebooks and workflows"
        _keep(said, home, pins, _in_environment(home, pins, "--no-deps"))


def install_beside_torch() -> None:
    """What the client needs beside Debian's PyTorch, in a folder of its own; without it the tests of loaders skip."""
    home, pins = ROOT / ".torch", ROOT / "tests" / "torch" / "requirements.txt"
    step = _pip(PYTHON, pins, "--no-deps", "--upgrade", "--target", str(home))
    _keep("what PyTorch of Debian needs beside it", home, pins, [step])


def _in_environment(home: Path, pins: Path, *options: str) -> list[list[str]]:
    return [[PYTHON, "-m", "venv", str(home)], _pip(str(home / "bin" / "python"), pins, *options)]


def _pip(python: str, pins: Path, *options: str) -> list[str]:
    quiet = ["install", "-q", "--disable-pip-version-check", "--require-hashes"]
    return [python, "-m", "pip", *quiet, *options, "-r", str(pins)]


def _keep(said: str, home: Path, pins: Path, steps: list[list[str]]) -> None:
    """Do the steps where what they make is missing or older than its pins."""
    stamp = home / ".stamp"
    if stamp.exists() and stamp.stat().st_mtime >= pins.stat().st_mtime:
        return
    print(f"Installing {said}.", flush=True)
    if all(subprocess.run(step, check=False).returncode == 0 for step in steps):
        stamp.touch()


@contextlib.contextmanager
def no_services() -> Iterator[None]:
    """Packages bring servers (apache2 comes with simplesamlphp) that nobody here wants started."""
    policy = Path("/usr/sbin/policy-rc.d")
    is_ours = not policy.exists()
    if is_ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        yield
    finally:
        if is_ours:
            policy.unlink()


def environment() -> dict[str, str]:
    """Without settings of a person's own node."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TSUNAGU_")}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
