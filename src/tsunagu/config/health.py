"""Whether the node answers, and its numbers, for those who run it. No names, no content."""

from __future__ import annotations

import json

from django.db import connection
from django.http import HttpRequest, HttpResponse

from tsunagu.core import jobs


def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the database answers, else 503."""
    del request
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except Exception as error:  # noqa: BLE001 - whatever it is, the node is not healthy
        return HttpResponse(
            json.dumps({"ok": False, "why": type(error).__name__}),
            content_type="application/json",
            status=503,
        )
    return HttpResponse(json.dumps({"ok": True}), content_type="application/json")


def metrics(request: HttpRequest) -> HttpResponse:
    """OpenMetrics: jobs, files, bytes, versions, runs by outcome."""
    del request
    numbers = {
        "jobs_waiting": jobs.waiting_count(),
        "jobs_failed": jobs.failed_count(),
        **_sums(),
    }
    lines = [
        line
        for name, value in numbers.items()
        for line in (f"# TYPE tsunagu_{name} gauge", f"tsunagu_{name} {value}")
    ]
    with connection.cursor() as cursor:
        cursor.execute("select outcome, count(*) from runs_run group by outcome")
        rows = cursor.fetchall()
    lines.append("# TYPE tsunagu_runs gauge")
    lines += [f'tsunagu_runs{{outcome="{outcome or "open"}"}} {count}' for outcome, count in rows]
    return HttpResponse(
        "\n".join([*lines, "# EOF\n"]),
        content_type="application/openmetrics-text; version=1.0.0; charset=utf-8",
    )


def _sums() -> dict[str, int]:
    # Counters that the rooms keep; counting a million rows for each scrape would hurt.
    queries = {
        "draft_files": "select coalesce(sum(live_count), 0) from datasets_dataset",
        "draft_bytes": "select coalesce(sum(live_bytes), 0) from datasets_dataset",
        "stored_bytes": "select coalesce(sum(byte_count), 0) from storage_storedobject",
        "ledger_entries": "select coalesce(max(size), 0) from ledger_head",
    }
    found = {}
    with connection.cursor() as cursor:
        for name, query in queries.items():
            cursor.execute(query)
            found[name] = int(cursor.fetchone()[0])
    return found
