"""The door of the formats room: bytes of a file in, facts and previews out. No Django behind it."""

from __future__ import annotations

from tsunagu.formats.arrays.attempts import MadeStore, settle_store
from tsunagu.formats.arrays.planning import ArraysPlan, plan_arrays
from tsunagu.formats.arrays.types import ArrayConflict, ArrayProfile, StorePlan, StoreProfile
from tsunagu.formats.converting.attempts import Made, settle
from tsunagu.formats.converting.moments import RUNNING_KINDS, moments_text, read_moments
from tsunagu.formats.converting.planning import Plan, ReadFile, UnitConflict
from tsunagu.formats.converting.planning import plan as plan_tables
from tsunagu.formats.converting.shards import READER as SHARDED_READER
from tsunagu.formats.converting.shards import shards_of
from tsunagu.formats.converting.surprises import ColumnChangedError, SourceFailedError
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
    TimeCuts,
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
from tsunagu.formats.mapping.units import converted as convert_unit
from tsunagu.formats.mapping.units import symbol as unit_symbol
from tsunagu.formats.proposing.evidence import Evidence, Proposal
from tsunagu.formats.proposing.propose import propose
from tsunagu.formats.querying.types import Answer, ColumnCard, Question, TableCard, TableFiles
from tsunagu.formats.reader import (
    ArrayReader,
    Arrays,
    Context,
    OpenArray,
    OpenArrays,
    OpenRows,
    Read,
    Reader,
    RowReader,
    Rows,
)
from tsunagu.formats.readers.csv_layout import DELIMITERS, NULL_WORDS
from tsunagu.formats.readers.scans import SCAN as SCAN_COLUMN
from tsunagu.formats.registry import array_readers, installed_readers, row_readers
from tsunagu.formats.sandbox.converter import Converter
from tsunagu.formats.sandbox.page_reader import PageReader
from tsunagu.formats.sandbox.pool import ExtractorPool, extract, sandbox_report
from tsunagu.formats.sandbox.querier import Querier
from tsunagu.formats.sandbox.walls import SandboxReport, Wall
from tsunagu.formats.scanning.types import PageReading, Word
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
    "RUNNING_KINDS",
    "SCAN_COLUMN",
    "SHARDED_READER",
    "SOURCE_COLUMN",
    "SPLIT_COLUMN",
    "Answer",
    "Array",
    "ArrayConflict",
    "ArrayProfile",
    "ArrayReader",
    "Arrays",
    "ArraysPlan",
    "CellError",
    "Change",
    "Choice",
    "Column",
    "ColumnCard",
    "ColumnChangedError",
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
    "MadeStore",
    "Mapping",
    "MappingError",
    "Member",
    "OpenArray",
    "OpenArrays",
    "OpenRows",
    "Outcome",
    "PageReader",
    "PageReading",
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
    "StorePlan",
    "StoreProfile",
    "Table",
    "TableCard",
    "TableFiles",
    "TablePlan",
    "TablePreview",
    "TableProfile",
    "Term",
    "TextPreview",
    "TimeCuts",
    "UnitConflict",
    "UnreadableError",
    "Wall",
    "Word",
    "array_readers",
    "convert_unit",
    "default_mapping",
    "default_mapping_text",
    "diff_fields",
    "extract",
    "from_rde",
    "installed_readers",
    "moments_text",
    "parse_mapping",
    "plan_arrays",
    "plan_tables",
    "propose",
    "read_moments",
    "row_readers",
    "sandbox_report",
    "settle",
    "settle_store",
    "shards_of",
    "to_rde",
    "unit_symbol",
]
