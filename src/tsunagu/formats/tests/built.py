"""One small file of every format, made here by the libraries that researchers write them with."""

from __future__ import annotations

import csv
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

Builder = Callable[[Path], None]
BUILDERS: dict[str, Builder] = {}
GRID = np.arange(48, dtype=np.float32).reshape(6, 8)


def builder(name: str) -> Callable[[Builder], Builder]:
    def keep(function: Builder) -> Builder:
        BUILDERS[name] = function
        return function

    return keep


def table(delimiter: str = ",", *, comma: bool = False) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["時間 (s)", "温度 (℃)", "備考"])
    for n in range(20):
        number = f"{20 + n / 8}"
        writer.writerow([n, number.replace(".", ",") if comma else number, "正常"])
    return out.getvalue()


@builder("utf8.csv")
def _(path: Path) -> None:
    path.write_text(table(), "utf-8")


@builder("bom.csv")
def _(path: Path) -> None:
    path.write_text(table(), "utf-8-sig")


@builder("shift_jis.csv")
def _(path: Path) -> None:
    head = "装置名,SmartLab\r\n測定者,佐藤 花子\r\n測定日時,2024/03/05 14:05\r\n\r\n"
    path.write_bytes((head + table()).encode("cp932"))


@builder("euc.csv")
def _(path: Path) -> None:
    path.write_bytes(table().encode("euc_jp"))


@builder("utf16.tsv")
def _(path: Path) -> None:
    path.write_bytes(table("\t").encode("utf-16"))


@builder("utf16be_without_mark.tsv")
def _(path: Path) -> None:
    path.write_bytes("".join(f"{n}\t{n * n}\r\n" for n in range(40)).encode("utf-16-be"))


@builder("semicolon.csv")
def _(path: Path) -> None:
    path.write_text(table(";", comma=True), "utf-8")


@builder("pipe.txt")
def _(path: Path) -> None:
    path.write_text(table("|"), "utf-8")


@builder("blanks.dat")
def _(path: Path) -> None:
    rows = "\n".join(f"{n:8.3f} {n * 0.5:12.5e}" for n in range(60))
    path.write_text(f"# Sample: LFP-1\n# Wavelength: 1.5406 Å\n{rows}\n", "utf-8")


@builder("book.xlsx")
def _(path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = "測定"
    sheet.append(["試料名", "LFP-1"])
    sheet.append([])
    sheet.append(["Time (s)", "Voltage (V)"])
    for n in range(30):
        sheet.append([n, 3.2 + n / 100])
    book.properties.title = "Charge curve"
    book.save(path)


@builder("tree.json")
def _(path: Path) -> None:
    path.write_text(json.dumps({"sample": {"name": "LFP-1", "mass_mg": 12.5}, "points": [1, 2, 3]}), "utf-8")


@builder("lines.jsonl")
def _(path: Path) -> None:
    path.write_text("".join(json.dumps({"t": n, "v": n * 2}) + "\n" for n in range(20)), "utf-8")


@builder("table.parquet")
def _(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"t": list(range(50)), "v": [n / 3 for n in range(50)]}), path)


@builder("scan.nxs")
def _(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs.update(NX_class="NXentry", default="data")
        entry["title"] = "theta scan"
        entry["start_time"] = "2024-03-05T14:05:00+09:00"
        sample = entry.create_group("sample")
        sample.attrs["NX_class"] = "NXsample"
        sample["name"] = "LFP-1"
        sample["temperature"] = 295.0
        sample["temperature"].attrs["units"] = "K"
        data = entry.create_group("data")
        data.attrs.update(NX_class="NXdata", signal="counts", axes="theta")
        data.create_dataset("theta", data=np.linspace(10, 80, 200)).attrs["units"] = "deg"
        data.create_dataset("counts", data=np.arange(200.0), compression="gzip")


@builder("air.nc")
def _(path: Path) -> None:
    _netcdf(path, "NETCDF4")


@builder("classic.nc")
def _(path: Path) -> None:
    _netcdf(path, "NETCDF3_CLASSIC")


def _netcdf(path: Path, form: str) -> None:
    from netCDF4 import Dataset

    with Dataset(path, "w", format=form) as file:
        file.Conventions, file.title = "CF-1.8", "Air over the roof"
        file.createDimension("time", 24)
        time = file.createVariable("time", "f8", ("time",))
        time.units, time[:] = "hours since 2024-03-05 00:00:00", np.arange(24.0)
        air = file.createVariable("tas", "f4", ("time",))
        air.units, air.standard_name, air[:] = "K", "air_temperature", 280 + np.arange(24.0)


@builder("sky.fits")
def _(path: Path) -> None:
    from astropy.io import fits

    image = fits.PrimaryHDU(GRID)
    image.header.update(TELESCOP="Nayuta", EXPTIME=30.0, **{"DATE-OBS": "2024-03-05T14:05:00"})
    rows = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=np.arange(9))])
    fits.HDUList([image, rows]).writeto(path)


@builder("slice.dcm")
def _(path: Path) -> None:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        CTImageStorage,
        generate_uid(entropy_srcs=["a"]),
    )
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    made.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    made.PatientName, made.PatientID, made.Modality, made.KVP = "Yamada^Tarou=山田^太郎", "P-1", "CT", "120"
    made.Rows, made.Columns, made.BitsAllocated, made.BitsStored, made.HighBit = 6, 8, 16, 16, 15
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.PixelData = GRID.astype("<u2").tobytes()
    made.save_as(path, enforce_file_format=True)


@builder("cells.ome.tif")
def _(path: Path) -> None:
    import tifffile

    metadata = {
        "axes": "CYX",
        "PhysicalSizeX": 0.65,
        "PhysicalSizeXUnit": "µm",
        "Channel": {"Name": ["DAPI", "GFP"]},
    }
    tifffile.imwrite(path, np.stack([GRID, GRID]).astype("u2"), ome=True, metadata=metadata)


@builder("photo.tif")
def _(path: Path) -> None:
    from PIL import Image

    Image.fromarray(GRID.astype("u1")).save(path, compression="tiff_deflate")


@builder("ir.jdx")
def _(path: Path) -> None:
    points = "\n".join(f"{4000 - n} {n % 50}" for n in range(300))
    path.write_text(
        "##TITLE=water\n##JCAMP-DX=4.24\n##DATA TYPE=INFRARED SPECTRUM\n##ORIGIN=test\n##OWNER=test\n##XUNITS=1/CM\n"
        "##YUNITS=ABSORBANCE\n##FIRSTX=4000\n##LASTX=3701\n##NPOINTS=300\n##XFACTOR=1\n##YFACTOR=1\n"
        f"##XYPOINTS=(XY..XY)\n{points}\n##END=\n",
        "ascii",
    )


@builder("run.mzML")
def _(path: Path) -> None:
    import base64

    array = base64.b64encode(np.arange(20, dtype="<f8").tobytes()).decode()
    binary = (
        '<binaryDataArray><cvParam cvRef="MS" accession="MS:1000523" name="64-bit float"/><cvParam cvRef="MS" '
        'accession="MS:1000576" name="no compression"/><cvParam cvRef="MS" accession="MS:{}" name="{} array"/>'
        f"<binary>{array}</binary></binaryDataArray>"
    )
    arrays = binary.format("1000514", "m/z") + binary.format("1000515", "intensity")
    path.write_text(
        '<?xml version="1.0" encoding="utf-8"?><mzML xmlns="http://psi.hupo.org/ms/mzml" version="1.1.0"><fileDescription>'
        '<fileContent><cvParam cvRef="MS" accession="MS:1000294" name="mass spectrum" value=""/></fileContent>'
        '</fileDescription><run id="r" startTimeStamp="2024-03-05T14:05:00Z"><spectrumList count="1"><spectrum id="s=1">'
        '<cvParam cvRef="MS" accession="MS:1000511" name="ms level" value="1"/><binaryDataArrayList count="2">'
        f"{arrays}</binaryDataArrayList></spectrum></spectrumList></run></mzML>",
        "utf-8",
    )


@builder("salt.cif")
def _(path: Path) -> None:
    import gemmi

    document = gemmi.cif.Document()
    block = document.add_new_block("salt")
    block.set_pair("_cell_length_a", "5.6402(2)")
    block.set_pair("_chemical_formula_sum", gemmi.cif.quote("Cl Na"))
    loop = block.init_loop("_atom_site_", ["label", "fract_x"])
    loop.add_row(["Na1", "0.0"])
    loop.add_row(["Cl1", "0.5"])
    document.write_file(str(path))


@builder("protein.cif")
def _(path: Path) -> None:
    import gemmi

    structure = gemmi.Structure()
    structure.name = "TEST"
    structure.cell = gemmi.UnitCell(40, 50, 60, 90, 90, 90)
    structure.spacegroup_hm = "P 21 21 21"
    model, chain, residue, atom = gemmi.Model(1), gemmi.Chain("A"), gemmi.Residue(), gemmi.Atom()
    residue.name, residue.seqid = "GLY", gemmi.SeqId("1")
    atom.name, atom.element = "CA", gemmi.Element("C")
    residue.add_atom(atom)
    chain.add_residue(residue)
    model.add_chain(chain)
    structure.add_model(model)
    structure.setup_entities()
    structure.make_mmcif_document().write_file(str(path))


@builder("brain.nii.gz")
def _(path: Path) -> None:
    import nibabel

    nibabel.save(nibabel.Nifti1Image(np.arange(120, dtype=np.int16).reshape(4, 5, 6), np.eye(4)), path)


@builder("cells.fcs")
def _(path: Path) -> None:
    import flowio

    with path.open("wb") as out:
        events = [float(n) for n in range(300)]
        flowio.create_fcs(
            out, events, ["FSC-A", "SSC-A", "FL1-A"], metadata_dict={"CYT": "TestCyt", "DATE": "05-MAR-2024"}
        )


@builder("quake.mseed")
def _(path: Path) -> None:
    from pymseed import MS3TraceList

    traces = MS3TraceList()
    traces.add_data(
        sourceid="FDSN:JP_TEST__B_H_Z", data_samples=[n % 50 for n in range(500)], sample_type="i", sample_rate=20.0,
        starttime_str="2024-03-05T14:05:00Z",
    )  # fmt: skip
    traces.to_file(str(path))


@builder("photo.jpg")
def _(path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[271], exif[272], exif[306] = "ACME", "Cam 7", "2024:03:05 14:05:00"
    exif.get_ifd(0x8825)[2] = (35.0, 40.0, 0.0)
    exif[0x8825] = exif.get_ifd(0x8825)
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(path, exif=exif)


@builder("picture.png")
def _(path: Path) -> None:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    note = PngInfo()
    note.add_text("Title", "grid")
    Image.fromarray(GRID.astype("u1")).save(path, pnginfo=note)


@builder("report.pdf")
def _(path: Path) -> None:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(path), invariant=1)
    canvas.setTitle("Report of the day")
    canvas.drawString(72, 720, "Voltage 3.2 V")
    canvas.save()


@builder("bundle.zip")
def _(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", "hello" * 100)
        archive.writestr("a/試料.csv", "1,2\n")


@builder("bundle.tar.gz")
def _(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name in ("a.txt", "b/c.txt"):
            item = tarfile.TarInfo(name)
            item.size = 5
            archive.addfile(item, io.BytesIO(b"hello"))


@builder("grid.npy")
def _(path: Path) -> None:
    with path.open("wb") as out:
        np.save(out, GRID, allow_pickle=False)


@builder("grids.npz")
def _(path: Path) -> None:
    with path.open("wb") as out:
        np.savez(out, grid=GRID)


@builder("log.txt")
def _(path: Path) -> None:
    lines = [f"2024-03-05 14:{n:02d}:00 INFO  pump {n} running" for n in range(40)]
    path.write_text("\n".join(lines) + "\n", "utf-8")


@builder("scan.ras")
def _(path: Path) -> None:
    rows = "\n".join(f"{10 + n / 50:.4f} {100 + n}.0000 2.0000" for n in range(120))
    path.write_text(
        '*RAS_DATA_START\n*RAS_HEADER_START\n*FILE_OPERATOR "Hanako"\n*FILE_SAMPLE "LFP-1"\n*HW_XG_TARGET_NAME "Cu"\n'
        '*MEAS_COND_XG_VOLTAGE "45"\n*MEAS_SCAN_START_TIME "03/25/24 10:11:12"\n*RAS_HEADER_END\n*RAS_INT_START\n'
        f"{rows}\n*RAS_INT_END\n*RAS_DATA_END\n",
        "cp932",
    )


@builder("scan.uxd")
def _(path: Path) -> None:
    rows = "\n".join(f"{n}" for n in range(100))
    path.write_text(
        f"; made by a test\n_SAMPLE='LFP-1'\n_KV = 40\n_START = 10.0\n_STEPSIZE = 0.02\n_STEPCOUNT = 100\n_COUNTS\n{rows}\n"
    )


@builder("scan.xrdml")
def _(path: Path) -> None:
    counts = " ".join(str(n) for n in range(100))
    path.write_text(
        '<?xml version="1.0"?><xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/2.1"><sample><name>LFP-1</name>'
        '</sample><xrdMeasurement><usedWavelength><kAlpha1 unit="Angstrom">1.5405980</kAlpha1></usedWavelength><scan>'
        '<dataPoints><positions axis="2Theta" unit="deg"><startPosition>10</startPosition><endPosition>12</endPosition>'
        f"</positions><counts>{counts}</counts></dataPoints></scan></xrdMeasurement></xrdMeasurements>"
    )


@builder("note.xml")
def _(path: Path) -> None:
    path.write_text('<?xml version="1.0"?><run id="7"><power unit="kW">3</power></run>')


def build(name: str, folder: Path) -> Path:
    path = folder / name
    BUILDERS[name](path)
    return path
