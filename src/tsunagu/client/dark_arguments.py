"""The arguments of the commands about legacy material."""

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
    ocr.add_argument("--status", action="store_true", help=text("help_ocr_status"))
    unsorted = add(
        "unsorted",
        "tsunagu unsorted lab\n"
        "tsunagu unsorted lab --by instrument\n"
        "tsunagu unsorted lab --proposals\n"
        "tsunagu unsorted lab --accept all\n"
        "tsunagu unsorted lab unsorted-disk/2003/ --verdict negative --target no-phase --tried 'heated at 900 °C'",
    )
    unsorted.add_argument("project", metavar="PROJECT", help=text("help_unsorted_project"))
    unsorted.add_argument("paths", nargs="*", metavar="INBOX/PATH", help=text("help_unsorted_paths"))
    unsorted.add_argument(
        "--by",
        choices=("folder", "format", "instrument", "month", "kind"),
        default="folder",
        help=text("help_unsorted_by"),
    )
    unsorted.add_argument("--files", action="store_true", help=text("help_unsorted_files"))
    unsorted.add_argument("--proposals", action="store_true", help=text("help_unsorted_proposals"))
    unsorted.add_argument("--decisions", action="store_true", help=text("help_unsorted_decisions"))
    unsorted.add_argument("--accept", nargs="+", metavar="KEY", help=text("help_unsorted_accept"))
    unsorted.add_argument(
        "--verdict",
        choices=("make", "add", "negative", "duplicate", "remove", "leave"),
        help=text("help_unsorted_verdict"),
    )
    unsorted.add_argument("--target", default="", metavar="NAME", help=text("help_unsorted_target"))
    unsorted.add_argument("-m", "--note", default="", help=text("help_unsorted_note"))
    for name in ("tried", "expected", "outcome", "reason"):
        unsorted.add_argument(f"--{name}", default="", metavar="TEXT", help=text(f"help_negative_{name}"))
    failure = add(
        "negative",
        "tsunagu negative lab/no-phase --tried 'heated at 900 °C' --reason 'the precursor was wet'",
    )
    failure.add_argument("dataset", metavar="PROJECT/DATASET", help=text("help_negative_dataset"))
    for name in ("tried", "expected", "outcome", "reason"):
        failure.add_argument(f"--{name}", metavar="TEXT", help=text(f"help_negative_{name}"))
