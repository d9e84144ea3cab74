"""What the page about use is written with."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from tsunagu.data.usage.api import Month, Totals

register = template.Library()

_CITING = {
    "cites": later("cites it"),
    "references": later("refers to it"),
    "requires": later("needs it"),
    "isDerivedFrom": later("was made from it"),
    "isSupplementedBy": later("is supplemented by it"),
}


@register.filter
def citing_word(relation: str) -> str:
    """What a publication says of itself."""
    return str(_CITING.get(relation, relation))


@register.filter
def tiles(total: Month) -> list[tuple[str, int, str]]:
    """The numbers that stand out: word, number, and what more there is to say."""
    scripts = total.machine.investigations
    rest = _("%(count)s by programs") % {"count": f"{scripts:,}"} if scripts else ""
    far = _("%(count)s at other nodes") % {"count": f"{total.elsewhere:,}"} if total.elsewhere else ""
    return [
        (word, number, {0: rest, 4: far}.get(place, "")) for place, (word, number) in enumerate(cells(total))
    ]


@register.filter
def cells(one: Month) -> list[tuple[str, int]]:
    """A month's numbers with their words, in the order of the table."""
    return [
        (_("Views"), one.counts.investigations),
        (_("Sessions"), one.counts.unique_investigations),
        (_("Downloads"), one.counts.downloads),
        (_("Loads from code"), one.counts.loads),
        (_("Runs"), one.runs),
        (_("Trainings"), one.trainings),
        (_("Uses by AI"), one.ai_grants),
        (_("Citations"), one.citations),
    ]


@register.simple_tag
def cell_words() -> list[str]:
    """The words alone."""
    return [word for word, _count in cells(Month("", Totals()))]
