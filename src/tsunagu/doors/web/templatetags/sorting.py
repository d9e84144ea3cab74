"""What pages about legacy material are written with."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext, pgettext

from tsunagu.doors.web import dark_words as words
from tsunagu.doors.web import formatting
from tsunagu.doors.web.templatetags.tsunagu import chip

register = template.Library()


@register.filter
def verdict_word(verdict: str) -> str:
    """What was decided about files."""
    return str(words.VERDICTS.get(verdict, verdict))


@register.filter
def end_words(reason: str) -> str:
    """What a decision came to, in the viewer's language where that is known."""
    count, stands, _ = reason.partition(" of the files stand nowhere else")
    if stands and count.isdecimal():
        return ngettext(
            "%(n)s file stands nowhere else and was left.",
            "%(n)s files stand nowhere else and were left.",
            int(count),
        ) % {"n": formatting.number_text(int(count))}
    return gettext(reason) if reason else ""


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
