"""Commands about legacy material wait with a word, leave the work to the node, and notice what is gone."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tsunagu.client import dark_commands
from tsunagu.client.cli import main
from tsunagu.client.node import Node
from tsunagu.client.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ITEMS = ("done_count", "text_count", "empty_count", "unreadable_count")


class Played(Node):
    """A node that lists pages of two, and of which every poll is answered by the next of several states of affairs."""

    def __init__(self, *states: list[dict[str, Any]]) -> None:
        self.states = list(states)
        self.asked: list[tuple[str, Any]] = []

    def next_state(self, _wait: float) -> None:
        """Time goes by."""
        self.states = self.states[1:] or self.states

    def _call(self, method: str, path: str, *, query: Any = None, content: Any = None, **_: Any) -> Any:
        after = str((query or content or {}).get("after") or "")
        self.asked.append((f"{method} {urlsplit(path).path}", parse_qs(urlsplit(path).query) or after))
        key = "readings" if "page-readings" in path else "decisions"
        now = self.states[0]
        if method == "POST" and key == "decisions":
            return {"decisions": now} if path.endswith("/proposals") else now[0]
        rest = now
        if after:
            rest = [one for one in now if (one["id"] < after if key == "decisions" else one["id"] > after)]
        return {key: rest[:2], "next": rest[1]["id"] if len(rest) > 2 else None}


@pytest.fixture
def play(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setenv("TSUNAGU_LANG", "en")

    def run(node: Played, *arguments: str, sleep: Any = None) -> tuple[int, str, str]:
        @contextlib.contextmanager
        def connect(*_: Any) -> Iterator[Any]:
            yield type("Client", (), {"node": node})

        monkeypatch.setattr(dark_commands, "connect", connect)
        monkeypatch.setattr(dark_commands.time, "sleep", sleep or node.next_state)
        code = main(list(arguments))
        return code, *capfd.readouterr()

    return run


def reading(number: int, state: str, **more: Any) -> dict[str, Any]:
    counts = dict.fromkeys(ITEMS, 0)
    return {"id": f"{number}x", "path": f"{number}.pdf", "state": state, "reason": "", **counts, **more}


def decision(number: int, state: str) -> dict[str, Any]:
    said = {"verdict": "make", "file_count": 1, "target": "lab/x", "reason": ""}
    return {"id": f"0{number:02}", "state": state, **said}


def interrupted(_wait: float) -> None:
    raise KeyboardInterrupt


def test_every_file_is_begun_and_followed(play: Any) -> None:
    waiting = [reading(number, "waiting") for number in range(1, 6)]
    done = [reading(number, "done", text_count=1) for number in range(1, 6)]
    node = Played(waiting, [*done[:3], *waiting[3:]], done)
    code, out, _ = play(node, "ocr", "lab/data")
    assert (code, out.count("1 pages with text")) == (0, 5)
    place = "/datasets/lab/data/page-readings"
    begun = [asked for asked in node.asked if asked[0] == f"POST {place}"]
    assert [after for _, after in begun] == ["", "2x", "4x"]
    # What has ended is not asked for again: the last look begins with the first that was still open.
    assert [asked for asked in node.asked if asked[0] == f"GET {place}"][-1] == (f"GET {place}", "4")


def test_reading_that_has_to_wait_says_why_and_what_is_gone_ends(play: Any) -> None:
    put_off = reading(1, "reading", reason="A part of the node does not answer.")
    node = Played([reading(1, "waiting"), reading(2, "waiting")], [put_off], [reading(1, "done")])
    code, out, err = play(node, "ocr", "lab/data")
    assert code == 1
    assert "1.pdf: waiting: A part of the node does not answer." in err
    assert "2.pdf: could not be read: the file was removed or sealed meanwhile" in out


def test_who_leaves_hears_how_to_look_again(play: Any) -> None:
    code, _, err = play(Played([reading(1, "waiting")]), "ocr", "lab/data", sleep=interrupted)
    assert code == 130
    assert "tsunagu ocr lab/data --status" in err
    node = Played([decision(1, "open")])
    code, _, err = play(node, "unsorted", "lab", "--accept", "k", sleep=interrupted)
    assert code == 130
    assert "tsunagu unsorted lab --decisions" in err


def test_folders_with_names_in_shift_jis_have_inboxes_of_their_own(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSUNAGU_LANG", "en")

    class Named(Node):
        def __init__(self) -> None:
            self.names: list[str] = []

        def post(self, path: str, content: Any = None, **_: Any) -> dict[str, Any]:
            self.names.append(json.loads(json.dumps(content, ensure_ascii=False).encode())["name"])
            return {"project": "lab", "name": "unsorted", "file_count": len(self.names) - 1}

    node, output = Named(), Output(as_json=False, quiet=False)
    for name in ("実験", "測定"):
        dark_commands.open_inbox(node, "lab", os.fsdecode(b"/old/" + name.encode("shift_jis")), output)
    dark_commands.open_inbox(node, "lab", "/old/実験", output)
    assert len(set(node.names)) == 3
    assert node.names[2] == "実験"
    # Who sends another folder of the same name hears that before a file is sent.
    said = capfd.readouterr().err.splitlines()
    assert [line.split(" files lie")[0] for line in said] == ["1", "2"]


def test_status_begins_with_nothing(play: Any) -> None:
    node = Played([reading(1, "done"), reading(2, "reading"), reading(3, "waiting")])
    code, out, _ = play(node, "ocr", "lab/data", "--status")
    assert (code, out.count("waiting")) == (0, 2)
    assert {method.split()[0] for method, _ in node.asked} == {"GET"}


def test_decisions_are_followed_beyond_the_first_page(play: Any) -> None:
    opened = [decision(number, "open") for number in range(60, 0, -1)]
    done = [decision(number, "done") for number in range(60, 0, -1)]
    node = Played(opened, [*done[:55], *opened[55:]], done)
    code, out, _ = play(node, "unsorted", "lab", "--accept", "k")
    assert (code, out.count("make: 1 files lab/x")) == (0, 60)
    node = Played(opened[:3], done[1:2])
    code, out, _ = play(node, "unsorted", "lab", "--accept", "k")
    assert (code, out.count("the inbox was removed meanwhile")) == (1, 2)


def test_the_last_decisions_are_listed(play: Any) -> None:
    code, out, _ = play(Played([decision(2, "open"), decision(1, "done")]), "unsorted", "lab", "--decisions")
    assert code == 0
    assert out.splitlines() == ["make: 1 files lab/x (under way)", "make: 1 files lab/x"]
