"""The door of the formats room: bytes of a file in, facts and previews out. No Django behind it."""

from __future__ import annotations

from tsunagu.formats.converting.attempts import Made, settle
from tsunagu.formats.converting.planning import Plan, ReadFile, UnitConflict
from tsunagu.formats.converting.planning import plan as plan_tables
from tsunagu.formats.converting.surprises import SourceFailedError
from tsunagu.formats.converting.types import (
    CHOICES,
    CONVERTER,
    LABEL_NAMES,
    SOURCE_COLUMN,
    SPLIT_COLUMN,
    Change,
    Choice,
    ColumnPlan,
    ColumnProfile,
    Cuts,
    Leakage,
    Problem,
    SourcePlan,
    TablePlan,
    TableProfile,
)
from tsunagu.formats.errors import (
    CellError,
    ConversionError,
    MappingError,
    QueryFailedError,
    SandboxError,
    UnreadableError,
)
from tsunagu.formats.mapping.difference import diff_fields
from tsunagu.formats.mapping.model import Key, Mapping, Term
from tsunagu.formats.mapping.parse import default_mapping, default_mapping_text, parse_mapping
from tsunagu.formats.mapping.rde import from_rde, to_rde
from tsunagu.formats.mapping.units import symbol as unit_symbol
from tsunagu.formats.proposing.evidence import Evidence, Proposal
from tsunagu.formats.proposing.propose import propose
from tsunagu.formats.querying.types import Answer, ColumnCard, Question, TableCard, TableFiles
from tsunagu.formats.reader import Context, OpenRows, Read, Reader, RowReader, Rows
from tsunagu.formats.readers.csv_layout import DELIMITERS, NULL_WORDS
from tsunagu.formats.readers.scans import SCAN as SCAN_COLUMN
from tsunagu.formats.registry import installed_readers, row_readers
from tsunagu.formats.sandbox.converter import Converter
from tsunagu.formats.sandbox.pool import ExtractorPool, extract, sandbox_report
from tsunagu.formats.sandbox.querier import Querier
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
    "CHOICES",
    "CONVERTER",
    "DELIMITERS",
    "LABEL_NAMES",
    "NULL_WORDS",
    "SCAN_COLUMN",
    "SOURCE_COLUMN",
    "SPLIT_COLUMN",
    "Answer",
    "Array",
    "CellError",
    "Change",
    "Choice",
    "Column",
    "ColumnCard",
    "ColumnPlan",
    "ColumnProfile",
    "Context",
    "ConversionError",
    "Converter",
    "CurvePreview",
    "Cuts",
    "Evidence",
    "ExtractorPool",
    "Field",
    "ImagePreview",
    "Key",
    "Leakage",
    "Limits",
    "ListingPreview",
    "Made",
    "Mapping",
    "MappingError",
    "Member",
    "OpenRows",
    "Outcome",
    "Plan",
    "Preview",
    "Problem",
    "Proposal",
    "Querier",
    "QueryFailedError",
    "Question",
    "Read",
    "ReadFile",
    "Reader",
    "ReaderInfo",
    "Reading",
    "RowReader",
    "Rows",
    "SandboxError",
    "SandboxReport",
    "Series",
    "SourceFailedError",
    "SourcePlan",
    "Table",
    "TableCard",
    "TableFiles",
    "TablePlan",
    "TablePreview",
    "TableProfile",
    "Term",
    "TextPreview",
    "UnitConflict",
    "UnreadableError",
    "Wall",
    "default_mapping",
    "default_mapping_text",
    "diff_fields",
    "extract",
    "from_rde",
    "installed_readers",
    "parse_mapping",
    "plan_tables",
    "propose",
    "row_readers",
    "sandbox_report",
    "settle",
    "to_rde",
    "unit_symbol",
]
