"""A part of a table: rows of several files, read and not yet written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tsunagu.formats.converting.kinds import ARROW_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tsunagu.formats.converting.types import TablePlan


@dataclass(frozen=True, slots=True)
class Part:
    """What is said of a file stands here once, and is repeated for its rows where somebody needs rows.

    Attributes:
        cells: An Arrow array for each column of the files, with a value a row. Length: N.
        said: One for each file column, with a value for each run of rows of one file. Length: R.
        sources: Number of the source of each run, rising. Shape: (R,).
        counts: Rows of each run, at least one. Shape: (R,).
        files: Number of the source of each row. Shape: (N,).
    """

    cells: Sequence[Any]
    said: Sequence[Any]
    sources: Any
    counts: Any
    files: Any

    @classmethod
    def of(cls, plan: TablePlan, cells: Sequence[Any], runs: Sequence[tuple[int, int]]) -> Self:
        """A part from its cells and the source and length of each run."""
        sources, counts = (np.array(one) for one in zip(*runs, strict=True))
        said = [_said(plan, place, sources) for place in range(len(plan.file_columns))]
        return cls(cells, said, sources, counts, np.repeat(sources, counts))

    def spread(self, values: Any) -> Any:
        """An Arrow array with a value for each run as one with a value for each row."""
        return values.take(pa.array(np.repeat(np.arange(len(self.counts)), self.counts)))


def _said(plan: TablePlan, place: int, sources: Any) -> Any:
    """The value of a file column for every run."""
    kind = ARROW_TYPES[plan.file_columns[place].kind]
    first, last = int(sources[0]), int(sources[-1])
    values = [source.values[place] for source in plan.sources[first : last + 1]]
    # Times come as text out of JSON.
    made = (
        pc.cast(pa.array(values), kind) if any(isinstance(v, str) for v in values) else pa.array(values, kind)
    )
    return made.take(pa.array(sources - first))
