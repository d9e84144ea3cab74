"""NetCDF, classic and NetCDF-4, with the CF attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import netCDF4
import numpy as np

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError, truncated
from tsunagu.formats.findings import Findings
from tsunagu.formats.readers.columns import type_of
from tsunagu.formats.readers.netcdf_classic import announced_bytes
from tsunagu.formats.readers.sniff import HDF5
from tsunagu.formats.types import Column

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import ColumnType, Preview, Reading

_VALUES = 16_000_000
_SMALL = 4096
_GROUPS = 2000
_LEAST_POINTS = 5
_SKIPPED = {"units", "_FillValue", "missing_value", "CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST"}


def read(path: Path, context: Context) -> Reading:
    """Global attributes, dimensions and variables as they stand; times stay raw numbers with their unit.

    Raises:
        UnreadableError: cut off or damaged.
    """
    findings = Findings(context.limits)
    need = announced_bytes(context.head)
    if need is None and context.is_whole_head and not context.head.startswith(HDF5):
        raise UnreadableError("The NetCDF header breaks off or is damaged.", reason_code="truncated")
    try:
        with _opened(path) as dataset:
            # Values as they are in the file: scaling and masking would hide what was written.
            dataset.set_auto_maskandscale(False)
            findings.field("format", dataset.data_model, where="file")
            _group(dataset, "", findings, 0)
            if need is not None and context.byte_count < need:
                raise truncated(context.byte_count, need, partial=findings.finish())
            findings.preview(_preview(dataset, findings, context.name))
    except (OSError, RuntimeError, IndexError) as error:
        if need is not None and context.byte_count < need:
            raise truncated(context.byte_count, need) from error
        text = getattr(error, "strerror", None) or str(error)
        raise UnreadableError(f"The NetCDF structure is damaged: {text}.") from error
    return findings.finish()


def _opened(path: Path) -> Any:
    """By its path, or out of memory what lies in memory alone: HDF5 2 asks for the real path of what it opens."""
    if path.resolve().exists():
        return netCDF4.Dataset(path, "r")
    return netCDF4.Dataset("in memory", "r", memory=path.read_bytes())


def _group(group: Any, place: str, findings: Findings, depth: int) -> None:
    for name in group.ncattrs():
        findings.field(f"{place}{name}", _attribute(group, name), where=f"global attribute {place}{name}")
    for name, dimension in group.dimensions.items():
        findings.field(f"{place}{name}", len(dimension), where=f"dimension {place}{name}")
    for name, variable in group.variables.items():
        _variable(variable, f"{place}{name}", findings)
    _columns(group, place, findings)
    if depth < findings.limits.depth:
        for name, child in list(group.groups.items())[:_GROUPS]:
            _group(child, f"{place}{name}/", findings, depth + 1)


def _columns(group: Any, place: str, findings: Findings) -> None:
    """Variables along one dimension are the columns of a table, unless they are axes of others."""
    found: dict[str, list[Column]] = {}
    several = {name for one in group.variables.values() if one.ndim > 1 for name in one.dimensions}
    for name, variable in group.variables.items():
        if variable.ndim != 1 or variable.dimensions[0] in several or variable.size < 2:  # noqa: PLR2004 - rows
            continue
        dtype = variable.dtype
        word: ColumnType = "text" if dtype is str else type_of(dtype)
        if word == "other" or getattr(dtype, "kind", "") == "S":
            continue
        if {"scale_factor", "add_offset"} & set(variable.ncattrs()):
            word = "number"
        words = _attribute(variable, "long_name") if "long_name" in variable.ncattrs() else None
        description = words if isinstance(words, str) else None
        column = Column(name, word, _unit(variable), description=description)
        found.setdefault(variable.dimensions[0], []).append(column)
    for dimension, columns in found.items():
        if len(columns) > 1:
            length = len(group.variables[columns[0].name])
            findings.table(f"{place}{dimension}", columns, row_count=length, where=f"dimension {dimension}")


def _attribute(node: Any, name: str) -> Any:
    try:
        return node.getncattr(name)
    except (OSError, RuntimeError, ValueError, KeyError, UnicodeError, AttributeError):
        return None


def _unit(variable: Any) -> str | None:
    value = _attribute(variable, "units") if "units" in variable.ncattrs() else None
    return value if isinstance(value, str) and value else None


def _variable(variable: Any, name: str, findings: Findings) -> None:
    unit = _unit(variable)
    low = high = None
    if variable.size == 1 and variable.dtype is not None:
        value = _values(variable, findings)
        if value is not None:
            findings.field(name, np.asarray(value).reshape(-1)[0], unit=unit, where=f"variable {name}")
    elif 0 < variable.size <= _SMALL and getattr(variable.dtype, "kind", "") in "iuf":
        values = _masked(variable, findings)
        if values is not None and values.size:
            low, high = values.min(), values.max()
    findings.array(
        name, variable.shape, variable.dtype if variable.dtype is not str else "text", unit=unit, minimum=low,
        maximum=high, where=f"variable {name} ({', '.join(variable.dimensions)})",
    )  # fmt: skip
    for attribute in variable.ncattrs():
        if attribute not in _SKIPPED:
            findings.field(
                f"{name}@{attribute}",
                _attribute(variable, attribute),
                where=f"attribute {attribute} of {name}",
            )


def _values(variable: Any, findings: Findings) -> Any:
    try:
        return variable[...]
    except (OSError, RuntimeError, IndexError, ValueError) as error:
        findings.warn(f"The numbers of {variable.name} could not be read: {error}")
        return None


def _masked(variable: Any, findings: Findings) -> Any:
    """Finite values that are not the fill value."""
    values = _values(variable, findings)
    if values is None:
        return None
    values = np.asarray(values)
    keep = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, dtype=bool)
    for name in ("_FillValue", "missing_value"):
        if name in variable.ncattrs():
            fill = _attribute(variable, name)
            if isinstance(fill, (int, float, np.number)):
                keep &= values != fill
    return values[keep]


def _preview(dataset: Any, findings: Findings, title: str) -> Preview | None:
    variables = [
        variable
        for variable in dataset.variables.values()
        if getattr(variable.dtype, "kind", "") in "iuf" and variable.ndim and variable.size <= _VALUES
    ]
    coordinates = {
        variable.name: variable for variable in variables if variable.dimensions == (variable.name,)
    }
    data = [variable for variable in variables if variable.name not in coordinates]
    for variable in sorted(data, key=lambda variable: -variable.size):
        values = _values(variable, findings)
        if values is None:
            continue
        values = np.squeeze(_without_fill(variable, np.asarray(values)))
        if values.ndim == 1 and values.size >= _LEAST_POINTS:
            axis = next(
                (
                    coordinates[d]
                    for d in variable.dimensions
                    if d in coordinates and coordinates[d].size == values.size
                ),
                None,
            )
            x = _values(axis, findings) if axis is not None else None
            return draw.curve(
                f"{title} {variable.name}",
                [draw.series(variable.name, x if x is not None else np.arange(values.size), values)],
                x=(axis.name, _unit(axis)) if axis is not None else ("index", None),
                y=(variable.name, _unit(variable)),
            )
        if values.ndim >= 2 and min(values.shape[-2:]) >= _LEAST_POINTS:  # noqa: PLR2004 - a plane
            plane = values[tuple(n // 2 for n in values.shape[:-2])]
            return draw.image_of_array(f"{title} {variable.name}", _upright(variable, plane, coordinates))
    return None


def _without_fill(variable: Any, values: Any) -> Any:
    out = values.astype(np.float64)
    for name in ("_FillValue", "missing_value"):
        fill = _attribute(variable, name) if name in variable.ncattrs() else None
        if isinstance(fill, (int, float, np.number)):
            out[values == fill] = np.nan
    return out


def _upright(variable: Any, plane: Any, coordinates: dict[str, Any]) -> Any:
    """Maps are stored from south to north as often as the other way round; north goes up."""
    rows = [name for name in variable.dimensions if name in coordinates][-2:]
    axis = coordinates.get(rows[0]) if len(rows) == 2 else None  # noqa: PLR2004
    if axis is not None and (_unit(axis) or "").startswith("degrees_n") and axis.size > 1:
        ends = np.asarray(axis[[0, -1]])
        return plane[::-1] if ends[0] < ends[1] else plane
    return plane
