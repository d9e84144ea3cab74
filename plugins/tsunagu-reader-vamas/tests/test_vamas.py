"""The VAMAS reader through Tsunagu's test kit, on files built here from the published layout."""

from __future__ import annotations

import math

import pytest
from tsunagu_reader_vamas import VAMAS

from tsunagu.formats import kit
from tsunagu.formats.api import default_mapping

SIGNATURE = "VAMAS Surface Chemical Analysis Standard Data Transfer Format 1988 May 4"


def peak(n: int) -> list[float]:
    return [100 + 900 * math.exp(-(((i - n / 2) / 8) ** 2)) for i in range(n)]


def block(
    name: str, values: list[float], *, left_out: bool = False, scan: str = "REGULAR", **over: object
) -> list[object]:
    """The lines of one XPS block; ``left_out`` leaves away what an exclusion list of 1 to 8 allows."""
    given = {"technique": "XPS", "energy": 1486.6, "pass_energy": 20.0, "mode": "NORM"} | over
    lines: list[object] = [name, "LFP-1"]
    if not left_out:
        lines += [2024, 3, 5, 14, 5, 30, 9, 1, "survey of the day"]
    lines += [given["technique"], "Al", given["energy"], 150, 400, 400, 54.7, 0, "FAT", given["pass_energy"], 1, 4.5, 0,
              300, 700, 0, 0, name.split(maxsplit=1)[0], "2p", -1]  # fmt: skip
    if scan == "REGULAR":
        lines += ["binding energy", "eV", 740.0, -0.1, 1, "counts", "d"]
        body: list[object] = list(values)
    else:
        lines += [2, "binding energy", "eV", "counts", "d"]
        body = [part for i, value in enumerate(values) for part in (740.0 - i / 10, value)]
    lines += ["pulse counting", 0.2, 5, 0, 0, 0, 0, 1, "chamber pressure", "Pa", 1e-7, len(body)]
    lines += [min(values), max(values)] * (1 if scan == "REGULAR" else 2)
    return [*lines, *body]


def file(
    *blocks: list[object], scan: str = "REGULAR", listed: tuple[int, ...] = (), mode: str = "NORM"
) -> bytes:
    head: list[object] = [
        SIGNATURE,
        "Kita University",
        "AXIS Nova",
        "Hanako Sato",
        "LFP electrodes",
        2,
        "first",
        "second",
    ]
    head += [mode, scan, 1, 0, -len(listed), *listed, 0, 0, 0, len(blocks)]
    lines = [*head, *(line for one in blocks for line in one), "end of experiment"]
    return "\r\n".join(map(str, lines)).encode() + b"\r\n"


TWO = kit.Sample(
    "survey.vms",
    file(block("Fe 2p", peak(120)), block("O 1s", peak(80))),
    fields={
        "institution identifier": "Kita University",
        "instrument model identifier": "AXIS Nova",
        "number of blocks": 2,
        "technique": "XPS",
        "start time": "2024-03-05T14:05:30+09:00",
        "analysis source characteristic energy": (1486.6, "eV"),
        "analyser pass energy": (20.0, "eV"),
        "chamber pressure": (1e-07, "Pa"),
        "sample identifier": "LFP-1",
    },
    previews=("curve",),
)


def test_contract():
    kit.check_contract("tsunagu_reader_vamas:VAMAS")


def test_two_regions():
    outcome = kit.check_sample(VAMAS, TWO)
    assert [array.shape for array in outcome.reading.arrays] == [(120,), (80,)]
    curve = outcome.reading.previews[0]
    assert [line.name for line in curve.series] == ["Fe 2p", "O 1s"]
    assert (curve.x_label, curve.x_unit, curve.x_reversed) == ("binding energy", "eV", True)
    assert curve.series[0].x[:2] == (740.0, 739.9)
    assert curve.series[0].y[60] == 1000.0


def test_irregular_scans_carry_their_abscissa():
    content = file(block("Fe 2p", peak(60), scan="IRREGULAR"), scan="IRREGULAR")
    curve = kit.check_sample(VAMAS, kit.Sample("a.vms", content, previews=("curve",))).reading.previews[0]
    assert (curve.x_label, curve.series[0].point_count) == ("binding energy", 60)
    assert curve.series[0].x[1] == 739.9


def test_parameters_that_only_the_first_block_holds():
    content = file(
        block("Fe 2p", peak(50)), block("O 1s", peak(40), left_out=True), listed=tuple(range(1, 9))
    )
    reading = kit.check_sample(VAMAS, kit.Sample("a.vms", content)).reading
    started = [field.value for field in reading.fields if field.key == "start time"]
    assert started == ["2024-03-05T14:05:30+09:00"] * 2
    assert [array.shape for array in reading.arrays] == [(50,), (40,)]


def test_the_operator_is_personal_and_common_names_come_out():
    outcome = default_mapping().apply(kit.run(VAMAS, TWO.content, TWO.name))
    operator = next(field for field in outcome.reading.fields if field.key == "operator identifier")
    assert operator.personal
    said = {field.name: field.normal_value or field.value for field in outcome.reading.fields if field.name}
    assert said["photon_energy"] == 1486.6
    assert said["pass_energy"] == 20.0
    assert said["instrument_model"] == "AXIS Nova"
    assert said["sample_name"] == "LFP-1"
    assert said["measurement_start"] == "2024-03-05T14:05:30+09:00"
    assert said["technique"] == "X-ray photoelectron spectroscopy"


@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "latin-1"])
def test_names_in_any_encoding(encoding: str):
    word = "北大学" if encoding != "latin-1" else "Universität"
    content = TWO.content.decode().replace("Kita University", f"{word} {word}").encode(encoding)
    kit.check_sample(VAMAS, kit.Sample("a.vms", content, fields={"institution identifier": f"{word} {word}"}))


def test_damage():
    kit.check_damage(VAMAS, TWO, rounds=150)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"AXIS Nova\r\nHanako", b"AXIS Nova\r\nHanako", ""),
        (b"eV\r\n740.0", b"eV\r\nseven", "Line 51 should hold the abscissa start"),
        (b"end of experiment", b"end", "end of experiment"),
        (b"NORM\r\nREGULAR\r\n1", b"NORM\r\nREGULAR\r\n-1", "number of spectral regions"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(old: bytes, new: bytes, said: str):
    assert old in TWO.content
    outcome = kit.run(VAMAS, TWO.content.replace(old, new, 1), "a.vms")
    assert said in outcome.reason
    assert (outcome.status == "read") == (not said)


def test_counts_that_would_fill_the_memory():
    for count in (10**15, -5, 1.5):
        content = TWO.content.replace(b"1e-07\r\n120\r\n", f"1e-07\r\n{count}\r\n".encode(), 1)
        outcome = kit.run(VAMAS, content, "a.vms")
        assert (outcome.status, outcome.reason_code) == ("unreadable", "corrupt")
        assert "number of ordinate values" in outcome.reason


def test_half_a_file_keeps_what_it_says():
    outcome = kit.run(VAMAS, TWO.content[: len(TWO.content) * 3 // 4], "a.vms")
    assert (outcome.status, outcome.reason_code) == ("unreadable", "truncated")
    assert any(field.value == "AXIS Nova" for field in outcome.reading.fields)


def test_installed():
    kit.check_installed(VAMAS, TWO)
