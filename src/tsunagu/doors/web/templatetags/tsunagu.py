"""Filters and tags of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

from django import template
from django.forms import BoundField
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from tsunagu.doors.web import ai_words, drawing, formatting, ready_words, words
from tsunagu.formats.api import unit_symbol

register = template.Library()
register.filter("bytes_text", formatting.bytes_text)
register.filter("moment", formatting.moment_html)
register.filter("short_hash", formatting.short_hash)
register.filter("exact_bytes", formatting.exact_bytes)
register.filter("number_text", formatting.number_text)
register.filter("name_shown", formatting.name_shown)
register.filter("unit_text", unit_symbol)
register.filter("cell", formatting.cell_text)
register.filter("json_ld", formatting.json_ld)
register.filter("is_number", formatting.is_number)
register.filter("operator_word", words.operator_word)
register.filter("run_word", words.run_word)
register.filter("role_word", words.role_word)
register.filter("reason_word", words.reason_word)
register.filter("action_word", words.action_word)
register.filter("parameter_word", words.parameter_word)
register.filter("link_word", words.link_word)
register.filter("language_of", words.language_of)
register.filter("name_word", words.name_word)
register.filter("layer_word", words.layer_word)
register.filter("label_word", words.label_word)
register.filter("ai_word", ai_words.ai_word)
register.filter("kind_word", ready_words.kind_word)
register.filter("brief", ready_words.brief)
register.filter("evidence_rows", ready_words.evidence_rows)
register.filter("failure_word", ready_words.failure_word)
register.filter("offers_of", ready_words.offers_of)
register.simple_tag(words.level_word, name="level_word")


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
    # ``from`` is a word of Python: it is written from_ in templates.
    kept = {name.rstrip("_"): value for name, value in parts.items() if value not in {"", None}}
    return f"?{urlencode(kept)}" if kept else ""


@register.simple_tag
def place(name: str, card: Any, version: int | None = None, **parts: Any) -> str:
    """The address of a page of a dataset; the version that one looks at stays in it."""
    address = reverse(name, kwargs={"project": card.project, "dataset": card.name, **parts})
    return address + query(version=version)


@register.filter
def shown_title(card: Any) -> tuple[str, str]:
    """The title of a dataset in a list, in the viewer's language, and the other one."""
    values = {name: SimpleNamespace(value=found.get("value", "")) for name, found in card.described.items()}
    if card.title:
        values["title"] = SimpleNamespace(value=card.title)
    return words.in_both(values, "title", card.name, get_language() or "en")


@register.simple_tag
def file_count(count: int) -> str:
    """``1 file``, ``1,204 files``."""
    return ngettext("%(n)s file", "%(n)s files", count) % {"n": formatting.number_text(count)}


@register.simple_tag
def curve(preview: Mapping[str, Any], size: str = "") -> SafeString:
    """A curve preview as a drawing."""
    return drawing.curve_svg(preview, is_small=size == "small")


_ICONS = {"ok": "✓", "warn": "!", "danger": "✕", "info": "i", "blue": "◆", "machine": "⚙", "": "○"}


def chip(colour: str, word: str) -> SafeString:
    """A state: icon and word, so that colour alone says nothing."""
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
    return chip(*words.get(state, ("", state)))


@register.simple_tag
def harvest_chip(state: str) -> SafeString:
    """How the harvest of a repository stands: icon and word."""
    words = {
        "waiting": ("blue", pgettext("harvest", "under way")),
        "idle": ("ok", pgettext("harvest", "up to date")),
        "failed": ("danger", pgettext("harvest", "failed")),
        "paused": ("", pgettext("harvest", "paused")),
    }
    return chip(*words[state])


@register.simple_tag
def seal_chip(state: str) -> SafeString:
    """Whether the bytes of a dataset lie encrypted, or were destroyed."""
    words = {
        "moving": ("info", _("being sealed")),
        "sealed": ("ok", _("Sealed")),
        "shredded": ("danger", _("bytes destroyed")),
    }
    return chip(*words.get(state, ("", state)))


@register.simple_tag
def label_chip(label: Any) -> SafeString | str:
    """A label of a dataset, where it is decided and more than harmless."""
    if label.level <= (0 if label.name == "origin" else 1):
        return ""
    text = f"{words.label_word(label.name)}: {words.level_word(label.name, label.value)}"
    return chip("warn" if label.name != "origin" else "info", text)


@register.simple_tag
def access_chip(access: str, embargo_until: str = "") -> SafeString:
    """Access of a dataset: icon and word; under an embargo, what it will be and from when on."""
    words = {
        "open": ("ok", pgettext("access", "open")),
        "shared": ("info", pgettext("access", "shared")),
        "closed": ("", pgettext("access", "closed")),
    }
    colour, word = words.get(str(access), ("", str(access)))
    if embargo_until and str(access) != "closed":
        day = formatting.moment_text(embargo_until)
        return chip("warn", _("closed until %(day)s, then %(access)s") % {"day": day, "access": word})
    return chip(colour, word)


@register.simple_tag
def ai_chip(answer: str) -> SafeString:
    """What the guard or the terms say."""
    colours = {"allow": "ok", "needs": "warn", "ask": "warn", "deny": "danger"}
    return chip(colours.get(answer, ""), ai_words.ai_word(answer))


@register.simple_tag
def plan_chip(state: str) -> SafeString:
    """What a check of a plan found: icon and word."""
    words = {
        "broken": ("danger", pgettext("plan", "broken")),
        "due": ("warn", pgettext("plan", "due")),
        "green": ("ok", pgettext("plan", "as planned")),
    }
    return chip(*words.get(state, ("", state)))


@register.simple_tag
def verdict_chip(verdict: str) -> SafeString:
    """How a criterion of readiness came out: icon and word."""
    return chip(*ready_words.VERDICTS.get(verdict, ("", verdict)))


@register.simple_tag
def in_language(texts: Mapping[str, str]) -> str:
    """A text that a data file brings in both languages."""
    return texts.get((get_language() or "en")[:2]) or texts.get("en", "")


@register.filter
def access_word(access: Any) -> str:
    """Access of a dataset in a word."""
    words = {
        "open": pgettext("access", "open"),
        "shared": pgettext("access", "shared"),
        "closed": pgettext("access", "closed"),
    }
    return words.get(str(access), str(access))


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
    return chip(*words.get(status, ("", status)))


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
    return chip(*words.get(outcome, ("", outcome)))


@register.simple_tag
def origin_line(origin: Mapping[str, Any]) -> SafeString:
    """Where a value comes from, in one line."""
    kind = origin.get("kind")
    if kind == "person":
        return format_html(
            '<span class="origin">{}</span>', _("typed by %(name)s") % {"name": origin.get("by", "")}
        )
    if kind == "proposal":
        if origin.get("is_edited"):
            text = _("proposed by machine, edited and accepted by %(name)s")
        else:
            text = _("proposed by machine, accepted by %(name)s")
        line = format_html('<span class="origin machine">{}</span>', text % {"name": origin.get("by", "")})
        first: Mapping[str, Any] = next(iter(origin.get("evidence") or []), {})
        source = evidence_line(first) if first.get("path") else ""
        return format_html('{} <span class="origin">{}</span>', line, source) if source else line
    if kind == "derived":
        text = _("taken over from %(name)s") % {"name": origin.get("source") or _("the source")}
        return format_html('<span class="origin machine">{}</span>', text)
    if kind in {"plan", "institution"}:
        text = (
            _("from the plan, accepted by %(name)s")
            if kind == "plan"
            else _("of the institution, accepted by %(name)s")
        )
        return format_html('<span class="origin">{}</span>', text % {"name": origin.get("by", "")})
    if kind == "file":
        return format_html('<span class="origin">{}</span>', evidence_line(origin))
    return SafeString("")


@register.simple_tag
def evidence_line(item: Mapping[str, Any]) -> str:
    """Which key of which file says so."""
    if not item.get("path"):
        return value_text(dict(item))
    return _("from %(where)s of %(path)s") % {
        "where": item.get("where") or item.get("key", ""),
        "path": item["path"],
    }


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
def pairs(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Names and values, also where one of the names is ``items``, which a template would take for the method."""
    return list(values.items())


@register.filter
def percent(share: float) -> str:
    """0.86 -> 86 %."""
    return f"{round(share * 100)}\u202f%"


@register.filter
def is_checkbox(field: BoundField) -> bool:
    """Whether a form field is a box to tick, whose label stands behind it."""
    return getattr(field.field.widget, "input_type", "") == "checkbox"


@register.filter
def without_placeholder(field: BoundField) -> SafeString:
    """The field without grey text in it, which people take for an answer; Django ties help and error to it."""
    field.field.widget.attrs.pop("placeholder", None)
    attributes: dict[str, str | bool] = (
        {"aria-invalid": "true", "aria-describedby": f"{field.auto_id}_error"} if field.errors else {}
    )
    return field.as_widget(attrs=attributes)


@register.simple_tag
def bars(found: Any) -> SafeString:
    """A histogram of numbers as a drawing."""
    return drawing.bars_svg(found.bars, label=found.column, unit=found.unit)
