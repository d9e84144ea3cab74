"""What pages about legacy material are written with."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import pgettext

from tsunagu.doors.web import dark_words as words
from tsunagu.doors.web.templatetags.tsunagu import chip

register = template.Library()


@register.filter
def verdict_word(verdict: str) -> str:
    """What was decided about files."""
    return str(words.VERDICTS.get(verdict, verdict))


@register.filter
def failure_word(name: str) -> str:
    """What a text tells of a failure."""
    return str(words.FAILURE[name][0])


@register.simple_tag
def sorting_chip(state: str) -> SafeString:
    """How far a decision is: icon and word."""
    known = {
        "open": ("blue", pgettext("sorting", "under way")),
        "done": ("ok", pgettext("sorting", "done")),
        "failed": ("danger", pgettext("sorting", "failed")),
    }
    return chip(*known[state])
