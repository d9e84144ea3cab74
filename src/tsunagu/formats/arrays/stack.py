"""The same arrays of many files, one above the other along the dimension ``file``."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from tsunagu.formats.arrays.counting import Counted
from tsunagu.formats.arrays.grid import CHUNK_BYTES, SHARD_BYTES, Grid, choose
from tsunagu.formats.arrays.types import FILE_DIMENSION
from tsunagu.formats.arrays.whole import attributes_of, fill_of, profile_of, read
from tsunagu.formats.errors import UnreadableError

if TYPE_CHECKING:
    from tsunagu.formats.arrays.naming import Names
    from tsunagu.formats.arrays.types import ArrayProfile
    from tsunagu.formats.arrays.zarr import ZarrWriter
    from tsunagu.formats.reader import Arrays, OpenArray

# All arrays together hold this much between files.
_HELD_BYTES = 192 << 20
# An axis is held for all files, since only the last may differ.
_AXIS_BYTES = 32 << 20


@dataclass(slots=True)
class _Layer:
    """One array of the stack.

    Attributes:
        first: As the first file has it.
        attributes: What all files say of it.
        held: Numbers of files whose shard is not full yet.
        is_axis: Whether it may be the same in all files and is then written once.
        axis: While all files have the same axis, its numbers; it is written once.
    """

    path: str
    first: OpenArray
    grid: Grid
    attributes: dict[str, Any]
    counted: Counted
    held: Any = None
    is_axis: bool = False
    axis: Any = None
    axes: list[Any] = field(default_factory=list)
    scales: list[tuple[float, float]] = field(default_factory=list)
    byte_count: int = 0


class Stack:
    """Takes one file after the other; what is full goes out."""

    def __init__(self, writer: ZarrWriter, names: Names, file_count: int) -> None:
        self._writer, self._names, self._file_count = writer, names, file_count
        self._layers: list[_Layer] = []
        self._groups: dict[str, dict[str, Any]] = {}
        self._count = 0

    def add(self, found: Arrays) -> None:
        """The arrays of the next file.

        Raises:
            UnreadableError: they are others than those of the first.
        """
        arrays = {array.name: array for array in found.arrays}
        if not self._layers:
            most = _HELD_BYTES // max(1, len(arrays))
            self._layers = [self._layer(array, most) for array in arrays.values()]
            self._groups = {name: dict(said) for name, said in found.groups.items()}
        elif len(self._layers) == len(arrays) == 1:
            # A single array may be called after its file.
            arrays = dict(zip([self._layers[0].first.name], arrays.values(), strict=True))
        for name, said in self._groups.items():
            _keep_common(said, found.groups.get(name, {}))
        for layer in self._layers:
            array = arrays.get(layer.first.name)
            _require_same(layer.first, array)
            assert array is not None
            self._take(layer, array)
        self._count += 1

    def _layer(self, array: OpenArray, most: int) -> _Layer:
        dtype = np.dtype(array.dtype)
        size = prod(array.shape) * dtype.itemsize
        room = min(SHARD_BYTES, most)
        if size > room // 2:
            one = choose(array.shape, dtype.itemsize, native=array.native, is_reversed=array.is_reversed)
            grid = Grid((self._file_count, *array.shape), (1, *one.chunk), (1, *one.shard))
        else:
            files = min(self._file_count, room // size)
            one = choose(array.shape, dtype.itemsize, native=array.native)
            together = max(1, min(files, CHUNK_BYTES // max(1, prod(one.chunk) * dtype.itemsize)))
            shape = (-(-array.shape[0] // one.chunk[0]) * one.chunk[0], *array.shape[1:])
            shard = tuple(-(-n // part) * part for n, part in zip(shape, one.chunk, strict=True))
            grid = Grid(
                (self._file_count, *array.shape),
                (together, *one.chunk),
                (files // together * together, *shard),
            )
        return _Layer(
            self._names.of(array.name),
            array,
            grid,
            attributes_of(array),
            Counted(array.fill),
            is_axis=_is_axis(array) and size * self._file_count <= _AXIS_BYTES,
        )

    def _take(self, layer: _Layer, array: OpenArray) -> None:
        _keep_common(layer.attributes, attributes_of(array))
        layer.scales.append(_scale(array))
        if layer.is_axis:
            values = read(array, tuple(slice(0, n) for n in array.shape))
            if self._count == 0:
                layer.axis = values
            elif layer.axis is not None and not np.array_equal(
                layer.axis, values, equal_nan=values.dtype.kind == "f"
            ):
                layer.axes, layer.axis = [layer.axis] * self._count, None
            if layer.axis is None:
                layer.axes.append(values)
            return
        files = layer.grid.shard[0]
        if files == 1:
            self._at_once(layer, array)
            return
        if layer.held is None:
            layer.held = np.empty((files, *array.shape), layer.first.dtype)
        layer.held[self._count % files] = read(array, tuple(slice(0, n) for n in array.shape))
        if (self._count + 1) % files == 0:
            self._flush(layer, files)

    def _at_once(self, layer: _Layer, array: OpenArray) -> None:
        for place, extent in layer.grid.shards(1):
            values = read(array, extent)
            layer.counted.add(values)
            layer.byte_count += self._writer.block(
                layer.path, layer.grid, (self._count, *place), values[None], fill_of(layer.first)
            )

    def _flush(self, layer: _Layer, files: int) -> None:
        values = layer.held[:files]
        layer.counted.add(values)
        place = (self._count // layer.grid.shard[0], *[0] * (values.ndim - 1))
        layer.byte_count += self._writer.block(layer.path, layer.grid, place, values, fill_of(layer.first))

    def finish(self) -> tuple[tuple[ArrayProfile, ...], dict[str, Any]]:
        """Write what is held and the metadata; returns the profiles and what all files say of themselves."""
        self._count -= 1  # the last that was taken
        made = []
        for layer in self._layers:
            if layer.axis is not None:
                self._axis(layer, layer.axis)
            elif layer.axes:
                self._axis(layer, np.stack(layer.axes))
            elif layer.held is not None and (rest := (self._count + 1) % layer.grid.shard[0]):
                self._flush(layer, rest)
            dimensions = self._names.dimensions(
                layer.path,
                (*((FILE_DIMENSION,) if layer.axis is None else ()), *_named(layer.first)),
                layer.grid.shape,
            )
            self._say_scale(layer)
            self._writer.array(
                layer.path,
                layer.grid,
                np.dtype(layer.first.dtype),
                fill_of(layer.first),
                dimensions=dimensions,
                attributes=layer.attributes,
            )
            made.append(
                profile_of(
                    layer.first, layer.path, layer.grid.shape, dimensions, layer.counted, layer.byte_count
                )
            )
        for name, said in self._groups.items():
            if name and said:
                self._writer.group(self._names.group(name), said)
        return tuple(made), self._groups.get("", {})

    def _say_scale(self, layer: _Layer) -> None:
        """How stored numbers become what was measured: for all files, or along them where it differs."""
        if len(set(layer.scales)) == 1:
            scale, offset = layer.scales[0]
            if (scale, offset) != (1.0, 0.0):
                layer.attributes |= {"scale_factor": scale, "add_offset": offset}
            return
        for name, values in zip(("scale_factor", "add_offset"), zip(*layer.scales, strict=True), strict=True):
            layer.attributes.pop(name, None)
            path = self._names.of(f"{layer.path}_{name}")
            self._writer.numbers(path, values, dimensions=(FILE_DIMENSION,), attributes={})
            layer.attributes[f"{name}_by_file"] = path.rpartition("/")[2]

    def _axis(self, layer: _Layer, values: Any) -> None:
        layer.grid = choose(values.shape, values.dtype.itemsize)
        for place, extent in layer.grid.shards():
            part = values[extent]
            layer.counted.add(part)
            layer.byte_count += self._writer.block(layer.path, layer.grid, place, part, fill_of(layer.first))


def _scale(array: OpenArray) -> tuple[float, float]:
    """Factor and offset of packed numbers. Source: CF conventions 1.12, 8.1."""
    found = [array.attributes.get(name) for name in ("scale_factor", "add_offset")]
    factor, offset = (float(one) if isinstance(one, (int, float, np.number)) else None for one in found)
    return 1.0 if factor is None else factor, 0.0 if offset is None else offset


def _named(array: OpenArray) -> tuple[str, ...]:
    names = [*array.dimensions, *[""] * len(array.shape)][: len(array.shape)]
    return tuple("" if name == FILE_DIMENSION else name for name in names)


def _is_axis(array: OpenArray) -> bool:
    """Whether it gives the places along a dimension: most files of a series repeat it."""
    return array.dimensions == (array.name.rpartition("/")[2],)


def _keep_common(said: dict[str, Any], other: Any) -> None:
    for key in [key for key, value in said.items() if key not in other or not _same(value, other[key])]:
        del said[key]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(np.asarray(one), np.asarray(other))
    return bool(one == other)


def _require_same(first: OpenArray, array: OpenArray | None) -> None:
    """What readings promised; a file that changed meanwhile, or whose reading was cut, ends here."""
    if array is None:
        raise UnreadableError(f"The file has no array {first.name} any more.", reason_code="unsupported")
    for what, one, other in (
        ("shape", first.shape, array.shape),
        ("type", np.dtype(first.dtype).name, np.dtype(array.dtype).name),
        ("unit", first.unit, array.unit),
        ("fill value", repr(fill_of(first)), repr(fill_of(array))),
    ):
        if one != other:
            raise UnreadableError(
                f"The {what} of {array.name} is {other}; the first file of the stack has {one}.",
                reason_code="unsupported",
            )
