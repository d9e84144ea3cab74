"""Drawings made on the server: curves and provenance as SVG that follows the theme through CSS classes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

_WIDTH, _HEIGHT = 720, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 16, 12, 46
_MOST_SERIES = 6


def curve_svg(preview: Mapping[str, Any], *, is_small: bool = False) -> SafeString:
    """A curve preview: axes with units, one line per series, each with its own dash.

    Args:
        preview: As ``formats`` gives it: series of x and y, labels, units, ``x_reversed``, ``is_sticks``; ``is_points``: not joined.
        is_small: A thumbnail without axes.
    """
    series = preview["series"][:_MOST_SERIES]
    points = [
        [(x, y) for x, y in zip(s["x"], s["y"], strict=False) if _is_number(x) and _is_number(y)]
        for s in series
    ]
    flat = [point for line in points for point in line]
    title = str(preview.get("title") or _("Curve"))
    if not flat:
        return format_html('<p class="meta">{}</p>', _("This curve has no points."))
    frame = _Frame(
        flat,
        is_reversed=bool(preview.get("x_reversed")),
        is_small=is_small,
        from_zero=bool(preview.get("is_sticks")),
    )
    parts = [] if is_small else [frame.axes(_labelled(preview, "x"), _labelled(preview, "y"))]
    for number, line in enumerate(points, 1):
        if preview.get("is_sticks"):
            path = "".join(f"M{frame.x(x):.1f} {frame.y(0):.1f}V{frame.y(y):.1f}" for x, y in line)
            parts.append(format_html('<path class="s{}" d="{}" fill="none"/>', number, path))
        elif preview.get("is_points"):
            path = "".join(f"M{frame.x(x):.1f} {frame.y(y):.1f}h0" for x, y in line)
            parts.append(format_html('<path class="s{} dots" d="{}"/>', number, path))
        else:
            text = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in line)
            parts.append(format_html('<polyline class="s{}" points="{}"/>', number, text))
    return format_html(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}</svg>',
        frame.width, frame.height, title, title, mark_safe("".join(parts)),  # noqa: S308 - made of escaped parts above
    )  # fmt: skip


def bars_svg(bars: Sequence[Any], *, label: str, unit: str) -> SafeString:
    """A histogram of numbers.

    Args:
        bars: Each with ``low``, ``high`` and ``count``.
        label: What is counted.
        unit: Its unit, or empty.
    """
    corners = [(bars[0].low, 0.0), (bars[-1].high, float(max(bar.count for bar in bars)))]
    frame = _Frame(corners, is_reversed=False, is_small=False, from_zero=True)
    shapes = format_html_join(
        "",
        '<rect class="count" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>',
        (
            (
                f"{frame.x(bar.low):.1f}",
                f"{frame.y(bar.count):.1f}",
                f"{max(0.5, frame.x(bar.high) - frame.x(bar.low) - 1):.1f}",
                f"{frame.y(0) - frame.y(bar.count):.1f}",
                bar.label,
                bar.count,
            )
            for bar in bars
        ),
    )
    axes = frame.axes(_labelled({"x_label": label, "x_unit": unit}, "x"), _("Rows"))
    return format_html(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}</svg>',
        frame.width, frame.height, label, mark_safe(axes), shapes,  # noqa: S308 - made of escaped parts
    )  # fmt: skip


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _labelled(preview: Mapping[str, Any], axis: str) -> str:
    label, unit = preview.get(f"{axis}_label") or "", preview.get(f"{axis}_unit") or ""
    is_said_twice = label.casefold() == unit.casefold()
    return f"{label} / {unit}" if label and unit and not is_said_twice else str(label or unit)


class _Frame:
    """Maps numbers to places in the drawing."""

    def __init__(
        self, points: Sequence[tuple[float, float]], *, is_reversed: bool, is_small: bool, from_zero: bool
    ) -> None:
        xs, ys = [x for x, _ in points], [y for _, y in points]
        if from_zero:
            ys.append(0.0)
        self._x0, self._x1 = _widened(min(xs), max(xs))
        self._y0, self._y1 = _widened(min(ys), max(ys))
        self._is_reversed = is_reversed
        self.width, self.height = (240, 110) if is_small else (_WIDTH, _HEIGHT)
        self._box = (4, 4, 236, 106) if is_small else (_LEFT, _TOP, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM)

    def x(self, value: float) -> float:
        share = (value - self._x0) / (self._x1 - self._x0)
        return self._box[0] + (1 - share if self._is_reversed else share) * (self._box[2] - self._box[0])

    def y(self, value: float) -> float:
        return self._box[3] - (value - self._y0) / (self._y1 - self._y0) * (self._box[3] - self._box[1])

    def axes(self, x_label: str, y_label: str) -> str:
        left, top, right, bottom = self._box
        parts = [f'<path class="axis" d="M{left} {top}V{bottom}H{right}"/>']
        for tick in _ticks(self._x0, self._x1):
            place = self.x(tick)
            parts.append(
                f'<line class="gridline" x1="{place:.1f}" x2="{place:.1f}" y1="{top}" y2="{bottom}"/>'
            )
            parts.append(
                f'<text x="{place:.1f}" y="{bottom + 17}" text-anchor="middle">{_tick_text(tick)}</text>'
            )
        for tick in _ticks(self._y0, self._y1):
            place = self.y(tick)
            parts.append(
                f'<line class="gridline" x1="{left}" x2="{right}" y1="{place:.1f}" y2="{place:.1f}"/>'
            )
            parts.append(
                f'<text x="{left - 6}" y="{place + 4:.1f}" text-anchor="end">{_tick_text(tick)}</text>'
            )
        parts.append(
            f'<text x="{(left + right) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>'
        )
        middle = (top + bottom) / 2
        parts.append(
            f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>'
        )
        return "".join(parts)


def _widened(low: float, high: float) -> tuple[float, float]:
    if low == high:
        pad = abs(low) / 2 or 1.0
        return low - pad, high + pad
    return low, high


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers."""
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((m * power for m in (1, 2, 5, 10) if m * power >= raw), power * 10)
    first = math.ceil(low / step)
    return [n * step for n in range(first, first + 12) if n * step <= high + step * 1e-9]


def _tick_text(value: float) -> str:
    return f"{value:.4g}"


_NODE_W, _NODE_H, _GAP_X, _GAP_Y = 168, 52, 56, 18


def provenance_svg(
    nodes: Sequence[Mapping[str, Any]], edges: Sequence[tuple[str, str]], *, label: str = ""
) -> SafeString:
    """Things and what leads from one to another, left to right.

    Args:
        nodes: {id, kind (entity, run, agent), title, sub, url, is_failed, column}.
        edges: (from id, to id) in the direction of time.
        label: What it is for those who do not see it; empty: provenance.
    """
    columns: dict[int, list[Mapping[str, Any]]] = {}
    for node in nodes:
        columns.setdefault(int(node["column"]), []).append(node)
    tallest = max((len(column) for column in columns.values()), default=1)
    height = tallest * (_NODE_H + _GAP_Y) + 12
    places: dict[str, tuple[float, float]] = {}
    for number, key in enumerate(sorted(columns)):
        column = columns[key]
        top = (height - len(column) * (_NODE_H + _GAP_Y) + _GAP_Y) / 2
        for row, node in enumerate(column):
            places[node["id"]] = (6 + number * (_NODE_W + _GAP_X), top + row * (_NODE_H + _GAP_Y))
    width = 12 + len(columns) * (_NODE_W + _GAP_X) - _GAP_X
    lines = format_html_join(
        "",
        '<path d="{}" marker-end="url(#arrow)"/>',
        ((_edge(places[a], places[b]),) for a, b in edges if a in places and b in places),
    )
    boxes = format_html_join("", "{}", ((_node_svg(node, places[node["id"]]),) for node in nodes))
    return format_html(
        '<svg class="prov" viewBox="0 0 {} {}" width="{}" height="{}" role="group" aria-label="{}">'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0L8 4L0 8z"/></marker></defs>{}{}</svg>',
        width, height, width, height, label or _("Provenance drawing; the list below says the same"), lines, boxes,
    )  # fmt: skip


def _edge(start: tuple[float, float], end: tuple[float, float]) -> str:
    x0, y0, x1, y1 = start[0] + _NODE_W, start[1] + _NODE_H / 2, end[0], end[1] + _NODE_H / 2
    middle = (x0 + x1) / 2
    return f"M{x0:.0f} {y0:.0f}C{middle:.0f} {y0:.0f} {middle:.0f} {y1:.0f} {x1 - 2:.0f} {y1:.0f}"


def _node_svg(node: Mapping[str, Any], place: tuple[float, float]) -> SafeString:
    x, y = place
    body = format_html(
        '<g class="{}{}"><rect x="{}" y="{}" width="{}" height="{}" rx="3"/>'
        '<text x="{}" y="{}">{}</text><text class="sub" x="{}" y="{}">{}</text></g>',
        node["kind"], " failed" if node.get("is_failed") else "", x, y, _NODE_W, _NODE_H,
        x + 12, y + 22, clipped(str(node["title"]), 12.2), x + 12, y + 40, clipped(" · ".join(filter(None, (node.get("mark"), str(node.get("sub", ""))))), 13.2),
    )  # fmt: skip
    if node.get("url"):
        return format_html('<a href="{}"><title>{}</title>{}</a>', node["url"], node["title"], body)
    return body


def clipped(text: str, ems: float) -> str:
    """The text cut to a width: a CJK character is 1 em, a Latin one about 0.55."""
    width = 0.0
    for number, character in enumerate(text):
        width += 1.0 if ord(character) > 0x2E80 else 0.55  # noqa: PLR2004 - where CJK begins
        if width > ems:
            return text[: max(1, number - 1)] + "…"
    return text
