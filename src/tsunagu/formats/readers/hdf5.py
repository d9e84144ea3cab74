"""HDF5 and NeXus: attributes and single values as fields, arrays as descriptions, the default plot drawn.

Links that leave the file, external storage and virtual datasets are reported and never followed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

import h5py
import numpy as np

from tsunagu.formats.errors import UnreadableError, truncated
from tsunagu.formats.findings import Findings, as_number, clean_unit
from tsunagu.formats.readers import hdf5_plot
from tsunagu.formats.readers.columns import type_of
from tsunagu.formats.types import Column

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import Reading

_TRUNCATED = re.compile(r"truncated file: eof = (\d+), .*stored_eof = (\d+)")
_OBJECTS = 20_000
INTERNAL = {"DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "_Netcdf4Dimid", "_Netcdf4Coordinates"}
_SMALL = 4096
PERSONAL = re.compile(
    r"(^|/)(user|users?_?\d*|[^/]*_user)/(name|email|telephone_number|address|orcid|fax_number)$"
)


def read(path: Path, context: Context) -> Reading:
    """Walk the tree once, within caps on objects and depth.

    Raises:
        UnreadableError: cut off or damaged.
    """
    findings = Findings(context.limits)
    try:
        with path.open("rb") as source, opened(source) as file:
            _Walk(findings, context).group(file, "/", 0)
            findings.preview(hdf5_plot.draw_default(file, findings, context.name))
    except OSError as error:
        raise _sentence(error) from error
    except (RuntimeError, KeyError, ValueError) as error:
        raise UnreadableError(
            f"The HDF5 structure is damaged: {error}.", partial=findings.finish()
        ) from error
    return findings.finish()


def opened(source: BinaryIO) -> Any:
    """An open file as HDF5. By its path it could not be opened behind walls, nor where it lies in memory alone.

    Raises:
        UnreadableError: cut off or damaged.
    """
    try:
        return h5py.File(source, "r")
    except OSError as error:
        raise _sentence(error) from error


def _sentence(error: OSError) -> UnreadableError:
    text = str(error)
    if match := _TRUNCATED.search(text):
        return truncated(int(match.group(1)), int(match.group(2)))
    inner = text[text.find("(") + 1 :].rstrip(")") if "(" in text else text
    return UnreadableError(f"The HDF5 structure is damaged: {inner}.")


class _Walk:
    """One pass over the tree; an object that several paths reach is visited once."""

    def __init__(self, findings: Findings, context: Context) -> None:
        self.findings = findings
        self.depth = context.limits.depth
        self.seen: set[Any] = set()
        self.is_over = False

    def group(self, group: Any, place: str, depth: int) -> None:
        if not self._is_new(group):
            return
        self._attributes(group, place)
        self._columns(group, place)
        if depth >= self.depth:
            self.findings.warn(f"What is nested deeper than {self.depth} groups was left out.")
            return
        for name in group:
            self._member(group, name, place, depth)

    def _columns(self, group: Any, place: str) -> None:
        """Arrays of equal length that lie side by side are the columns of a table, unless they are axes of others."""
        found: dict[int, list[Column]] = {}
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            try:
                member = group[name]
            except (KeyError, OSError, RuntimeError, ValueError):
                continue
            if not isinstance(member, h5py.Dataset) or not member.shape:
                continue
            if member.ndim > 1 and member.size > 1:
                return
            word = "text" if h5py.check_string_dtype(member.dtype) else type_of(member.dtype)
            if member.shape[0] > 1 and word != "other" and hdf5_plot.is_own_data(member):
                unit = attribute(member, "units") or attribute(member, "unit")
                words = attribute(member, "long_name")
                found.setdefault(member.shape[0], []).append(
                    Column(
                        name, word, clean_unit(unit), description=words if isinstance(words, str) else None
                    )
                )
        for length, columns in found.items():
            if len(columns) > 1:
                title = place if len(found) == 1 else f"{place} ({length} rows)"
                self.findings.table(title, columns, row_count=length, where=place)

    def _member(self, group: Any, name: str, place: str, depth: int) -> None:
        child_place = f"{place.rstrip('/')}/{name}"
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            self.findings.warn(
                f"{child_place} is a link to another file ({link.filename}); it was not followed."
            )
            return
        if isinstance(link, h5py.SoftLink):
            # The target is visited where it stands; through a soft link it might leave the file.
            self.findings.field(child_place, f"-> {link.path}", where="soft link")
            return
        try:
            child = group[name]
        except (KeyError, OSError, RuntimeError, ValueError) as error:
            self.findings.warn(f"{child_place} could not be opened: {error}")
            return
        if isinstance(child, h5py.Group):
            self.group(child, child_place, depth + 1)
        elif isinstance(child, h5py.Dataset) and self._is_new(child):
            self._dataset(child, child_place)

    def _is_new(self, node: Any) -> bool:
        if self.is_over:
            return False
        if len(self.seen) >= _OBJECTS:
            self.is_over = True
            self.findings.warn(f"The file holds more than {_OBJECTS:,} objects; the rest was left out.")
            return False
        address = h5py.h5o.get_info(node.id).addr
        is_new = address not in self.seen
        self.seen.add(address)
        return is_new

    def _attributes(self, node: Any, place: str, skipped: frozenset[str] = frozenset()) -> None:
        for name in node.attrs:
            if name in INTERNAL or name in skipped:
                continue
            value = attribute(node, name)
            if value is not None:
                where = f"{place}@{name}"
                self.findings.field(
                    where, value, where=where, personal=bool(PERSONAL.search(where.replace("@", "/")))
                )

    def _dataset(self, dataset: Any, place: str) -> None:
        unit = attribute(dataset, "units") or attribute(dataset, "unit")
        unit = unit if isinstance(unit, str) else None
        if dataset.external:
            names = ", ".join(str(item[0]) for item in dataset.external[:3])
            self.findings.warn(f"The numbers of {place} lie in another file ({names}); they were not read.")
        if dataset.dtype.names and dataset.ndim == 1:
            columns = [Column(name, type_of(dataset.dtype[name])) for name in dataset.dtype.names]
            self.findings.table(place, columns, row_count=dataset.shape[0], where=place)
        elif hdf5_plot.is_own_data(dataset) and dataset.shape is not None and dataset.size == 1:
            value = _single(dataset)
            if value is not None:
                self.findings.field(
                    place, value, unit=unit, where=place, personal=bool(PERSONAL.search(place))
                )
        else:
            self._array(dataset, place, unit)
        self._attributes(dataset, place, frozenset({"units", "unit"}))

    def _array(self, dataset: Any, place: str, unit: str | None) -> None:
        low = high = None
        kind = dataset.dtype.kind
        if hdf5_plot.is_own_data(dataset) and kind in "iuf" and 0 < (dataset.size or 0) <= _SMALL:
            try:
                values = dataset[()]
                finite = values[np.isfinite(values)] if kind == "f" else values
                low, high = (
                    (as_number(finite.min()), as_number(finite.max())) if finite.size else (None, None)
                )
            except (OSError, RuntimeError, ValueError) as error:
                self.findings.warn(f"The numbers of {place} could not be read: {error}")
        text = h5py.check_string_dtype(dataset.dtype)
        dtype = "text" if text else str(dataset.dtype)
        self.findings.array(
            place, dataset.shape or (), dtype, unit=unit, minimum=low, maximum=high, where=place
        )


def attribute(node: Any, name: str) -> Any:
    """The value of an attribute, small and plain, or ``None``."""
    try:
        if name not in node.attrs:
            return None
        identity = node.attrs.get_id(name)
        if identity.get_storage_size() > _SMALL * 16 or _is_reference(identity.dtype):
            return None
        return _plain(node.attrs[name])
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, UnicodeError):
        return None


def _is_reference(dtype: Any) -> bool:
    return h5py.check_ref_dtype(dtype) is not None or dtype.kind == "V"


def _plain(value: Any) -> Any:
    if isinstance(value, h5py.Empty):
        return None
    if isinstance(value, np.ndarray):
        if value.size == 1:
            return _plain(value.reshape(-1)[0])
        return [_plain(item) for item in value.reshape(-1)[:64]] if value.dtype.kind in "OSU" else value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").rstrip("\x00")
    return value


def _single(dataset: Any) -> Any:
    if _is_reference(dataset.dtype):
        return None
    try:
        if dataset.dtype.itemsize > _SMALL * 16:
            return None
        return _plain(np.asarray(dataset[()]) if dataset.ndim else dataset[()])
    except (OSError, RuntimeError, ValueError, TypeError):
        return None
