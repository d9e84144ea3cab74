"""Every real file of the table through the real sandbox: the right reader, status, values and preview.

The counts are exact, because the packages are pinned: a change means that a reader got better or worse, and is
written here by hand.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.samples.packages import PACKAGES, NotHereError, file, files
from tsunagu.formats.api import ExtractorPool, Outcome, default_mapping

pytestmark = pytest.mark.samples


@dataclass(frozen=True)
class Set:
    """Files of one format in one package, and what must come of them."""

    package: str
    patterns: tuple[str, ...]
    reader: str
    read: int
    warned: int = 0
    refused: int = 0
    unknown: int = 0
    other: int = 0
    kinds: frozenset[str] = frozenset(("curve", "image", "table", "text"))

    @property
    def count(self) -> int:
        return self.read + self.warned + self.refused + self.unknown + self.other


CURVE, IMAGE, TABLE = frozenset(("curve",)), frozenset(("image",)), frozenset(("table",))
SETS = {
    # no_meta.dcm begins with a stray byte; MR_truncated and rtplan_truncated are what their names say. Most of the
    # warned ones are fixtures of character sets without a picture, or compressed in ways no installed library decodes.
    "DICOM": Set("pydicom", ("*.dcm",), "dicom", 78, 23, 2, 1, kinds=IMAGE | CURVE),
    # idcompspec.fits is a text file by the wrong name.
    "FITS": Set("astropy", ("*.fits", "*.fits.gz"), "fits", 49, 7, other=1),
    "JCAMP-DX": Set("jcamp", ("*.jdx", "*.dx"), "jcamp", 140, 2),
    # The seven announce 2,918 spectra and hold eleven.
    "mzML": Set("pymzml", ("*.mzml", "*.gz"), "mzml", 7, 7, kinds=CURVE),
    "CIF": Set("ase", ("*.cif",), "cif", 8, kinds=TABLE),
    # sample_header.fcs holds the header alone; corrupted.fcs is one line of text.
    "FCS": Set("fcsparser", ("*.fcs",), "fcs", 14, refused=1, other=1, kinds=CURVE | TABLE),
    # The refused ones are damaged on purpose and say so by name; not2 and not3 are text, not.mseed is noise.
    "miniSEED": Set("obspy", ("*.mseed",), "mseed", 54, refused=6, unknown=3, other=2, kinds=CURVE),
    # Headers whose numbers stand in a second file warn.
    "NIfTI": Set("nibabel", ("*.nii", "*.nii.gz", "*.hdr"), "nifti", 8, 3, kinds=IMAGE),
    # umass_anonymized.PAR breaks off before its list of images.
    "PAR/REC": Set("nibabel", ("*.par",), "par", 31, refused=1, kinds=TABLE),
    "MINC2": Set("nibabel", ("tests/data/minc2*.mnc", "tests/data/small.mnc"), "hdf5", 6, kinds=IMAGE),
    "NetCDF": Set(
        "nibabel", ("tests/data/minc1*.mnc", "tests/data/tiny.mnc", "*.nc"), "netcdf", 5, kinds=IMAGE
    ),
    "PNG, JPEG, GIF": Set("scikit-image", ("*.png", "*.jpg", "*.jpeg", "*.gif"), "image", 27, kinds=IMAGE),
    "TIFF": Set("scikit-image", ("*.tif", "*.tiff"), "tiff", 2, kinds=IMAGE),
    "Parquet": Set("pyarrow", ("*.parquet",), "parquet", 4, kinds=CURVE | TABLE),
    "HDF5": Set("h5py", ("*.h5",), "hdf5", 4),
    "ECSV": Set("astropy", ("*.ecsv",), "csv", 13, kinds=CURVE | TABLE),
    "CSV": Set("astropy", ("*.csv",), "csv", 8, kinds=CURVE | TABLE),
    "XML": Set("astropy", ("*.xml",), "xml", 26, kinds=frozenset(("text",))),
    "text": Set("lmfit", ("*.dat",), "text", 27, kinds=frozenset(("text",))),
}


def real(package: str, *patterns: str) -> list[Path]:
    try:
        return files(package, *patterns)
    except NotHereError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def outcomes(pool: ExtractorPool):
    """Outcomes of a set, read once for all tests."""
    known: dict[str, dict[Path, Outcome]] = {}

    def of(name: str) -> dict[Path, Outcome]:
        if name not in known:
            paths = real(SETS[name].package, *SETS[name].patterns)
            known[name] = {path: pool.extract(path, name=path.name) for path in paths}
        return known[name]

    return of


@pytest.mark.parametrize("name", SETS)
def test_a_format(name: str, outcomes):
    wanted, found = SETS[name], outcomes(name)
    counts = Counter(
        outcome.status if outcome.reader in {wanted.reader, None} else "other" for outcome in found.values()
    )
    assert len(found) == wanted.count
    assert counts == +Counter(
        read=wanted.read,
        read_with_warnings=wanted.warned,
        unreadable=wanted.refused,
        unrecognised=wanted.unknown,
        other=wanted.other,
    ), [(p.name, o.reader, o.status, o.reason) for p, o in found.items() if o.status != "read"]
    for path, outcome in found.items():
        # Nothing crashes, hangs or dies for memory, and whatever is wrong is said in a sentence.
        assert outcome.reason_code not in {"crashed", "out_of_time", "out_of_memory", "reader_failed"}, (
            path.name
        )
        assert (outcome.status == "read") == (not outcome.reason), path.name
        if outcome.status in {"read", "read_with_warnings"} and outcome.reader == wanted.reader:
            assert outcome.libraries or outcome.reader in {"fcs", "par", "text"}, path.name
            assert {preview.kind for preview in outcome.reading.previews} <= wanted.kinds, path.name


@pytest.mark.parametrize(
    ("name", "share"),
    [("DICOM", 0.6), ("FITS", 0.7), ("JCAMP-DX", 0.95), ("mzML", 0.75), ("CIF", 1.0), ("FCS", 1.0), ("miniSEED", 0.9),
     ("NIfTI", 0.7), ("PNG, JPEG, GIF", 1.0), ("TIFF", 1.0), ("MINC2", 1.0), ("CSV", 1.0), ("ECSV", 0.9)],
)  # fmt: skip
def test_there_is_something_to_look_at(name: str, share: float, outcomes):
    read = [
        o for o in outcomes(name).values() if o.reader == SETS[name].reader and o.status.startswith("read")
    ]
    assert sum(bool(o.reading.previews) for o in read) >= share * len(read)


# package, file -> reader, status, fields (key -> value, unit), common names, kind of the first preview
VALUES: list[tuple[str, str, str, dict[str, Any], dict[str, Any], str]] = [
    ("pydicom", "CT_small.dcm", "dicom",
     {"Manufacturer": "GE MEDICAL SYSTEMS", "ManufacturerModelName": "RHAPSODE", "AcquisitionDate": "19970430",
      "KVP": (120.0, "kV"), "Rows": 128},
     {"xray_voltage": 120.0, "technique": "computed tomography"}, "image"),
    ("pydicom", "chrH31.dcm", "dicom", {"PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう"}, {}, "image"),
    ("pydicom", "waveform_ecg.dcm", "dicom", {"Manufacturer": "Mortara Instrument, Inc."},
     {"technique": "electrocardiography"}, "curve"),
    ("astropy", "o4sp040b0_raw.fits", "fits",
     {"TELESCOP": "HST", "INSTRUME": "STIS", "TDATEOBS": "1998-04-20", "NEXTEND": 6}, {}, "image"),
    ("astropy", "chandra_time.fits", "fits", {"TELESCOP": "CHANDRA", "INSTRUME": "ACIS", "OBJECT": "Mrk 1434"},
     {"measurement_start": "2016-01-26T17:58:29"}, "table"),
    ("astropy", "m13.fits", "fits", {"NAXIS1": 300, "BITPIX": 16}, {}, "image"),
    ("jcamp", "tannic_acid.jdx", "jcamp", {"SPECTROMETER/DATA SYSTEM": "Ocean Optics R2000", "NPOINTS": 1949},
     {"measurement_start": "2000-10-04T14:47:00", "technique": "Raman spectroscopy", "point_count": 1949}, "curve"),
    ("pymzml", "BSA1.mzML.gz", "mzml",
     {"run@startTimeStamp": "2009-08-09T22:32:31", "spectra": 1684, "instrumentConfiguration": "LTQ Orbitrap XL"},
     {"measurement_start": "2009-08-09T22:32:31", "spectrum_count": 1684}, "curve"),
    ("pymzml", "mini.chrom.mzML", "mzml", {"spectra": 0}, {}, "curve"),
    ("ase", "cod_1010930.cif", "cif", {"_cell_length_a": (3.928, "Å"), "_chemical_formula_sum": "Ni Sb"},
     {"cell_length_a": 3.928, "space_group_number": 194}, "table"),
    ("fcsparser", "Cytek_xP5.fcs", "fcs", {"$TOT": "23126", "$DATE": "02-MAR-2015"},
     {"event_count": 23126, "measurement_start": "2015-03-02T13:22:33"}, "curve"),
    ("fcsparser", "Guava Muse.fcs", "fcs", {"$CYTSN": "7200120718", "$TOT": "108"}, {"event_count": 108}, "curve"),
    ("obspy", "fullseed.mseed", "mseed",
     {"network": "GE", "station": "APE", "start time": "2009-10-01T14:21:38.505000Z", "sample rate": (20.0, "Hz"),
      "samples": 602}, {"sampling_rate": 20.0}, "curve"),
    ("nibabel", "example4d.nii.gz", "nifti", {"descrip": "FSL3.3 v2.25 NIfTI-1 Single file format"}, {"bit_depth": 16},
     "image"),
    ("nibabel", "phantom_varscale.PAR", "par", {"Examination date/time": "2014.02.14 / 09:00:57"},
     {"measurement_start": "2014-02-14T09:00:57"}, "table"),
    ("scikit-image", "ihc.png", "image", {"width": (512, "pixel"), "height": (512, "pixel")}, {"image_width": 512},
     "image"),
    ("scikit-image", "retina.jpg", "image", {"width": (1411, "pixel")}, {"image_height": 1411}, "image"),
    ("scikit-image", "multipage.tif", "tiff", {"pages": 2, "ImageWidth": 10}, {"image_width": 10}, "image"),
    ("pyarrow", "v0.7.1.parquet", "parquet", {"rows": 10}, {}, "curve"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("package", "ending", "reader", "fields", "names", "kind"), VALUES, ids=[row[1] for row in VALUES]
)
def test_named_values(  # noqa: PLR0917 - one column of the table each
    package, ending, reader, fields, names, kind, pool: ExtractorPool
):
    try:
        path = file(package, ending)
    except NotHereError as error:
        pytest.skip(str(error))
    # As a stored object: no ending, and a name that lies.
    outcome = default_mapping().apply(pool.extract(path, name="upload.bin"))
    assert (outcome.reader, outcome.status) == (reader, "read")
    found: dict[str, list[Any]] = {}
    for field in outcome.reading.fields:
        found.setdefault(field.key, []).append((field.value, field.unit))
    for key, value in fields.items():
        wanted = value if isinstance(value, tuple) else (value, None)
        assert wanted in found[key], key
    said = {field.name: field.normal_value for field in reversed(outcome.reading.fields) if field.name}
    assert {name: said.get(name) for name in names} == names
    assert outcome.reading.previews[0].kind == kind


def test_patients_are_personal(outcomes):
    seen = 0
    for path, outcome in outcomes("DICOM").items():
        for field in default_mapping().apply(outcome).reading.fields:
            if field.where.startswith("tag (0010,"):
                seen += 1
                assert field.personal, (path.name, field.key)
    assert seen > 200


def test_the_table_by_format(outcomes):
    """Shown with ``-s`` and in the docs: read, read with warnings, refused with a reason."""
    lines = [
        "| format | files | read | with warnings | refused | another format or unknown |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    total = Counter()
    for name, wanted in SETS.items():
        found = outcomes(name)
        mine = [o for o in found.values() if o.reader == wanted.reader]
        counts = Counter(o.status for o in mine)
        row = (
            len(found),
            counts["read"],
            counts["read_with_warnings"],
            counts["unreadable"],
            len(found) - len(mine),
        )
        lines.append(f"| {name} | {' | '.join(map(str, row))} |")
        total.update(files=row[0], read=row[1] + row[2])
    print("\n" + "\n".join(lines))
    assert total["files"] >= 500
    assert total["read"] >= 0.96 * total["files"]


def test_every_package_has_a_licence_and_a_pin():
    for package in PACKAGES.values():
        assert package.licence
        assert package.version
        assert package.is_installed or len(package.sha256) == 64
