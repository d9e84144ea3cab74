"""Small pictures of large data: curves thinned without losing peaks, images as PNG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.ma
from PIL import Image

from tsunagu.formats.findings import clip
from tsunagu.formats.types import CurvePreview, ImagePreview, Series, TablePreview, TextPreview

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

# Everything lazy is loaded now, once, and not again in each child.
Image.init()
CURVE_POINTS = 1000
CURVE_SERIES = 6
IMAGE_SIDE = 640
TABLE_ROWS = 50
TABLE_COLUMNS = 60
CELL_LENGTH = 200
TEXT_CHARACTERS = 8000


def thin(x: NDArray[Any], y: NDArray[Any], *, points: int = CURVE_POINTS) -> tuple[Any, Any]:
    """At most ``points`` of a curve: minimum and maximum of each bucket, in the order of the file.

    Shapes: (N,), (N,) -> (M,), (M,) with M <= points. Every peak survives; a plain stride would lose
    narrow lines of spectra. Values that are no number are passed over inside a bucket.
    """
    n = min(len(x), len(y))
    x, y = x[:n], y[:n]
    if n <= points:
        return x, y
    width = -(-n // (points // 2))
    finite = np.isfinite(y)
    low, high = (y, y) if finite.all() else (np.where(finite, y, np.inf), np.where(finite, y, -np.inf))
    chosen = np.union1d(_in_buckets(np.argmin, low, width), _in_buckets(np.argmax, high, width))
    return x[chosen], y[chosen]


def _in_buckets(pick: Any, values: NDArray[Any], width: int) -> NDArray[np.int64]:
    """Where the pick of each bucket stands; the last one may be narrower. Shape: (N,) -> (ceil(N / width),)."""
    whole = len(values) // width
    found = pick(values[: whole * width].reshape(whole, width), axis=1) + np.arange(whole) * width
    if len(values) % width:
        found = np.append(found, pick(values[whole * width :]) + whole * width)
    return np.asarray(found, dtype=np.int64)


def series(name: str, x: Any, y: Any) -> Series | None:
    """One thinned line, or ``None`` when there is nothing to draw."""
    xs, ys = _numbers(x), _numbers(y)
    n = min(xs.size, ys.size)
    if n == 0 or not np.isfinite(ys[:n]).any():
        return None
    tx, ty = thin(xs[:n], ys[:n])
    return Series(clip(name, 200), _rounded(tx), _rounded(ty), n)


def curve(
    title: str,
    lines: Iterable[Series | None],
    *,
    x: tuple[str, str | None] = ("", None),
    y: tuple[str, str | None] = ("", None),
    x_reversed: bool = False,
    is_sticks: bool = False,
) -> CurvePreview | None:
    """A curve of up to six lines; ``x`` and ``y`` are label and unit."""
    drawn = tuple(line for line in lines if line is not None)[:CURVE_SERIES]
    if not drawn:
        return None
    return CurvePreview(
        title=clip(title, 300),
        series=drawn,
        x_label=clip(x[0], 200),
        x_unit=x[1] or None,
        y_label=clip(y[0], 200),
        y_unit=y[1] or None,
        x_reversed=x_reversed,
        is_sticks=is_sticks,
    )


def _numbers(values: Any) -> NDArray[np.float64]:
    array = numpy.ma.filled(numpy.ma.asarray(values, dtype=np.float64), np.nan)
    return np.asarray(array, dtype=np.float64).ravel()


def _rounded(values: NDArray[np.float64]) -> tuple[float | None, ...]:
    # Nine significant digits are more than a screen shows and half the JSON of full doubles. Powers of ten up to
    # 1e22 and whole numbers below 1e9 are exact, so that the one division gives a short decimal number.
    finite = np.isfinite(values)
    known = np.where(finite, values, 0.0)
    with np.errstate(divide="ignore"):
        places = 8 - np.floor(np.log10(np.abs(known)))
    places = np.where(known == 0, 0, np.clip(places, -22, 22))
    up, down = 10.0 ** np.maximum(places, 0), 10.0 ** np.maximum(-places, 0)
    rounded = np.rint(known * up / down) / up * down
    return tuple(
        v if is_finite else None for v, is_finite in zip(rounded.tolist(), finite.tolist(), strict=True)
    )


def image_of_array(
    title: str, values: Any, *, original: tuple[int, int] | None = None
) -> ImagePreview | None:
    """A grey or RGB picture of numbers, scaled between the 0.5th and 99.5th percentile.

    Shapes: (H, W) any number type, or (H, W, 3 or 4) of 8 bits. ``original`` is (width, height) in the file
    when ``values`` was already thinned.
    """
    array = np.asarray(values)
    if array.ndim not in {2, 3} or 0 in array.shape:
        return None
    height, width = array.shape[:2]
    step = max(1, max(height, width) // (2 * IMAGE_SIDE))
    array = array[::step, ::step]
    if array.ndim == 2:  # noqa: PLR2004 - a plane
        picture = Image.fromarray(_grey(array), mode=None)
    elif array.shape[2] in {3, 4}:
        channels = array if array.dtype == np.uint8 else _grey(array)
        picture = Image.fromarray(np.ascontiguousarray(channels[..., :3]))
    else:
        return None
    return image_of_picture(title, picture, original=original or (width, height))


def _grey(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    numbers = np.abs(array) if np.iscomplexobj(array) else array
    numbers = numpy.ma.filled(numpy.ma.asarray(numbers, dtype=np.float32), np.nan)
    finite = numbers[np.isfinite(numbers)]
    if finite.size == 0:
        return np.zeros(numbers.shape, dtype=np.uint8)
    stride = max(1, finite.size // 65536)
    low, high = np.percentile(finite[::stride], (0.5, 99.5))
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    span = float(high - low) or 1.0
    scaled = np.clip((np.nan_to_num(numbers, nan=low) - low) / span, 0, 1) * 255
    return np.asarray(scaled, dtype=np.uint8)


def image_of_picture(
    title: str, picture: Image.Image, *, original: tuple[int, int] | None = None
) -> ImagePreview:
    """A PNG of at most 640 pixels a side from a Pillow picture; ``original`` is (width, height)."""
    width, height = original or picture.size
    if picture.mode not in {"L", "RGB", "RGBA"}:
        deep = picture.mode in {"I", "F", "I;16", "I;16B", "I;16L"}
        picture = Image.fromarray(_grey(np.asarray(picture))) if deep else picture.convert("RGB")
    if max(picture.size) > IMAGE_SIDE:
        # A first integer reduction keeps large pictures cheap; the resize after it keeps them smooth.
        picture.thumbnail((IMAGE_SIDE, IMAGE_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return ImagePreview(
        clip(title, 300), picture.width, picture.height, int(width), int(height), out.getvalue()
    )


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], row_count: int | None = None
) -> TablePreview:
    """The first 50 rows and 60 columns of a table as text."""
    shown: list[tuple[str, ...]] = []
    for row in rows:
        if len(shown) >= TABLE_ROWS:
            break
        shown.append(tuple(_cell(value) for value in row[:TABLE_COLUMNS]))
    names = tuple(clip(str(name), CELL_LENGTH) for name in columns[:TABLE_COLUMNS])
    return TablePreview(clip(title, 300), names, tuple(shown), row_count)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float):
        return f"{value:.10g}"
    return clip(str(value), CELL_LENGTH)


def text(title: str, content: str, *, is_whole: bool = True) -> TextPreview:
    """The beginning of a text, at most 8,000 characters."""
    cut = content[:TEXT_CHARACTERS]
    return TextPreview(clip(title, 300), clip(cut, TEXT_CHARACTERS), is_whole and len(cut) == len(content))
