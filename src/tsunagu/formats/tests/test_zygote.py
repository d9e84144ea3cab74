"""The forking process loads what its children would each load again."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

_CODE = """
import socket, sys
from tsunagu.formats.sandbox.zygote import Zygote
zygote = Zygote(socket.socketpair()[0])
assert "pyarrow" not in sys.modules
assert not zygote._load({"reader": "csv", "rows": True})
assert "pyarrow" in sys.modules
known = set(sys.modules)
import pyarrow
pyarrow.array([1.5])
pyarrow.array(["a"])
print(len(set(sys.modules) - known), "pandas" in known)
"""


@pytest.mark.skipif(find_spec("pandas") is None, reason="pandas is not installed")
def test_what_arrow_looks_for_is_found_before_a_child_is_made() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _CODE], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "True"]
