"""The arrays of one file, each as it stands there."""

from __future__ import annotations

import base64
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from tsunagu.formats.arrays.counting import Counted
from tsunagu.formats.arrays.grid import choose
from tsunagu.formats.arrays.types import ArrayProfile
from tsunagu.formats.arrays.zarr import type_name
from tsunagu.formats.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tsunagu.formats.arrays.naming import Names
    from tsunagu.formats.arrays.zarr import ZarrWriter
    from tsunagu.formats.reader import Arrays, OpenArray


def write_whole(found: Arrays, writer: ZarrWriter, names: Names) -> tuple[ArrayProfile, ...]:
    """All arrays of an open file."""
    made = [_write(array, writer, names) for array in found.arrays]
    for name, values in found.texts.items():
        path = names.of(name)
        writer.texts(
            path,
            values,
            dimensions=names.dimensions(path, (), (len(values),)),
            attributes={"source_name": name},
        )
    for name, attributes in found.groups.items():
        if name and attributes:
            writer.group(names.group(name), attributes)
    return tuple(made)


def _write(array: OpenArray, writer: ZarrWriter, names: Names) -> ArrayProfile:
    path = names.of(array.name)
    dimensions = names.dimensions(path, array.dimensions, array.shape)
    dtype = np.dtype(array.dtype)
    grid = choose(array.shape, dtype.itemsize, native=array.native, is_reversed=array.is_reversed)
    fill = fill_of(array)
    counted = Counted(array.fill)
    byte_count = 0
    for place, extent in grid.shards():
        values = read(array, extent)
        counted.add(values)
        byte_count += writer.block(path, grid, place, values, fill)
    writer.array(path, grid, dtype, fill, dimensions=dimensions, attributes=attributes_of(array))
    return profile_of(array, path, array.shape, dimensions, counted, byte_count)


def read(array: OpenArray, extent: tuple[slice, ...]) -> Any:
    """Numbers of an array, of the shape that was asked for.

    Raises:
        UnreadableError: the file gives another shape.
    """
    values = np.asarray(array.read(extent))
    wanted = tuple(one.stop - one.start for one in extent)
    if values.shape != wanted:
        raise UnreadableError(f"{array.name} gives {values.shape} where its header announces {wanted}.")
    return values.astype(array.dtype, copy=False)


def fill_of(array: OpenArray) -> Any:
    """The value of what is not written."""
    return np.zeros((), array.dtype)[()] if array.fill is None else np.asarray(array.fill, array.dtype)[()]


def attributes_of(array: OpenArray, said: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Those of the file, with unit and words where readers of Zarr look for them."""
    made = dict(array.attributes if said is None else said)
    if array.unit:
        made.setdefault("units", array.unit)
    if array.description:
        made.setdefault("long_name", array.description)
    if array.fill is not None:
        made["_FillValue"] = _encoded_fill(fill_of(array))
    return {**made, "source_name": array.name}


def _encoded_fill(value: Any) -> Any:
    """As xarray keeps it in Zarr v3: JSON has no NaN, so floats stand as their eight bytes in base 64."""
    if value.dtype.kind == "f":
        return base64.standard_b64encode(struct.pack("<d", float(value))).decode()
    return value.item() if value.dtype.kind in "iub" else str(value)


def profile_of(
    array: OpenArray,
    path: str,
    shape: tuple[int, ...],
    dimensions: tuple[str, ...],
    counted: Counted,
    byte_count: int,
) -> ArrayProfile:
    """What is known of an array once it is written."""
    return ArrayProfile(
        path,
        array.name,
        shape,
        dimensions,
        type_name(array.dtype) or "",
        array.unit,
        array.description,
        byte_count,
        **counted.said(),
    )
