"""Zarr v3 written as a stream: each file of a store once, from its first byte to its last, in bounded memory.

zarr-python itself needs an event loop and with it a pair of sockets, which the walls refuse, and would hold a shard
twice. What is written here is the little that a one-way conversion needs; zarr-python and xarray judge it in the tests.

Sources: Zarr core specification 3.0 (https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html), its codecs
``bytes``, ``crc32c`` and ``sharding_indexed``; for ``zstd``, ``string`` and ``vlen-utf8`` the registered extensions
(https://github.com/zarr-developers/zarr-extensions); consolidated metadata as zarr-python 3 writes it.
"""

from __future__ import annotations

import json
import math
import struct
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tsunagu.formats.arrays.grid import Grid
from tsunagu.formats.arrays.types import METADATA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

LEVEL = 3
PIECE_BYTES = 1 << 20
_ABSENT = 0xFFFFFFFFFFFFFFFF
_CASTAGNOLI = 0x82F63B78
_TYPES = {
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32",
    "float64", "complex64", "complex128",
}  # fmt: skip


def type_name(dtype: Any) -> str | None:
    """The name of a NumPy data type in Zarr's core, or ``None`` where it has none."""
    name = np.dtype(dtype).name
    return name if name in _TYPES else None


class ZarrWriter:
    """One store. Files leave through ``sink(path, piece)``: all pieces of a file in a row, every file once.

    Paths are of the store; ``close`` writes what only then is known: the metadata of all of it in one document.
    """

    def __init__(self, sink: Callable[[str, bytes], object]) -> None:
        self._sink = sink
        self._codec = pa.Codec("zstd", compression_level=LEVEL)
        self._nodes: dict[str, dict[str, Any]] = {}
        self.byte_count = 0

    def block(self, path: str, grid: Grid, place: Sequence[int], values: Any, fill: Any) -> int:
        """Write one shard (a chunk, where there is none); returns its bytes, 0 where all of it is fill.

        Args:
            path: Of the array in the store.
            grid: Of the array.
            place: Of the shard in the grid.
            values: The numbers of the shard that lie in the array.
            fill: Value of what is not written.
        """
        values = np.asarray(values)
        target = "/".join([path, "c", *map(str, place)])
        empty = np.full(grid.chunk, fill, dtype=values.dtype).tobytes()
        index, at = [], 0
        for chunk in _chunks(grid, values, fill):
            raw = chunk.tobytes()
            if raw == empty:
                index.append((_ABSENT, _ABSENT))
                continue
            packed = self._codec.compress(raw, asbytes=True)
            self._send(target, packed)
            index.append((at, len(packed)))
            at += len(packed)
        if at and grid.is_sharded:
            table = b"".join(struct.pack("<QQ", *one) for one in index)
            self._send(target, table + struct.pack("<I", crc32c(table)))
        return at

    def texts(self, path: str, values: Sequence[str], **said: Any) -> None:
        """A whole one-dimensional array of texts as one chunk."""
        parts = [struct.pack("<I", len(values))]
        for value in values:
            data = value.encode("utf-8", "surrogatepass")
            parts += [struct.pack("<I", len(data)), data]
        self._send(f"{path}/c/0", self._codec.compress(b"".join(parts), asbytes=True))
        codecs = [{"name": "vlen-utf8", "configuration": {}}, _ZSTD]
        self._array(path, (len(values),), (max(1, len(values)),), "string", "", codecs, **said)

    def numbers(self, path: str, values: Sequence[float | None], **said: Any) -> None:
        """A whole one-dimensional array of numbers; whole ones stay whole where none is missing."""
        dtype = np.int64 if all(isinstance(value, int) for value in values) else np.float64
        found = np.array([math.nan if value is None else value for value in values], dtype=dtype)
        grid = Grid(found.shape, found.shape, found.shape)
        fill = found.dtype.type(0)
        self.block(path, grid, (0,), found, fill)
        self.array(path, grid, dtype, fill, **said)

    def array(self, path: str, grid: Grid, dtype: Any, fill: Any, **said: Any) -> None:
        """Note the metadata of an array whose blocks are written.

        Args:
            path: Of the array.
            grid: Its shape and how it was cut.
            dtype: NumPy's.
            fill: Value of what was not written.
            **said: ``dimensions`` and ``attributes``.
        """
        dtype = np.dtype(dtype)
        name = type_name(dtype)
        assert name is not None
        inner = [
            {"name": "bytes", "configuration": {"endian": "little"} if dtype.itemsize > 1 else {}},
            _ZSTD,
        ]
        codecs = inner
        if grid.is_sharded:
            codecs = [
                {
                    "name": "sharding_indexed",
                    "configuration": {
                        "chunk_shape": list(grid.chunk),
                        "codecs": inner,
                        "index_codecs": [
                            {"name": "bytes", "configuration": {"endian": "little"}},
                            {"name": "crc32c"},
                        ],
                        "index_location": "end",
                    },
                }
            ]
        self._array(path, grid.shape, grid.shard, name, _fill(dtype, fill), codecs, **said)

    def _array(
        self,
        path: str,
        shape: Sequence[int],
        chunk: Sequence[int],
        name: str,
        fill: Any,
        codecs: list[dict[str, Any]],
        *,
        dimensions: Sequence[str],
        attributes: Mapping[str, Any],
    ) -> None:
        self._nodes[path] = {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(shape),
            "data_type": name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk)}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": fill,
            "codecs": codecs,
            "attributes": plain(attributes),
            "dimension_names": list(dimensions),
            "storage_transformers": [],
        }

    def group(self, path: str, attributes: Mapping[str, Any]) -> None:
        """A group; those above an array that nobody names are made without attributes."""
        self._nodes[path] = {"zarr_format": 3, "node_type": "group", "attributes": plain(attributes)}

    def close(self, attributes: Mapping[str, Any]) -> None:
        """Write the metadata of every node, and of all of them into the root's."""
        for path in list(self._nodes):
            parts = path.split("/")[:-1]
            for depth in range(1, len(parts) + 1):
                above = "/".join(parts[:depth])
                if above not in self._nodes:
                    self.group(above, {})
        for path, node in sorted(self._nodes.items()):
            self._send(f"{path}/{METADATA}", _document(node))
        root = {
            "zarr_format": 3,
            "node_type": "group",
            "attributes": plain(attributes),
            "consolidated_metadata": {
                "kind": "inline",
                "must_understand": False,
                "metadata": dict(sorted(self._nodes.items())),
            },
        }
        self._send(METADATA, _document(root))

    def _send(self, path: str, data: bytes) -> None:
        self.byte_count += len(data)
        for start in range(0, len(data), PIECE_BYTES):
            self._sink(path, data[start : start + PIECE_BYTES])


_ZSTD = {"name": "zstd", "configuration": {"level": LEVEL, "checksum": False}}


def _chunks(grid: Grid, values: Any, fill: Any) -> Iterator[Any]:
    """The chunks of a shard in order, filled up to their full shape where the array ends."""
    counts = [range(whole // part) for whole, part in zip(grid.shard, grid.chunk, strict=True)]
    kind = values.dtype.newbyteorder("<")
    for place in product(*counts):
        cut = tuple(slice(i * n, (i + 1) * n) for i, n in zip(place, grid.chunk, strict=True))
        chunk = values[cut]
        if chunk.shape != grid.chunk:
            padded = np.full(grid.chunk, fill, dtype=kind)
            padded[tuple(slice(0, n) for n in chunk.shape)] = chunk
            chunk = padded
        yield chunk.astype(kind, copy=False)


def _document(node: Mapping[str, Any]) -> bytes:
    return json.dumps(node, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
        "utf-8", "backslashreplace"
    )


def _fill(dtype: Any, value: Any) -> Any:
    """A fill value as Zarr writes it."""
    if dtype.kind == "b":
        return bool(value)
    if dtype.kind in "iu":
        return int(value)
    if dtype.kind == "c":
        return [_number(float(np.real(value))), _number(float(np.imag(value)))]
    return _number(float(value))


def _number(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def plain(value: Any) -> Any:
    """Attributes as JSON that every reader takes: no NaN, no bytes, no NumPy."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, complex):
        return [_number(value.real), _number(value.imag)]
    is_plain = value is None or isinstance(value, (str, int, bool))
    return value if is_plain else value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def crc32c(data: bytes) -> int:
    """CRC-32C of an index, a few kilobytes. Source: RFC 3720, appendix B.4."""
    table, found = _table(), 0xFFFFFFFF
    for byte in data:
        found = table[(found ^ byte) & 0xFF] ^ (found >> 8)
    return found ^ 0xFFFFFFFF


@lru_cache(maxsize=1)
def _table() -> tuple[int, ...]:
    made = []
    for number in range(256):
        value = number
        for _ in range(8):
            value = (value >> 1) ^ (_CASTAGNOLI if value & 1 else 0)
        made.append(value)
    return tuple(made)
