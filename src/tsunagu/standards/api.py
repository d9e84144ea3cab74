"""The door of standards: the record and the forms it takes."""

from tsunagu.standards.croissant import to_croissant
from tsunagu.standards.licences import Licence, known_licence
from tsunagu.standards.model import Agent, Column, FileEntry, Happening, Quantity, Record, Related, Table
from tsunagu.standards.ro_crate import to_ro_crate

__all__ = [
    "Agent",
    "Column",
    "FileEntry",
    "Happening",
    "Licence",
    "Quantity",
    "Record",
    "Related",
    "Table",
    "known_licence",
    "to_croissant",
    "to_ro_crate",
]
