"""A plan through the command line of a real node: in, out, checked by the worker, and what it forbids."""

from __future__ import annotations

import json
import time

import pytest

pytestmark = pytest.mark.functional


def plan(access: str) -> dict:
    return {
        "dmp": {
            "title": "Films",
            "language": "eng",
            "created": "2026-04-01T00:00:00Z",
            "modified": "2026-11-01T00:00:00Z",
            "dmp_id": {"identifier": "plan-1", "type": "other"},
            "contact": {
                "name": "A",
                "mbox": "a@example.org",
                "contact_id": {"identifier": "a", "type": "other"},
            },
            "ethical_issues_exist": "no",
            "dataset": [
                {
                    "title": "Runs",
                    "dataset_id": {"identifier": "planned-*", "type": "other"},
                    "personal_data": "no",
                    "sensitive_data": "no",
                    "x_theirs": [1, {"deep": None}],
                    "distribution": [{"title": "Runs", "data_access": access, "byte_size": 1000}],
                }
            ],
        }
    }


def test_a_plan_goes_in_and_out_and_forbids_what_it_does_not_say(node, tmp_path):
    node.run("project", "create", "planned")
    source, out = tmp_path / "in.json", tmp_path / "out.json"
    source.write_text(json.dumps(plan("shared")), "utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("x,y\n1,2\n")
    assert node.run("plan", "check", "planned", check=False).returncode == 4, "there is no plan yet"
    node.run("plan", "import", "planned", str(source))
    node.run("plan", "export", "planned", str(out))
    taken = json.loads(out.read_text("utf-8"))
    for thing in (taken["dmp"], *taken["dmp"]["dataset"]):
        thing.pop("jp")
    assert taken == plan("shared")
    node.run("push", str(tmp_path / "data"), "planned/planned-1")
    node.run("freeze", "planned/planned-1")
    answer = node.json("plan", "check", "planned")
    assert answer["broken"] == 0
    assert {one["place"] for one in answer["findings"]} == {"planned", "Runs", "planned/planned-1"}
    node.run("access", "planned/planned-1", "shared")
    denied = node.run("access", "planned/planned-1", "open", check=False)
    assert denied.returncode == 3
    assert "policy.denied" in denied.stderr
    # The plan becomes narrower than what is seen: the worker finds it without being asked.
    source.write_text(json.dumps(plan("closed")), "utf-8")
    node.run("plan", "import", "planned", str(source))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        _status, found = node.api("GET", "/projects/planned/plan/findings")
        if found["broken"]:
            break
        time.sleep(0.3)
    assert [one["check"] for one in found["findings"] if one["state"] == "broken"] == ["plan.access"]
    shown = node.run("plan", "check", "planned", check=False, env={"TSUNAGU_LANG": "ja"})
    assert shown.returncode == 1
    assert "違反" in shown.stdout
    assert "公開範囲を狭めるか" in shown.stdout


def test_a_file_that_is_no_plan_is_refused_and_says_why(node, tmp_path):
    node.run("project", "create", "noplan")
    bad = tmp_path / "bad.json"
    bad.write_text("{", "utf-8")
    assert node.run("plan", "import", "noplan", str(bad), check=False).returncode == 2
    assert node.run("plan", "import", "noplan", check=False).returncode == 2
    bad.write_text('{"dmp": {"title": "x"}}', "utf-8")
    refused = node.run("plan", "import", "noplan", str(bad), check=False)
    assert refused.returncode == 2
    assert "dmp.contact is missing" in refused.stderr
