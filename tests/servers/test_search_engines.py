"""Search on PostgreSQL: the room's own tests on that index, and both indexes beside each other."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.servers.test_engines import ROOT, without_xdist

pytestmark = pytest.mark.servers


def test_the_index_of_postgresql_answers_as_the_embedded_one(database_server):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "tests/rooms/test_search.py",
        "tests/rooms/test_search_parity.py",
        "tests/rooms/test_search_records.py",
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={
            **without_xdist(),
            "TSUNAGU_DATABASE_URL": database_server.new_database(),
            "TSUNAGU_SEARCH_ENGINE": "postgresql",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
