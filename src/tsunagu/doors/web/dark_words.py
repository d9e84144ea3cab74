"""Words of the pages about legacy material: verdicts, and what is told of a failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from tsunagu.data.description import api as description

HEADS = {
    "folder": _("Folder"),
    "format": _("File format"),
    "instrument": _("Instrument"),
    "month": _("Month of measurement"),
    "kind": _("What it is"),
}
KINDS = {
    "duplicate": _("Same content elsewhere"),
    "scan": _("Scanned pages"),
    "unreadable": _("Not readable"),
    "data": _("Data"),
    "waiting": _("Waiting to be read"),
}
VERDICTS = {
    "make": _("Make a dataset of them"),
    "add": _("Add them to a dataset"),
    "negative": _("Keep them as what was tried and failed"),
    "duplicate": _("They are duplicates"),
    "remove": _("Remove them, as far as retention allows"),
    "leave": _("Leave them here, with a note"),
}
# What a decision came to, as the room says it.
ENDS = (
    _("None of the files lay there any more."),
    _("A part of the node does not answer. Sorting goes on in a few minutes."),
)
FAILURE = {
    "negative_tried": (_("What was tried"), _("For example: heated at 900 °C for two hours in air.")),
    "negative_expected": (_("What was expected"), _("For example: the single phase of the oxide.")),
    "negative_outcome": (_("What came out"), _("For example: a mixture with unreacted precursor.")),
    "negative_reason": (
        _("Why it is believed to have failed"),
        _("For example: the precursor had absorbed water."),
    ),
}


def failure_fields(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The four fields of a form, with what is in them."""
    return [
        {"name": name, "head": FAILURE[name][0], "help": FAILURE[name][1], "value": said.get(name, "")}
        for name in description.FAILURE
    ]
