"""What the form of the common items is written with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tsunagu.data.common_items.api import ItemCard, SlotCard
from tsunagu.doors.web.templatetags.tsunagu import chip

register = template.Library()


def _language() -> str:
    return "ja" if (get_language() or "").startswith("ja") else "en"


@register.filter
def choices_of(card: SlotCard) -> list[tuple[str, str]]:
    """Code and words of each choice; what stands there now is one of them, also where it is none of the list."""
    place = 0 if _language() == "ja" else 1
    found = {code: words[place] for code, words in (card.slot.choices or {}).items()}
    if card.value and card.value not in found:
        found[card.value] = _("%(value)s (not one of the list)") % {"value": card.value}
    return list(found.items())


@register.filter
def has_lines(value: str) -> bool:
    """Whether a text has several lines, which an input of one line would lose."""
    return "\n" in value


@register.filter
def slot_word(card: SlotCard) -> str:
    """What an input of several is for."""
    if card.slot.label:
        return card.slot.label[_language()]
    return {"ja": _("in Japanese"), "en": _("in English")}.get(card.slot.language, "")


@register.filter
def input_word(slot: SlotCard, card: ItemCard) -> str:
    """The label of an input: the item's, and which of several it is."""
    word, which = card.item.label[_language()], slot_word(slot)
    return f"{word} ({which})" if which else word


@register.simple_tag
def missing_chip() -> SafeString:
    """A required item that nobody filled in."""
    return chip("warn", _("missing"))


@register.filter
def shown_in(card: SlotCard) -> str:
    """The value in words: its own language where it has one."""
    return card.shown.get(card.slot.language or _language(), "")


@register.filter
def offered(card: SlotCard) -> str:
    """What is proposed, in words."""
    if card.proposed is None:
        return ""
    found = (card.slot.choices or {}).get(card.proposed.value)
    return (found[0] if _language() == "ja" else found[1]) if found else card.proposed.value


@register.filter
def offer_line(card: SlotCard) -> str:
    """Who proposes it."""
    if card.proposed is None:
        return ""
    words = (
        _("The plan %(name)s says") if card.proposed.origin == "plan" else _("The institution %(name)s says")
    )
    return words % {"name": card.proposed.source}


@register.simple_tag
def typed_or(typed: Mapping[str, Any], card: SlotCard) -> str:
    """What stands in an input: what was typed, when the form came back, else the value."""
    return str(typed.get(card.slot.name, card.value))
