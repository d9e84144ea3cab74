"""Every component in each of its states on one page, for those who build pages and for the tests."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tsunagu.core import clock
from tsunagu.data.description.api import ProposalCard, ReadingProgress, ValueCard
from tsunagu.doors.web.drawing import provenance_svg
from tsunagu.doors.web.views.frame import page, problem_context
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_DATASET = SimpleNamespace(project="battery-2026", name="licoo2", draft_number=3, sees_draft=False)
_FILE_ORIGIN = {"kind": "file", "where": "header WAVE", "path": "raw/scan_01.ras"}
_VALUES = (
    ValueCard(
        "title", "LiCoO2 充放電測定", "", {"kind": "person", "by": "佐藤 花子"}, "", "2026-04-01T05:05:00Z"
    ),
    ValueCard("wavelength", 1.5406, "Å", _FILE_ORIGIN, "", "2026-04-01T05:05:00Z"),
    ValueCard(
        "keywords",
        ["cathode", "正極"],
        "",
        {"kind": "proposal", "by": "Ito", "is_edited": True, "evidence": [_FILE_ORIGIN]},
        "",
        "2026-04-01T05:05:00Z",
    ),
)
_PREVIEWS: tuple[dict[str, Any], ...] = (
    {
        "kind": "curve",
        "title": "XRD",
        "x_label": "2θ",
        "x_unit": "deg",
        "y_label": "intensity",
        "y_unit": "cps",
        "series": [
            {"name": "scan 1", "x": list(range(40)), "y": [n % 9 * 12 for n in range(40)]},
            {"name": "scan 2", "x": list(range(40)), "y": [n % 7 * 9 + 20 for n in range(40)]},
        ],
    },
    {"kind": "table", "title": "条件", "columns": ["温度", "時間"], "rows": [["295", "10"], ["300", "12"]], "row_count": 2},
    {"kind": "text", "text": "Operator: 髙橋\nTemperature: 295 K\n", "is_whole": True},
    {"kind": "listing", "member_count": 2, "members": [{"name": "a.csv", "byte_count": 12}, {"name": "b.csv", "byte_count": 1_234_567}]},
)  # fmt: skip
_NODES = (
    {"id": "a", "kind": "agent", "title": "XRD-2", "sub": "Rigaku", "column": 0},
    {"id": "r", "kind": "run", "title": "ファイルの到着", "sub": "2026-04-01 14:05", "column": 1},
    {
        "id": "d",
        "kind": "entity",
        "title": "LiCoO2 充放電測定のデータ",
        "sub": "battery-2026/licoo2",
        "column": 2,
    },
    {"id": "f", "kind": "run", "title": "Files read", "mark": "failed", "is_failed": True, "column": 3},
)
_EDGES = (("a", "r"), ("r", "d"), ("d", "f"))


@page
def patterns(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The pattern page; it shows invented things only."""
    denied = policy.Decision(
        "deny",
        ("Your role here is reader, which does not include this action.",),
        basis="role",
        remedy="Ask an owner of the project for a wider role.",
    )
    error = policy.ActionDeniedError.of(denied, "dataset.freeze")
    running = ReadingProgress(is_running=True, is_again=False, done=812, total=1204)
    again = ReadingProgress(is_running=True, is_again=True, done=0, total=1204)
    ended = ReadingProgress(is_running=False, is_again=False, done=1204, total=1204)
    context = {
        **problem_context(error),
        "now": clock.isoformat(clock.now()),
        "kinds": ["ok", "info", "warn", "danger", "machine"],
        "progresses": [
            {"progress": running, "was_running": False},
            {"progress": again, "was_running": False},
            {"progress": ended, "was_running": True},
        ],
        "dataset": _DATASET,
        "accesses": list(policy.Access),
        "decisions": {"read": policy.Decision("allow"), "freeze": denied},
        "labels": {},
        "rows": [{"name": value.name, "value": value} for value in _VALUES] + [{"name": "licence", "value": None}],
        "may_describe": {"describe": True},
        "nothing": {},
        "proposal": ProposalCard("1", "keywords", "cathode", "", 0.86, "header", "open", [{**_FILE_ORIGIN, "value": "cathode"}]),
        "counts": {"added": 12, "removed": 1, "changed": 3},
        "hash": "9f3c2a77" * 8,
        "previews": _PREVIEWS,
        "drawing": provenance_svg(_NODES, _EDGES),
    }  # fmt: skip
    del actor
    return render(request, "web/patterns.html", context)
