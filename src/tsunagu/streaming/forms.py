"""Batches in the form that is asked for; the type of a column is the same in every batch of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tsunagu.client.messages import text
from tsunagu.streaming.errors import StreamPackageMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

FORMS = ("arrow", "numpy", "torch")


def maker(form: str, nullable: Collection[str]) -> Callable[[pa.RecordBatch], Any]:
    """What turns a record batch into the form.

    Args:
        form: One of ``FORMS``.
        nullable: Columns in which values may be missing: whole numbers and booleans of these become floating point,
            a missing one NaN, in every batch.

    Raises:
        StreamPackageMissingError: torch is not installed.
    """
    if form == "arrow":
        return lambda batch: batch
    if form == "numpy":
        return lambda batch: _arrays(batch, nullable)
    torch = need_torch()
    return lambda batch: {name: _tensor(torch, value) for name, value in _arrays(batch, nullable).items()}


def need_torch() -> Any:
    """The library.

    Raises:
        StreamPackageMissingError: it is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise StreamPackageMissingError(text("stream_no_torch"), remedy="pip install torch") from error
    return torch


def _arrays(batch: pa.RecordBatch, nullable: Collection[str]) -> dict[str, np.ndarray[Any, Any]]:
    names = batch.schema.names
    return {
        name: _array(column, may_miss=name in nullable)
        for name, column in zip(names, batch.columns, strict=True)
    }


def _array(column: pa.Array, *, may_miss: bool) -> Any:
    kind = column.type
    if isinstance(column, pa.FixedShapeTensorArray):
        return column.to_numpy_ndarray()
    if pa.types.is_dictionary(kind):
        return _array(column.dictionary_decode(), may_miss=may_miss)
    if pa.types.is_fixed_size_list(kind) and not column.null_count and _is_number(kind.value_type):
        return column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), kind.list_size)
    if may_miss and (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        return pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
    return column.to_numpy(zero_copy_only=False)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _tensor(torch: Any, array: np.ndarray[Any, Any]) -> Any:
    """Numbers and booleans as a tensor of their own memory; times, text and lists stay arrays of NumPy."""
    if array.dtype.kind not in "biuf":
        return array
    return torch.from_numpy(array if array.flags.writeable else array.copy())
