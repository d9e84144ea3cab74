"""Rounds that alternate, medians with ranges, and the tables made from them.

Every contestant does the same work on the same bytes in the same round; the order rotates from round to round. What
is not equal is said in the notes of the table. Ratios compare medians, and, where a limit swings, its best round.
"""

from __future__ import annotations

import datetime as dt
import json
import mmap
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
ROUNDS = 5
_SETTLED_BYTES = 512 << 20


@dataclass
class Row:
    """One contestant: ``kind`` is ours, peer or limit; ``values`` hold one number per round."""

    name: str
    kind: str
    values: list[float] = field(default_factory=list)
    note: str = ""

    @property
    def median(self) -> float:
        """The middle round."""
        return statistics.median(self.values)


@dataclass
class Goal:
    """What was to be reached, as a ratio or a figure, and what was."""

    text: str
    reached: float
    wanted: float
    is_upper: bool = False  # True: at most ``wanted``

    @property
    def is_met(self) -> bool:
        """Whether the goal stands."""
        return self.reached <= self.wanted if self.is_upper else self.reached >= self.wanted


@dataclass
class Result:
    """One benchmark's table. ``unit`` belongs to the numbers of the rows."""

    name: str
    title: str
    unit: str
    rows: list[Row]
    goals: list[Goal]
    notes: list[str]
    load_before: float = 0.0
    load_after: float = 0.0
    at: str = ""

    def save(self) -> None:
        """Write the numbers; the table is made from them."""
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{self.name}.json").write_text(
            json.dumps(asdict(self), ensure_ascii=False, indent=1), "utf-8"
        )


def alternate(
    contestants: dict[str, Callable[[int], float]], *, rounds: int = ROUNDS, warm_up: bool = True
) -> dict[str, list[float]]:
    """Run every contestant once per round, in an order that rotates; the warm-up round is not counted.

    Args:
        contestants: Name -> function of the round's number that does the work and returns its seconds (or any figure).
        rounds: How many rounds count.
        warm_up: Whether a first round is thrown away.
    """
    names = list(contestants)
    values: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-1 if warm_up else 0, rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            settle_memory()
            value = contestants[name](number)
            print(f"  round {number}: {name}: {value:.4g}", flush=True)
            if number >= 0:
                values[name].append(value)
    return values


def settle_memory() -> None:
    """Touch half a gigabyte of huge pages and let it go, so that nobody gets memory from the host within its time.

    A virtual machine gives free memory back to its host after seconds without work, and 2 MiB of it anew take 4 ms. Whoever
    came first after an idle moment paid for that, and whoever came next found the pages there: 0.2 s of an epoch of 0.1 s.
    """
    with mmap.mmap(-1, _SETTLED_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.madvise(mmap.MADV_HUGEPAGE)
        for start in range(0, _SETTLED_BYTES, mmap.PAGESIZE):
            memory[start] = 1


def timed(act: Callable[[], object]) -> float:
    """Seconds that the act takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` (0..1) of the values lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def finish(  # noqa: PLR0917 - one call a benchmark
    name: str, title: str, unit: str, rows: list[Row], goals: list[Goal], notes: list[str], load: float
) -> Result:
    """Save a result and print its table."""
    moment = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M")
    result = Result(name, title, unit, rows, goals, notes, load, os.getloadavg()[0], moment)
    result.save()
    print(table(asdict(result)))
    return result


def table(result: dict) -> str:
    """A result as Markdown."""
    lines = [f"## {result['title']}", ""]
    lines += [f"| contestant | kind | median ({result['unit']}) | range | rounds |", "|---|---|---|---|---|"]
    for row in result["rows"]:
        values = row["values"]
        middle = statistics.median(values)
        note = f" ({row['note']})" if row["note"] else ""
        lines.append(
            f"| {row['name']}{note} | {row['kind']} | {middle:.4g} | {min(values):.4g} to {max(values):.4g} | {len(values)} |"
        )
    lines += ["", "| to reach | reached | wanted | |", "|---|---|---|---|"]
    for goal in result["goals"]:
        is_met = goal["reached"] <= goal["wanted"] if goal["is_upper"] else goal["reached"] >= goal["wanted"]
        sign = "at most" if goal["is_upper"] else "at least"
        lines.append(
            f"| {goal['text']} | {goal['reached']:.3g} | {sign} {goal['wanted']:g} | {'met' if is_met else '**missed**'} |"
        )
    lines += ["", *(f"- {note}" for note in result["notes"])]
    lines += [
        f"- {result['at']} UTC, load average {result['load_before']:.1f} before, {result['load_after']:.1f} after."
    ]
    return "\n".join(lines) + "\n"


def write_results(order: list[str]) -> None:
    """RESULTS.md from the numbers that are there."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    head = [
        "# Benchmark results",
        "",
        "Made by `make bench`. At least five rounds that alternate, in rotating order, after a warm-up; medians with",
        "ranges; peers and the physical limit in the same rounds on the same bytes. Client, server and peers share",
        f"the machine: {os.cpu_count()} cores ({cpu}), Python {platform.python_version()}, {platform.system()}.",
        "Ratios under 2 on a shared host say little; goals that were missed are marked.",
        "",
    ]
    parts = [
        table(json.loads((RESULTS / f"{name}.json").read_text("utf-8")))
        for name in order
        if (RESULTS / f"{name}.json").exists()
    ]
    (HERE / "RESULTS.md").write_text("\n".join(head) + "\n" + "\n".join(parts), "utf-8")
