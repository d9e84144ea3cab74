"""Commands that run code beside the data: run, runs, logs, cancel, budget."""

from __future__ import annotations

import os
import re
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tsunagu.client.errors import EXIT_INTERRUPTED, NodeRefusedError, UsageError
from tsunagu.client.messages import text
from tsunagu.client.output import printable
from tsunagu.client.progress import size
from tsunagu.client.workspace import connect
from tsunagu.core import sweeps

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.node import Node
    from tsunagu.client.output import Output
    from tsunagu.client.workspace import Client

_ASK_AGAIN_S = (0.1, 0.2, 0.5, 1.0)
_ASK_WHY = 20  # every so many empty answers
_FAILED = 1
_SIGNALLED = 128
BYTES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def run_run(options: argparse.Namespace, output: Output) -> int:
    """Queue a command and, unless told otherwise, follow it; the exit code is the command's own."""
    if bool(options.arguments) == bool(options.cwl):
        raise UsageError(text("run_needs_command"), remedy=text("run_needs_command_remedy"))
    content: dict[str, Any] = {
        "inputs": [options.dataset, *options.inputs],
        "command": options.arguments,
        "output": options.out,
        "code": options.code,
        "cwl": options.cwl,
        "parameters": dict(_parameter(one) for one in options.parameters),
        "limits": limits(options),
        "executor": options.executor,
        "lock": lock_text(options.env),
    }
    with connect(options.url, options.token) as client:
        if options.code.endswith(".bundle") and os.path.isfile(options.code):  # noqa: PTH113 - pathlib costs start-up
            content["code"] = _bundle_kept(client, options)
        if options.each:
            return _run_each(client.node, options, content, output)
        made = client.node.post("/runs", content)
        output.note(text("run_queued", run=made["run"], output=made["output"]))
        if options.detach:
            if output.as_json:
                output.json(made)
            else:
                output.line(made["run"])
            return 0
        try:
            done = _follow(client.node, made["run"], output, wait=True)
        except KeyboardInterrupt:
            # A second Ctrl-C leaves at once; the run then goes on and `tsunagu cancel` ends it.
            print(text("run_cancelling", run=made["run"]), file=sys.stderr)
            client.node.post(f"{_place(made['run'])}/cancel")
            done = _follow(client.node, made["run"], output, wait=True)
    if output.as_json:
        output.json(done)
    else:
        output.note(_ended(done))
    return exit_code(done)


def _run_each(node: Node, options: argparse.Namespace, content: dict[str, Any], output: Output) -> int:
    """Queue one run for each value and follow them one after the other; the exit code is the first that is not 0."""
    try:
        name, values = sweeps.read(options.each)
    except ValueError:
        raise UsageError(
            text("bad_each", said=options.each), remedy="--each NAME=A,B,C  --each NAME=0..9"
        ) from None
    made = node.post("/arrays", {**content, "each": {"name": name, "values": values}})["runs"]
    first = made[0]["run"]
    output.note(text("runs_queued", count=len(made), run=first, output=made[0]["output"]))
    if options.detach:
        if output.as_json:
            output.json_list(made)
        else:
            for one in made:
                output.line(one["run"])
        return 0
    done = []
    try:
        for one in made:
            output.note(f"{name}={one['parameters'][name]}  {one['run']}")
            done.append(_follow(node, one["run"], output, wait=True))
            output.note(_ended(done[-1]))
    except KeyboardInterrupt:
        print(text("run_cancelling", run=first), file=sys.stderr)
        node.post(f"/arrays/{quote(first, safe='')}/cancel")
        return EXIT_INTERRUPTED
    if output.as_json:
        output.json_list(done)
    return next((code for one in done if (code := exit_code(one))), 0)


def run_runs(options: argparse.Namespace, output: Output) -> None:
    """Everything that made a dataset; compute runs that used it; or one's own compute runs."""
    with connect(options.url, options.token) as client:
        if options.dataset and not options.compute:
            runs = client.dataset(options.dataset).runs()
            if output.as_json:
                output.json_list(runs)
                return
            output.table(
                (run.get("id") or run.get("run"), run.get("kind"), run.get("outcome") or "", run.get("started_at") or "",
                 run.get("reason") or "")
                for run in runs
            )  # fmt: skip
            return
        chosen = {"dataset": options.dataset} if options.dataset else {"mine": "true"}
        found = client.node.pages("/runs", "runs", **chosen)
        if output.as_json:
            output.json_list(found)
            return
        output.table(
            (one["run"], text(f"state_{one['state']}"), one["inputs"][0]["place"], one["actor_name"],
             one["asked_at"], _command(one)[:60], _waits(one))
            for one in found
        )  # fmt: skip


def run_logs(options: argparse.Namespace, output: Output) -> int:
    """What a compute run printed; with ``-f`` as it comes."""
    with connect(options.url, options.token) as client:
        if output.as_json:
            output.json(client.node.get(f"{_place(options.run)}/log"))
            return 0
        done = _follow(client.node, options.run, output, wait=options.follow)
        if options.follow:
            output.note(_ended(done))
        elif waits := _waits(done):
            output.note(waits)
    return 0


def run_cancel(options: argparse.Namespace, output: Output) -> None:
    """End a compute run."""
    with connect(options.url, options.token) as client:
        if options.all:
            array = client.node.get(_place(options.run))["array_id"]
            if array:
                found = client.node.post(f"/arrays/{quote(array, safe='')}/cancel")["runs"]
                if output.as_json:
                    output.json_list(found)
                else:
                    output.table((one["run"], text(f"state_{one['state']}")) for one in found)
                return
        done = client.node.post(f"{_place(options.run)}/cancel")
    if output.as_json:
        output.json(done)
    else:
        is_over = done["state"] == "cancelled"
        output.line(
            text("run_cancelled", run=done["run"]) if is_over else text("run_cancelling", run=done["run"])
        )


def run_budget(options: argparse.Namespace, output: Output) -> None:
    """What a project may use; an administrator may set it."""
    place = f"/projects/{quote(options.project, safe='')}/budget"
    given = {"cpu_s": options.cpu_s, "memory_gb_h": options.memory_gb_h, "output_bytes": options.output_bytes}
    with connect(options.url, options.token) as client:
        if any(value is not None for value in given.values()):
            now = client.node.get(place)["allocation"]
            client.node.put(
                place, {name: now[name] if value is None else value for name, value in given.items()}
            )
        found = client.node.get(place)
    if output.as_json:
        output.json(found)
        return
    for name in ("allocation", "used", "reserved", "left"):
        one = found[name]
        output.line(
            text(
                f"budget_{name}",
                cpu=f"{one['cpu_s'] / 3600:,.2f}",
                memory=f"{one['memory_gb_h']:,.2f}",
                output=size(one["output_bytes"]),
            )
        )


def _bundle_kept(client: Client, options: argparse.Namespace) -> str:
    """Keep a git bundle of this machine as a version of a dataset beside the outputs, so that the run can be repeated."""
    import shutil
    import tempfile

    place = f"{options.out or options.dataset.partition('@')[0]}-code"
    dataset = client.dataset(place)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(options.code, folder)
        dataset.push(folder)
    try:
        number = dataset.freeze().number
    except NodeRefusedError as error:
        if error.code != "datasets.nothing_to_freeze":
            raise
        number = max(one.number for one in dataset.versions())
    return f"{place}@{number}/{os.path.basename(options.code)}"  # noqa: PTH119


def exit_code(done: dict[str, Any]) -> int:
    """The exit code of a command whose run ended: its own, 128 + signal, 130 when cancelled, or 1."""
    if done["state"] == "succeeded":
        return 0
    if done["state"] == "cancelled":
        return EXIT_INTERRUPTED
    result = done["result"]
    if signal := result.get("signal"):
        return _SIGNALLED + int(signal)
    return int(result.get("exit_code") or _FAILED)


def _follow(node: Node, run: str, output: Output, *, wait: bool) -> dict[str, Any]:
    """Show the log until it ends, or what there is of it; the run as it is then. Until it prints: why it waits."""
    offset, quiet, said = 0, 0, ""
    while True:
        page = node.get(f"{_place(run)}/log", offset=offset)
        if page["text"] and not output.as_json:
            sys.stdout.write(_shown(page["text"]))
            sys.stdout.flush()
        grown, offset = page["after"] > offset, page["after"]
        if page["is_over"] or not (wait or grown):
            return node.get(_place(run))
        quiet = 0 if grown else quiet + 1
        if not offset and quiet % _ASK_WHY == 0:
            waits = _waits(node.get(_place(run)))
            if waits and waits != said:
                output.note(waits)
            said = waits
        if not grown:
            time.sleep(_ASK_AGAIN_S[min(quiet // 10, len(_ASK_AGAIN_S) - 1)])


def _shown(log: str) -> str:
    """A log without what moves the cursor or changes the terminal: it may be somebody else's."""
    lines = log.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(printable(line) for line in lines)


def _ended(done: dict[str, Any]) -> str:
    if done["state"] not in {"succeeded", "failed", "cancelled"}:
        return text("run_goes_on", state=text(f"state_{done['state']}"))
    used = text(
        "run_used",
        cpu=f"{done['cpu_s']:.1f}",
        memory=size(done["result"].get("peak_memory_bytes") or 0),
        duration=f"{done['result'].get('duration_s') or 0:.1f}",
    )
    if done["state"] == "succeeded":
        made = (
            text("run_made", output=done["output"], version=done["version"])
            if done["version"]
            else text("run_made_nothing")
        )
        return f"{made} {used}"
    return f"{done['sentence']} {used}"


def _waits(run: dict[str, Any]) -> str:
    """Why a scheduler has not begun a run; empty: it has, or does not say."""
    waiting = run.get("waiting")  # a node that is older than this client says nothing of it
    if not waiting:
        return ""
    parts = [waiting["sentence"], f"(Slurm: {waiting['said']})" if waiting["said"] else ""]
    if waiting["begins_at"]:
        parts.append(text("run_begins", at=waiting["begins_at"]))
    return " ".join(part for part in parts if part)


def _command(run: dict[str, Any]) -> str:
    """A command on one line; of one that is a whole program, what that starts."""
    parts = run["command"]
    if run["executor"] == "notebooks":
        return "JupyterLab"
    if len(parts) > 3 and parts[3].endswith(".cwl"):  # noqa: PLR2004 - python -c TEXT DOCUMENT
        return f"cwltool {parts[3]}"
    return " ".join(parts)


def _place(run: str) -> str:
    return f"/runs/{quote(run, safe='')}"


def _parameter(said: str) -> tuple[str, Any]:
    """``name=value``; what reads as JSON number or true/false is one, everything else is a text."""
    name, equals, value = said.partition("=")
    if not (name and equals):
        raise UsageError(text("bad_parameter", said=said), remedy="--param NAME=VALUE")
    return name, sweeps.value(value)


def lock_text(path: str) -> str:
    """The text of a lock file; empty for none."""
    if not path:
        return ""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs start-up
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(text("bad_lock_file", path=path, reason=error), path=path) from error


def limits(options: argparse.Namespace) -> dict[str, int]:
    """What a run may use at most, as far as it was said."""
    chosen = {
        "cores": options.cpu,
        "memory_bytes": amount(options.memory, BYTES),
        "duration_s": amount(options.time, _SECONDS),
        "disk_bytes": amount(options.disk, BYTES),
    }
    return {name: value for name, value in chosen.items() if value is not None}


def amount(said: str | None, units: dict[str, int]) -> int | None:
    """``2G``, ``512M``, ``10m``, ``90``; None stays None."""
    if said is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]?)b?", said.strip().lower())
    if match is None or match[2] not in units:
        raise UsageError(text("bad_amount", said=said), remedy=text("bad_amount_remedy"))
    return int(float(match[1]) * units[match[2]])
