"""Mail about steps on the way to publication: who asked hears of the curators, the curators hear of who asked.

A mail says what happened and where to look, and no word of the data or of the comment: others may read a mailbox.
"""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from tsunagu.core import mail, settings
from tsunagu.data.publication.models import Publication, ReviewEntry
from tsunagu.foundation.identity import api as identity

_WORDS = {
    "request": later("A publication was asked for"),
    "comment": later("A comment was written on a publication"),
    "assign": later("A publication was given to you for review"),
    "ask_changes": later("Changes are asked for before a publication"),
    "remind": later("A publication waits for your decision, and the promised time is nearly up"),
    "approve": later("A publication was approved"),
    "reject": later("A publication was rejected"),
    "publish": later("A version was published"),
    "withdraw": later("A publication was withdrawn"),
    "restore": later("A withdrawn publication is public again"),
}


def tell(entry_id: int) -> int:
    """Mail whom a step concerns; how many mails went out. Nothing is sent where the node has no mail server."""
    entry = ReviewEntry.objects.select_related("publication__institution").filter(pk=entry_id).first()
    if entry is None or entry.step not in _WORDS or not mail.is_sent():
        return 0
    return sum(_sent(entry, person_id) for person_id in concerned(entry))


def concerned(entry: ReviewEntry) -> list[str]:
    """Ids of the persons whom a step concerns, without whoever took it."""
    row: Publication = entry.publication
    if entry.step == "assign":
        found = [row.assigned_to]
    elif entry.step == "remind" or entry.author_id == row.requested_by:
        found = [row.assigned_to] if row.assigned_to else list(row.institution.curators)
    else:
        found = [row.requested_by]
    return [one for one in dict.fromkeys(found) if one and one != entry.author_id]


def _sent(entry: ReviewEntry, person_id: str) -> bool:
    person = identity.absent_person(person_id)
    if person is None:
        return False
    _actor, email, language = person
    node = settings.current()
    with mail.language_of(language):
        subject = _("%(what)s (%(node)s)") % {"what": _WORDS[entry.step], "node": node.node_name}
        address = f"{node.control_address}/publishing/requests/{entry.publication_id}"
        text = _("%(what)s on %(node)s. You see it on this page: %(address)s") % {
            "what": _WORDS[entry.step],
            "node": node.node_name,
            "address": address,
        }
        return mail.send(email, subject, text)
