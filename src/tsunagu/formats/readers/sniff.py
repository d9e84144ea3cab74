"""Recognising binary formats by their first bytes. No heavy imports: this runs for every file.

Scores: 95 and more for a signature, 60 to 90 where the structure speaks, below that hints.
"""

# ruff: noqa: PLR2004 - offsets and sizes are the formats' own
from __future__ import annotations

import re
import struct

HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
_ZIP_EMPTY = b"PK\x05\x06"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_TAR_MAGIC_AT = 257
_TAR_BLOCK = 512


def has_ending(name: str, *endings: str) -> bool:
    """Whether the name ends so, in any case."""
    return name.lower().endswith(endings)


def zip_names(head: bytes) -> list[bytes]:
    """Names of the members whose local headers lie in the head of a ZIP file."""
    names = []
    for match in re.finditer(re.escape(_ZIP), head):
        start = match.start()
        if start + 30 <= len(head):
            length = struct.unpack_from("<H", head, start + 26)[0]
            names.append(head[start + 30 : start + 30 + length])
    return names


def excel(head: bytes, name: str) -> int:
    """Workbooks: a ZIP with ``xl/`` members, or the old OLE container with a Workbook stream."""
    if head.startswith(_ZIP):
        return 97 if any(member.startswith(b"xl/") for member in zip_names(head)) else 0
    if head.startswith(_OLE):
        if "Workbook".encode("utf-16-le") in head or "Book".encode("utf-16-le") in head:
            return 96
        return 70 if has_ending(name, ".xls") else 0
    return 0


def archive(head: bytes, name: str) -> int:
    """ZIP or TAR whose content no better reader claims."""
    if head.startswith((_ZIP, _ZIP_EMPTY)):
        return 90
    if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        return 95
    if len(head) >= _TAR_BLOCK and has_ending(name, ".tar") and tar_checksum_holds(head[:_TAR_BLOCK]):
        return 85
    return 0


def tar_checksum_holds(block: bytes) -> bool:
    """Whether 512 bytes are a TAR header: the only sign that archives before POSIX have."""
    try:
        announced = int(block[148:156].strip(b" \x00") or b"x", 8)
    except ValueError:
        return False
    return announced == sum(block[:148]) + 8 * 32 + sum(block[156:_TAR_BLOCK])


def parquet(head: bytes, name: str) -> int:  # noqa: ARG001 - one signature for all sniffers
    """Parquet, encrypted footers too."""
    return 98 if head.startswith((b"PAR1", b"PARE")) else 0


def hdf5(head: bytes, name: str) -> int:  # noqa: ARG001
    """The signature at 0, or behind a user block at 512, 1024, 2048 ..."""
    if head.startswith(HDF5):
        return 97
    offset = 512
    while offset < len(head):
        if head.startswith(HDF5, offset):
            return 96
        offset *= 2
    return 0


def netcdf(head: bytes, name: str) -> int:
    """The classic forms, and NetCDF-4 where its own marks or the name say so."""
    if head[:3] == b"CDF" and head[3:4] in {b"\x01", b"\x02", b"\x05"}:
        return 98
    if head.startswith(HDF5) and (b"_NCProperties" in head or has_ending(name, ".nc", ".nc4", ".cdf")):
        return 98
    return 0


def fits(head: bytes, name: str) -> int:  # noqa: ARG001
    """The first card."""
    return 98 if re.match(rb"SIMPLE  = {1,20}[TF]", head) else 0


def dicom(head: bytes, name: str) -> int:
    """``DICM`` behind the preamble; without it only a plausible first tag of group 2 or 8."""
    if head[128:132] == b"DICM":
        return 99
    if len(head) < 8:
        return 0
    for order in "<>":
        group, element = struct.unpack_from(f"{order}HH", head)
        if group not in {0x0002, 0x0008} or element > 0x0100:
            continue
        is_explicit = head[4:6] in {b"UL", b"UI", b"OB", b"CS", b"SH", b"DA", b"TM", b"LO"}
        length = struct.unpack_from(f"{order}I", head, 4)[0]
        if is_explicit or (0 < length <= 64 and length % 2 == 0):
            return 80 if is_explicit or has_ending(name, ".dcm", ".ima") else 60
    return 0


def tiff(head: bytes, name: str) -> int:  # noqa: ARG001
    """Classic and big TIFF in both byte orders."""
    return 96 if head[:4] in {b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"} else 0


def nifti(head: bytes, name: str) -> int:
    """NIfTI-1 and -2, and Analyze 7.5 headers, by header size and magic in both byte orders."""
    if len(head) < 348:
        return 0
    for order in "<>":
        size = struct.unpack_from(f"{order}i", head)[0]
        if size == 348:
            if head[344:348] in {b"n+1\x00", b"ni1\x00"}:
                return 98
            extents, dimensions = (
                struct.unpack_from(f"{order}i", head, 32)[0],
                struct.unpack_from(f"{order}h", head, 40)[0],
            )
            if 1 <= dimensions <= 7 and (extents == 16384 or has_ending(name, ".hdr")):
                return 85
        if size == 540 and head[4:8] in {b"n+2\x00", b"ni2\x00"}:
            return 98
    return 0


def fcs(head: bytes, name: str) -> int:  # noqa: ARG001
    """``FCSx.y`` and four blanks before the offsets."""
    return 98 if re.match(rb"FCS[23]\.\d", head) else 0


def mseed(head: bytes, name: str) -> int:  # noqa: ARG001
    """Version 3 by its mark, version 2 (and full SEED control headers) by sequence number and kind."""
    if head[:3] == b"MS\x03" and len(head) >= 40:
        return 97
    if re.match(rb"[0-9 \x00]{6}[DRQM][ \x00]", head) and len(head) >= 48 and _has_seed_time(head):
        return 92
    if re.match(rb"\d{6}[VASTD][ *]0\d\d[ \d]{4}", head):
        return 85
    return 0


def _has_seed_time(head: bytes) -> bool:
    """A plausible year, day and hour at byte 20, in either byte order: six digits and a letter are not rare."""
    for order in "<>":
        year, day = struct.unpack_from(f"{order}HH", head, 20)
        if 1900 <= year <= 2500 and 1 <= day <= 366:
            return head[24] < 24 and head[25] < 60
    return False


def image(head: bytes, name: str) -> int:  # noqa: ARG001
    """Pictures that browsers and cameras know."""
    signatures = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
    if head.startswith(signatures):
        return 97
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return 97
    if (
        head.startswith(b"BM")
        and len(head) >= 54
        and struct.unpack_from("<I", head, 14)[0] in {12, 40, 108, 124}
    ):
        return 80
    return 0


def pdf(head: bytes, name: str) -> int:  # noqa: ARG001
    """``%PDF-`` within the first kilobyte."""
    return 97 if b"%PDF-" in head[:1024] else 0


def numpy_file(head: bytes, name: str) -> int:
    """One array, or a ZIP of them."""
    if head.startswith(b"\x93NUMPY"):
        return 98
    if head.startswith(_ZIP):
        members = zip_names(head)
        if members and members[0].endswith(b".npy"):
            return 95
    if head.startswith(_ZIP_EMPTY) and has_ending(name, ".npz"):
        return 95
    return 0
