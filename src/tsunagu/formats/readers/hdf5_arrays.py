"""The numbers of HDF5 files, NeXus and NetCDF-4 among them, with the names of their axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import h5py
import numpy as np

from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.reader import Arrays, OpenArray
from tsunagu.formats.readers import hdf5_plot
from tsunagu.formats.readers.hdf5 import INTERNAL, PERSONAL, attribute, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tsunagu.formats.reader import Context

_TEXT_BYTES = 8 << 20
_NUMBERS = "iufcb"
_TOO_WIDE = {"float128", "longdouble", "complex256", "clongdouble"}
_SAID_OTHERWISE = {"units", "unit", "long_name", "_FillValue", "missing_value"}


def hdf5_arrays(source: BinaryIO, context: Context) -> Arrays:
    """Every array that lies in the file itself, up to the limit on arrays.

    Raises:
        UnreadableError: cut off or damaged.
    """
    file = opened(source)
    walk = _Walk(context)
    try:
        walk.group(file, "", 0)
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise UnreadableError(f"The HDF5 structure is damaged: {error}.") from error
    return Arrays(walk.arrays, walk.texts, walk.left, walk.groups)


class _Walk:
    def __init__(self, context: Context) -> None:
        self.limits = context.limits
        self.arrays: list[OpenArray] = []
        self.texts: dict[str, list[str]] = {}
        self.left: list[tuple[str, str]] = []
        self.groups: dict[str, Mapping[str, Any]] = {}
        self._seen: set[Any] = set()
        self._count = 0

    def group(self, group: Any, place: str, depth: int) -> None:
        if not self._is_new(group) or depth > self.limits.depth:
            return
        self.groups[place] = _attributes(group, place)
        axes = _nexus_axes(group)
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue  # what is linked is given where it stands
            inner = f"{place}/{name}".lstrip("/")
            try:
                child = group[name]
            except (KeyError, OSError, RuntimeError, ValueError) as error:
                self.left.append((inner, f"It cannot be opened: {error}"))
                continue
            if isinstance(child, h5py.Group):
                self.group(child, inner, depth + 1)
            elif isinstance(child, h5py.Dataset) and self._is_new(child):
                self._dataset(child, inner, axes.get(name, ()))

    def _is_new(self, node: Any) -> bool:
        address = h5py.h5o.get_info(node.id).addr
        is_new = address not in self._seen
        self._seen.add(address)
        return is_new

    def _dataset(self, dataset: Any, name: str, axes: tuple[str, ...]) -> None:
        if dataset.shape is None or not dataset.shape or dataset.size == 0:
            return  # single values are facts
        if PERSONAL.search(name):
            return
        if h5py.check_string_dtype(dataset.dtype) is not None:
            self._texts(dataset, name)
            return
        reason = _obstacle(dataset)
        if not reason and self._count >= self.limits.array_count:
            reason = f"The file holds more than {self.limits.array_count} arrays."
        if reason:
            self.left.append((name, reason))
            return
        self._count += 1
        unit = attribute(dataset, "units") or attribute(dataset, "unit")
        words = attribute(dataset, "long_name")
        self.arrays.append(
            OpenArray(
                name,
                tuple(int(n) for n in dataset.shape),
                dataset.dtype.newbyteorder("="),
                _reading(dataset),
                dimensions=axes or _scales(dataset, name),
                unit=unit if isinstance(unit, str) else "",
                description=words if isinstance(words, str) else "",
                attributes={
                    key: value
                    for key, value in _attributes(dataset, name).items()
                    if key not in _SAID_OTHERWISE
                },
                fill=_fill(dataset),
                native=tuple(int(n) for n in dataset.chunks) if dataset.chunks else None,
            )
        )

    def _texts(self, dataset: Any, name: str) -> None:
        if dataset.ndim != 1 or not hdf5_plot.is_own_data(dataset) or dataset.size * 16 > _TEXT_BYTES:
            self.left.append((name, "It holds words, and is too large or has more than one dimension."))
            return
        values = dataset.asstr(errors="replace")[()]
        self.texts[name] = [str(value) for value in values]


def _reading(dataset: Any) -> Callable[[tuple[slice, ...]], Any]:
    def read(extent: tuple[slice, ...]) -> Any:
        try:
            return dataset[extent]
        except (OSError, RuntimeError, ValueError) as error:
            raise UnreadableError(
                f"The numbers of {dataset.name} are damaged: {' '.join(str(error).split())}"
            ) from error

    return read


def _obstacle(dataset: Any) -> str:
    """Why the numbers cannot be given; empty where they can."""
    if dataset.external:
        return "Its numbers lie in another file."
    if dataset.is_virtual:
        return "It is put together from other files."
    if dataset.dtype.names:
        return "It holds records of several values."
    if dataset.dtype.kind not in _NUMBERS or np.dtype(dataset.dtype).name in _TOO_WIDE:
        return f"Its values are of the type {dataset.dtype}, which Zarr does not have."
    plist = dataset.id.get_create_plist()
    for place in range(plist.get_nfilters()):
        code, _, _, name = plist.get_filter(place)
        if not h5py.h5z.filter_avail(code):
            word = name.decode("utf-8", "replace") if name else str(code)
            return f"It is compressed by {word}, which no installed library undoes."
    return ""


def _attributes(node: Any, place: str) -> dict[str, Any]:
    return {
        name: value
        for name in node.attrs
        if name not in INTERNAL
        and not PERSONAL.search(f"/{place}/{name}")
        and (value := attribute(node, name)) is not None
    }


def _fill(dataset: Any) -> Any:
    """What the file itself calls fill: HDF5 gives every array a value for what was never written, mostly 0."""
    for name in ("_FillValue", "missing_value"):
        value = attribute(dataset, name)
        if value is not None and np.ndim(value) == 0 and isinstance(value, (int, float, np.number)):
            return value
    return None


def _scales(dataset: Any, name: str) -> tuple[str, ...]:
    """The names of the scales along the axes; a scale lies along itself."""
    if dataset.attrs.get("CLASS") in {b"DIMENSION_SCALE", "DIMENSION_SCALE"} and dataset.ndim == 1:
        return (name.rpartition("/")[2],)
    found = []
    for axis in dataset.dims:
        word = axis.label
        try:
            scales = list(axis.values())
        except (RuntimeError, ValueError, KeyError, OSError):
            scales = []
        if scales and scales[0].name:
            word = scales[0].name.rpartition("/")[2]
        found.append(word or "")
    return tuple(found) if any(found) else ()


def _nexus_axes(group: Any) -> dict[str, tuple[str, ...]]:
    """Member -> names of its axes, where a NeXus group says so. Source: NeXus NXdata, attributes axes and signal."""
    axes = group.attrs.get("axes")
    if axes is None:
        return {}
    names = [_word(one) for one in np.atleast_1d(axes)]
    if len(names) == 1 and ":" in names[0]:
        names = names[0].split(":")
    shown = tuple("" if name == "." else name for name in names)
    found: dict[str, tuple[str, ...]] = {}
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        member = group[name]
        if not isinstance(member, h5py.Dataset) or not member.shape:
            continue
        if name in shown and member.ndim == 1:
            found[name] = (name,)
        elif member.ndim == len(shown):
            found[name] = tuple(
                _fitting(group, axis, size) for axis, size in zip(shown, member.shape, strict=True)
            )
    return found


def _fitting(group: Any, axis: str, size: int) -> str:
    """The name of an axis, unless its places are of another number (edges of bins, say)."""
    member = group.get(axis) if axis and isinstance(group.get(axis, getlink=True), h5py.HardLink) else None
    return axis if isinstance(member, h5py.Dataset) and member.shape == (size,) else ""


def _word(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
