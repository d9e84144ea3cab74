"""The test kit finds what it promises to find."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tsunagu.formats import kit
from tsunagu.formats.api import Field, ReaderInfo, Reading, UnreadableError

GOOD = kit.Sample("a.good", b"GOOD 45 kV end", fields={"voltage": (45.0, "kV")})
MODULE = """
from pathlib import Path
from tsunagu.formats.api import Field, Reading, ReaderInfo, UnreadableError
{extra}

class Reader:
    info = {info}
    def sniff(self, head, name): {sniff}
    def load(self): {load}

READER = Reader()
"""
INFO = 'ReaderInfo("good", "1", ("text/x-good",), "Good", "良い")'
PARTS = {
    "extra": "",
    "info": INFO,
    "sniff": "return 99 if head[:4] == b'GOOD' else 0",
    "load": "return lambda path, context: Reading()",
}


def read(path: Path, _: Any) -> Reading:
    text = path.read_text("latin-1")
    found = re.fullmatch(r"GOOD (\d+) kV end", text)
    if not found:
        raise UnreadableError("The word end is missing.", reason_code="truncated")
    return Reading(fields=(Field("voltage", float(found.group(1)), "kV", where="line 1"),))


class Good:
    info = ReaderInfo("good", "1", ("text/x-good",), "Good", "良い")

    def __init__(self, reading: Callable[..., Reading] = read) -> None:
        self.reading = reading

    def sniff(self, head: bytes, name: str) -> int:
        return 99 if head[:4] == b"GOOD" else 0

    def load(self):
        return self.reading


@pytest.mark.parametrize(
    ("part", "code", "said"),
    [
        ("extra", "", None),
        ("extra", "import numpy", "loads"),
        ("extra", "import no_such_thing", "fails"),
        ("info", 'ReaderInfo("Bad Name", "1", (), "Bad", "悪い")', "lower-case"),
        ("info", 'ReaderInfo("bad", "", (), "Bad", "悪い")', "version"),
        ("info", 'ReaderInfo("bad", "1", ("text",), "Bad", "悪い")', "media types"),
        ("info", 'ReaderInfo("bad", "1", (), "Bad", "")', "label"),
        ("info", '"bad"', "ReaderInfo"),
        ("sniff", "return 60 if head[:4] == b'%PDF' else 0", "pdf"),
        ("sniff", "return 50 if name.endswith('.bin') else 0", "empty"),
        ("sniff", "return head[0]", "raises IndexError"),
        ("sniff", "return 'sure'", "whole number"),
        ("sniff", "return 200", "whole number"),
        ("sniff", "import time; time.sleep(0.3); return 0", "takes more"),
        ("load", "return None", "must return"),
    ],
)
def test_the_contract(
    part: str, code: str, said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    name = f"kit_case_{abs(hash((part, code)))}"
    (tmp_path / f"{name}.py").write_text(MODULE.format(**{**PARTS, part: code}))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path) + ":" + ":".join(p for p in sys.path if p))
    if said is None:
        kit.check_contract(f"{name}:READER")
        return
    with pytest.raises(kit.KitError, match=said):
        kit.check_contract(f"{name}:READER")


def test_a_good_sample():
    assert kit.check_sample(Good(), GOOD).status == "read"
    kit.check_damage(Good(), GOOD)


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (kit.Sample("a", b"BAD"), "sniff gives 0"),
        (kit.Sample("a", b"GOOD 45"), "unreadable, not read"),
        (kit.Sample("a", GOOD.content, fields={"voltage": 46.0}), "not 46.0"),
        (kit.Sample("a", GOOD.content, fields={"voltage": (45.0, "V")}), "not"),
        (kit.Sample("a", GOOD.content, fields={"current": 1}), "missing"),
        (kit.Sample("a", GOOD.content, previews=("curve",)), "previews"),
        (kit.Sample("a", GOOD.content, status="read_with_warnings"), "not read_with_warnings"),
    ],
)
def test_samples_that_do_not_hold(sample: kit.Sample, said: str):
    with pytest.raises(kit.KitError, match=said):
        kit.check_sample(Good(), sample)


def test_readings_that_are_not_plain():
    for reading, said in (
        (Reading(fields=(Field("a", float("nan"), where="x"),)), "JSON"),
        (Reading(fields=(Field("a", 1),)), "where"),
    ):
        with pytest.raises(kit.KitError, match=said):
            kit.check_sample(Good(lambda *_, reading=reading: reading), kit.Sample("a", GOOD.content))
    counter = iter(range(100))
    changing = Good(lambda *_: Reading(fields=(Field("a", next(counter), where="x"),)))
    with pytest.raises(kit.KitError, match="twice"):
        kit.check_sample(changing, kit.Sample("a", GOOD.content))


def test_half_a_file_that_passes_as_whole():
    with pytest.raises(kit.KitError, match="passes as whole"):
        kit.check_damage(Good(lambda *_: Reading()), GOOD)
    kit.check_damage(Good(lambda *_: Reading()), GOOD, cuts_must_show=False)


def test_a_reader_that_is_not_installed():
    with pytest.raises(kit.KitError, match="entry-points"):
        kit.check_installed(Good(), GOOD)
