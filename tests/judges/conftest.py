"""A node with data that clients nobody here wrote read."""

from __future__ import annotations

import pytest

from tests.node import running_node


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("judged") / "home") as running:
        running.run("project", "create", "lab")
        yield running
