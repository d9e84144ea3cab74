"""Files that hold no table as rows of one: a picture is a row, so is each page of a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
from PIL import Image
from pypdf.errors import PyPdfError

from tsunagu.formats.errors import UnreadableError
from tsunagu.formats.reader import Rows
from tsunagu.formats.readers.pdf import opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tsunagu.formats.reader import Context


def image_rows(source: BinaryIO, context: Context, table: str, kinds: Mapping[str, str]) -> Rows:
    """The picture as it is: its bytes, after a look whether all of them are there.

    Raises:
        UnreadableError: damaged or cut off.
    """
    del table, kinds
    try:
        with Image.open(source) as picture:
            picture.verify()
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadableError(f"The picture is damaged: {str(error).rstrip('.')}.") from error
    source.seek(0)
    content = source.read(context.byte_count)
    return Rows(iter([pa.RecordBatch.from_arrays([pa.array([content], pa.binary())], names=["image"])]))


def pdf_rows(source: BinaryIO, context: Context, table: str, kinds: Mapping[str, str]) -> Rows:
    """The text of each page, and how many letters of the document stand before it.

    Raises:
        UnreadableError: damaged, or protected by a password.
    """
    del context, table, kinds
    return Rows(_pages(source))


def _pages(source: BinaryIO) -> Iterator[Any]:
    start = 0
    try:
        for number, page in enumerate(opened(source).pages, 1):
            text = page.extract_text()
            arrays = [pa.array([number]), pa.array([start]), pa.array([text], pa.string())]
            yield pa.RecordBatch.from_arrays(arrays, names=["page", "start", "text"])
            start += len(text)
    except (PyPdfError, ValueError, KeyError, TypeError) as error:
        raise UnreadableError(f"The PDF is damaged: {str(error).rstrip('.')}.") from error
