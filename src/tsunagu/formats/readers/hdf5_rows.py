"""The rows of HDF5 and NetCDF files: records, and arrays of equal length that lie side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import h5py
import numpy as np
import pyarrow as pa

from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.reader import Rows
from tsunagu.formats.readers.columns import arrow_of, rows_at_once
from tsunagu.formats.readers.hdf5 import attribute, opened
from tsunagu.formats.readers.netcdf_classic import Variable, header
from tsunagu.formats.readers.runs import run_of
from tsunagu.formats.readers.sniff import HDF5

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tsunagu.formats.reader import Context

_HEADER_BYTES = 16 << 20


def hdf5_rows(source: BinaryIO, context: Context, table: str, kinds: Mapping[str, str]) -> Rows:
    """The records of a table, or the arrays of a group as columns.

    Raises:
        UnreadableError: damaged, or the table is not there any more.
    """
    del context
    place = table.partition(" (")[0]
    node = opened(source).get(place)
    if isinstance(node, h5py.Dataset) and node.dtype.names:
        return Rows(_guarded(_records(node, list(kinds))))
    if not isinstance(node, h5py.Group):
        raise UnreadableError(f"The table {table} is not in the file any more.")
    return Rows(_guarded(_beside(_members(node, kinds))))


def netcdf_rows(source: BinaryIO, context: Context, table: str, kinds: Mapping[str, str]) -> Rows:
    """The variables along one dimension as columns: packed numbers unpacked, fill values as nothing.

    Raises:
        UnreadableError: damaged, or the table is not there any more.
    """
    if context.head.startswith(HDF5):
        node = opened(source).get(table.rpartition("/")[0] or "/")
        if not isinstance(node, h5py.Group):
            raise UnreadableError(f"The table {table} is not in the file any more.")
        return Rows(_guarded(_beside(_members(node, kinds), is_cf=True)))
    source.seek(0)
    head = header(source.read(_HEADER_BYTES))
    if head is None:
        raise UnreadableError("The NetCDF header breaks off or is damaged.", reason_code="truncated")
    found = {one.name: one for one in head.variables}
    try:
        variables = [_Classic(source, found[name]) for name in kinds]
    except KeyError as error:
        raise UnreadableError(f"The file has no variable {error} any more.") from error
    return Rows(_guarded(_beside(variables, is_cf=True)))


class _Classic:
    """A variable of a classic file, as one of HDF5 behaves."""

    def __init__(self, source: BinaryIO, variable: Variable) -> None:
        self.name, self.shape, self.dtype = variable.name, variable.shape, variable.dtype
        self.attrs = variable.attributes
        self._source, self._variable = source, variable

    def __getitem__(self, extent: slice) -> Any:
        one = self._variable
        if not one.record_bytes:
            return run_of(self._source, one.begin, one.dtype, one.shape)((extent,))
        parts = [
            run_of(self._source, one.begin + step * one.record_bytes, one.dtype, ())(())
            for step in range(extent.start, extent.stop)
        ]
        return np.array(parts)


def _members(group: Any, names: Mapping[str, str]) -> list[Any]:
    found = []
    for name in names:
        is_here = isinstance(group.get(name, getlink=True), h5py.HardLink)
        member = group[name] if is_here else None
        if not isinstance(member, h5py.Dataset) or member.ndim != 1:
            raise UnreadableError(f"The file has no column {name} any more.")
        found.append(member)
    return found


def _guarded(batches: Iterator[Any]) -> Iterator[Any]:
    try:
        yield from batches
    except (OSError, RuntimeError, KeyError, IndexError) as error:
        raise UnreadableError(f"The rows are damaged: {' '.join(str(error).split())}.") from error


def _records(dataset: Any, names: Sequence[str]) -> Iterator[Any]:
    step = rows_at_once(dataset.dtype.itemsize)
    for start in range(0, dataset.shape[0], step):
        part = dataset[start : min(dataset.shape[0], start + step)]
        yield pa.RecordBatch.from_arrays([arrow_of(part[name]) for name in names], names=list(names))


def _beside(members: Sequence[Any], *, is_cf: bool = False) -> Iterator[Any]:
    names = [member.name.rpartition("/")[2] for member in members]
    count = members[0].shape[0]
    if any(member.shape != (count,) for member in members):
        raise UnreadableError("The columns do not have one length any more.")
    step = rows_at_once(sum(member.dtype.itemsize for member in members))
    for start in range(0, count, step):
        extent = slice(start, min(count, start + step))
        columns = [_unpacked(member, extent) if is_cf else arrow_of(member[extent]) for member in members]
        yield pa.RecordBatch.from_arrays(columns, names=names)


def _unpacked(member: Any, extent: slice) -> Any:
    """Values as CF means them. Source: CF conventions 1.12, 2.5.1 and 8.1."""
    values = np.asarray(member[extent])
    if values.dtype.kind not in "iuf":
        return arrow_of(values)
    missing = None
    for name in ("_FillValue", "missing_value"):
        fill = _number(member, name)
        if fill is not None:
            is_gone = np.isnan(values) if fill != fill else values == fill  # noqa: PLR0124 - NaN
            missing = is_gone if missing is None else missing | is_gone
    scale, offset = _number(member, "scale_factor"), _number(member, "add_offset")
    if scale is not None or offset is not None:
        values = values * (1.0 if scale is None else scale) + (0.0 if offset is None else offset)
    return arrow_of(values, missing)


def _number(member: Any, name: str) -> Any:
    value = member.attrs.get(name) if isinstance(member.attrs, dict) else attribute(member, name)
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return value if is_number else None
