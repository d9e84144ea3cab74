"""Runs cwltool behind the walls of a run. Handed to the environment's Python as text: imports nothing of ours.

Arguments: the path of the document below the code's folder, and as JSON {parameter: [input, form]}.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

# Where the walls put things (compute/runner/walls.py).
IN, OUT, CODE = Path("/in"), Path("/out"), Path("/code")
SCRATCH = OUT / ".tsunagu"  # large, on the same disk, and never part of a version


def main(document: str, inputs: dict[str, list[str]], values: dict[str, Any]) -> int:
    """Write the order for cwltool, and run it; its exit code."""
    order = {name: shaped(form, values[key]) for key, (name, form) in inputs.items() if key in values}
    SCRATCH.mkdir()
    (SCRATCH / "order.json").write_text(json.dumps(order), "utf-8")
    flags = ["--no-container", "--disable-pull", "--outdir", str(OUT), "--disable-color", "--no-match-user"]
    flags += ["--skip-schemas", "--relax-path-checks", "--no-doc-cache", "--move-outputs"]
    flags += ["--tmpdir-prefix", f"{SCRATCH}/step", "--tmp-outdir-prefix", f"{SCRATCH}/out"]
    # `python -m cwltool` forgets the exit code (cwltool 3.3.20260925), and its script names the folder that it was built in.
    command = [
        sys.executable,
        "-c",
        "import sys; from cwltool.main import run; sys.exit(run())",
        *flags,
        str(CODE / document),
        str(SCRATCH / "order.json"),
    ]
    code = os.spawnv(os.P_WAIT, sys.executable, command)  # noqa: S606
    shutil.rmtree(SCRATCH, ignore_errors=True)
    return code


def shaped(form: str, value: Any) -> Any:
    """A parameter's value as CWL has it."""
    if form in {"File", "Directory"}:
        return {"class": form, "path": str(IN / value)}
    if form == "json":
        return located(json.loads(value) if isinstance(value, str) else value)
    return value


def located(value: Any) -> Any:
    """Paths of files in what has parts, below the input's folder."""
    if isinstance(value, list):
        return [located(one) for one in value]
    if isinstance(value, dict):
        found = {key: located(one) for key, one in value.items()}
        if found.get("class") in {"File", "Directory"} and isinstance(found.get("path"), str):
            found["path"] = str(IN / found["path"])
        return found
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], json.loads(sys.argv[2]), json.loads(os.environ["TSUNAGU_PARAMETERS"])))
