"""One node for all functional tests of a process."""

from __future__ import annotations

import sys

import pytest

from tests.functional.instrument_pc import Pc
from tests.node import running_node


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("node") / "home") as running:
        running.run("project", "create", "lab")
        yield running


@pytest.fixture
def pc(node, tmp_path, request):
    name = f"pc-{abs(hash(request.node.name)) % 10**9}"
    made = Pc(node, tmp_path, name, getattr(request, "param", sys.executable))
    yield made
    if made.running and made.running.poll() is None:
        made.kill()
