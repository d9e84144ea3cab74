"""Filters and tags of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tsunagu.doors.web import drawing, formatting

register = template.Library()
register.filter("bytes_text", formatting.bytes_text)
register.filter("moment", formatting.moment_html)
register.filter("short_hash", formatting.short_hash)


@register.filter
def path_quote(text: str) -> str:
    """A path for an address; slashes stay."""
    return quote(text)


@register.filter
def key(mapping: Mapping[str, Any], name: str) -> Any:
    """An entry of a mapping."""
    return mapping.get(name, "")


@register.simple_tag
def query(**parts: Any) -> str:
    """``?a=b&c=d`` of the parts that are not empty."""
    kept = {name: value for name, value in parts.items() if value not in ("", None)}
    return f"?{urlencode(kept)}" if kept else ""


@register.simple_tag
def curve(preview: Mapping[str, Any], size: str = "") -> SafeString:
    """A curve preview as a drawing."""
    return drawing.curve_svg(preview, is_small=size == "small")


_ICONS = {"ok": "✓", "warn": "!", "danger": "✕", "info": "i", "blue": "◆", "machine": "AI", "": "○"}


def _chip(colour: str, word: str) -> SafeString:
    return format_html(
        '<span class="chip {}"><span aria-hidden="true">{}</span>{}</span>', colour, _ICONS[colour], word
    )


@register.simple_tag
def state_chip(state: str) -> SafeString:
    """State of a dataset: icon and word."""
    words = {
        "draft": ("", pgettext("state", "draft")),
        "changed": ("warn", _("changed since the last version")),
        "frozen": ("blue", pgettext("state", "frozen")),
    }
    return _chip(*words.get(state, ("", state)))


@register.simple_tag
def access_chip(access: str) -> SafeString:
    """Access of a dataset: icon and word."""
    words = {
        "open": ("ok", pgettext("access", "open")),
        "shared": ("info", pgettext("access", "shared")),
        "closed": ("", pgettext("access", "closed")),
    }
    return _chip(*words.get(str(access), ("", str(access))))


@register.simple_tag
def reading_chip(status: str) -> SafeString:
    """What the reader of a file said."""
    words = {
        "read": ("ok", pgettext("reading", "read")),
        "read_with_warnings": ("warn", _("read with warnings")),
        "unrecognised": ("", _("not recognised")),
        "unreadable": ("danger", _("not readable")),
        "pending": ("info", _("waiting to be read")),
    }
    return _chip(*words.get(status, ("", status)))


@register.simple_tag
def outcome_chip(outcome: str) -> SafeString:
    """How a run ended."""
    words = {
        "": ("blue", _("running")),
        "ok": ("ok", pgettext("outcome", "ok")),
        "failed": ("danger", pgettext("outcome", "failed")),
        "aborted": ("", pgettext("outcome", "aborted")),
        "uncertain": ("warn", pgettext("outcome", "uncertain")),
    }
    return _chip(*words.get(outcome, ("", outcome)))


@register.filter
def run_word(kind: str) -> str:
    """What a run did, in words."""
    words = {
        "create": _("Dataset made"),
        "capture": _("Files arrived"),
        "extract": _("Files read"),
        "freeze": _("Version frozen"),
        "remove": _("Files removed from the draft"),
        "describe": _("Description changed"),
        "decide": _("Proposal decided"),
        "set_access": _("Access changed"),
        "set_rules": _("Rules changed"),
        "write_mapping": _("Mapping changed"),
        "create_instrument": _("Instrument made"),
    }
    return words.get(kind, kind)


@register.filter
def role_word(role: str) -> str:
    """A role in words."""
    words = {
        "owner": pgettext("role", "owner"),
        "editor": pgettext("role", "editor"),
        "reader": pgettext("role", "reader"),
        "instrument": pgettext("role", "instrument"),
    }
    return words.get(str(role), str(role))


@register.simple_tag
def origin_line(origin: Mapping[str, Any]) -> SafeString:
    """Where a value comes from, in one line."""
    kind = origin.get("kind")
    if kind == "person":
        return format_html(
            '<span class="origin">{}</span>', _("typed by %(name)s") % {"name": origin.get("by", "")}
        )
    if kind == "proposal":
        evidence = origin.get("evidence") or [{}]
        first = evidence[0]
        if origin.get("is_edited"):
            text = _("proposed by machine, edited and accepted by %(name)s")
        else:
            text = _("proposed by machine, accepted by %(name)s")
        line = text % {"name": origin.get("by", "")}
        if first.get("path"):
            source = _("from %(where)s of %(path)s") % {
                "where": first.get("where") or first.get("key", ""),
                "path": first["path"],
            }
            return format_html(
                '<span class="origin machine">{}</span> <span class="origin">{}</span>', line, source
            )
        return format_html('<span class="origin machine">{}</span>', line)
    if kind == "file":
        text = _("from %(where)s of %(path)s") % {
            "where": origin.get("where", ""),
            "path": origin.get("path", ""),
        }
        return format_html('<span class="origin">{}</span>', text)
    return SafeString("")


@register.filter
def value_text(value: Any) -> str:
    """A metadata value as text."""
    if isinstance(value, list | tuple):
        return ", ".join(value_text(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {value_text(item)}" for name, item in value.items())
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "" if value is None else str(value)


@register.filter
def percent(share: float) -> str:
    """0.86 -> 86 %."""
    return f"{round(share * 100)}\u202f%"
