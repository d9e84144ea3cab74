"""The door of description: what people and readers say of a dataset, proposals, the mapping."""

from tsunagu.data.description.errors import (
    BadMappingError,
    BadValueError,
    NoSuchProposalError,
    ProposalDecidedError,
)
from tsunagu.data.description.extraction import read_files
from tsunagu.data.description.findable import (
    Findable,
    beginning_of_texts,
    formats_of,
    found_in_files,
    terms,
)
from tsunagu.data.description.mappings import current_mapping, mapping_history, write_mapping
from tsunagu.data.description.selectors import (
    earlier_readings,
    facts,
    file_values,
    frozen_values,
    history,
    labels,
    outcomes,
    problem_files,
    progress,
    proposals,
    reading,
    readings,
    start_reading_again,
    status_counts,
    values,
)
from tsunagu.data.description.types import (
    FactSummary,
    MappingCard,
    ProposalCard,
    ReadingCard,
    ReadingProgress,
    ValueCard,
)
from tsunagu.data.description.values import carry_over, decide_proposal, set_value

__all__ = [
    "BadMappingError",
    "BadValueError",
    "FactSummary",
    "Findable",
    "MappingCard",
    "NoSuchProposalError",
    "ProposalCard",
    "ProposalDecidedError",
    "ReadingCard",
    "ReadingProgress",
    "ValueCard",
    "beginning_of_texts",
    "carry_over",
    "current_mapping",
    "decide_proposal",
    "earlier_readings",
    "facts",
    "file_values",
    "formats_of",
    "found_in_files",
    "frozen_values",
    "history",
    "labels",
    "mapping_history",
    "outcomes",
    "problem_files",
    "progress",
    "proposals",
    "read_files",
    "reading",
    "readings",
    "set_value",
    "start_reading_again",
    "status_counts",
    "terms",
    "values",
    "write_mapping",
]
