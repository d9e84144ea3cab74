"""CWL documents of a dataset, run by a real cwltool in the real sandbox."""

from __future__ import annotations

import json
import shutil

import pytest

from tests import notebooks

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
    pytest.mark.skipif(
        bool(notebooks.missing(".cwl", "cwltool")), reason=notebooks.missing(".cwl", "cwltool")
    ),
]

ABOVE = """
cwlVersion: v1.2
class: CommandLineTool
baseCommand: [awk]
inputs:
  least: {type: int, inputBinding: {position: 1, prefix: -v, valueFrom: "least=$(self)"}}
  program: {type: string, default: "$1 >= least", inputBinding: {position: 2}}
  table: {type: File, inputBinding: {position: 3}}
outputs:
  rows: stdout
stdout: above.csv
"""
FLOW = """
cwlVersion: v1.2
class: Workflow
label: Sorted rows above a threshold
inputs:
  table: File
  least: {type: int, default: 2}
outputs:
  sorted: {type: File, outputSource: sort/sorted}
steps:
  above:
    run: tools/above.cwl
    in: {table: table, least: least}
    out: [rows]
  sort:
    run:
      class: CommandLineTool
      baseCommand: [sort, -n]
      inputs: {rows: {type: File, inputBinding: {position: 1}}}
      outputs: {sorted: stdout}
      stdout: sorted.csv
    in: {rows: above/rows}
    out: [sorted]
"""
FETCH = """
cwlVersion: v1.2
class: CommandLineTool
baseCommand: [python3, -c, "import socket; socket.create_connection(('192.0.2.1', 80), 2)"]
inputs: []
outputs: []
"""


@pytest.fixture(scope="module")
def flows(node, tmp_path_factory):
    notebooks.lend(node, ".cwl", notebooks.ROOMS / "workflows" / "cwltool.lock")
    folder = tmp_path_factory.mktemp("flows")
    (folder / "tools").mkdir()
    (folder / "tools" / "above.cwl").write_text(ABOVE)
    (folder / "flow.cwl").write_text(FLOW)
    (folder / "fetch.cwl").write_text(FETCH)
    (folder / "raw.csv").write_text("3\n1\n7\n2\n")
    node.run("push", str(folder), "lab/flows")
    node.run("label", "lab/flows", "personal")
    node.run("freeze", "lab/flows")
    return "lab/flows"


def test_a_workflow_of_two_steps_makes_a_version_with_labels(node, flows, tmp_path):
    done = json.loads(
        node.run(
            "run", flows, "--cwl", "flow.cwl", "--param", "table=raw.csv", "--param", "least=2",
            "--out", "lab/sorted-by-cwl", "--json",
        ).stdout
    )  # fmt: skip
    assert done["state"] == "succeeded", node.run("logs", done["run"]).stdout
    node.run("pull", "lab/sorted-by-cwl", str(tmp_path / "out"))
    made = {path.name: path.read_text() for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert made == {"sorted.csv": "2\n3\n7\n"}, "the output and nothing of the steps between"
    labels = {one["name"]: one["value"] for one in node.json("label", "lab/sorted-by-cwl")["labels"]}
    assert labels["personal"] == "yes"
    status, again = node.api("POST", f"/runs/{done['run']}/again")
    assert status == 201
    again = notebooks.wait_for(node, again["run"], {"succeeded", "failed"})
    assert again["result"]["outputs"] == done["result"]["outputs"]


def test_a_tool_has_no_network_and_a_missing_input_is_said_before_anything_runs(node, flows):
    done = node.run("run", flows, "--cwl", "fetch.cwl", "--out", "lab/fetched", check=False)
    assert done.returncode != 0
    assert "Network is unreachable" in done.stdout
    asked = node.run("run", flows, "--cwl", "flow.cwl", "--param", "least=2", check=False)
    assert (asked.returncode, "table (File)" in asked.stderr) == (2, True), asked.stderr
