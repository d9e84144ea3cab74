"""miniSEED 2 and 3: channels with start, end, rate; the first traces drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from pymseed import MiniSEEDError, MS3Record

from tsunagu.formats import draw
from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.findings import Findings, as_number
from tsunagu.formats.types import Column

if TYPE_CHECKING:
    from pathlib import Path

    from tsunagu.formats.reader import Context
    from tsunagu.formats.types import Reading

_SAMPLES = 20_000_000
_CHANNELS = 200
_NANOSECONDS = 1e9
_PARTS = 5


@dataclass
class _Channel:
    """One source identifier over the file."""

    rate: float
    start: int
    end: int
    start_text: str
    end_text: str
    encoding: str
    version: int
    publication: int
    samples: int = 0
    records: int = 0
    gaps: int = 0
    pieces: list[Any] = field(default_factory=list)


def read(path: Path, context: Context) -> Reading:
    """All records in one pass; samples decoded up to 20 million.

    Raises:
        UnreadableError: no record, or a record cut off.
    """
    findings = Findings(context.limits)
    channels: dict[str, _Channel] = {}
    problem = ""
    decoded = 0
    # Full SEED begins with control headers that hold no data.
    skips = context.head[6:7] in b"VASTD" and not context.head[6:8].startswith(b"D ")
    try:
        for record in MS3Record.from_file(path, unpack_data=True, skip_not_data=skips):
            decoded += _take(record, channels, is_kept=decoded < _SAMPLES)
    except (MiniSEEDError, ValueError, OSError) as error:
        problem = " ".join(str(error).split())
    if not channels:
        raise UnreadableError(f"The file holds no readable miniSEED record: {problem or 'no data'}.")
    _facts(channels, findings)
    _table(channels, findings)
    if problem:
        records = sum(channel.records for channel in channels.values())
        raise UnreadableError(
            f"The file breaks off or is damaged after {records:,} records: {problem.rstrip('.')}.",
            reason_code="truncated",
            partial=findings.finish(),
        )
    _draw(channels, findings, context.name)
    return findings.finish()


def _take(record: Any, channels: dict[str, _Channel], *, is_kept: bool) -> int:
    name = record.sourceid
    channel = channels.get(name)
    if channel is None:
        if len(channels) >= _CHANNELS:
            return 0
        channel = channels[name] = _Channel(
            record.samprate, record.starttime, record.endtime, record.starttime_str(), record.endtime_str(),
            record.encoding_str() or "", record.formatversion, record.pubversion,
        )  # fmt: skip
    elif channel.rate and abs(record.starttime - channel.end) > 1.5 * _NANOSECONDS / channel.rate:
        channel.gaps += 1
    if record.starttime < channel.start:
        channel.start, channel.start_text = record.starttime, record.starttime_str()
    if record.endtime > channel.end:
        channel.end, channel.end_text = record.endtime, record.endtime_str()
    channel.samples += record.samplecnt
    channel.records += 1
    if is_kept and record.numsamples and record.sampletype in {"i", "f", "d"}:
        channel.pieces.append((record.starttime, np.array(record.np_datasamples, dtype=np.float64)))
        return int(record.numsamples)
    return 0


def _facts(channels: dict[str, _Channel], findings: Findings) -> None:
    for name, channel in channels.items():
        parts = name.removeprefix("FDSN:").split("_")
        where = f"records of {name}"
        findings.field("source identifier", name, where=where)
        if len(parts) >= _PARTS:
            code = "".join(parts[3:6])
            for key, value in zip(
                ("network", "station", "location", "channel"), (*parts[:3], code), strict=True
            ):
                if value:
                    findings.field(key, value, where=where)
        findings.field("start time", channel.start_text, where=where)
        findings.field("end time", channel.end_text, where=where)
        findings.field("sample rate", channel.rate, unit="Hz", where=where)
        findings.field("samples", channel.samples, where=where)
        findings.field("records", channel.records, where=where)
        findings.field("encoding", channel.encoding, where=where)
        findings.field("format version", channel.version, where=where)
        if channel.gaps:
            findings.field("gaps or overlaps", channel.gaps, where=where)
        low = min((piece.min() for _, piece in channel.pieces), default=None)
        high = max((piece.max() for _, piece in channel.pieces), default=None)
        dtype = (
            "int32" if "int" in channel.encoding.lower() or "steim" in channel.encoding.lower() else "float"
        )
        findings.array(
            name,
            (channel.samples,),
            dtype,
            unit="count",
            minimum=as_number(low),
            maximum=as_number(high),
            where=where,
        )


def _table(channels: dict[str, _Channel], findings: Findings) -> None:
    """A row a sample, whatever the channel."""
    measured = [one for one in channels.values() if one.encoding.split()[0:1] != ["Text"] and one.rate]
    if not measured:
        return
    start, end = min(one.start_text for one in measured), max(one.end_text for one in measured)
    rows = sum(one.samples for one in measured)
    columns = (
        Column("channel", "text", description="source identifier"),
        Column("time", "time", minimum=start, maximum=end),
        Column("value", "number", "count"),
    )
    # Beyond the cap channels are not counted.
    count = rows if len(channels) < _CHANNELS else None
    findings.table("samples", columns, row_count=count, where="records")


def _draw(channels: dict[str, _Channel], findings: Findings, title: str) -> None:
    start = min(channel.start for channel in channels.values())
    lines = []
    for name, channel in channels.items():
        if not channel.pieces or not channel.rate:
            continue
        xs, ys = [], []
        for begin, piece in channel.pieces:
            xs.append((begin - start) / _NANOSECONDS + np.arange(piece.size) / channel.rate)
            ys.append(piece)
        lines.append(draw.series(name, np.concatenate(xs), np.concatenate(ys)))
    findings.preview(
        draw.curve(title, lines, x=("time from the first sample", "s"), y=("amplitude", "count"))
    )
