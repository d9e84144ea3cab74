"""Making tables of files in a folder, as a worker does, without a node."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tsunagu.formats import api as formats
from tsunagu.formats.arrays.make import make_store
from tsunagu.formats.converting.convert import convert
from tsunagu.formats.examine import examine
from tsunagu.formats.registry import installed_readers

READERS = {one.info.name: one for one in installed_readers()[0]}
MAPPING = formats.parse_mapping(formats.default_mapping_text())


def planned(folder: Path, **more: Any) -> formats.Plan:
    """The plan of every file below a folder."""
    return formats.plan_tables(read_in(folder, **more), readers=formats.row_readers(), labels={})


def planned_arrays(folder: Path, **more: Any) -> formats.ArraysPlan:
    """The same for arrays."""
    return formats.plan_arrays(read_in(folder, **more), readers=formats.array_readers(), labels={})


def read_in(folder: Path, **more: Any) -> list[formats.ReadFile]:
    """What readers say of every file below a folder."""
    found = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        document = outcome_of(path, **more)
        found.append(formats.ReadFile(path.relative_to(folder).as_posix(), path.stat().st_size, document))
    return found


def store_in(folder: Path, target: Path) -> Any:
    """Attempts at a store in this process; its files land below ``target``."""

    def attempt(plan: formats.StorePlan) -> tuple[formats.StoreProfile, Path]:
        place = _emptied(target / plan.path)
        profile = make_store(
            plan,
            lambda index: (folder / plan.sources[index].path).open("rb"),
            lambda path, piece: _append(place / path, piece),
            arrays=READERS[plan.reader].load_arrays(),
        )
        return profile, place

    return attempt


def store_behind_walls(
    folder: Path, target: Path, pool: formats.Converter, *, watch: list[int] | None = None, **more: Any
) -> Any:
    """The same in the sandbox; ``watch`` as for tables."""

    def attempt(plan: formats.StorePlan) -> tuple[formats.StoreProfile, Path]:
        place = _emptied(target / plan.path)

        @contextlib.contextmanager
        def open_file(index: int) -> Iterator[Path]:
            yield folder / plan.sources[index].path

        def take(path: str, piece: bytes) -> None:
            _append(place / path, piece)
            if watch is not None:
                watch.append(max(map(_peak_bytes, _children_of(pool)), default=0))

        return pool.make_store(plan, open_file, take, limits=formats.Limits(**more)), place

    return attempt


def _emptied(place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    return place


def _append(path: Path, piece: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(piece)


def outcome_of(path: Path, **more: Any) -> dict[str, Any]:
    """What is said of one file, as JSON."""
    outcome = examine(path, name=path.name, readers=list(READERS.values()), limits=formats.Limits(**more))
    return MAPPING.apply(outcome).as_json()


def attempt_in(folder: Path) -> Any:
    """Attempts in this process."""

    def attempt(plan: formats.TablePlan) -> tuple[formats.TableProfile, bytes]:
        sink = io.BytesIO()
        rows = READERS[plan.reader].load_rows()
        profile = convert(
            plan, lambda index: (folder / plan.sources[index].path).open("rb"), sink.write, rows=rows
        )
        return profile, sink.getvalue()

    return attempt


def attempt_behind_walls(
    folder: Path,
    pool: formats.Converter,
    *,
    watch: list[int] | None = None,
    opened: Callable[[int], object] = lambda index: None,
    **more: Any,
) -> Any:
    """Attempts in the sandbox.

    ``watch`` hears how much memory the process that parses holds resident, in bytes; ``opened`` of each file.
    """

    def attempt(plan: formats.TablePlan) -> tuple[formats.TableProfile, bytes]:
        sink = io.BytesIO()

        @contextlib.contextmanager
        def open_file(index: int) -> Iterator[Path]:
            opened(index)
            yield folder / plan.sources[index].path

        def take(piece: bytes) -> None:
            sink.write(piece)
            if watch is not None:
                watch.append(max(map(_peak_bytes, _children_of(pool)), default=0))

        profile = pool.convert(plan, open_file, take, limits=formats.Limits(**more))
        return profile, sink.getvalue()

    return attempt


def made(folder: Path, *choices: formats.Choice) -> dict[str, tuple[Any, formats.Made]]:
    """Every table of a folder by name: the Parquet file as it is read back, and how it was made."""
    found = {}
    for plan in planned(folder).tables:
        one = formats.settle(plan.with_choices(choices), attempt_in(folder))
        found[plan.name] = (pq.read_table(io.BytesIO(one.result)), one)
    return found


def _children_of(pool: formats.Converter) -> list[int]:
    assert pool._process is not None
    path = Path(f"/proc/{pool._process.pid}/task/{pool._process.pid}/children")
    return [int(one) for one in path.read_text().split()]


def _peak_bytes(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0].split()[1]) * 1024 if found else 0
