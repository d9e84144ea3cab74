"""What may not leave for another node: labels above what was agreed for it, sealed bytes, countries.

A label that nobody has decided is no all-clear for the two that laws ask about, personal information and export control.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as later
from django.utils.translation import pgettext

from tsunagu.foundation.policy.labels import LEVELS, labels_of
from tsunagu.foundation.policy.types import Decision, Labels, Resource

ACTION = "dataset.compute_elsewhere"
_MUST_BE_DECIDED = frozenset({"personal", "export_control"})
# In the words of the pages that show labels.
_NAMES = {
    "sensitivity": later("Sensitivity"),
    "personal": later("Personal information"),
    "export_control": later("Export control"),
    "contract": later("Bound by a contract"),
    "consent": later("Consent"),
}
_VALUES = {
    "undecided": later("not decided"),
    "anonymised": later("anonymised"),
    "pseudonymised": later("pseudonymised"),
    "special": later("special care-required"),
    "review": later("under review"),
    "controlled": later("controlled"),
    "not-needed": later("not needed"),
    "broad": later("for research in general"),
    "specific": later("for the stated purpose only"),
    "withdrawn": later("withdrawn"),
}


def denial(action: str, resource: Resource, context: Mapping[str, Any] | None) -> Decision | None:
    """Why a dataset may not leave for a site, with every reason; None where nothing hinders.

    Args:
        action: ``dataset.compute_elsewhere``; nothing else is looked at.
        resource: The dataset.
        context: ``site`` (its title), ``levels`` (label -> strictest level that may leave), ``country`` of the site,
            ``countries`` (the only ones where the data may be processed; None: any), ``is_sealed``, ``takes_sealed``.
            Without ``site`` nothing is asked yet.
    """
    if action != ACTION or not context or "site" not in context:
        return None
    labels = labels_of([resource.id]).get(resource.id, Labels())
    site, reasons = str(context["site"]), []
    for name in LEVELS:
        level, most = labels.levels[name], int(context["levels"].get(name, 0))
        if level > most:
            said = {
                "label": _(_NAMES[name]),
                "value": _word(name, level),
                "most": _word(name, most),
                "site": site,
            }
            reasons.append(_("%(label)s is “%(value)s”; at most “%(most)s” may leave for %(site)s.") % said)
        elif not level and name in _MUST_BE_DECIDED:
            reasons.append(
                _("%(label)s: nobody has decided this label, so the data may not leave for %(site)s.")
                % {"label": _(_NAMES[name]), "site": site}
            )
    if context.get("is_sealed") and not context.get("takes_sealed"):
        reasons.append(
            _("The dataset is sealed, and sealed data may not leave for %(site)s.") % {"site": site}
        )
    countries = context.get("countries")
    if countries is not None and context.get("country") not in countries:
        said = {"country": str(context.get("country")), "site": site}
        reasons.append(
            _("The terms of the dataset do not let it be processed in %(country)s, where %(site)s is.") % said
        )
    if not reasons:
        return None
    remedy = _("Decide the labels with the people responsible for the data, or run on this node.")
    return Decision("deny", tuple(reasons), basis=f"site:{site}", remedy=remedy)


def _word(name: str, level: int) -> str:
    value = LEVELS[name][level]
    if value in {"yes", "no"}:
        return pgettext("label", value)
    return _(_VALUES[value]) if value in _VALUES else value
