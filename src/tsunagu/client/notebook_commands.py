"""The command that opens JupyterLab on a dataset."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tsunagu.client.compute_commands import limits, lock_text
from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.node import Node
    from tsunagu.client.output import Output

_ASK_AGAIN_S = 0.5


def run_notebook(options: argparse.Namespace, output: Output) -> int:
    """Open a notebook and say where; stop one; or list those that are open."""
    with connect(options.url, options.token) as client:
        node = client.node
        if not options.dataset or options.stop:
            return _list_or_stop(node, options, output)
        asked: dict[str, Any] = {
            "input": options.dataset,
            "output": options.out,
            "lock": lock_text(options.env),
            "limits": limits(options) or None,
        }
        made = node.post("/notebooks", asked)
        output.note(text("notebook_asked", run=made["run"], output=made["output"]))
        if not options.detach:
            made = _opened(node, made)
    if output.as_json:
        output.json(made)
    elif made["stage"] == "over":
        run = made["run"]
        print(text("notebook_failed", run=run), file=sys.stderr)
    else:
        output.line(made["page"])
    return int(made["stage"] == "over")


def _opened(node: Node, made: dict[str, Any]) -> dict[str, Any]:
    """The notebook once it can be entered, or is over."""
    while made["stage"] == "preparing":
        time.sleep(_ASK_AGAIN_S)
        made = node.get(f"/notebooks/{quote(made['run'], safe='')}")
    return made


def _list_or_stop(node: Node, options: argparse.Namespace, output: Output) -> int:
    found = node.get("/notebooks")["notebooks"]
    if not options.dataset:
        if output.as_json:
            output.json_list(found)
        else:
            output.table((one["input"], text(f"stage_{one['stage']}"), one["page"]) for one in found)
        return 0
    wanted = options.dataset.partition("@")[0]
    chosen = next((one for one in found if one["input"].partition("@")[0] == wanted), None)
    if chosen is None:
        raise UsageError(text("no_notebook", dataset=wanted), remedy=text("no_notebook_remedy"))
    done = node.post(f"/notebooks/{quote(chosen['run'], safe='')}/stop")
    if output.as_json:
        output.json(done)
    else:
        output.line(text("notebook_stopped", output=done["output"]))
    return 0
