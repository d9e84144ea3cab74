"""One node for all functional tests of a process."""

from __future__ import annotations

import pytest
from tests.node import running_node


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("node") / "home") as running:
        running.run("project", "create", "lab")
        yield running
