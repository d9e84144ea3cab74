"""Fetching the evidence file of a version: as a ZIP, or unpacked into a folder."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path, refusal
from tsunagu.client.transport import Answer

if TYPE_CHECKING:
    from tsunagu.client.node import Node

_OK = 200
_PIECE = 1 << 20


def fetch(node: Node, dataset: str, number: int, destination: str) -> list[str]:
    """Write the evidence of a version to ``destination``: a ZIP when it ends in ``.zip``, else a new folder.

    Returns:
        Names of what the file holds.

    Raises:
        UsageError: something is there already.
    """
    target = Path(destination)
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UsageError(text("evidence_exists", path=destination), remedy=text("evidence_exists_remedy"))
    url = f"{node.account.url}/api/v1{dataset_path(dataset)}/versions/{number}/evidence"
    headers = {"Authorization": f"Bearer {node.bearer()}"}
    with tempfile.TemporaryFile() as packed:
        with node.transport.stream("GET", url, headers=headers) as answer:
            if answer.status != _OK:
                problem = Answer(answer.status, answer.headers, answer.read())
                raise refusal(problem, node.account.url)
            shutil.copyfileobj(answer, packed, _PIECE)
        packed.seek(0)
        with zipfile.ZipFile(packed) as content:
            names = content.namelist()
            if target.suffix.lower() != ".zip":
                content.extractall(target)
                return names
        packed.seek(0)
        with target.open("xb") as out:
            shutil.copyfileobj(packed, out, _PIECE)
    return names
