"""The arguments of ``tsunagu notices``."""

from __future__ import annotations

from typing import Any

from tsunagu.client.messages import text


def add_commands(add: Any) -> None:
    """The arguments."""
    notices = add(
        "notices",
        "tsunagu notices --state held\n"
        "tsunagu notices --accept 01JZ0V5Q8W3R6T9Y2B4D7F0H1K\n"
        "tsunagu notices --partners",
    )
    notices.add_argument("--state", default="", metavar="STATE", help=text("help_notices_state"))
    chosen = notices.add_mutually_exclusive_group()
    for name in ("partners", "sent"):
        chosen.add_argument(f"--{name}", action="store_true", help=text(f"help_notices_{name}"))
    for name in ("accept", "reject", "let-through", "throw-away"):
        help_text = text(f"help_notices_{name.replace('-', '_')}")
        chosen.add_argument(f"--{name}", default="", metavar="ID", help=help_text)
