"""One's own access tokens: list, make narrow ones for scripts, withdraw."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output


def run_token(options: argparse.Namespace, output: Output) -> None:
    """List one's tokens, make one, or withdraw one."""
    if options.action != "list" and not options.name:
        raise UsageError(text("token_name_missing"), remedy=text("token_name_missing_remedy"))
    with connect(options.url, options.token) as client:
        if options.action == "revoke":
            client.node.delete(f"/tokens/{quote(options.name, safe='')}")
            output.line(text("token_revoked"))
        elif options.action == "create":
            asked = {
                "label": options.name,
                "days": options.days,
                "verbs": options.verbs or ["read", "write", "share"],
                "projects": options.projects or [],
            }
            made = client.node.post("/tokens", asked)
            if output.as_json:
                output.json(made)
            else:
                output.note(text("token_shown_once"))
                output.line(str(made["secret"]))
        else:
            rows = client.node.get("/tokens")["tokens"]
            if output.as_json:
                output.json({"tokens": rows})
            else:
                output.table(
                    (row["id"], row["label"], ",".join(row["verbs"]), row["expires_at"] or "-")
                    for row in rows
                )
