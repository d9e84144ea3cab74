"""What pages about publishing are written with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from tsunagu.doors.web import publication_words as words
from tsunagu.doors.web.templatetags.tsunagu import chip

register = template.Library()


def _word(known: Mapping[str, Any], key: str) -> str:
    return str(known.get(key, key))


@register.simple_tag
def publication_chip(state: str) -> SafeString:
    """How far a publication is: icon and word."""
    colour, word = words.STATES.get(state, ("", state))
    return chip(colour, str(word))


@register.simple_tag
def rights_chip(access: str) -> SafeString:
    """JPCOAR's access right: icon and word."""
    colour, word = words.RIGHTS.get(access, ("", access))
    return chip(colour, str(word))


@register.simple_tag
def open_access_chip(status: str) -> SafeString:
    """How far immediate open access of an article is: icon and word."""
    colour, word = words.OPEN_ACCESS.get(status, ("", status))
    return chip(colour, str(word))


@register.filter
def oa_reason_word(code: str) -> str:
    """Why an article does not open at once."""
    return _word(words.OA_REASONS, code)


@register.filter
def text_version_word(code: str) -> str:
    """Which version of a manuscript it is."""
    return _word(words.TEXT_VERSIONS, code)


@register.simple_tag
def effect_chip(state: str) -> SafeString:
    """How far a DOI is with its agency."""
    colour, word = words.EFFECTS.get(state, ("", state))
    return chip(colour, str(word))


@register.simple_tag
def deposit_chip(state: str) -> SafeString:
    """How far a deposit is in its repository."""
    colour, word = words.DEPOSITS.get(state, ("", state))
    return chip(colour, str(word))


@register.simple_tag
def finding_chip(severity: str, word: str) -> SafeString:
    """What a check found: in the way, or a hint."""
    return chip("danger" if severity == "block" else "warn", word)


@register.filter
def access_wish(access: str) -> str:
    """Who is to read the files."""
    return _word(words.ACCESSES, access)


@register.filter
def step_word(step: str) -> str:
    """A step of the history."""
    return _word(words.STEPS, step)


@register.filter
def resource_word(kind: str) -> str:
    """A kind of resource in the viewer's language."""
    return _word(words.RESOURCES, kind)


@register.filter
def relation_word(kind: str) -> str:
    """What something else has to do with it."""
    return _word(words.RELATIONS, kind)


@register.filter
def in_words(texts: Sequence[Any]) -> str:
    """The text in the viewer's language, else the first."""
    language = (get_language() or "en")[:2]
    return next((one.value for one in texts if one.language == language), texts[0].value if texts else "")


@register.filter
def person_name(party: Any) -> str:
    """A person as one reads names: family first in Japanese, last elsewhere."""
    name = party.names[0]
    family, comma, given = name.value.partition(", ")
    if not comma or party.is_organization:
        return str(name.value)
    return f"{family} {given}" if name.language == "ja" else f"{given} {family}"
