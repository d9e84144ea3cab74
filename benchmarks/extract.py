"""Extraction of 500 mixed real files in the sandbox against the bare libraries in one process.

``python benchmarks/extract.py [--files 500] [--rounds 5]`` prints a table and writes benchmarks/results/extract.json.

The peer parses what our readers parse: every header value, and the numbers that our readers look at. It does without
processes, walls, sniffing, previews, caps and JSON; those are what the ratio measures. Both sides are warm (one pass
before the clock starts), as a worker is: loading the libraries is paid once at the start of a node. Rounds alternate.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import gzip
import hashlib
import io
import json
import logging
import os
import platform
import statistics
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

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
from tsunagu.formats.api import ExtractorPool

TARGET = 1.5


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


def ours(pool: ExtractorPool, mix: list[tuple[str, Path]]) -> dict[str, float]:
    spent: dict[str, float] = defaultdict(float)
    for name, path in mix:
        started = time.perf_counter()
        pool.extract(path, name=path.name, group="one dataset")
        spent[name] += time.perf_counter() - started
    return spent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    try:
        mix = chosen(asked.files)
    except NotHereError as error:
        print(f"skipped: {error}")
        return 0
    load_before = os.getloadavg()[0]
    results: dict[str, list[dict[str, float]]] = {"bare": [], "sandbox": []}
    with ExtractorPool() as pool:
        bare(mix)
        ours(pool, mix)
        for _ in range(asked.rounds):
            results["bare"].append(bare(mix))
            results["sandbox"].append(ours(pool, mix))
    report(mix, results, load_before)
    return 0


def report(
    mix: list[tuple[str, Path]], results: dict[str, list[dict[str, float]]], load_before: float
) -> None:
    totals = {side: [sum(one.values()) for one in rounds] for side, rounds in results.items()}
    ratios = [s / b for s, b in zip(totals["sandbox"], totals["bare"], strict=True)]
    bytes_read = sum(path.stat().st_size for _, path in mix)
    row = {
        "name": f"extract {len(mix)} mixed real files ({bytes_read / 1e6:.1f} MB)",
        "bare_s": spread(totals["bare"]),
        "sandbox_s": spread(totals["sandbox"]),
        "ratio": spread(ratios),
        "target": TARGET,
        "is_met": statistics.median(ratios) <= TARGET,
        "rounds": len(ratios),
        "load_average": [load_before, os.getloadavg()[0]],
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "by_format": {},
    }
    print("| | bare libraries | in the sandbox | ratio | target |\n|---|---|---|---|---|")
    cells = (row["bare_s"], row["sandbox_s"], row["ratio"])
    print(f"| {row['name']} | {' | '.join(shown(cell) for cell in cells)} | <= {TARGET} |")
    print(
        f"\nmedian (lowest to highest) of {len(ratios)} alternating rounds; load {load_before:.1f} to {os.getloadavg()[0]:.1f}"
    )
    print("\n| format | files | bare, ms a file | sandbox, ms a file | ratio |\n|---|--:|--:|--:|--:|")
    for name in SETS:
        count = sum(one == name for one, _ in mix)
        if not count:
            continue
        sides = {
            side: statistics.median(one[name] for one in rounds) / count * 1e3
            for side, rounds in results.items()
        }
        row["by_format"][name] = {
            "files": count,
            **{f"{side}_ms": round(ms, 3) for side, ms in sides.items()},
        }
        print(
            f"| {name} | {count} | {sides['bare']:.1f} | {sides['sandbox']:.1f} | {sides['sandbox'] / sides['bare']:.2f} |"
        )
    target = ROOT / "benchmarks" / "results" / "extract.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(row, indent=1) + "\n")


def spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 3),
        "low": round(min(values), 3),
        "high": round(max(values), 3),
    }


def shown(one: dict[str, float]) -> str:
    return f"{one['median']:.2f} ({one['low']:.2f} to {one['high']:.2f})"


if __name__ == "__main__":
    sys.exit(main())
