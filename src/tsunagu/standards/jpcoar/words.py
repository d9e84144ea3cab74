"""JPCOAR's vocabularies: what each version of the schema knows, and what a word becomes where it is unknown.

Source: JPCOAR schema 1.0.2, 2.0 and 2.1 (https://schema.irdb.nii.ac.jp/); the COAR vocabularies behind them.
"""

from __future__ import annotations

from typing import Literal

Version = Literal["1.0", "2.0", "2.1"]

NAMESPACES = {
    version: f"https://github.com/JPCOAR/schema/blob/master/{version}/" for version in ("1.0", "2.0", "2.1")
}
# Repositories also advertise these; a harvester reads both.
OTHER_NAMESPACES = {
    "https://irdb.nii.ac.jp/schema/jpcoar/1.0/": "1.0",
    "https://irdb.nii.ac.jp/schema/jpcoar/2.0/": "2.0",
    "https://irdb.nii.ac.jp/schema/jpcoar/2.1/": "2.1",
}
DC = "http://purl.org/dc/elements/1.1/"
DCTERMS = "http://purl.org/dc/terms/"
DATACITE = "https://schema.datacite.org/meta/kernel-4/"
OAIRE = "http://namespace.openaire.eu/schema/oaire/"
DCNDL = "http://ndl.go.jp/dcndl/terms/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

ACCESS = {
    "open access": "http://purl.org/coar/access_right/c_abf2",
    "embargoed access": "http://purl.org/coar/access_right/c_f1cf",
    "restricted access": "http://purl.org/coar/access_right/c_16ec",
    "metadata only access": "http://purl.org/coar/access_right/c_14cb",
}
TEXT_VERSIONS = {
    "AO": "http://purl.org/coar/version/c_b1a7d7d4d402bcce",
    "SMUR": "http://purl.org/coar/version/c_71e4c1898caa6e32",
    "AM": "http://purl.org/coar/version/c_ab4af688f83e57aa",
    "P": "http://purl.org/coar/version/c_fa2ee174bc00049f",
    "VoR": "http://purl.org/coar/version/c_970fb48d4fbd8a85",
    "CVoR": "http://purl.org/coar/version/c_e19f295774971610",
    "EVoR": "http://purl.org/coar/version/c_dc82b40f9837b551",
    "NA": "http://purl.org/coar/version/c_be7fb7dd8ff6fe43",
}
_TYPES = "http://purl.org/coar/resource_type/"
# Keyed by label: "journal article", "departmental bulletin paper" and "article" share an address.
RESOURCE_TYPES = {
    label: _TYPES + code
    for label, code in {
        "conference paper": "c_5794",
        "data paper": "c_beb9",
        "departmental bulletin paper": "c_6501",
        "editorial": "c_b239",
        "journal": "c_0640",
        "journal article": "c_6501",
        "magazine article": "43KC-T6DC",
        "newspaper": "c_2fe3",
        "review article": "c_dcae04bc",
        "other periodical": "QX5C-AR31",
        "software paper": "c_7bab",
        "article": "c_6501",
        "book": "c_2f33",
        "book part": "c_3248",
        "cartographic material": "c_12cc",
        "map": "c_12cd",
        "archival collection": "YC9F-HGCF",
        "collection": "RMP5-3GQ6",
        "court documents": "1YTN-RJZE",
        "conference output": "c_c94f",
        "conference presentation": "R60J-J5BD",
        "conference proceedings": "c_f744",
        "conference poster": "c_6670",
        "aggregated data": "ACF7-8YT9",
        "clinical trial data": "c_cb28",
        "compiled data": "FXF3-D3G7",
        "dataset": "c_ddb1",
        "encoded data": "AM6W-6QAW",
        "experimental data": "63NG-B465",
        "genomic data": "A8F1-NPV9",
        "geospatial data": "2H0M-X761",
        "laboratory notebook": "H41Y-FW7B",
        "measurement and test data": "DD58-GFSX",
        "observational data": "FF4C-28RK",
        "recorded data": "CQMR-7K63",
        "simulation data": "W2XT-7017",
        "survey data": "NHD0-W6SY",
        "image": "c_c513",
        "still image": "c_ecc8",
        "moving image": "c_8a7e",
        "video": "c_12ce",
        "lecture": "c_8544",
        "design patent": "C53B-JCY5",
        "patent": "c_15cd",
        "PCT application": "SB3Y-W4EH",
        "plant patent": "Z907-YMBB",
        "plant variety protection": "GPQ7-G5VE",
        "software patent": "MW8G-3CR8",
        "trademark": "H6QP-SC1X",
        "utility model": "9DKX-KSAF",
        "report": "c_93fc",
        "research report": "c_18ws",
        "technical report": "c_18gh",
        "policy report": "c_186u",
        "working paper": "c_8042",
        "data management plan": "c_ab20",
        "knowledge synthesis protocol": "DX5J-TA9R",
        "sound": "c_18cc",
        "thesis": "c_46ec",
        "bachelor thesis": "c_7a1f",
        "master thesis": "c_bdcc",
        "doctoral thesis": "c_db06",
        "artistic work": "F8RT-TJK0",
        "commentary": "D97F-VB57",
        "design": "542X-3S04",
        "industrial design": "JBNF-DYAD",
        "interactive resource": "c_e9a0",
        "knowledge organization system": "GSZA-Y7V7",
        "layout design": "BW7T-YM2G",
        "learning object": "c_e059",
        "manuscript": "c_0040",
        "musical notation": "c_18cw",
        "peer review": "H9BQ-739P",
        "physical sample": "S7R1-K5P0",
        "research instrument": "8KJG-QS0Y",
        "research proposal": "c_baaf",
        "research protocol": "YZ1N-ZFT9",
        "software": "c_5ce6",
        "source code": "QH80-2R4E",
        "technical documentation": "c_71bd",
        "transcription": "6NC7-GK9S",
        "workflow": "c_393c",
        "other": "c_1843",
    }.items()
}
DATA_TYPES = frozenset(
    {
        "dataset",
        "aggregated data",
        "clinical trial data",
        "compiled data",
        "encoded data",
        "experimental data",
        "genomic data",
        "geospatial data",
        "laboratory notebook",
        "measurement and test data",
        "observational data",
        "recorded data",
        "simulation data",
        "survey data",
    }
)
THESES = frozenset({"thesis", "bachelor thesis", "master thesis", "doctoral thesis"})

# What 2.1 added and 2.0 lacks, and the nearest word of 2.0.
_NEW_TYPES = {
    "archival collection": "other",
    "collection": "dataset",
    "court documents": "other",
    "magazine article": "article",
    "knowledge synthesis protocol": "other",
    "artistic work": "other",
    "knowledge organization system": "other",
    "physical sample": "other",
    "research instrument": "other",
}
# What 1.0 knows; everything else becomes the nearest of these.
_OLD_TYPES = frozenset(
    {
        "conference paper",
        "data paper",
        "departmental bulletin paper",
        "editorial",
        "journal article",
        "newspaper",
        "review article",
        "software paper",
        "article",
        "book",
        "book part",
        "cartographic material",
        "map",
        "conference proceedings",
        "conference poster",
        "dataset",
        "image",
        "still image",
        "moving image",
        "video",
        "lecture",
        "patent",
        "report",
        "research report",
        "technical report",
        "policy report",
        "working paper",
        "data management plan",
        "sound",
        "thesis",
        "bachelor thesis",
        "master thesis",
        "doctoral thesis",
        "interactive resource",
        "learning object",
        "manuscript",
        "musical notation",
        "research proposal",
        "software",
        "technical documentation",
        "workflow",
        "other",
    }
)
_OLDER_LABELS = {
    "conference output": ("conference object", "c_c94f"),
    "conference presentation": ("conference object", "c_c94f"),
    "other periodical": ("periodical", "c_2659"),
    "journal": ("periodical", "c_2659"),
    "source code": ("software", "c_5ce6"),
}

# Labels of 1.0 alone, for readers of older records.
OLD_LABELS = frozenset({"conference object", "periodical", "internal report", "report part", "interview"})

CONTRIBUTOR_TYPES = frozenset(
    {
        "ContactPerson",
        "DataCollector",
        "DataCurator",
        "DataManager",
        "Distributor",
        "Editor",
        "HostingInstitution",
        "Producer",
        "ProjectLeader",
        "ProjectManager",
        "ProjectMember",
        "RelatedPerson",
        "Researcher",
        "ResearchGroup",
        "Sponsor",
        "Supervisor",
        "WorkPackageLeader",
        "Other",
    }
)
SUBJECT_SCHEMES = frozenset(
    {
        "BSH",
        "DDC",
        "e-Rad_field",
        "JEL",
        "LCC",
        "LCSH",
        "MeSH",
        "NDC",
        "NDLC",
        "NDLSH",
        "SciVal",
        "UDC",
        "Other",
    }
)
DESCRIPTION_TYPES = frozenset({"Abstract", "Methods", "TableOfContents", "TechnicalInfo", "Other"})
DATE_TYPES = frozenset(
    {
        "Accepted",
        "Available",
        "Collected",
        "Copyrighted",
        "Created",
        "Issued",
        "Submitted",
        "Updated",
        "Valid",
    }
)
NAME_SCHEMES = frozenset(
    {"e-Rad_Researcher", "NRID", "ORCID", "ISNI", "VIAF", "AID", "kakenhi", "Ringgold", "GRID", "ROR"}
)
HOLDING_SCHEMES = frozenset({"kakenhi", "ISNI", "Ringgold", "GRID", "ROR", "FANO", "ISIL", "MARC", "OCLC"})
FUNDER_SCHEMES = frozenset({"Crossref Funder", "e-Rad_funder", "GRID", "ISNI", "ROR", "Other"})
OBJECT_TYPES = frozenset(
    {"abstract", "dataset", "fulltext", "iiif", "software", "summary", "thumbnail", "other"}
)
IDENTIFIER_SCHEMES = frozenset({"DOI", "HDL", "URI"})
SOURCE_SCHEMES = frozenset({"PISSN", "EISSN", "ISSN", "NCID"})
RELATED_SCHEMES = frozenset(
    {
        "ARK",
        "arXiv",
        "CRID",
        "DOI",
        "HDL",
        "ICHUSHI",
        "ISBN",
        "J-GLOBAL",
        "Local",
        "PISSN",
        "EISSN",
        "ISSN",
        "NAID",
        "NCID",
        "PMID",
        "PURL",
        "SCOPUS",
        "URI",
        "WOS",
    }
)
_OLD_RELATIONS = frozenset(
    {
        "isVersionOf",
        "hasVersion",
        "isPartOf",
        "hasPart",
        "isReferencedBy",
        "references",
        "isFormatOf",
        "hasFormat",
        "isReplacedBy",
        "replaces",
        "isRequiredBy",
        "requires",
        "isSupplementTo",
        "isSupplementedBy",
        "isIdenticalTo",
        "isDerivedFrom",
        "isSourceOf",
    }
)
RELATIONS = _OLD_RELATIONS | {"inSeries", "isCitedBy", "cites"}
_NEW_RELATIONS = frozenset(
    {"isCollectedBy", "collects", "continues", "isContinuedBy", "isTranslationOf", "hasTranslation"}
)
# Words of DataCite without a twin here, and what says nearly the same.
_FOREIGN_RELATIONS = {
    "isNewVersionOf": "isVersionOf",
    "isPreviousVersionOf": "hasVersion",
    "obsoletes": "replaces",
    "isObsoletedBy": "isReplacedBy",
    "isVariantFormOf": "isFormatOf",
    "isOriginalFormOf": "hasFormat",
    "isPublishedIn": "isPartOf",
}


def resource_type(label: str, version: Version) -> tuple[str, str]:
    """Label and address as a version of the schema writes them; an unknown label stays, without an address."""
    if version != "2.1":
        label = _NEW_TYPES.get(label, label)
    if version == "1.0":
        if label in _OLDER_LABELS:
            old, code = _OLDER_LABELS[label]
            return old, _TYPES + code
        if label not in _OLD_TYPES and label in RESOURCE_TYPES:
            label = "dataset" if label in DATA_TYPES else "other"
    return label, RESOURCE_TYPES.get(label, "")


def relation_type(word: str, version: Version) -> str:
    """The word for a relation in a version of the schema; empty where none fits."""
    word = _FOREIGN_RELATIONS.get(word, word)
    if version == "1.0":
        word = {"cites": "references", "isCitedBy": "isReferencedBy", "inSeries": "isPartOf"}.get(word, word)
        return word if word in _OLD_RELATIONS else ""
    if word == "cites":
        return "Cites" if version == "2.0" else "cites"
    if word in RELATIONS or (version == "2.1" and word in _NEW_RELATIONS):
        return word
    return ""


def related_scheme(scheme: str, identifier: str, version: Version) -> str:
    """The scheme of a related identifier; what a version does not know is an address or something local."""
    if scheme in RELATED_SCHEMES:
        if version != "1.0" or scheme not in {"CRID", "NCID", "ISSN"}:
            return scheme
    elif version == "2.1" and scheme in {"CSTR", "RRID"}:
        return scheme
    return "URI" if identifier.startswith(("https://", "http://")) else "Local"


def contributor_type(role: str, version: Version) -> str:
    """The role of a contributor in a version of the schema; empty where it says nothing."""
    if not role or role in CONTRIBUTOR_TYPES or (role == "Translator" and version == "2.1"):
        return role
    return "Other"


def name_scheme(scheme: str, version: Version) -> str:
    """The scheme of a person's or an organisation's identifier; empty where a version has none for it."""
    if version == "1.0":
        if scheme == "e-Rad_Researcher":
            return "e-Rad"
        return scheme if scheme in NAME_SCHEMES and scheme != "ROR" else ""
    return scheme if scheme in NAME_SCHEMES else ""


def subject_scheme(scheme: str, version: Version) -> str:
    """The scheme of a subject; ``Other`` where a version does not know it."""
    if scheme not in SUBJECT_SCHEMES:
        return "Other"
    if version == "1.0":
        return {"e-Rad_field": "Other", "JEL": "Other", "SciVal": "Sci-Val"}.get(scheme, scheme)
    return scheme
