"""DataCite's vocabularies beside JPCOAR's, from which ours come; both ways, and down to 4.6 where 4.7 has more words.

Source: https://schema.datacite.org/meta/kernel-4/ (4.6 of 2024-12-05, 4.7 of 2026-03-03).
"""

from __future__ import annotations

from typing import Literal

from tsunagu.standards.jpcoar.words import DATA_TYPES

Version = Literal["4.6", "4.7"]
NAMESPACE = "http://datacite.org/schema/kernel-4"

_GENERAL = {
    "conference paper": "ConferencePaper",
    "data paper": "DataPaper",
    "departmental bulletin paper": "JournalArticle",
    "editorial": "JournalArticle",
    "journal": "Journal",
    "journal article": "JournalArticle",
    "magazine article": "JournalArticle",
    "review article": "JournalArticle",
    "software paper": "JournalArticle",
    "article": "JournalArticle",
    "book": "Book",
    "book part": "BookChapter",
    "cartographic material": "Image",
    "map": "Image",
    "archival collection": "Collection",
    "collection": "Collection",
    "conference output": "Text",
    "conference presentation": "Presentation",
    "conference proceedings": "ConferenceProceeding",
    "conference poster": "Poster",
    "image": "Image",
    "still image": "Image",
    "moving image": "Audiovisual",
    "video": "Audiovisual",
    "lecture": "Audiovisual",
    "report": "Report",
    "research report": "Report",
    "technical report": "Report",
    "policy report": "Report",
    "working paper": "Preprint",
    "data management plan": "OutputManagementPlan",
    "sound": "Sound",
    "thesis": "Dissertation",
    "bachelor thesis": "Dissertation",
    "master thesis": "Dissertation",
    "doctoral thesis": "Dissertation",
    "interactive resource": "InteractiveResource",
    "learning object": "InteractiveResource",
    "manuscript": "Text",
    "peer review": "PeerReview",
    "physical sample": "PhysicalObject",
    "research instrument": "Instrument",
    "research proposal": "Text",
    "research protocol": "Text",
    "software": "Software",
    "source code": "Software",
    "technical documentation": "Text",
    "transcription": "Text",
    "workflow": "Workflow",
    **dict.fromkeys(DATA_TYPES, "Dataset"),
}
_LABELS = {
    "Audiovisual": "video",
    "Book": "book",
    "BookChapter": "book part",
    "Collection": "collection",
    "ConferencePaper": "conference paper",
    "ConferenceProceeding": "conference proceedings",
    "DataPaper": "data paper",
    "Dataset": "dataset",
    "Dissertation": "thesis",
    "Image": "image",
    "Instrument": "research instrument",
    "InteractiveResource": "interactive resource",
    "Journal": "journal",
    "JournalArticle": "journal article",
    "OutputManagementPlan": "data management plan",
    "PeerReview": "peer review",
    "PhysicalObject": "physical sample",
    "Poster": "conference poster",
    "Preprint": "working paper",
    "Presentation": "conference presentation",
    "Report": "report",
    "Software": "software",
    "ComputationalNotebook": "software",
    "Sound": "sound",
    "Workflow": "workflow",
}
_ONLY_47 = {"Poster": "Text", "Presentation": "Text"}

CONTRIBUTOR_TYPES = frozenset(
    "ContactPerson DataCollector DataCurator DataManager Distributor Editor HostingInstitution Other Producer "  # noqa: SIM905
    "ProjectLeader ProjectManager ProjectMember RegistrationAgency RegistrationAuthority RelatedPerson ResearchGroup "
    "RightsHolder Researcher Sponsor Supervisor Translator WorkPackageLeader".split()
)
DATE_TYPES = frozenset(
    "Accepted Available Collected Copyrighted Coverage Created Issued Other Submitted Updated Valid Withdrawn".split()  # noqa: SIM905
)
DESCRIPTION_TYPES = frozenset(
    "Abstract Methods SeriesInformation TableOfContents TechnicalInfo Other".split()  # noqa: SIM905
)
TITLE_TYPES = frozenset({"AlternativeTitle", "Subtitle", "TranslatedTitle", "Other"})
_RELATIONS = frozenset(
    "IsCitedBy Cites IsSupplementTo IsSupplementedBy IsContinuedBy Continues IsNewVersionOf IsPreviousVersionOf IsPartOf "  # noqa: SIM905
    "HasPart IsPublishedIn IsReferencedBy References IsDocumentedBy Documents IsCompiledBy Compiles IsVariantFormOf "
    "IsOriginalFormOf IsIdenticalTo HasMetadata IsMetadataFor Reviews IsReviewedBy IsDerivedFrom IsSourceOf Describes "
    "IsDescribedBy HasVersion IsVersionOf Requires IsRequiredBy Obsoletes IsObsoletedBy Collects IsCollectedBy "
    "HasTranslation IsTranslationOf".split()
)
_RELATIONS_OF_JPCOAR = {
    "inSeries": "IsPartOf",
    "isFormatOf": "IsVariantFormOf",
    "hasFormat": "IsOriginalFormOf",
    "replaces": "Obsoletes",
    "isReplacedBy": "IsObsoletedBy",
}
_SCHEMES = {"HDL": "Handle", "URI": "URL", "PISSN": "ISSN"}
_OUR_SCHEMES = {"Handle": "HDL", "URL": "URI", "ISSN": "PISSN"}
_KNOWN_SCHEMES = frozenset(
    "ARK arXiv bibcode CSTR DOI EAN13 EISSN Handle IGSN ISBN ISSN ISTC LISSN LSID PMID PURL RRID UPC URL URN w3id".split()  # noqa: SIM905
)
_FUNDERS = {"Crossref Funder": "Crossref Funder ID", "ROR": "ROR", "GRID": "GRID", "ISNI": "ISNI"}
_ADDRESSES = {"DOI": "https://doi.org/", "HDL": "https://hdl.handle.net/"}
SCHEME_HOMES = {
    "ORCID": "https://orcid.org",
    "ROR": "https://ror.org",
    "ISNI": "https://isni.org",
    "SPDX": "https://spdx.org/licenses/",
    "e-Rad_Researcher": "https://www.e-rad.go.jp",
}


def general_type(label: str, version: Version) -> str:
    """``resourceTypeGeneral`` for our label, or for one of its own words."""
    known = _GENERAL.get(label, label if label in _LABELS else "Other")
    return at_version(known, version)


def at_version(general: str, version: Version) -> str:
    """The same word where the version has it, else the nearest."""
    return _ONLY_47.get(general, general) if version == "4.6" else general


def label_of(general: str, said: str) -> str:
    """Our label for their type: the free words where they are one of our labels, else the nearest to the general type."""
    if said.lower() in _GENERAL:
        return said.lower()
    return _LABELS.get(general, "other")


def relation(word: str, version: Version) -> str:
    """``relationType``; a relation without a word is a reference, or ``Other`` from 4.7."""
    known = _RELATIONS_OF_JPCOAR.get(word, word[:1].upper() + word[1:])
    if known in _RELATIONS:
        return known
    return "Other" if version == "4.7" else "References"


def our_relation(word: str) -> str:
    """Our word for a ``relationType``."""
    return "" if word == "Other" else word[:1].lower() + word[1:]


def related(scheme: str, identifier: str, version: Version) -> tuple[str, str]:
    """Type and value of a related identifier; empty where DataCite has no type for it."""
    known = _SCHEMES.get(scheme, scheme)
    if known in _KNOWN_SCHEMES or (version == "4.7" and known in {"RAiD", "SWHID"}):
        start = _ADDRESSES.get(scheme, "")
        return known, identifier.removeprefix(start).removeprefix(start.replace("https:", "http:"))
    if known == "SWHID":
        return "URL", f"https://archive.softwareheritage.org/{identifier}"
    return ("URL", identifier) if identifier.startswith(("https://", "http://")) else ("", "")


def our_related(scheme: str, identifier: str) -> tuple[str, str]:
    """Our scheme and value of a related identifier: DOIs and handles as addresses."""
    ours = _OUR_SCHEMES.get(scheme, scheme)
    start = _ADDRESSES.get(ours, "")
    is_bare = start and not identifier.startswith(("https://", "http://"))
    return ours, start + identifier if is_bare else identifier


def funder(scheme: str) -> str:
    """``funderIdentifierType``: codes of e-Rad have none."""
    return _FUNDERS.get(scheme, "Other")


def our_funder(scheme: str) -> str:
    """Our scheme of a funder."""
    return "Crossref Funder" if scheme == "Crossref Funder ID" else scheme
