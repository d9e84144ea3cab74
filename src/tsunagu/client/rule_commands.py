"""Commands about who may do what: giving roles, asking the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output


def _place(name: str) -> str:
    """The address of a project or a dataset."""
    return dataset_path(name) if "/" in name else f"/projects/{quote(name, safe='')}"


def run_share(options: argparse.Namespace, output: Output) -> None:
    """Give a role until a date, or take it away."""
    members = f"{_place(options.place)}/members"
    with connect(options.url, options.token) as client:
        if options.role == "none":
            answer = client.node.delete(f"{members}/{quote(options.email, safe='')}")
        else:
            wish = {"email": options.email, "role": options.role, "until": options.until}
            answer = client.node.put(members, wish)
    if output.as_json:
        output.json(answer)
    elif options.role == "none":
        output.line(text("unshare_done", email=options.email, place=options.place))
    else:
        said = {"email": options.email, "place": options.place, "role": text(f"role_{options.role}")}
        output.line(
            text("share_done_until", until=options.until, **said)
            if options.until
            else text("share_done", **said)
        )


def run_decide(options: argparse.Namespace, output: Output) -> None:
    """What the rules say, and what would help."""
    asked = {"action": options.action, "place": options.place}
    if options.about:
        asked["as"] = options.about
    with connect(options.url, options.token) as client:
        answer = client.node.get("/decide", **asked)
    if output.as_json:
        output.json(answer)
        return
    output.line(text(f"answer_{answer['answer']}"))
    rows = [(text("answer_reason"), reason) for reason in answer["reasons"]]
    rows += [(text(f"answer_{name}"), answer[name]) for name in ("basis", "remedy") if answer[name]]
    output.table(rows)


def run_access(options: argparse.Namespace, output: Output) -> None:
    """Show or change who may see frozen versions, and from when on."""
    wish = {"access": options.access} if options.access else {}
    if options.embargo is not None:
        wish["embargo"] = "" if options.embargo == "none" else options.embargo
    with connect(options.url, options.token) as client:
        place = dataset_path(options.dataset)
        for number, is_released in ((options.members_only, False), (options.release, True)):
            if number is not None:
                client.node.patch(f"{place}/versions/{number}", {"is_released": is_released})
        answer = client.node.patch(place, wish) if wish else client.node.get(place)
        versions = client.node.get(f"{place}/versions")["versions"]
    hidden = [one["number"] for one in versions if not one["is_released"]]
    if output.as_json:
        shown = {key: answer.get(key) for key in ("project", "name", "access", "embargo_until")}
        output.json({**shown, "members_only": hidden})
        return
    said = text(f"access_{answer['access']}")
    if answer.get("embargo_until"):
        said = text("access_embargo", until=answer["embargo_until"], access=said)
    output.line(f"{options.dataset}  {said}")
    if hidden:
        output.line(text("access_members_only", versions=", ".join(f"v{number}" for number in hidden)))


def run_label(options: argparse.Namespace, output: Output) -> None:
    """Show the labels of a dataset, or set one."""
    place = f"{dataset_path(options.dataset)}/labels"
    name, _, value = options.label.partition("=")
    with connect(options.url, options.token) as client:
        if name:
            answer = client.node.put(place, {"name": name, "value": value, "reason": options.reason})
        else:
            answer = client.node.get(place)
    if output.as_json:
        output.json(answer)
    else:
        output.table((one["name"], one["value"], "/".join(one["levels"])) for one in answer["labels"])


def run_ask(options: argparse.Namespace, output: Output) -> None:
    """Ask the owners of a dataset for a role."""
    dataset_path(options.dataset)  # refuses what is no name of a dataset
    wish = {"place": options.dataset, "reason": options.reason, "role": options.role}
    with connect(options.url, options.token) as client:
        answer = client.node.post("/requests", wish)
    if output.as_json:
        output.json(answer)
    else:
        output.line(text("ask_done", place=options.dataset))


def run_requests(options: argparse.Namespace, output: Output) -> None:
    """List requests for access, or answer one."""
    with connect(options.url, options.token) as client:
        if options.answer:
            if not options.id:
                raise UsageError(text("request_needs_id"), remedy="tsunagu requests")
            said = {
                "answer": options.answer,
                "role": options.role,
                "until": options.until,
                "words": options.words,
            }
            answer = client.node.post(f"/requests/{quote(options.id, safe='')}", said)
        else:
            answer = client.node.get("/requests")
    if output.as_json:
        output.json(answer)
        return
    for heading in ("waiting", "own"):
        if answer[heading]:
            output.line(text(f"requests_{heading}"))
            output.table(
                (
                    one["id"],
                    one["place"],
                    text(f"request_{one['state']}"),
                    one["email"],
                    one["answer"] or one["reason"],
                )
                for one in answer[heading]
            )
