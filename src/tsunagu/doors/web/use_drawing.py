"""The months of a dataset's use as bars; the table beside the picture says the same."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tsunagu.data.usage.api import Month

_WIDTH, _HEIGHT = 720, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 8, 28, 28
_MOST_WORDS = 12


def use_svg(months: Sequence[Month]) -> SafeString:
    """Two bars for each month: what was looked at, and what was fetched."""
    highest = _round_up(max((one.counts.investigations for one in months), default=0))
    foot, height = _HEIGHT - _BOTTOM, _HEIGHT - _TOP - _BOTTOM
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(months))
    every = -(-len(months) // _MOST_WORDS)
    lines = format_html_join(
        "",
        '<line class="gridline" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (_LEFT, _WIDTH - _RIGHT, y, y, _LEFT - 6, y + 4, f"{value:,}")
            for value in (0, highest // 2, highest)
            for y in (foot - height * value // highest,)
        ),
    )
    bars = format_html_join(
        "",
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{} {}: {}</title></rect>',
        (
            (
                kind,
                f"{_LEFT + number * step + step * (0.12 + 0.4 * place):.1f}",
                f"{foot - height * count / highest:.1f}",
                f"{step * 0.36:.1f}",
                f"{height * count / highest:.1f}",
                one.month,
                word,
                f"{count:,}",
            )
            for number, one in enumerate(months)
            for place, (kind, word, count) in enumerate(_both(one))
            if count
        ),
    )
    words = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="middle">{}</text>',
        (
            (f"{_LEFT + (number + 0.5) * step:.1f}", foot + 18, one.month)
            for number, one in enumerate(months)
            if number % every == 0
        ),
    )
    key = format_html_join(
        "",
        '<rect class="{}" x="{}" y="6" width="12" height="12"/><text x="{}" y="16">{}</text>',
        (
            (kind, _LEFT + 150 * place, _LEFT + 150 * place + 18, word)
            for place, (kind, word, _count) in enumerate(_both(months[0]))
        ),
    )
    return format_html(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}{}</svg>',
        _WIDTH, _HEIGHT, _("Use by month; the table below says the same"), lines, bars, words, key,
    )  # fmt: skip


def _both(one: Month) -> tuple[tuple[str, str, int], tuple[str, str, int]]:
    return (
        ("count", _("Views"), one.counts.investigations),
        ("count more", _("Downloads and loads"), one.counts.requests),
    )


def _round_up(count: int) -> int:
    """A round number, even so that its half is whole."""
    power = 2
    while power < count:
        power *= 5 if str(power)[0] == "2" else 2
    return power
