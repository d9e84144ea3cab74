"""Proposals: deterministic, with evidence, and silent about patients."""

from __future__ import annotations

import random

from tsunagu.formats.api import Field, Outcome, Reading, default_mapping, propose


def read(path: str, reader: str, **keys: object) -> tuple[str, Outcome]:
    fields = tuple(
        Field(key.replace("__", " "), value, where=f"line {n}")
        for n, (key, value) in enumerate(keys.items(), 1)
    )
    return path, default_mapping().apply(Outcome("read", reader=reader, reading=Reading(fields=fields)))


def by_key(outcomes):
    return {found.key: found for found in propose(outcomes)}


RAMAN = {
    "TITLE": "tannic acid",
    "DATA__TYPE": "RAMAN SPECTRUM",
    "LONGDATE": "2000/10/04 14:47",
    "OPERATOR": "Hanako Sato",
}


def test_one_spectrum():
    found = by_key([read("a.jdx", "jcamp", **RAMAN)])
    assert found["title"].value == "tannic acid"
    assert found["technique"].value == "Raman spectroscopy"
    assert found["measurement_start"].value == "2000-10-04T14:47:00"
    assert found["operator"].value == "Hanako Sato"
    assert "measurement_end" not in found
    assert found["description_ja"].value == (
        "JCAMP-DX形式のファイル1件からなるデータです。測定手法はラマン分光です。測定日は2000年10月4日です。"
    )
    place = found["technique"].evidence[0]
    assert (place.path, place.key, place.where, place.value) == (
        "a.jdx",
        "DATA TYPE",
        "line 2",
        "RAMAN SPECTRUM",
    )
    assert all(0 < one.confidence <= 1 and one.rule and one.evidence for one in found.values())


def test_the_order_of_the_files_changes_nothing():
    files = [read(f"{n}.jdx", "jcamp", **{**RAMAN, "TITLE": f"sample {n % 3}"}) for n in range(30)]
    first = propose(files)
    random.Random(4).shuffle(files)
    assert propose(files) == first
    assert max(len(one.evidence) for one in first) <= 20


def test_patients_are_never_proposed():
    keys = {
        "PatientName": "Sato^Hanako",
        "PatientID": "P-0042",
        "OperatorsName": "Ito",
        "InstitutionName": "Kita clinic",
    }
    path, outcome = read(
        "a.dcm", "dicom", **keys, Modality="CT", Manufacturer="ACME", ManufacturerModelName="X1"
    )
    personal = tuple(
        Field(f.key, f.value, where=f.where, name=f.name, personal=f.personal or f.key == "InstitutionName",
              normal_value=f.normal_value)
        for f in outcome.reading.fields
    )  # fmt: skip
    found = propose([(path, Outcome("read", reader="dicom", reading=Reading(fields=personal)))])
    said = repr(found)
    assert {"technique", "instrument_name"} <= {one.key for one in found}
    assert not [word for word in ("Sato", "P-0042", "Ito", "Kita") if word in said]


def test_general_accounts_are_no_operators():
    assert "operator" not in by_key([read("a.fcs", "fcs", **{"$OP": "Administrator"})])


def test_files_that_disagree_lower_the_confidence():
    same = by_key([read(f"{n}", "csv", 試料名="LFP-1") for n in range(4)])["sample_name"]
    mixed = by_key([read(f"{n}", "csv", 試料名=f"LFP-{n % 2}") for n in range(4)])["sample_name"]
    assert same.value == "LFP-1"
    assert mixed.value == ("LFP-0", "LFP-1")
    assert same.confidence > mixed.confidence
    assert "sample_name" not in by_key([read(f"{n}", "csv", 試料名=f"LFP-{n}") for n in range(9)])


def test_a_period_over_files_with_and_without_zone():
    files = [
        read("a", "mzml", **{"run@startTimeStamp": "2024-03-01T09:00:00+09:00"}),
        read("b", "mzml", **{"run@startTimeStamp": "2024-03-01T01:30:00Z"}),
        read("c", "mseed", start__time="1970-01-01T00:00:00Z"),
    ]
    found = by_key(files)
    assert found["measurement_start"].value == "2024-03-01T09:00:00+09:00"
    assert found["measurement_end"].value == "2024-03-01T01:30:00Z"


def test_conditions_are_proposed_only_where_files_agree():
    files = [read(f"{n}", "xrd", MEAS_COND_XG_VOLTAGE=45, MEAS_SCAN_STEP=0.01 * n) for n in range(5)]
    found = by_key(files)
    assert (found["xray_voltage"].value, found["xray_voltage"].unit) == (45.0, "kV")
    assert found["technique"].value == "X-ray diffraction"
    assert "scan_step" not in found
    zero = by_key([read("a", "xrd", MEAS_COND_XG_VOLTAGE=0)])
    assert "xray_voltage" not in zero


def test_files_that_could_not_be_read_say_nothing():
    assert propose([("a", Outcome("unreadable")), ("b", Outcome("unrecognised"))]) == []
    assert propose([]) == []
