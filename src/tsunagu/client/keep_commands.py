"""Commands about keeping data and giving them up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import text
from tsunagu.client.names import at_version
from tsunagu.client.node import dataset_path
from tsunagu.client.progress import size
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output
    from tsunagu.client.workspace import Dataset


def run_delete(options: argparse.Namespace, output: Output) -> None:
    """Destroy a dataset for good, with a reason."""
    place = dataset_path(options.dataset)
    if not options.reason.strip():
        raise UsageError(text("reason_needed"), remedy='--reason "..."')
    with connect(options.url, options.token) as client:
        answer = client.node.delete(place, {"reason": options.reason})
    if output.as_json:
        output.json(answer)
    else:
        output.line(text("delete_done", place=options.dataset, run=answer["run"]))


def run_retain(options: argparse.Namespace, output: Output) -> None:
    """Show until when a dataset is kept, or prolong it."""
    name, version = at_version(options.dataset)
    place = dataset_path(name)
    with connect(options.url, options.token) as client:
        if options.until:
            wish = {"until": options.until, "version": version or 0, "reason": options.reason}
            answer = client.node.put(f"{place}/retention", wish)
        else:
            answer = client.node.get(f"{place}/keeping")
    if output.as_json:
        output.json(answer)
        return
    found = answer["retentions"]
    output.line(text("keep_until", until=found[0]["last_day"]) if found else text("keep_free"))
    output.table(
        (
            f"@{one['version']}" if one["version"] else "",
            one["last_day"],
            text(f"keep_{one['source']}"),
            one["reason"],
        )
        for one in answer["retentions"]
    )
    if answer["is_held"]:
        output.line(text("keep_held"))
    output.table((one["place"], one["placed_at"], one["placed_by"], one["reason"]) for one in answer["holds"])
    output.line(text(f"copies_{answer['copies']}"))


def run_hold(options: argparse.Namespace, output: Output) -> None:
    """List legal holds, place one, or lift one."""
    with connect(options.url, options.token) as client:
        if options.lift:
            if not options.place:
                raise UsageError(text("hold_needs_id"), remedy="tsunagu hold")
            answer = client.node.delete(f"/holds/{quote(options.place, safe='')}", {"reason": options.reason})
            said = text("hold_lifted", place=answer["place"])
        elif options.place:
            answer = client.node.post("/holds", {"place": options.place, "reason": options.reason})
            said = text("hold_placed", place=options.place)
        else:
            answer = client.node.get("/holds")
            said = ""
    if output.as_json:
        output.json(answer)
    elif said:
        output.line(said)
    else:
        output.table(
            (
                one["id"],
                one["place"],
                text("hold_over", at=one["lifted_at"]) if one["lifted_at"] else text("hold_stands"),
                one["placed_by"],
                one["reason"],
            )
            for one in answer["holds"]
        )


def run_succeed(options: argparse.Namespace, output: Output) -> None:
    """Hand over what somebody owns."""
    wish = {"giver": options.giver, "successor": options.successor, "reason": options.reason}
    with connect(options.url, options.token) as client:
        answer = client.node.post("/accounts/succeed", wish)
    if output.as_json:
        output.json(answer)
    else:
        output.line(_handed_over(options.giver, options.successor, answer))


def run_close_account(options: argparse.Namespace, output: Output) -> None:
    """Close an account."""
    wish = {"email": options.email, "successor": options.successor, "reason": options.reason}
    if options.reopen:
        wish.pop("successor")
    with connect(options.url, options.token) as client:
        answer = client.node.post("/accounts/reopen" if options.reopen else "/accounts/close", wish)
    if output.as_json:
        output.json(answer)
        return
    if options.reopen:
        output.line(text("reopen_done", email=options.email))
        return
    if answer["run"]:
        output.line(_handed_over(options.email, options.successor, answer))
    output.line(text("close_done", email=options.email))


def _handed_over(giver: str, successor: str, answer: dict[str, Any]) -> str:
    counts = {name: answer[name] for name in ("projects", "datasets", "guests")}
    return text("succeed_done", giver=giver, to=successor, **counts)


def run_archive(options: argparse.Namespace, output: Output) -> None:
    """Write a version as a BagIt bag, or all versions up to it as an OCFL object."""
    from tsunagu.client.archive import bagit, ocfl

    name, version = at_version(options.dataset)
    write = ocfl.write if options.form == "ocfl" else bagit.write
    with connect(options.url, options.token) as client:
        dataset = client.dataset(name)
        number = version or _last(dataset)
        with output.progress("archive") as progress:
            files, byte_count = write(dataset, number, options.destination, progress)
    said = {"name": name, "version": number, "path": options.destination, "files": files}
    if output.as_json:
        output.json({**said, "form": options.form, "bytes": byte_count})
    else:
        form = {"bagit": "BagIt 1.0", "ocfl": "OCFL 1.1"}[options.form]
        output.line(text("archive_done", form=form, size=size(byte_count), **said))


def run_export(options: argparse.Namespace, output: Output) -> None:
    """Write a version encrypted for recipients."""
    from tsunagu.client import export

    if bool(options.age) == bool(options.crypt4gh):
        raise UsageError(text("export_needs_recipient"), remedy=text("export_needs_recipient_remedy"))
    name, version = at_version(options.dataset)
    seal: export.Seal = export.AgeSeal(options.age) if options.age else export.Crypt4ghSeal(options.crypt4gh)
    with connect(options.url, options.token) as client:
        dataset = client.dataset(name)
        number = version or _last(dataset)
        with output.progress("export") as progress:
            files, byte_count = export.write(dataset, number, options.destination, seal, progress)
    if output.as_json:
        output.json(
            {
                "name": name,
                "version": number,
                "path": options.destination,
                "form": seal.form,
                "files": files,
                "bytes": byte_count,
                "recipients": seal.recipients,
            }
        )
    else:
        place = {"name": f"{name}@{number}", "path": options.destination, "form": seal.form}
        output.line(text("export_done", files=files, size=size(byte_count), **place))


def _last(dataset: Dataset) -> int:
    found = next((one.number for one in dataset.versions()), 0)
    if not found:
        raise UsageError(
            text("archive_needs_version", name=dataset.name),
            remedy=text("archive_needs_version_remedy", name=dataset.name),
        )
    return found
