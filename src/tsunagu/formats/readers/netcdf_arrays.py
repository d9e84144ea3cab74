"""The numbers of NetCDF files. NetCDF-4 is HDF5; of the classic forms each variable is a run of bytes, or one a record.

Source: NetCDF Classic Format Specification (CDF-1, CDF-2, CDF-5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from tsunagu.formats.errors import UnreadableError, truncated
from tsunagu.formats.reader import Arrays, OpenArray
from tsunagu.formats.readers.hdf5_arrays import hdf5_arrays
from tsunagu.formats.readers.netcdf_classic import Variable, header
from tsunagu.formats.readers.runs import run_of
from tsunagu.formats.readers.sniff import HDF5

if TYPE_CHECKING:
    from collections.abc import Callable

    from tsunagu.formats.reader import Context

_HEADER_BYTES = 16 << 20
_SAID_OTHERWISE = {"units", "long_name", "_FillValue", "missing_value"}


def netcdf_arrays(source: BinaryIO, context: Context) -> Arrays:
    """Every variable of numbers.

    Raises:
        UnreadableError: cut off or damaged.
    """
    if context.head.startswith(HDF5):
        return hdf5_arrays(source, context)
    source.seek(0)
    head = header(source.read(_HEADER_BYTES))
    if head is None:
        raise UnreadableError("The NetCDF header breaks off or is damaged.", reason_code="truncated")
    if context.byte_count < head.byte_count:
        raise truncated(context.byte_count, head.byte_count)
    arrays: list[OpenArray] = []
    left: list[tuple[str, str]] = []
    for one in head.variables:
        if not one.shape or 0 in one.shape:
            continue
        if one.dtype.kind == "S":
            left.append((one.name, "It holds letters."))
        elif len(arrays) >= context.limits.array_count:
            left.append((one.name, f"The file holds more than {context.limits.array_count} arrays."))
        else:
            arrays.append(_array(source, one))
    return Arrays(arrays, {}, left, {"": head.attributes})


def _array(source: BinaryIO, one: Variable) -> OpenArray:
    fill = one.attributes.get("_FillValue", one.attributes.get("missing_value"))
    unit, words = one.attributes.get("units"), one.attributes.get("long_name")
    return OpenArray(
        one.name,
        one.shape,
        one.dtype.newbyteorder("="),
        _reading(source, one),
        dimensions=one.dimensions,
        unit=unit if isinstance(unit, str) else "",
        description=words if isinstance(words, str) else "",
        attributes={key: value for key, value in one.attributes.items() if key not in _SAID_OTHERWISE},
        fill=fill if isinstance(fill, (int, float)) else None,
        # A record holds a part of every variable: one record a step.
        native=(1, *one.shape[1:]) if one.record_bytes else None,
    )


def _reading(source: BinaryIO, one: Variable) -> Callable[[tuple[slice, ...]], Any]:
    if not one.record_bytes:
        return run_of(source, one.begin, one.dtype, one.shape)
    inner = one.shape[1:]

    def read(extent: tuple[slice, ...]) -> Any:
        steps = range(extent[0].start, extent[0].stop)
        parts = [
            run_of(source, one.begin + step * one.record_bytes, one.dtype, inner)(
                tuple(slice(0, n) for n in inner)
            )
            for step in steps
        ]
        return np.stack(parts)[(slice(None), *extent[1:])]

    return read
