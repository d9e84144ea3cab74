"""The door of the formats room: bytes of a file in, facts and previews out. No Django behind it."""

from __future__ import annotations

from tsunagu.formats.errors import MappingError, SandboxError, UnreadableError
from tsunagu.formats.mapping.difference import diff_fields
from tsunagu.formats.mapping.model import Key, Mapping, Term
from tsunagu.formats.mapping.parse import default_mapping, default_mapping_text, parse_mapping
from tsunagu.formats.mapping.rde import from_rde, to_rde
from tsunagu.formats.mapping.units import symbol as unit_symbol
from tsunagu.formats.proposing.evidence import Evidence, Proposal
from tsunagu.formats.proposing.propose import propose
from tsunagu.formats.reader import Context, Read, Reader
from tsunagu.formats.registry import installed_readers
from tsunagu.formats.sandbox.pool import ExtractorPool, extract, sandbox_report
from tsunagu.formats.sandbox.walls import SandboxReport, Wall
from tsunagu.formats.types import (
    Array,
    Column,
    CurvePreview,
    Field,
    ImagePreview,
    Limits,
    ListingPreview,
    Member,
    Outcome,
    Preview,
    ReaderInfo,
    Reading,
    Series,
    Table,
    TablePreview,
    TextPreview,
)

__all__ = [
    "Array",
    "Column",
    "Context",
    "CurvePreview",
    "Evidence",
    "ExtractorPool",
    "Field",
    "ImagePreview",
    "Key",
    "Limits",
    "ListingPreview",
    "Mapping",
    "MappingError",
    "Member",
    "Outcome",
    "Preview",
    "Proposal",
    "Read",
    "Reader",
    "ReaderInfo",
    "Reading",
    "SandboxError",
    "SandboxReport",
    "Series",
    "Table",
    "TablePreview",
    "Term",
    "TextPreview",
    "UnreadableError",
    "Wall",
    "default_mapping",
    "default_mapping_text",
    "diff_fields",
    "extract",
    "from_rde",
    "installed_readers",
    "parse_mapping",
    "propose",
    "sandbox_report",
    "to_rde",
    "unit_symbol",
]
