"""The command that puts published versions into repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output

_PUBLIC = ("published", "withdrawn")


def run_deposit(options: argparse.Namespace, output: Output) -> None:
    """Have a published version deposited, or say how far its deposits are."""
    if (options.found_at or options.not_there) and not options.to:
        raise UsageError(text("deposit_needs_to"), remedy="tsunagu deposit PROJECT/DATASET --to NAME")
    with connect(options.url, options.token) as client:
        found = client.node.get(f"{dataset_path(options.dataset)}/publications")["publications"]
        place = f"/deposits/{_chosen(found, options)['id']}"
        if options.to:
            wish = {"to": options.to, "found_at": options.found_at, "is_absent": options.not_there}
            answer: dict[str, Any] = client.node.post(place, wish)
        else:
            answer = client.node.get(place)
    if output.as_json:
        output.json(answer)
        return
    for one in [answer] if options.to else answer["deposits"]:
        _show(one, output)
    if not options.to:
        names = ", ".join(answer["repositories"])
        output.note(text("deposit_repositories", names=names) if names else text("deposit_no_repositories"))


def _chosen(publications: list[dict[str, Any]], options: argparse.Namespace) -> dict[str, Any]:
    """The publication that is meant: that of the version, or of the newest one that is public."""
    for state in _PUBLIC:
        for one in publications:
            if one["state"] == state and options.number in {0, one["version"]}:
                return one
    raise UsageError(text("deposit_not_published"), remedy=f"tsunagu publish {options.dataset}")


def _show(one: dict[str, Any], output: Output) -> None:
    state = text(f"deposit_{one['state']}", since=one["held_since"][:16].replace("T", " "))
    address = one["item_url"] if one["state"] == "done" else one["activity_url"]
    line = f"{one['place']}@{one['version']}  {one['repository']}  {state}  {address}"
    output.line(line.rstrip())
    if one["last_error"]:
        output.line(f"    {one['last_error']}")
    if one["needs_person"]:
        output.note(text("deposit_decide"))
