"""Commands about sealing a dataset and destroying its key."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output


def run_seal(options: argparse.Namespace, output: Output) -> None:
    """Seal a dataset, or say how far it is."""
    place = f"{dataset_path(options.dataset)}/seal"
    with connect(options.url, options.token) as client:
        if options.create:
            project, _, name = options.dataset.partition("/")
            client.node.post("/datasets", {"project": project, "name": name, "sealed": True})
        answer = client.node.get(place) if options.status else client.node.post(place)
    if output.as_json:
        output.json(answer)
    else:
        output.line(_said(answer))


def run_shred(options: argparse.Namespace, output: Output) -> None:
    """Destroy the key of a dataset, after its name was written out."""
    place = f"{dataset_path(options.dataset)}/shred"
    confirm = options.confirm
    if not confirm:
        if not sys.stdin.isatty():
            raise UsageError(text("shred_needs_confirm"), remedy=f"--confirm {options.dataset}")
        output.line(text("shred_warning", dataset=options.dataset))
        confirm = input(text("shred_prompt")).strip()
    with connect(options.url, options.token) as client:
        answer = client.node.post(place, {"confirm": confirm, "reason": options.reason})
    if output.as_json:
        output.json(answer)
    else:
        output.line(_said(answer))
        output.line(text("shred_proof", run=answer["shred_run_id"], fingerprint=answer["fingerprint"]))


def _said(answer: dict[str, Any]) -> str:
    said = text(f"seal_{answer['state']}", **answer)
    return f"{said} {text('seal_damaged', **answer)}" if answer["damaged_count"] else said
