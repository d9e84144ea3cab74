"""Notices of other services in words."""

from __future__ import annotations

import json

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tsunagu.doors.web import notice_words as words

register = template.Library()


@register.simple_tag
def notice_chip(state: str) -> SafeString:
    """How a notice stands."""
    colour, word = words.STATES[state]
    return format_html('<span class="chip {}">{}</span>', colour, word)


@register.filter
def pattern_word(pattern: str) -> str:
    """What a notice is."""
    return str(words.PATTERNS.get(pattern, pattern))


@register.filter
def exchange_word(state: str) -> str:
    """What a service made of our offer."""
    return str(words.EXCHANGES.get(state, ""))


@register.filter
def right_word(name: str) -> str:
    """What a service may do."""
    return str(words.RIGHTS[name])


@register.filter
def pretty_json(body: dict[str, object]) -> str:
    """A notice as it came, to be read by people."""
    return json.dumps(body, ensure_ascii=False, indent=2)
