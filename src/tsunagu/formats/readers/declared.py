"""The readers that come with Tsunagu, declared lightly: what each reads and how it recognises it.

Each is an entry point of the group ``tsunagu.readers`` in pyproject.toml, like those of third parties.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from tsunagu.formats.readers import sniff, sniff_text
from tsunagu.formats.types import Column, ReaderInfo, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from tsunagu.formats.reader import OpenArrays, OpenRows, Read


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A reader whose heavy part is the function ``read`` of a module of this package."""

    info: ReaderInfo
    sniff: Callable[[bytes, str], int]
    module: str
    rows_module: str = ""
    whole_tables: tuple[Table, ...] = ()
    arrays_module: str = ""

    def load(self) -> Read:
        """Import the module with its libraries."""
        return cast("Read", importlib.import_module(f"tsunagu.formats.readers.{self.module}").read)

    @property
    def has_rows(self) -> bool:
        """Whether a module gives rows."""
        return bool(self.rows_module)

    def load_rows(self) -> OpenRows | None:
        """Import what gives rows."""
        if not self.rows_module:
            return None
        module = importlib.import_module(f"tsunagu.formats.readers.{self.rows_module}")
        return cast("OpenRows", getattr(module, f"{self.info.name}_rows"))

    @property
    def has_arrays(self) -> bool:
        """Whether a module gives arrays."""
        return bool(self.arrays_module)

    def load_arrays(self) -> OpenArrays | None:
        """Import what gives arrays."""
        if not self.arrays_module:
            return None
        module = importlib.import_module(f"tsunagu.formats.readers.{self.arrays_module}")
        return cast("OpenArrays", getattr(module, f"{self.info.name}_arrays"))


def _declare(
    name: str,
    sniffer: Callable[[bytes, str], int],
    labels: tuple[str, str],
    media_types: tuple[str, ...],
    libraries: tuple[str, ...] = (),
    *,
    version: str = "1.0",
    module: str = "",
    rows: str = "",
    whole: tuple[Table, ...] = (),
    arrays: str = "",
) -> BuiltIn:
    info = ReaderInfo(name, version, media_types, labels[0], labels[1], libraries)
    return BuiltIn(info, sniffer, module or name, rows, whole, arrays)


CSV = _declare(
    "csv",
    sniff_text.csv,
    ("Table as text (CSV, TSV)", "テキストの表（CSV、TSV）"),
    ("text/csv", "text/tab-separated-values"),
    ("pyarrow", "clevercsv"),
    version="1.1",
    module="csv_table",
    rows="csv_rows",
)
TEXT = _declare(
    "text",
    sniff_text.plain,
    ("Plain text", "テキスト"),
    ("text/plain",),
    module="plain_text",
)
JSON = _declare(
    "json",
    sniff_text.json_like,
    ("JSON", "JSON"),
    ("application/json", "application/x-ndjson"),
    module="json_tree",
)
XML = _declare(
    "xml",
    sniff_text.xml_like,
    ("XML", "XML"),
    ("application/xml", "text/xml"),
    ("defusedxml",),
    module="xml_tree",
)
RECORD = _declare(
    "record",
    sniff_text.record,
    ("Bibliographic record (RO-Crate, DataCite, JPCOAR)", "書誌情報（RO-Crate、DataCite、JPCOAR）"),
    (
        "application/ld+json",
        "application/vnd.datacite.datacite+xml",
        "application/vnd.datacite.datacite+json",
    ),
    ("lxml",),
)
EXCEL = _declare(
    "excel",
    sniff.excel,
    ("Excel workbook", "Excel ブック"),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.ms-excel",
    ),
    ("python-calamine",),
    rows="sheet_rows",
)
PARQUET = _declare(
    "parquet",
    sniff.parquet,
    ("Parquet", "Parquet"),
    ("application/vnd.apache.parquet",),
    ("pyarrow",),
    version="1.1",
    rows="arrow_rows",
)
HDF5 = _declare(
    "hdf5",
    sniff.hdf5,
    ("HDF5 / NeXus", "HDF5 / NeXus"),
    ("application/x-hdf5", "application/x-nexus"),
    ("h5py",),
    version="1.1",
    rows="hdf5_rows",
    arrays="hdf5_arrays",
)
NETCDF = _declare(
    "netcdf",
    sniff.netcdf,
    ("NetCDF", "NetCDF"),
    ("application/x-netcdf",),
    ("netCDF4", "h5py", "numpy"),
    version="1.1",
    rows="hdf5_rows",
    arrays="netcdf_arrays",
)
FITS = _declare(
    "fits",
    sniff.fits,
    ("FITS", "FITS"),
    ("application/fits", "image/fits"),
    ("astropy",),
    version="1.1",
    rows="fits_rows",
    arrays="image_arrays",
)
DICOM = _declare(
    "dicom", sniff.dicom, ("DICOM", "DICOM"), ("application/dicom",), ("pydicom",), arrays="image_arrays"
)
TIFF = _declare(
    "tiff",
    sniff.tiff,
    ("TIFF / OME-TIFF", "TIFF / OME-TIFF"),
    ("image/tiff",),
    ("tifffile", "defusedxml"),
    arrays="image_arrays",
)
JCAMP = _declare(
    "jcamp",
    sniff_text.jcamp,
    ("JCAMP-DX", "JCAMP-DX"),
    ("chemical/x-jcamp-dx",),
    ("jcamp",),
    version="1.1",
    rows="scan_rows",
)
MZML = _declare(
    "mzml",
    sniff_text.mzml,
    ("mzML", "mzML"),
    ("application/mzml+xml",),
    ("defusedxml",),
    version="1.1",
    rows="mzml_rows",
)
CIF = _declare("cif", sniff_text.cif, ("CIF / mmCIF", "CIF / mmCIF"), ("chemical/x-cif",), ("gemmi",))
NIFTI = _declare(
    "nifti",
    sniff.nifti,
    ("NIfTI / Analyze", "NIfTI / Analyze"),
    ("image/nii",),
    ("nibabel",),
    arrays="image_arrays",
)
PAR_REC = _declare(
    "par", sniff_text.par, ("Philips PAR header", "Philips PAR ヘッダー"), ("text/x-philips-par",), ()
)
FCS = _declare(
    "fcs",
    sniff.fcs,
    ("FCS flow cytometry", "FCS フローサイトメトリー"),
    ("application/vnd.isac.fcs",),
    rows="arrow_rows",
)
MSEED = _declare(
    "mseed",
    sniff.mseed,
    ("miniSEED", "miniSEED"),
    ("application/vnd.fdsn.mseed",),
    ("pymseed",),
    version="1.1",
    rows="mseed_rows",
)
IMAGE = _declare(
    "image",
    sniff.image,
    ("Image (JPEG, PNG ...)", "画像（JPEG、PNG など）"),
    ("image/jpeg", "image/png", "image/gif", "image/bmp", "image/webp"),
    ("pillow",),
    module="image_file",
    rows="whole_rows",
    whole=(Table("images", (Column("image", "binary", description="the file's bytes"),)),),
)
PDF = _declare(
    "pdf",
    sniff.pdf,
    ("PDF", "PDF"),
    ("application/pdf",),
    ("pypdf",),
    rows="whole_rows",
    whole=(
        Table(
            "pages",
            (
                Column("page", "integer", description="number of the page"),
                Column("start", "integer", description="letters of the document before this page"),
                Column("text", "text", description="text of the page"),
            ),
        ),
    ),
)
ARCHIVE = _declare(
    "archive",
    sniff.archive,
    ("Archive (ZIP, TAR)", "アーカイブ（ZIP、TAR）"),
    ("application/zip", "application/x-tar"),
)
NUMPY = _declare(
    "numpy",
    sniff.numpy_file,
    ("NumPy array", "NumPy 配列"),
    ("application/x-npy",),
    ("numpy",),
    module="numpy_file",
    arrays="image_arrays",
)
XRD = _declare(
    "xrd",
    sniff_text.xrd,
    ("X-ray diffraction scan (RAS, UXD, XRDML)", "X 線回折（RAS、UXD、XRDML）"),
    ("text/x-xrd",),
    ("defusedxml",),
    version="1.1",
    rows="scan_rows",
)
