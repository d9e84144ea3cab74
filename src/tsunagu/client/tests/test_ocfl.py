"""An OCFL object of somebody who does not see every version."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tsunagu.client.archive import ocfl
from tsunagu.client.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_an_object_is_refused_where_a_version_would_be_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer = {"documents": {"versions": [{"number": 2}]}}
    monkeypatch.setattr(ocfl.documents, "ask", lambda *_: answer)
    dataset: Any = SimpleNamespace(name="lab/data", node=None)
    with pytest.raises(UsageError, match="some are shown to members only"):
        ocfl.write(dataset, 2, str(tmp_path / "object"))
    assert not list((tmp_path / "object").glob("v*"))
