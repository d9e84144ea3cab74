"""What the command line says of a run that a scheduler has not begun."""

from __future__ import annotations

import pytest

from tsunagu.client import compute_commands
from tsunagu.client.output import Output

RESOURCES = {
    "code": "machines",
    "sentence": "It waits for free machines.",
    "said": "Resources",
    "begins_at": "2026-04-01T05:05:00.000Z",
}
OTHER = {"code": "turn", "sentence": "Other work comes first.", "said": "", "begins_at": None}


class Node:
    """Answers with what a run waits for, one answer after the other, and lets it end after the last."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def get(self, place, **_query):
        if place.endswith("/log"):
            is_over = not self.answers
            return {"text": "done\n" if is_over else "", "after": 5 * is_over, "is_over": is_over}
        return {"waiting": self.answers.pop(0) if self.answers else None}


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(compute_commands.time, "sleep", lambda _s: None)
    monkeypatch.setenv("TSUNAGU_LANG", "en")


def test_why_a_followed_run_waits_is_said_once_and_again_when_it_changes(capsys):
    node = Node(RESOURCES, RESOURCES, OTHER, None)
    compute_commands._follow(node, "01J", Output(as_json=False, quiet=False), wait=True)
    said = capsys.readouterr()
    assert said.out == "done\n"
    first, second = said.err.splitlines()
    assert first.startswith("It waits for free machines. (Slurm: Resources) ")
    assert "2026-04-01T05:05:00.000Z" in first
    assert second == "Other work comes first."


def test_nothing_is_said_beside_json(capsys):
    compute_commands._follow(Node(RESOURCES), "01J", Output(as_json=True, quiet=False), wait=True)
    assert capsys.readouterr() == ("", "")


def test_a_node_that_is_older_than_the_client_says_nothing_of_it():
    assert compute_commands._waits({"run": "01J", "state": "submitted"}) == ""
