"""Words of the pages about use by AI."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as pgettext

_WORDS = {
    "inference": _("inference (the model reads the data)"),
    "training": _("training"),
    "release_weights": _("release of trained weights"),
    "index": _("index or embedding"),
    "local_inference": _("inference on this node"),
    "external_inference": _("inference by an outside service"),
    "allow": pgettext("ai", "allowed"),
    "ask": pgettext("ai", "ask each time"),
    "needs": pgettext("ai", "questions open"),
    "deny": pgettext("ai", "not allowed"),
    "yes": pgettext("ai", "yes"),
    "no": pgettext("ai", "no"),
    "unknown": pgettext("ai", "unknown"),
    "user": _("whoever uses it"),
    "steward": _("who manages the dataset"),
    "officer": _("an officer of the node"),
    "title": _("Name"),
    "operator": _("Operator"),
    "law": _("Applicable law"),
    "sub_processors": _("Sub-processors (none, or their names)"),
    "contract": _("Reference of the contract"),
    "keeps": _("Keeps inputs"),
    "trains": _("Trains on inputs"),
    "human_review": _("People of the provider read inputs"),
    "erasable": _("Data can be erased at the end"),
}


def ai_word(name: str) -> str:
    """A use, an answer, a fact about a service or who answers, in words."""
    return str(_WORDS.get(name, name))
