"""The guard for use by AI through the command line of a real node."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.functional
PURPOSE = ("--purpose", "summarise the logs")


def test_exit_codes_tell_what_the_guard_says(node, tmp_path):
    (tmp_path / "a.txt").write_text("a\n")
    node.run("push", str(tmp_path), "lab/model")
    asked = node.run("ai-use", "lab/model", *PURPOSE, "--json", check=False)
    assert (asked.returncode, json.loads(asked.stdout)["answer"]) == (5, "needs")
    answered = node.run("ai-use", "lab/model", *PURPOSE, "--answer", "ai.T1=yes", "-m", "agreed", check=False)
    assert (answered.returncode, "Allowed." in answered.stdout) == (0, True)
    node.run("ai-terms", "lab/model", "local_inference=deny", "--limit", "NCU", "--until", "2099-03-31")
    denied = node.run("ai-use", "lab/model", *PURPOSE, check=False)
    assert denied.returncode == 3
    assert "Do the dataset's terms for AI allow this use?" in denied.stdout
    assert node.run("ai-use", "lab/model", *PURPOSE, "--service", "nobody", check=False).returncode == 4
    assert node.run("ai-use", "lab/model@7", *PURPOSE, check=False).returncode == 4
    assert node.run("ai-terms", "lab/model", "training=perhaps", check=False).returncode == 2


def test_terms_change_where_the_command_says_and_travel(node, tmp_path):
    (tmp_path / "a.txt").write_text("a\n")
    node.run("push", str(tmp_path), "lab/source")
    node.run("ai-terms", "lab/source", "training=deny", "--country", "JP")
    node.run("ai-terms", "lab/source", "index=deny")
    found = node.json("ai-terms", "lab/source")
    assert (found["uses"]["training"], found["uses"]["index"], found["countries"]) == ("deny", "deny", ["JP"])
    node.run("push", str(tmp_path), "lab/summary", "--from", "lab/source")
    assert "lab/source" in node.run("ai-terms", "lab/summary").stdout
    assert node.run("ai-terms", "lab/summary", "training=allow", check=False).returncode == 2
    freed = node.json("ai-terms", "lab/summary", "training=allow", "--reason", "sums over 1,000 films")
    assert (freed["uses"]["training"], freed["uses"]["index"]) == ("allow", "deny")
    fragment = json.loads(node.run("ai-terms", "lab/source", "--croissant").stdout)
    assert {one["@type"] for one in fragment["usageInfo"]} == {"DefinedTerm", "odrl:Offer"}
