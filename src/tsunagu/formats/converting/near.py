"""A number for every cell that is equal where cells are nearly equal.

Numbers count to five digits (seventeen bits), texts without case, width and extra spaces, pictures as they look: the
64 signs of the brightness differences between neighbours of a 9 by 8 thumbnail (dHash; source: N. Krawetz, "Kind of like
that", 2013). What lies on two sides of a rounding edge is missed.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from tsunagu.formats.converting.rowhash import cell_hashes

if TYPE_CHECKING:
    from tsunagu.formats.converting.types import ColumnPlan

IMAGE_COLUMN = "image"
MOST_PICTURES = 50_000
_MOST_PIXELS = 100_000_000
_KEPT_BITS = np.int64(52 - 17)
_BROAD = {"1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"}

Image.init()  # codecs are loaded here, outside the walls: inside no file can be opened


def is_nearable(column: ColumnPlan) -> bool:
    """Whether cells of the column may be nearly equal without being equal."""
    return column.kind in {"number", "text"} or is_picture(column)


def is_picture(column: ColumnPlan) -> bool:
    """Whether the cells are files of pictures."""
    return column.kind == "binary" and column.name == IMAGE_COLUMN


def near_cells(column: ColumnPlan, values: Any, *, has_pictures: bool) -> Any:
    """One number a cell; None where only equal cells are alike. Shape: (N,) uint64.

    Args:
        column: What the cells are.
        values: An Arrow array.
        has_pictures: Whether to look at pictures; else their bytes count.
    """
    if column.kind == "number":
        return _rounded(values)
    if column.kind == "text":
        return _plain(values)
    if is_picture(column) and has_pictures:
        return cell_hashes(pa.array([look(one) for one in values.to_pylist()], pa.int64()))
    return None


def _rounded(values: Any) -> Any:
    """The bits of the numbers, rounded to the first 17 of the fraction."""
    bits = pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False).view(np.int64)
    with np.errstate(over="ignore"):
        kept = bits + (np.int64(1) << (_KEPT_BITS - 1))
    kept >>= _KEPT_BITS
    kept[kept == (np.int64(-1) << (np.int64(63) - _KEPT_BITS))] = 0  # minus zero is zero
    if values.null_count:
        return cell_hashes(pa.array(kept, mask=values.is_null().to_numpy(zero_copy_only=False)))
    return kept.view(np.uint64)


def _plain(values: Any) -> Any:
    found = values.dictionary_encode()
    words = pc.utf8_lower(pc.utf8_normalize(found.dictionary, "NFKC"))
    words = pc.utf8_trim_whitespace(pc.replace_substring_regex(words, r"\s+", " "))
    hashes = np.append(cell_hashes(words), cell_hashes(pa.nulls(1, pa.string())))
    return hashes[pc.fill_null(found.indices, len(hashes) - 1).to_numpy(zero_copy_only=False)]


def look(content: bytes | None) -> int | None:
    """What a picture looks like as a number; a number of its bytes where it cannot be read or is all one colour."""
    if content is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(content))
            if picture.width * picture.height > _MOST_PIXELS:
                return _of_bytes(content)
            picture.draft("L", (18, 16))
            grey = picture.convert("L" if picture.mode in _BROAD else "F")
            small = np.asarray(grey.resize((9, 8), Image.Resampling.BOX), dtype=np.float64)
    except Exception:  # noqa: BLE001 - a broken picture is no more than bytes; whether it reads is said elsewhere
        return _of_bytes(content)
    signs = (small[:, 1:] > small[:, :-1]).ravel()
    if not signs.any():
        return _of_bytes(content)
    return int(np.packbits(signs).view(">i8")[0])


def _of_bytes(content: bytes) -> int:
    return int(cell_hashes(pa.array([content])).view(np.int64)[0])
