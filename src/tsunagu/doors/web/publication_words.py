"""Words of publishing for people: states, access, steps, kinds of resources, what became of a DOI."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as pgettext

STATES = {
    "requested": ("info", pgettext("publication", "waits for review")),
    "in_review": ("info", pgettext("publication", "in review")),
    "changes_asked": ("warn", pgettext("publication", "given back")),
    "approved": ("blue", pgettext("publication", "approved")),
    "published": ("ok", pgettext("publication", "published")),
    "rejected": ("danger", pgettext("publication", "refused")),
    "withdrawn": ("", pgettext("publication", "withdrawn")),
    "moved": ("", pgettext("publication", "moved to another node")),
}
RIGHTS = {
    "open access": ("ok", _("Open to everybody")),
    "embargoed access": ("warn", _("Under embargo")),
    "restricted access": ("info", _("For people who sign in")),
    "metadata only access": ("", _("Description only")),
}
ACCESSES = {
    "open": _("Everybody may read the files"),
    "embargoed": _("Everybody may read the files from a day on"),
    "restricted": _("Whoever signs in may read the files"),
    "metadata": _("Only the description is public"),
}
STEPS = {
    "request": _("asked for publication"),
    "comment": _("commented"),
    "assign": _("named a curator"),
    "ask_changes": _("gave it back"),
    "approve": _("approved it"),
    "reject": _("refused it"),
    "publish": _("published it"),
    "correct": _("corrected the record"),
    "withdraw": _("withdrew it"),
    "restore": _("published it again"),
    "move": _("moved it to another node"),
    "arrive": _("took it over from another node"),
    "try_again": _("had the DOI agency asked again"),
    "relate": _("confirmed a relation"),
    "unrelate": _("took a relation back"),
    "remind": _("reminded the curators"),
    "article": _("described the article anew"),
    "deposit": _("wished it in a repository"),
    "deposited": _("stands in a repository now"),
    "deposit_held": _("lies at a repository, which decides about it"),
    "deposit_refuse": _("was refused by a repository"),
    "deposit_gone": _("was taken out of a repository"),
    "check_yes": _("confirmed on the checklist"),
    "check_no": _("answered no on the checklist"),
    "check_none": _("left out of the checklist"),
}
OPEN_ACCESS = {
    "overdue": ("danger", pgettext("open access", "overdue")),
    "due": ("warn", pgettext("open access", "due")),
    "delayed": ("info", pgettext("open access", "later, for a reason")),
    "open": ("ok", pgettext("open access", "open")),
    "exempt": ("", pgettext("open access", "not asked")),
}
OA_REASONS = {
    "publisher_embargo": _("The publisher's embargo"),
    "policy_unclear": _("The publisher's policy is missing or unclear"),
    "apc": _("No money for the publisher's charge"),
    "evidence_data_restricted": _("The data behind it may not be public"),
    "other": _("Another reason"),
}
OA_DUTIES = {
    "": pgettext("open access", "not known"),
    "yes": pgettext("open access", "Yes"),
    "no": pgettext("open access", "No"),
}
# COAR's words: https://vocabularies.coar-repositories.org/version_types/
TEXT_VERSIONS = {
    "AM": _("Accepted manuscript (AM)"),
    "VoR": _("Published version (VoR)"),
    "SMUR": _("Submitted manuscript (SMUR)"),
    "AO": _("Author's original (AO)"),
    "P": _("Proof (P)"),
    "CVoR": _("Corrected published version (CVoR)"),
    "EVoR": _("Enhanced published version (EVoR)"),
    "NA": _("Not known (NA)"),
}
ANSWERS = {
    "yes": pgettext("checklist", "Yes"),
    "no": pgettext("checklist", "No"),
    "none": pgettext("checklist", "Does not apply"),
}
EFFECTS = {
    "waiting": ("info", pgettext("effect", "waits to be registered")),
    "sending": ("info", pgettext("effect", "is being sent")),
    "unknown": ("warn", pgettext("effect", "sent, no answer yet")),
    "done": ("ok", pgettext("effect", "registered")),
    "refused": ("danger", pgettext("effect", "refused by the agency")),
    "given_up": ("danger", pgettext("effect", "not registered")),
}
DEPOSITS = {
    "waiting": ("info", pgettext("deposit", "waits to be sent")),
    "sending": ("info", pgettext("deposit", "is being sent")),
    "unknown": ("warn", pgettext("deposit", "sent, no answer yet")),
    "held": ("info", pgettext("deposit", "at the repository")),
    "done": ("ok", pgettext("deposit", "deposited")),
    "refused": ("danger", pgettext("deposit", "refused by the repository")),
    "withdrawn": ("", pgettext("deposit", "taken out")),
}
RESOURCES = {
    "dataset": pgettext("resource", "Dataset"),
    "experimental data": pgettext("resource", "Experimental data"),
    "measurement and test data": pgettext("resource", "Measurement and test data"),
    "observational data": pgettext("resource", "Observational data"),
    "simulation data": pgettext("resource", "Simulation data"),
    "survey data": pgettext("resource", "Survey data"),
    "aggregated data": pgettext("resource", "Aggregated data"),
    "compiled data": pgettext("resource", "Compiled data"),
    "encoded data": pgettext("resource", "Encoded data"),
    "genomic data": pgettext("resource", "Genomic data"),
    "geospatial data": pgettext("resource", "Geospatial data"),
    "recorded data": pgettext("resource", "Recorded data"),
    "laboratory notebook": pgettext("resource", "Laboratory notebook"),
    "software": pgettext("resource", "Software"),
    "journal article": pgettext("resource", "Journal article"),
    "data paper": pgettext("resource", "Data paper"),
    "conference paper": pgettext("resource", "Conference paper"),
    "review article": pgettext("resource", "Review article"),
    "departmental bulletin paper": pgettext("resource", "Departmental bulletin paper"),
}
RELATIONS = {
    "isVersionOf": _("All versions"),
    "replaces": _("Earlier version"),
    "isReplacedBy": _("Newer version"),
    "isDerivedFrom": _("Made from"),
    "isSupplementTo": _("Belongs to the article"),
    "isSupplementedBy": _("Data behind it"),
    "isIdenticalTo": _("The same at the publisher"),
    "isReferencedBy": _("Referred to by"),
    "references": _("Refers to"),
    "isCitedBy": _("Cited by"),
    "cites": _("Cites"),
    "isSourceOf": _("Used to make"),
    "isReviewedBy": _("Reviewed or endorsed in"),
}
