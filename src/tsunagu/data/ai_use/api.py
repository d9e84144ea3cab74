"""The door of ai_use: terms of datasets, the register of AI services, the checklist, the guard."""

from tsunagu.data.ai_use.checklist import current_checklist, current_text, default_text, write_checklist
from tsunagu.data.ai_use.errors import (
    AiUseRefusedError,
    BadChecklistError,
    NoReasonError,
    NoSuchServiceError,
)
from tsunagu.data.ai_use.exchange import from_croissant, known_codes, to_croissant
from tsunagu.data.ai_use.guard import answer_item, check_use, history, permit, require_use, would_permit
from tsunagu.data.ai_use.registry import get_service, services, write_service
from tsunagu.data.ai_use.terms import (
    LIMITS,
    as_json,
    parse,
    set_terms,
    source_names,
    strictest,
    terms_of,
    terms_of_version,
)
from tsunagu.data.ai_use.types import (
    KINDS,
    LOCAL,
    TERM_ANSWERS,
    USES,
    CheckCard,
    Checklist,
    Item,
    ItemResult,
    Service,
    Terms,
    TermsCard,
    Verdict,
)

__all__ = [
    "KINDS",
    "LIMITS",
    "LOCAL",
    "TERM_ANSWERS",
    "USES",
    "AiUseRefusedError",
    "BadChecklistError",
    "CheckCard",
    "Checklist",
    "Item",
    "ItemResult",
    "NoReasonError",
    "NoSuchServiceError",
    "Service",
    "Terms",
    "TermsCard",
    "Verdict",
    "answer_item",
    "as_json",
    "check_use",
    "current_checklist",
    "current_text",
    "default_text",
    "from_croissant",
    "get_service",
    "history",
    "known_codes",
    "parse",
    "permit",
    "require_use",
    "services",
    "set_terms",
    "source_names",
    "strictest",
    "terms_of",
    "terms_of_version",
    "to_croissant",
    "would_permit",
    "write_checklist",
    "write_service",
]
