"""What pages about compute runs are written with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tsunagu.doors.web import formatting
from tsunagu.doors.web.templatetags.tsunagu import chip

register = template.Library()
register.filter("moment_plain", formatting.moment_text)


@register.filter
def command_text(command: Sequence[str]) -> str:
    """A command on one line; of a shell's, what the shell reads."""
    if command[:2] == ("python", "-c") and "jupyterlab" in command[-1]:
        return "JupyterLab"
    if command[:2] == ("python", "-c") and len(command) == 5 and command[3].endswith(".cwl"):  # noqa: PLR2004
        return f"cwltool {command[3]}"
    if len(command) == 3 and command[1] == "-c" and command[0] in {"sh", "/bin/sh", "bash"}:  # noqa: PLR2004
        return command[2]
    return " ".join(command)


@register.filter
def before_slash(place: str) -> str:
    """The project of ``PROJECT/DATASET``."""
    return place.partition("/")[0]


@register.filter
def after_slash(place: str) -> str:
    """The dataset of ``PROJECT/DATASET``."""
    return place.partition("/")[2]


@register.filter
def parameters_text(parameters: Mapping[str, Any]) -> str:
    """In what a run differs from those that were asked for with it, on one short line."""
    shown = (f"{name}={value}" for name, value in parameters.items() if name != "array_index")
    return ", ".join(shown)[:120]


@register.simple_tag
def held_text(how: str) -> SafeString | str:
    """How a limit was held, in small letters; nothing while that is not known."""
    words = {
        "kernel": pgettext("limit", "held by the kernel"),
        "watched": pgettext("limit", "watched"),
        "asked": pgettext("limit", "only asked for"),
    }
    return format_html('<br><span class="meta">{}</span>', words[how]) if how in words else ""


@register.filter
def typed(value: Any) -> str:
    """A number as people type it, without separators; nothing for nothing."""
    return "" if value is None else str(value)


@register.simple_tag
def job_chip(state: str) -> SafeString:
    """Where a run is: icon and word."""
    words = {
        "queued": ("", pgettext("job", "queued")),
        "submitted": ("", pgettext("job", "waiting to begin")),
        "running": ("blue", pgettext("job", "running")),
        "uncertain": ("warn", pgettext("job", "uncertain")),
        "succeeded": ("ok", pgettext("job", "succeeded")),
        "failed": ("danger", pgettext("job", "failed")),
        "cancelled": ("", pgettext("job", "cancelled")),
    }
    return chip(*words[str(state)])


@register.simple_tag
def offer_chip(offer: Any) -> SafeString:
    """Whether an offer of computers is in force."""
    if offer.is_open:
        return chip("ok", _("in force"))
    return chip("", _("withdrawn") if offer.is_withdrawn else pgettext("offer", "ended"))


@register.simple_tag
def place_text(name: str) -> str:
    """A place where runs go on, as people call it."""
    words = {
        "sandbox": _("This node"),
        "notebooks": _("This node"),
        "dask": _("The cluster (Dask)"),
        "slurm": _("The cluster (Slurm)"),
    }
    return words.get(name, name)


@register.simple_tag
def booked_text(booked: Mapping[str, Any]) -> str:
    """What a scheduler was asked to keep free for a run."""
    said = _("cores: %(cores)s, memory: %(memory)s, time: %(duration)s, job %(job)s") % {
        "cores": booked.get("cores", ""),
        "memory": formatting.bytes_text(int(booked.get("memory_bytes", 0))),
        "duration": seconds_text(booked.get("duration_s", "")),
        "job": booked.get("job", "?"),
    }
    partition = booked.get("partition")
    return (
        _("%(said)s, partition %(partition)s") % {"said": said, "partition": partition} if partition else said
    )


@register.simple_tag
def waiting_text(waiting: Any) -> SafeString:
    """Why a run has not begun: a sentence, the scheduler's own word, and when it is expected to begin."""
    said = (
        format_html(' <span class="meta">(Slurm: <code>{}</code>)</span>', waiting.said)
        if waiting.said
        else ""
    )
    begins = formatting.moment_html(waiting.begins_at)
    if begins:
        begins = format_html("<br>{} {}", _("Expected to begin:"), begins)
    return format_html("<span>{}{}{}</span>", waiting.sentence, said, begins)


@register.simple_tag
def same_chip(differs: bool) -> SafeString:  # noqa: FBT001 - templates have no names for arguments here
    """Whether two runs agree in something."""
    return chip("warn", _("different")) if differs else chip("ok", _("same"))


@register.simple_tag
def output_link(run: Any) -> SafeString:
    """The dataset of a run's outputs, at the version that they became."""
    project, _slash, dataset = run.output.partition("/")
    url = reverse("dataset", kwargs={"project": project, "dataset": dataset})
    if run.version is None:
        return format_html('<a href="{}">{}</a>', url, run.output)
    said = _("%(name)s version %(number)s") % {"name": run.output, "number": run.version}
    return format_html('<a href="{}?version={}">{}</a>', url, run.version, said)


@register.simple_tag
def seconds_text(seconds: float | str) -> str:
    """A time with a fitting unit; nothing for nothing."""
    if seconds == "":
        return ""
    value = float(seconds)
    if value < 120:  # noqa: PLR2004 - two minutes
        return _("%(count)s s") % {"count": _short(value)}
    if value < 7200:  # noqa: PLR2004 - two hours
        return _("%(count)s min") % {"count": _short(value / 60)}
    return _("%(count)s h") % {"count": _short(value / 3600)}


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"  # noqa: PLR2004 - three digits


@register.simple_tag
def versions_read(run: Any, dataset_id: str) -> str:
    """Which versions of a dataset a run read."""
    numbers = sorted({one.version for one in run.inputs if one.dataset_id == dataset_id})
    return ", ".join(map(str, numbers))
