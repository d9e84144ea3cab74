"""The arguments of the commands about scanned pages."""

from __future__ import annotations

from typing import Any

from tsunagu.client.messages import text


def add_commands(add: Any) -> None:
    """The arguments."""
    ocr = add(
        "ocr",
        "tsunagu ocr lab/notebooks\n"
        "tsunagu ocr lab/notebooks 1998/book-3.pdf\n"
        "tsunagu ocr lab/notebooks 1998/book-3.pdf --text > book-3.txt",
    )
    ocr.add_argument("dataset", metavar="PROJECT/DATASET", help=text("help_ocr_dataset"))
    ocr.add_argument("paths", nargs="*", metavar="PATH", help=text("help_ocr_paths"))
    ocr.add_argument("--text", dest="as_text", action="store_true", help=text("help_ocr_text"))
    ocr.add_argument("--again", action="store_true", help=text("help_ocr_again"))
    ocr.add_argument("--detach", action="store_true", help=text("help_ocr_detach"))
