"""Every format of the program on a file that another library wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from tsunagu.formats.api import ExtractorPool, Outcome, default_mapping
from tsunagu.formats.tests.built import BUILDERS, build

# name -> reader, kind of the first preview, common names that must come out
EXPECTED: dict[str, tuple[str, str, dict[str, object]]] = {
    "utf8.csv": ("csv", "curve", {}),
    "bom.csv": ("csv", "curve", {}),
    "shift_jis.csv": ("csv", "curve", {"measurement_start": "2024-03-05T14:05:00"}),
    "euc.csv": ("csv", "curve", {}),
    "utf16.tsv": ("csv", "curve", {}),
    "utf16be_without_mark.tsv": ("csv", "curve", {}),
    "semicolon.csv": ("csv", "curve", {}),
    "pipe.txt": ("csv", "curve", {}),
    "blanks.dat": ("csv", "curve", {"wavelength": 1.5406}),
    "book.xlsx": ("excel", "curve", {"title": "Charge curve", "sample_name": "LFP-1"}),
    "tree.json": ("json", "text", {"sample_name": "LFP-1"}),
    "lines.jsonl": ("json", "table", {}),
    "table.parquet": ("parquet", "curve", {}),
    "scan.nxs": ("hdf5", "curve", {"temperature": 295.0, "measurement_start": "2024-03-05T14:05:00+09:00"}),
    "air.nc": ("netcdf", "curve", {"conventions": "CF-1.8"}),
    "classic.nc": ("netcdf", "curve", {"title": "Air over the roof"}),
    "sky.fits": ("fits", "image", {"exposure_time": 30.0, "measurement_start": "2024-03-05T14:05:00"}),
    "slice.dcm": (
        "dicom",
        "image",
        {"technique": "computed tomography", "xray_voltage": 120.0, "image_width": 8},
    ),
    "cells.ome.tif": ("tiff", "image", {"pixel_size": 0.65, "channel_count": 2}),
    "photo.tif": ("tiff", "image", {"bit_depth": 8}),
    "ir.jdx": ("jcamp", "curve", {"technique": "infrared spectroscopy", "point_count": 300}),
    "run.mzML": ("mzml", "curve", {"measurement_start": "2024-03-05T14:05:00Z", "spectrum_count": 1}),
    "salt.cif": ("cif", "table", {"cell_length_a": 5.6402}),
    "protein.cif": ("cif", "table", {"space_group": "P 21 21 21", "cell_length_c": 60.0}),
    "brain.nii.gz": ("nifti", "image", {"bit_depth": 16}),
    "cells.fcs": ("fcs", "curve", {"event_count": 100, "measurement_start": "2024-03-05"}),
    "quake.mseed": ("mseed", "curve", {"sampling_rate": 20.0, "sample_count": 500}),
    "photo.jpg": ("image", "image", {"instrument_model": "Cam 7", "image_width": 40}),
    "picture.png": ("image", "image", {"image_height": 6}),
    "report.pdf": ("pdf", "text", {"title": "Report of the day"}),
    "bundle.zip": ("archive", "listing", {}),
    "bundle.tar.gz": ("archive", "listing", {}),
    "grid.npy": ("numpy", "image", {}),
    "grids.npz": ("numpy", "image", {}),
    "log.txt": ("text", "text", {}),
    "scan.ras": ("xrd", "curve", {"xray_voltage": 45.0, "measurement_start": "2024-03-25T10:11:12"}),
    "scan.uxd": ("xrd", "curve", {"xray_voltage": 40.0, "scan_step": 0.02}),
    "scan.xrdml": ("xrd", "curve", {"wavelength": 1.540598}),
    "note.xml": ("xml", "text", {}),
}


def test_every_built_file_is_expected():
    assert set(EXPECTED) == set(BUILDERS)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_built_file(name: str, pool: ExtractorPool, built: dict[str, Path]):
    reader, kind, names = EXPECTED[name]
    outcome = default_mapping().apply(pool.extract(built[name], name=name, sha256="ab"))
    assert (outcome.reader, outcome.status, outcome.reason) == (reader, "read", "")
    assert outcome.reading.previews[0].kind == kind
    said = {
        f.name: f.value if f.normal_value is None else f.normal_value
        for f in reversed(outcome.reading.fields)
        if f.name
    }
    assert {word: said.get(word) for word in names} == names
    assert outcome.input_sha256 == "ab"
    assert Outcome.from_json(outcome.as_json(), outcome.blobs()) == outcome


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("wrong", ["noname", "x.bin", "x.dcm", "x.pdf"])
def test_the_ending_is_only_a_hint(name: str, wrong: str, pool: ExtractorPool, built: dict[str, Path]):
    outcome = pool.extract(built[name], name=wrong)
    assert (outcome.reader, outcome.status) == (EXPECTED[name][0], "read")


@pytest.mark.parametrize(
    "name", ["utf8.csv", "bom.csv", "shift_jis.csv", "euc.csv", "utf16.tsv", "semicolon.csv", "pipe.txt"]
)
def test_any_dialect_and_encoding_gives_the_same_table(
    name: str, pool: ExtractorPool, built: dict[str, Path]
):
    table = pool.extract(built[name], name=name).reading.tables[0]
    assert [(c.name, c.unit, c.type) for c in table.columns] == [
        ("時間", "s", "integer"),
        ("温度", "℃", "number"),
        ("備考", None, "text"),
    ]
    assert table.row_count == 20
    assert (table.columns[1].minimum, table.columns[1].maximum) == (20.0, 22.375)


def test_people_in_files_are_personal(pool: ExtractorPool, built: dict[str, Path]):
    for name, keys in {
        "slice.dcm": {"PatientName", "PatientID"},
        "scan.ras": {"FILE_OPERATOR"},
        "shift_jis.csv": {"測定者"},
        "photo.jpg": {"GPSLatitude"},
    }.items():
        fields = default_mapping().apply(pool.extract(built[name], name=name)).reading.fields
        assert {f.key for f in fields if f.key in keys and f.personal} == keys, name


@pytest.mark.parametrize("name", ["scan.nxs", "air.nc", "classic.nc", "cells.ome.tif"])
def test_a_small_file_that_comes_as_memory_reads_as_from_its_place(tmp_path: Path, name: str) -> None:
    """HDF5 2 asks for the real path of what it opens by a path, and what lies in memory alone has none."""
    path = build(name, tmp_path)
    with ExtractorPool() as pool:
        alone, in_group = pool.extract(path, name=name), pool.extract(path, name=name, group="one")
    assert in_group.status == alone.status == "read"
    assert in_group.reading == alone.reading


def test_planes_of_one_ome_tiff_are_one_picture(tmp_path: Path) -> None:
    """The library keeps planes after the first in a short form that lacks half of what pages have."""
    planes = np.arange(6 * 50 * 70, dtype=np.uint16).reshape(6, 50, 70)
    tifffile.imwrite(tmp_path / "cells.tif", planes, compression="zlib", metadata={"axes": "ZYX"}, ome=True)
    with ExtractorPool() as pool:
        outcome = pool.extract(tmp_path / "cells.tif", name="cells.tif")
    assert outcome.status == "read", outcome.reason
    assert [array.shape for array in outcome.reading.arrays] == [(6, 50, 70)]
