"""The door of standards: the record and the forms it takes."""

from tsunagu.standards.croissant import to_croissant
from tsunagu.standards.frictionless import to_data_package
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
from tsunagu.standards.people import agent_named
from tsunagu.standards.published import (
    Dated,
    Description,
    Funding,
    Party,
    PartyId,
    Place,
    PublicFile,
    PublicRecord,
    Relation,
    Right,
    Subject,
    Text,
)
from tsunagu.standards.ro_crate import to_ro_crate
from tsunagu.standards.schema_org import to_schema_org

__all__ = [
    "Agent",
    "ArrayEntry",
    "Column",
    "Dated",
    "Description",
    "FileEntry",
    "Funding",
    "Happening",
    "Licence",
    "Party",
    "PartyId",
    "Place",
    "PublicFile",
    "PublicRecord",
    "Quantity",
    "Record",
    "Related",
    "Relation",
    "Right",
    "Store",
    "Subject",
    "Table",
    "Text",
    "TextLayout",
    "Workflow",
    "agent_named",
    "known_licence",
    "to_croissant",
    "to_data_package",
    "to_ro_crate",
    "to_schema_org",
]
