"""Words for notices of other services."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as pgettext

PATTERNS = {
    "announce-relationship": _("States a relation"),
    "announce-review": _("Announces a review"),
    "announce-endorsement": _("Announces an endorsement"),
    "announce-ingest": _("Announces a copy"),
    "announce": _("Announces a result"),
    "offer-review": _("Asks for a review"),
    "offer-endorsement": _("Asks for an endorsement"),
    "offer-relationship": _("Offers a relation"),
    "offer-ingest": _("Asks to take something in"),
    "accept": _("Accepts"),
    "reject": _("Rejects"),
    "tentative-accept": _("Accepts for now"),
    "tentative-reject": _("Rejects for now"),
    "tentativeaccept": _("Accepts for now"),
    "tentativereject": _("Rejects for now"),
    "undo": _("Takes something back"),
    "flag": _("Could not process it"),
}
# State -> colour of the chip, word.
STATES = {
    "quarantined": ("warn", pgettext("notice", "held")),
    "unmatched": ("warn", pgettext("notice", "names nothing here")),
    "proposed": ("blue", pgettext("notice", "to be decided")),
    "accepted": ("ok", pgettext("notice", "accepted")),
    "rejected": ("", pgettext("notice", "rejected")),
    "offered": ("blue", pgettext("notice", "to be answered")),
    "answered": ("ok", pgettext("notice", "answered")),
    "undone": ("", pgettext("notice", "taken back by the sender")),
    "noted": ("", pgettext("notice", "noted")),
    # of what is sent
    "waiting": ("blue", pgettext("notice", "waits to be sent")),
    "sending": ("blue", pgettext("notice", "is being sent")),
    "done": ("ok", pgettext("notice", "delivered")),
    "refused": ("danger", pgettext("notice", "not accepted by the service")),
    "given_up": ("danger", pgettext("notice", "given up after two days")),
}
EXCHANGES = {
    "offered": pgettext("exchange", "not answered yet"),
    "tentatively_accepted": pgettext("exchange", "accepted for now"),
    "accepted": pgettext("exchange", "accepted"),
    "tentatively_rejected": pgettext("exchange", "rejected for now"),
    "rejected": pgettext("exchange", "rejected"),
    "flagged": pgettext("exchange", "could not be processed"),
    "announced": pgettext("exchange", "the result was announced"),
}
RIGHTS = {
    "relations": _("propose relations"),
    "reviews": _("review, and be asked for reviews"),
    "endorsements": _("endorse, and be asked for endorsements"),
    "results": _("tell what came of our data"),
    "told": _("be told of our articles that use its data"),
}
ANSWERS = {
    "accept": pgettext("answer to an offer", "Accept"),
    "reject": pgettext("answer to an offer", "Reject"),
    "tentative_accept": _("Accept for now"),
    "tentative_reject": _("Reject for now"),
}
OFFERS = {"review": _("For review"), "endorsement": _("For endorsement")}
