"""Starts JupyterLab behind the walls of a run, on a socket. Handed to the environment's Python as text: imports nothing of ours."""

from __future__ import annotations

import json
import os
import shutil
import sys
import urllib.parse
from pathlib import Path

# Where the walls put things (compute/runner/walls.py).
OUT, CODE, TEMPORARY = Path("/out"), Path("/code"), Path("/tmp")  # noqa: S108 - the run's own, in memory

# Files of notebooks are versions of a dataset; their checkpoints are none and stay in the temporary folder.
CONFIG = """
import hashlib, os
from jupyter_server.services.contents.filecheckpoints import AsyncFileCheckpoints

class Apart(AsyncFileCheckpoints):
    def checkpoint_path(self, checkpoint_id, path):
        folder = os.path.join("/tmp/checkpoints", hashlib.sha256(path.encode()).hexdigest())
        os.makedirs(folder, exist_ok=True)
        return os.path.join(folder, checkpoint_id)

c = get_config()
c.ServerApp.sock = "/door/s"
c.ServerApp.root_dir = "/out"
c.ServerApp.open_browser = False
c.ServerApp.allow_remote_access = True
c.ServerApp.terminals_enabled = False
c.IdentityProvider.token = ""
c.ContentsManager.checkpoints_class = Apart
c.KernelManager.transport = "ipc"
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
"""

# There is no network to ask for news, and what is not saved when a machine fails is lost.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 20},
    "@jupyterlab/notebook-extension:tracker": {"autoStartDefaultKernel": True},
}

FIRST = """import os
from pathlib import Path

data = Path(os.environ["TSUNAGU_IN"])  # read-only
sorted(str(path.relative_to(data)) for path in data.rglob("*") if path.is_file())[:20]"""


def main() -> None:
    """Lay out the folder, then become the server."""
    if CODE.is_dir():
        for file in sorted(CODE.rglob("*")):
            place = OUT / file.relative_to(CODE)
            if file.is_file() and not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, place)
    if not any(OUT.rglob("*.ipynb")):
        cell: dict[str, object] = {
            "cell_type": "code",
            "id": "first",
            "source": FIRST,
            "outputs": [],
            "metadata": {},
            "execution_count": None,
        }
        kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": [cell]}
        (OUT / "notebook.ipynb").write_text(json.dumps(notebook, indent=1) + "\n", "utf-8")
    config = TEMPORARY / "tsunagu_lab_config.py"
    settings = TEMPORARY / ".jupyter" / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(SETTINGS), "utf-8")
    first = min(OUT.rglob("*.ipynb"), key=lambda file: (len(file.parts), file.name)).relative_to(OUT)
    page = f"/lab/tree/{urllib.parse.quote(str(first))}"
    config.write_text(f"{CONFIG}c.LabApp.default_url = {page!r}\n", "utf-8")
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", f"--config={config}"])  # noqa: S606


if __name__ == "__main__":
    main()
