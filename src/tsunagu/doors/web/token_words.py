"""What tokens and programs may do, in plain words."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

_WORDS = {
    "read": (_("Reading"), _("See and download what you may see, drafts too.")),
    "write": (
        _("Writing"),
        _("Make projects and datasets, send files, describe and freeze them in your name."),
    ),
    "share": (_("Sharing"), _("Change who sees your data: members, access, labels.")),
    "admin": (
        _("Administering"),
        _("Destroy data for good, manage instruments and rules, as far as you may."),
    ),
}


def verb_rows(verbs: Iterable[str]) -> list[dict[str, object]]:
    """The verbs in their order, with words for people."""
    wanted = set(verbs)
    return [
        {"verb": verb, "name": name, "meaning": meaning}
        for verb, (name, meaning) in _WORDS.items()
        if verb in wanted
    ]
