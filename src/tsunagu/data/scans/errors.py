"""What goes wrong with pages, in words for the researcher."""

from __future__ import annotations

from tsunagu.core.errors import InvalidInputError, NotFoundError


class NoPagesError(InvalidInputError):
    """None of the files that were named can hold scanned pages."""

    code = "scans.no_pages"
    default_message = "There is no file here whose pages could be read."
    default_remedy = "Pages are read from PDF, TIFF, PNG and JPEG files. Name one by its path."


class NoSuchPageError(NotFoundError):
    """This page was not read, or there is no such page."""

    code = "scans.no_such_page"
    default_message = "This page has not been read."
    default_remedy = "Have the pages read with tsunagu ocr, or wait until the reading gets there."
