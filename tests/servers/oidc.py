"""oidc-provider (npm) as an OpenID provider nobody here wrote, on loopback.

Version and integrity stand in openid_provider/package-lock.json; the packages go beside it, where git ignores them.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).parent / "openid_provider"
CLIENT, SECRET = "tsunagu", "secret of the tests: long enough/+&"


def install() -> None:
    """Fetch it once; skips where it cannot be had."""
    if (HOME / "node_modules" / "oidc-provider").exists():
        return
    if not shutil.which("npm"):
        pytest.skip("oidc-provider: npm is not here")
    command = ["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--prefix", str(HOME)]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False, timeout=180)
    if done.returncode:
        pytest.skip(f"oidc-provider cannot be installed: {done.stderr[-300:]}")


@contextlib.contextmanager
def running(port: int, callback: str) -> Iterator[str]:
    """Run it for one client; gives the issuer."""
    install()
    command = ["node", str(HOME / "provider.mjs"), str(port), CLIENT, SECRET, callback]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=HOME
    ) as process:
        try:
            assert process.stdout is not None
            assert any("ready" in line for line in process.stdout), "oidc-provider did not start"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)
