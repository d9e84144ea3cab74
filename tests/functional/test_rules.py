"""Who may do what, through the command line of a real node with two people."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.functional


def test_share_ask_embargo_label_derive_and_decide(node, tmp_path):
    token = node.make_token("guest@example.org")

    def guest(*arguments, code=0):
        done = node.run(*arguments, "--token", token, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    folder = tmp_path / "measured"
    folder.mkdir()
    (folder / "a.txt").write_text("1")
    node.run("push", str(folder), "lab/ruled")
    node.run("freeze", "lab/ruled")
    guest("show", "lab/ruled", code=4)
    guest("decide", "read", "lab/ruled", code=4)

    guest("ask", "lab/ruled", "-m", "to compare")
    [asked] = [one for one in node.json("requests")["waiting"] if one["place"] == "lab/ruled"]
    assert (asked["email"], asked["reason"]) == ("guest@example.org", "to compare")
    node.run("requests", "approve", asked["id"], "--until", "2099-03-31", "-m", "cite us")
    assert json.loads(guest("requests", "--json"))["own"][0]["state"] == "approved"
    assert json.loads(guest("decide", "read", "lab/ruled", "--json"))["answer"] == "allow"
    about = node.json("decide", "freeze", "lab/ruled", "--as", "guest@example.org")
    assert (about["answer"], about["basis"]) == ("deny", "role")
    assert about["reasons"]
    assert about["remedy"]
    guest("decide", "read", "lab/ruled", "--as", "owner@example.org", code=3)
    node.run("share", "lab/ruled", "guest@example.org", "none")
    guest("show", "lab/ruled", code=4)

    node.run("access", "lab/ruled", "open", "--embargo", "2099-04-01")
    guest("show", "lab/ruled", code=4)
    node.run("access", "lab/ruled", "--embargo", "none")
    guest("show", "lab/ruled")

    node.run("label", "lab/ruled", "personal")
    guest("label", "lab/ruled", "personal=no", code=3)
    guest("project", "create", "own")
    guest("push", str(folder), "own/derived", "--from", "lab/ruled@1")
    labels = {one["name"]: one for one in json.loads(guest("label", "own/derived", "--json"))["labels"]}
    assert labels["personal"]["value"] == "yes"
    assert labels["personal"]["run"]
    guest("label", "own/derived", "personal=no", code=2)
    guest("label", "own/derived", "personal=anonymised", "--reason", "checked")


def test_policy_texts_are_checked_without_a_node(node, tmp_path):
    (tmp_path / "law.cedar").write_text('@id("x") permit(principal, action, resource);')
    done = node.run("policy", "check", str(tmp_path), check=False)
    assert done.returncode == 2
    assert "permits" in done.stdout
