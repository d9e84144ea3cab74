"""Words for the graph: kinds of things, relations from both sides, evidence."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy as pgettext

KINDS = {
    "article": pgettext("thing", "Article"),
    "data": pgettext("thing", "Data"),
    "software": pgettext("thing", "Software"),
    "project": pgettext("thing", "Project"),
    "person": pgettext("thing", "Person"),
    "institution": pgettext("thing", "Institution"),
    "instrument": pgettext("thing", "Instrument"),
    "grant": pgettext("thing", "Grant"),
    "run": pgettext("thing", "Run"),
    "work": pgettext("thing", "Work"),
}
# What stands over the neighbours: of a thing that is the subject, and of one that is the object.
RELATIONS = {
    "creator": (_("Creators"), _("Created")),
    "contributor": (_("Contributors"), _("Contributed to")),
    "publisher": (_("Published by"), _("What it published")),
    "copyrightHolder": (_("Rights holders"), _("Holds the rights in")),
    "affiliation": (_("Affiliations"), _("People from here")),
    "funder": (_("Funders"), _("Funded")),
    "funding": (_("Grants"), _("Results of the grant")),
    "cites": (_("Cites"), _("Cited by")),
    "references": (_("Refers to"), _("Referred to by")),
    "isSupplementTo": (_("Supplement to"), _("Supplements")),
    "isVersionOf": (_("Version of"), _("Versions")),
    "isNewVersionOf": (_("New version of"), _("Newer versions")),
    "isPartOf": (_("Part of"), _("Parts")),
    "isDerivedFrom": (_("Derived from"), _("What was derived from it")),
    "isBasedOn": (_("Based on"), _("What is based on it")),
    "documents": (_("Documents"), _("Documented by")),
    "describes": (_("Describes"), _("Described by")),
    "replaces": (_("Replaces"), _("Replaced by")),
    "obsoletes": (_("Makes obsolete"), _("Made obsolete by")),
    "requires": (_("Requires"), _("Required by")),
    "continues": (_("Continues"), _("Continued by")),
    "reviews": (_("Reviews"), _("Reviewed by")),
    "compiles": (_("Compiles"), _("Compiled by")),
    "collects": (_("Collects"), _("Collected by")),
    "isVariantFormOf": (_("Variant of"), _("Variants")),
    "isFormatOf": (_("Other format of"), _("Other formats")),
    "isTranslationOf": (_("Translation of"), _("Translations")),
    "isMetadataFor": (_("Metadata for"), _("Metadata")),
    "isPublishedIn": (_("Published in"), _("What was published in it")),
    "inSeries": (_("In the series"), _("In this series")),
    "isIdenticalTo": (_("Said to be identical to"), _("Said to be identical to")),
    "wasGeneratedBy": (_("Made by the runs"), _("What the run made")),
    "used": (_("What the run used"), _("Runs that used it")),
    "wasAssociatedWith": (_("Carried out by"), _("Runs carried out")),
    "relation": (_("Related"), _("Named as related by")),
}
EVIDENCE = {
    "affiliation": _("Same name and affiliation"),
    "work": _("Same name, same work"),
    "coauthor": _("Same name and a shared co-author"),
    "said": _("Called identical by a source"),
}
CONFLICTS = {
    "identifiers": _("Sources give these identifiers to different things, so nothing was made one."),
    "several": _("This has several identifiers of a kind of which a thing has only one."),
    "kinds": _("Sources do not agree what kind of thing this is."),
    "titles": _("Sources give this different titles."),
}
STATES = {
    "proposed": pgettext("merge", "Open"),
    "accepted": pgettext("merge", "Accepted"),
    "rejected": pgettext("merge", "Rejected"),
    "undone": pgettext("merge", "Undone"),
}


def heading(relation: str, *, is_from: bool) -> str:
    """What stands over the neighbours by a relation."""
    words = RELATIONS.get(relation, RELATIONS["relation"])
    return str(words[0] if is_from else words[1])
