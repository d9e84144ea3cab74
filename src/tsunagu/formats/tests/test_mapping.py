"""The mapping: what a steward may write, what it does to a reading, what it refuses."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu.formats.api import (
    Field,
    MappingError,
    Outcome,
    Reading,
    default_mapping,
    default_mapping_text,
    diff_fields,
    from_rde,
    parse_mapping,
    to_rde,
)
from tsunagu.formats.mapping import times, units
from tsunagu.formats.mapping.convert import quantity

HEAD = "version: 1\nterms:\n"


def outcome(reader: str, *fields: Field) -> Outcome:
    return Outcome("read", reader=reader, reading=Reading(fields=fields))


def named(reader: str, *fields: Field, mapping=None) -> dict[str, tuple]:
    mapped = (mapping or default_mapping()).apply(outcome(reader, *fields))
    return {f.name: (f.normal_value, f.normal_unit) for f in mapped.reading.fields if f.name}


def term(name: str = "speed", **more: str) -> str:
    lines = [f"  {name}:", "    label: {ja: 速さ, en: Speed}"]
    return HEAD + "\n".join([*lines, *(f"    {word}: {value}" for word, value in more.items())]) + "\n"


def test_the_shipped_mapping_is_complete_in_both_languages():
    terms = default_mapping().terms
    assert len(terms) >= 90
    for item in terms:
        assert set(item.label) == {"ja", "en"}
        assert any("\u3040" <= c <= "\u9fff" for c in item.label["ja"]), item.name
        assert item.unit is None or units.known(item.unit), item.name


@pytest.mark.parametrize(
    ("reader", "fields", "name", "expected"),
    [
        ("dicom", [Field("KVP", 120.0, "kV")], "xray_voltage", (120.0, "kV")),
        ("dicom", [Field("StudyDate", "20040119"), Field("StudyTime", "072730")], "measurement_start",
         ("2004-01-19T07:27:30", None)),
        ("dicom", [Field("Modality", "CT")], "technique", ("computed tomography", None)),
        ("fits", [Field("EXPTIME", 50.0)], "exposure_time", (50.0, "s")),
        ("fits", [Field("DATE-OBS", "06/01/96"), Field("TIME-OBS", "08:56:00")], "measurement_start",
         ("1996-01-06T08:56:00", None)),
        ("jcamp", [Field("TEMPERATURE", "23 C")], "temperature", (296.15, "K")),
        ("jcamp", [Field("DATATYPE", "INFRARED SPECTRUM")], "technique", ("infrared spectroscopy", None)),
        ("cif", [Field("_cell_length_a", "4.348(5)", "Å")], "cell_length_a", (4.348, "angstrom")),
        ("cif", [Field("_cell.length_a", 4.348, "Å")], "cell_length_a", (4.348, "angstrom")),
        ("fcs", [Field("$DATE", "02-MAR-2015"), Field("$BTIM", "13:22:33")], "measurement_start",
         ("2015-03-02T13:22:33", None)),
        ("mzml", [Field("whatever it is called", "0244", term="MS:1000529")], "instrument_serial_number", (None, None)),
        ("hdf5", [Field("/entry/sample/temperature", 22.0, "degC")], "temperature", (295.15, "K")),
        ("xrd", [Field("MEAS_COND_XG_VOLTAGE", 45)], "xray_voltage", (45.0, "kV")),
        ("csv", [Field("測定日時", "2024年3月5日 14:05")], "measurement_start", ("2024-03-05T14:05:00", None)),
        ("csv", [Field("ＤＡＴＡ Points", "1,024,000")], "point_count", (1024000, None)),
        ("tiff", [Field("Pixels.PhysicalSizeX", 0.65, "µm")], "pixel_size", (0.65, "µm")),
    ],
)  # fmt: skip
def test_values_of_real_formats(reader, fields, name, expected):
    assert named(reader, *fields)[name] == expected


def test_raw_key_value_and_unit_stay():
    mapped = default_mapping().apply(outcome("jcamp", Field("PATH LENGTH", "5 CM", where="line 21")))
    field = mapped.reading.fields[0]
    assert (field.key, field.value, field.unit, field.where) == ("PATH LENGTH", "5 CM", None, "line 21")
    assert mapped.mapping_version == default_mapping().mapping_version


def test_a_number_without_unit_is_not_guessed():
    assert named("csv", Field("Temperature", 25)) == {"temperature": (None, None)}


def test_a_wrong_dimension_stays_raw():
    assert named("csv", Field("Temperature", 25, "kg")) == {"temperature": (None, None)}


@pytest.mark.parametrize("key", ["PatientName", "PatientID", "PatientBirthDate", "OperatorsName"])
def test_people_are_marked_whatever_the_reader_said(key):
    mapped = default_mapping().apply(outcome("dicom", Field(key, "19700101", personal=False)))
    assert mapped.reading.fields[0].personal


def test_the_reader_s_mark_is_never_taken_off():
    mapping = parse_mapping(term(keys="{csv: Speed}"))
    assert mapping.apply(outcome("csv", Field("Speed", 1, personal=True))).reading.fields[0].personal


def test_own_keys_come_before_keys_for_any():
    text = HEAD + (
        "  a_general:\n    label: {ja: 一般, en: general}\n    keys: {any: 'tem*'}\n"
        "  b_own:\n    label: {ja: 固有, en: own}\n    keys: {csv: temperature}\n"
    )
    mapping = parse_mapping(text)
    assert named("csv", Field("Temperature", "x"), mapping=mapping) == {"b_own": (None, None)}
    assert named("json", Field("Temperature", "x"), mapping=mapping) == {"a_general": (None, None)}


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "empty"),
        ("version: 2\nterms: {}\n", 1, "version: 1"),
        ("version: 1\n", 1, "terms:"),
        ("version: 1\nterms:\n  a: [1\n", 4, "not YAML"),
        (term(unit="furlongs_per_week", type="number"), 5, "unit"),
        (term(type="colour"), 5, "type"),
        (term(scope="sometimes"), 5, "scope"),
        (term(uri="ftp://x"), 5, "URI"),
        (term(keys="{csv: '**'}"), 5, "everything"),
        (term(keys="{csv: 'a*b*c*d*e*f'}"), 5, "wildcards"),
        (term(keys="{csv: {key: a, format: '%Q%'}}"), 5, "pattern"),
        (term(keys="{csv: {key: a, colour: b}}"), 5, "colour"),
        (term(colour="red"), 5, "colour"),
        (term(name="Speed"), 4, "lower-case"),
        (HEAD + "  a:\n    label: {en: A}\n", 4, "ja is missing"),
        (HEAD + "  a:\n    label: {en: A, ja: あ}\n    label: {en: B, ja: い}\n", 5, "second time"),
        (term(keys="{csv: Speed}") + "  b:\n    label: {ja: あ, en: b}\n    keys: {csv: s_p-e ed}\n", 8, "already means"),
        (HEAD + "  a: &x\n    label: {en: A, ja: あ}\n  b: *x\n", 3, "references"),
        (HEAD + "  a: !!python/object/apply:os.system ['true']\n", 3, "expected"),
        (HEAD + "  a: !mine {}\n", 3, "tags"),
        ("version: 1\nterms: " + "[" * 50, 2, "deeper"),
        ("version: 1\nterms: " + "[" * 50000, 2, "nesting"),
        ("version: 1\nterms: {}\n---\nversion: 1\n", 3, "document"),
    ],
)  # fmt: skip
def test_complaints_name_line_and_reason(text, line, reason):
    with pytest.raises(MappingError) as caught:
        parse_mapping(text)
    assert caught.value.fields.get("line", line) == line
    assert f"Line {line}:" in caught.value.message
    assert reason in caught.value.message


def test_a_bomb_of_references_costs_nothing():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    started = time.monotonic()
    with pytest.raises(MappingError, match="Line 1"):
        parse_mapping("\n".join(lines))
    assert time.monotonic() - started < 20
    with pytest.raises(MappingError, match="512 KiB"):
        parse_mapping("#" * (1 << 20))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kV", "kV"), ("℃", "degC"), ("°C", "degC"), ("Å", "angstrom"), ("CM", "cm"), ("1/cm", "(cm) ** -1"),
        ("cm-1", "(cm) ** -1"), ("mm/min", "(mm) ** 1 * (min) ** -1"), ("gram per liter", "(gram) ** 1 * (liter) ** -1"),
        ("W/m2", "(W) ** 1 * (m) ** -2"), ("m^2", "(m) ** 2"), ("%", "percent"), ("10**10**10", None), ("__import__", None),
        ("m**99999", None), ("", None), ("arb. unit", None), ("a" * 5000, None),
    ],
)  # fmt: skip
def test_units_as_files_write_them(text, expected):
    assert units.known(text) == expected


@given(st.text(max_size=80))
def test_no_text_breaks_units_times_or_numbers(text):
    units.known(text, "K")
    times.as_iso(text, time=text)
    quantity(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-05T14:05:06.123456789+09:00", "2024-03-05T14:05:06.123456+09:00"),
        ("20240305140506", "2024-03-05T14:05:06"), ("2015:05:09 09:08:29", "2015-05-09T09:08:29"),
        ("2018.01.01 / 01:01:01", "2018-01-01T01:01:01"), ("22-Sep-13", "2013-09-22"), ("Oct 4, 2000", "2000-10-04"),
        ("Wed Oct  4 14:47:00 2000", "2000-10-04T14:47:00"), ("2013-Jul-19", "2013-07-19"),
        ("31/12/1999 11:59 PM", "1999-12-31T23:59:00"), ("03/04/2000", None), ("2001-02-31", None), ("anon", None),
        ("2024-03-05 noon", None), ("2019-04-01T18:43:00.003600Z", "2019-04-01T18:43:00.0036Z"),
    ],
)  # fmt: skip
def test_times_as_instruments_write_them(text, expected):
    assert times.as_iso(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5 CM", (5, "CM")), ("-30.41 C", (-30.41, "C")), ("1,5", (1.5, None)), ("1,234", (None, None)), ("1,234.5", (1234.5, None)),
     ("4.348(5)", (4.348, None)), ("1.5D3", (1500.0, None)), ("1e400", (None, None)), ("about 3", (None, None)), (True, (None, None))],
)  # fmt: skip
def test_quantities(text, expected):
    assert quantity(text) == expected


def test_rde_there_and_back_keeps_what_both_know():
    exported = to_rde(default_mapping(), reader="xrd")
    assert exported["xray_voltage"] == {
        "name": {"ja": "管電圧", "en": "Tube voltage"},
        "schema": {"type": "number"},
        "order": exported["xray_voltage"]["order"],
        "unit": "kV",
        "originalName": "MEAS_COND_XG_VOLTAGE",
        "variable": 1,
    }
    assert exported["measurement_start"]["schema"] == {"type": "string", "format": "date-time"}
    assert "operator" not in exported
    again = to_rde(parse_mapping(from_rde(json.dumps(exported), reader="xrd")), reader="xrd")
    assert again == exported


def test_rde_of_others():
    text = json.dumps(
        {
            "Scan Speed(deg/min)": {
                "name": {"ja": "走査速度", "en": "Scan speed"},
                "schema": {"type": "number"},
                "unit": "smoots",
                "originalName": "SCAN_SPEED",
            }
        }
    )
    term = parse_mapping(from_rde(text, reader="csv")).terms[0]
    assert (term.name, term.scope, term.keys["csv"][0].text) == (
        "scan_speed_deg_min",
        "constant",
        "SCAN_SPEED",
    )
    assert "smoots" in term.description
    for wrong in ("[]", "{", '{"a": 1}', '{"a": {"schema": {"type": "colour"}}}'):
        with pytest.raises(MappingError):
            from_rde(wrong)


def test_differences_between_readings():
    before = outcome("csv", Field("a", 1, where="line 1"), Field("b", 2), Field("c", 3))
    now = outcome("csv", Field("a", 1, where="line 1"), Field("b", 5), Field("d", 4))
    found = diff_fields(before, now)
    assert [item["key"] for item in found["added"]] == ["d"]
    assert [item["key"] for item in found["removed"]] == ["c"]
    assert [(item["before"]["value"], item["now"]["value"]) for item in found["changed"]] == [(2, 5)]
    assert diff_fields(before, before) == {}
    assert diff_fields(before, default_mapping().apply(before)) == {}


def test_the_file_is_in_the_package():
    assert default_mapping_text().startswith("# Which keys")
