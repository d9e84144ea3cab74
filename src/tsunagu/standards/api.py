"""The door of standards: the record and the forms it takes."""

from tsunagu.standards.citations import recommended_citation, to_bibtex, to_csl, to_ris
from tsunagu.standards.common_items import (
    ACCESS_WORDS,
    CHARGES,
    COMMON_NAMES,
    DATA_TYPES,
    FIELDS,
    FUNDERS,
    MANAGERS,
    METADATA_ACCESS,
    SAME_FIELD,
    with_common_items,
)
from tsunagu.standards.croissant import to_croissant
from tsunagu.standards.csl_styles import STYLES, UnknownStyleError, cite
from tsunagu.standards.datacite.attributes import IncompleteRecordError, to_datacite_json
from tsunagu.standards.datacite.json_reading import from_datacite_json
from tsunagu.standards.datacite.reading import from_datacite
from tsunagu.standards.datacite.writing import datacite_element, to_datacite_xml
from tsunagu.standards.dublin_core import oai_dc_element, to_oai_dc
from tsunagu.standards.dublin_core_reading import from_oai_dc
from tsunagu.standards.frictionless import to_data_package
from tsunagu.standards.identifiers import address_of, doi_of, guessed, normalised
from tsunagu.standards.jalc import to_jalc_json
from tsunagu.standards.jpcoar.answers import check_answer
from tsunagu.standards.jpcoar.checking import check
from tsunagu.standards.jpcoar.pieces import size_in_words
from tsunagu.standards.jpcoar.reading import from_jpcoar
from tsunagu.standards.jpcoar.rules import RULES, Finding, Rule
from tsunagu.standards.jpcoar.words import RESOURCE_TYPES
from tsunagu.standards.jpcoar.words import Version as JpcoarVersion
from tsunagu.standards.jpcoar.writing import jpcoar_element, to_jpcoar
from tsunagu.standards.kept import from_kept, to_kept
from tsunagu.standards.languages import language_of
from tsunagu.standards.licences import Licence, known_licence
from tsunagu.standards.model import (
    Agent,
    ArrayEntry,
    Column,
    FileEntry,
    Happening,
    Quantity,
    Record,
    Related,
    Store,
    Table,
    TextLayout,
    Workflow,
)
from tsunagu.standards.people import agent_named, erad_number
from tsunagu.standards.published import (
    Catalog,
    Conference,
    Dated,
    Degree,
    Description,
    Funding,
    Identifier,
    Imprint,
    Party,
    PartyId,
    Place,
    PublicFile,
    PublicRecord,
    RelatedItem,
    Relation,
    Right,
    Subject,
    Text,
)
from tsunagu.standards.ro_crate import to_ro_crate
from tsunagu.standards.ro_crate_reading import Crate, CrateFile, UnreadableCrateError, from_ro_crate
from tsunagu.standards.schema_org import to_schema_org
from tsunagu.standards.signposting import Document, Link, link_header, links_of, to_linkset
from tsunagu.standards.weko_crate import DepositedFile, WekoWish, to_weko_crate
from tsunagu.standards.xml import UnreadableXmlError
from tsunagu.standards.xml import escaped as xml_text
from tsunagu.standards.xml import parsed as parsed_xml

__all__ = [
    "ACCESS_WORDS",
    "CHARGES",
    "COMMON_NAMES",
    "DATA_TYPES",
    "FIELDS",
    "FUNDERS",
    "MANAGERS",
    "METADATA_ACCESS",
    "RESOURCE_TYPES",
    "RULES",
    "SAME_FIELD",
    "STYLES",
    "Agent",
    "ArrayEntry",
    "Catalog",
    "Column",
    "Conference",
    "Crate",
    "CrateFile",
    "Dated",
    "Degree",
    "DepositedFile",
    "Description",
    "Document",
    "FileEntry",
    "Finding",
    "Funding",
    "Happening",
    "Identifier",
    "Imprint",
    "IncompleteRecordError",
    "JpcoarVersion",
    "Licence",
    "Link",
    "Party",
    "PartyId",
    "Place",
    "PublicFile",
    "PublicRecord",
    "Quantity",
    "Record",
    "Related",
    "RelatedItem",
    "Relation",
    "Right",
    "Rule",
    "Store",
    "Subject",
    "Table",
    "Text",
    "TextLayout",
    "UnknownStyleError",
    "UnreadableCrateError",
    "UnreadableXmlError",
    "WekoWish",
    "Workflow",
    "address_of",
    "agent_named",
    "check",
    "check_answer",
    "cite",
    "datacite_element",
    "doi_of",
    "erad_number",
    "from_datacite",
    "from_datacite_json",
    "from_jpcoar",
    "from_kept",
    "from_oai_dc",
    "from_ro_crate",
    "guessed",
    "jpcoar_element",
    "known_licence",
    "language_of",
    "link_header",
    "links_of",
    "normalised",
    "oai_dc_element",
    "parsed_xml",
    "recommended_citation",
    "size_in_words",
    "to_bibtex",
    "to_croissant",
    "to_csl",
    "to_data_package",
    "to_datacite_json",
    "to_datacite_xml",
    "to_jalc_json",
    "to_jpcoar",
    "to_kept",
    "to_linkset",
    "to_oai_dc",
    "to_ris",
    "to_ro_crate",
    "to_schema_org",
    "to_weko_crate",
    "with_common_items",
    "xml_text",
]
