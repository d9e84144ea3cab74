"""The provenance of a dataset as nodes and edges: a window, with alike siblings folded into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tsunagu.data.datasets.api import DatasetCard
from tsunagu.doors.web.formatting import moment_text
from tsunagu.doors.web.words import run_word
from tsunagu.foundation.runs.api import RunCard

Node = dict[str, Any]
# Decisions about a dataset: they stand in the list and make nothing, so the drawing leaves them out.
_DECISIONS = (
    {
        "create",
        "decide",
        "describe",
        "set_access",
        "release_version",
        "take_back_version",
        "seal",
        "move_into_seal",
        "shred",
        "label",
        "release_label",
        "share",
        "unshare",
        "share_ended",
        "set_rules",
        "set_ai_terms",
        "release_ai_terms",
        "check_ai_use",
        "answer_ai_use",
        "training",
    }
    | {f"{what}_request" for what in ("approve", "decline", "withdraw", "expire")}
    | {"request_access"}
)
_AGENT, _CAPTURE, _DATASET, _WORK, _VERSION = range(5)


def graph(
    card: DatasetCard, found: Sequence[RunCard], *, title: str
) -> tuple[list[Node], list[tuple[str, str]]]:
    """Agents -> captures -> the dataset -> what was done to it -> versions.

    Args:
        card: The dataset.
        found: Its runs, newest first; runs of one kind by one actor are folded into a node.
        title: What to call the dataset.
    """
    nodes: dict[str, Node] = {
        "dataset": {
            "id": "dataset",
            "kind": "entity",
            "title": title,
            "sub": card.slug,
            "url": reverse("dataset", kwargs={"project": card.project, "dataset": card.name}),
            "column": _DATASET,
        }
    }
    edges: list[tuple[str, str]] = []
    folded: dict[tuple[str, str, str], list[RunCard]] = {}
    for run in reversed(found):
        if run.kind in _DECISIONS:
            continue
        key = (run.kind, run.actor_id, run.id if run.kind == "freeze" else run.outcome)
        folded.setdefault(key, []).append(run)
    for (kind, _actor, _rest), group in folded.items():
        run = group[-1]
        _add_run(card, nodes, edges, kind, run, len(group))
    return list(nodes.values()), edges


def _add_run(
    card: DatasetCard,
    nodes: dict[str, Node],
    edges: list[tuple[str, str]],
    kind: str,
    run: RunCard,
    count: int,
) -> None:
    title = run_word(kind)
    sub = moment_text(run.started_at)
    if count > 1:
        sub = ngettext("%(count)s run", "%(count)s runs", count) % {"count": count}
    nodes[run.id] = {
        "id": run.id,
        "kind": "run",
        "title": title,
        "sub": sub,
        "url": reverse("run", kwargs={"project": card.project, "dataset": card.name, "run": run.id})
        if card.sees_draft
        else "",
        "is_failed": run.outcome in {"failed", "uncertain"},
        "mark": {"failed": _("failed"), "uncertain": _("uncertain")}.get(run.outcome, ""),
        "column": _CAPTURE if kind == "capture" else _WORK,
    }
    if kind == "capture":
        agent = f"agent:{run.actor_id}"
        nodes.setdefault(
            agent,
            {
                "id": agent,
                "kind": "agent",
                "title": run.actor_name,
                "sub": _("instrument") if run.actor_kind == "instrument" else _("person"),
                "url": "",
                "column": _AGENT,
            },
        )
        edges.append((agent, run.id))
        edges.append((run.id, "dataset"))
        return
    edges.append(("dataset", run.id))
    for link in run.links:
        if link.direction == "out" and link.kind == "version":
            number = link.label.removeprefix("v")
            address = reverse("files", kwargs={"project": card.project, "dataset": card.name})
            nodes[link.id] = {
                "id": link.id,
                "kind": "entity",
                "title": _("Version %(number)s") % {"number": number},
                "sub": link.id[:12],
                "url": f"{address}?version={number}",
                "column": _VERSION,
            }
            edges.append((run.id, link.id))
