"""Extraction of 500 mixed real files in the sandbox against the bare libraries in one process.

``python benchmarks/run.py extract`` prints a table and writes benchmarks/results/extract.json.

The peer parses what our readers parse: every header value, and the numbers that our readers look at. It does without
processes, walls, sniffing, previews, caps and JSON; those are what the ratio measures. Both sides are warm (one pass
before the clock starts), as a worker is: loading the libraries is paid once at the start of a node. Rounds alternate.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import io
import logging
import os
import statistics
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import astropy.io.fits
import flowio
import gemmi
import h5py
import jcamp
import netCDF4
import nibabel
import numpy as np
import pyarrow.parquet
import pydicom
import pymseed
import pymzml
import tifffile
from defusedxml import ElementTree
from nibabel.parrec import parse_PAR_header
from PIL import Image
from tests.samples.packages import NotHereError, files
from tests.samples.test_real_files import SETS

from benchmarks import measure
from tsunagu.formats.api import ExtractorPool

TARGET = 1.5
FILES = 500
_FAIRNESS = (
    "The bare side parses every header value and the numbers that our readers look at; it draws no preview, sniffs no "
    "format and makes no JSON. pymzml, jcamp, flowio and csv stand for formats that we read with code of our own."
)


def dicom(path: Path) -> None:
    dataset = pydicom.dcmread(path, force=True)
    for element in dataset.iterall():
        _ = element.value
    if "PixelData" in dataset:
        frames = int(dataset.get("NumberOfFrames", 1) or 1)
        pydicom.pixels.pixel_array(dataset, index=frames // 2 if frames > 1 else 0)


def fits(path: Path) -> None:
    with astropy.io.fits.open(path, memmap=False) as hdus:
        for hdu in hdus:
            for card in hdu.header.cards:
                _ = card.value
            _ = hdu.data


def spectrum(path: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        jcamp.readfile(str(path))


def mzml(path: Path) -> None:
    for one in pymzml.run.Reader(str(path)):
        _ = (one.ms_level, one.TIC) if isinstance(one, pymzml.spec.Spectrum) else one.peaks()


def cif(path: Path) -> None:
    for block in gemmi.cif.read(str(path)):
        for item in block:
            _ = (
                item.pair
                if item.pair is not None
                else list(item.loop.values)
                if item.loop is not None
                else None
            )


def fcs(path: Path) -> None:
    data = flowio.FlowData(path)
    data.as_array(preprocess=False)


def mseed(path: Path) -> None:
    for record in pymseed.MS3Record.from_file(str(path), unpack_data=True):
        np.array(record.np_datasamples)


def nifti(path: Path) -> None:
    image = nibabel.load(path)
    for key in image.header:
        _ = image.header[key]
    _ = np.asarray(image.dataobj)


def par(path: Path) -> None:
    with path.open(encoding="latin-1") as source:
        parse_PAR_header(source)


def picture(path: Path) -> None:
    with Image.open(path) as image:
        dict(image.getexif())
        image.load()


def tiff(path: Path) -> None:
    with tifffile.TiffFile(path) as file:
        for tag in file.pages[0].tags:
            _ = tag.value
        file.pages[len(file.pages) // 2].asarray()


def netcdf(path: Path) -> None:
    with netCDF4.Dataset(path) as file:
        for variable in file.variables.values():
            _ = {name: variable.getncattr(name) for name in variable.ncattrs()}, variable[...]


def hdf5(path: Path) -> None:
    def visit(_: str, node: Any) -> None:
        for name in node.attrs:
            with contextlib.suppress(OSError, TypeError):
                _ = node.attrs[name]
        if isinstance(node, h5py.Dataset):
            _ = node[()]

    with h5py.File(path, "r") as file:
        file.visititems(visit)


def parquet(path: Path) -> None:
    pyarrow.parquet.read_table(path)


def table(path: Path) -> None:
    with path.open(newline="", encoding="utf-8", errors="replace") as source:
        list(csv.reader(source))


def xml(path: Path) -> None:
    for node in ElementTree.parse(path, forbid_entities=False).iter():
        _ = node.text, node.attrib


def text(path: Path) -> None:
    path.read_bytes().decode("utf-8", "replace").splitlines()


PEERS: dict[str, Callable[[Path], None]] = {
    "DICOM": dicom, "FITS": fits, "JCAMP-DX": spectrum, "mzML": mzml, "CIF": cif, "FCS": fcs, "miniSEED": mseed,
    "NIfTI": nifti, "PAR/REC": par, "MINC2": hdf5, "NetCDF": netcdf, "PNG, JPEG, GIF": picture, "TIFF": tiff,
    "Parquet": parquet, "HDF5": hdf5, "ECSV": table, "CSV": table, "XML": xml, "text": text,
}  # fmt: skip


def chosen(count: int) -> list[tuple[str, Path]]:
    """The same mix every time: all files by the hash of their place in the packages."""
    found = [(name, path) for name, one in SETS.items() for path in files(one.package, *one.patterns)]
    # Beside the file name its format: two packages may hold the same name.
    return sorted(found, key=lambda pair: hashlib.sha256(f"{pair[0]}/{pair[1].name}".encode()).digest())[
        :count
    ]


def bare(mix: list[tuple[str, Path]]) -> dict[str, float]:
    """Seconds by format; what the library refuses is refused."""
    spent: dict[str, float] = defaultdict(float)
    for name, path in mix:
        started = time.perf_counter()
        with contextlib.suppress(Exception):
            if path.suffix == ".gz" and name == "mzML":
                # pymzml writes an index beside gzip files; unpacked in memory it does not.
                gzip.decompress(path.read_bytes())
            PEERS[name](path)
        spent[name] += time.perf_counter() - started
    return spent


def ours(pool: ExtractorPool, mix: list[tuple[str, Path]], group: str | None) -> dict[str, float]:
    """The same through the pool."""
    spent: dict[str, float] = defaultdict(float)
    for name, path in mix:
        started = time.perf_counter()
        pool.extract(path, name=path.name, group=group)
        spent[name] += time.perf_counter() - started
    return spent


def main() -> None:
    """Five alternating rounds; prints and saves the table."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    try:
        mix = chosen(FILES)
    except NotHereError as error:
        print(f"skipped: {error}")
        return
    load = os.getloadavg()[0]
    formats: dict[str, list[dict[str, float]]] = defaultdict(list)

    def noted(side: str, spent: dict[str, float]) -> float:
        formats[side].append(spent)
        return sum(spent.values())

    with ExtractorPool() as shared, ExtractorPool() as alone:
        contestants = {
            "bare": lambda _: noted("bare", bare(mix)),
            "dataset": lambda _: noted("dataset", ours(shared, mix, "one dataset")),
            "fresh": lambda _: noted("fresh", ours(alone, mix, None)),
        }
        values = measure.alternate(contestants)
    finish(mix, values, formats, load)


def finish(
    mix: list[tuple[str, Path]],
    values: dict[str, list[float]],
    formats: dict[str, list[dict[str, float]]],
    load: float,
) -> None:
    """The table by contestant, and by format in the notes."""
    rows = [
        measure.Row("sandbox, files of one dataset", "ours", values["dataset"]),
        measure.Row(
            "sandbox, a fresh process each", "ours", values["fresh"], "what files of unknown origin get"
        ),
        measure.Row("bare libraries in one process", "limit", values["bare"], "no previews, no walls"),
    ]
    ratios = [ours_s / bare_s for ours_s, bare_s in zip(values["dataset"], values["bare"], strict=True)]
    size = sum(path.stat().st_size for _, path in mix)
    goal = measure.Goal(
        "the sandbox over the bare libraries, median of the rounds",
        statistics.median(ratios),
        TARGET,
        is_upper=True,
    )
    notes = [
        _FAIRNESS,
        f"ratio by round: {', '.join(f'{ratio:.2f}' for ratio in ratios)}",
        *by_format(mix, formats),
    ]
    title = f"Extraction of {len(mix)} mixed real files ({size / 1e6:.1f} MB)"
    measure.finish("extract", title, "s", rows, [goal], notes, load)


def by_format(mix: list[tuple[str, Path]], formats: dict[str, list[dict[str, float]]]) -> list[str]:
    """One line a format: files, milliseconds a file bare and in the sandbox."""
    lines = []
    for name in SETS:
        count = sum(one == name for one, _ in mix)
        if count:
            ms = {
                side: statistics.median(one[name] for one in found) / count * 1e3
                for side, found in formats.items()
            }
            lines.append(
                f"{name}: {count} files, ms a file: bare {ms['bare']:.1f}, dataset {ms['dataset']:.1f}, fresh {ms['fresh']:.1f}"
            )
    return lines
