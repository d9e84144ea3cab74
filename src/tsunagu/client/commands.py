"""One function per command of the client: ask, print, and give the exit code when it is not 0."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from tsunagu.client import account
from tsunagu.client.dark_commands import open_inbox
from tsunagu.client.errors import IncompleteError, LocalChangesError, UsageError, VerificationError
from tsunagu.client.messages import text
from tsunagu.client.names import at_version
from tsunagu.client.node import Node, dataset_path
from tsunagu.client.progress import size
from tsunagu.client.workspace import Client, connect

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from tsunagu.client.output import Output
    from tsunagu.client.pull import PullReport
    from tsunagu.client.push import PushReport

_SHOWN_VALUE = 60  # characters of a value in a table; --json gives all


def run_login(options: argparse.Namespace, output: Output) -> None:
    """Store address and token: by a page of the node, or a token that was made on the account page."""
    kept = account.stored()
    url = account.check_url(
        options.address
        or options.url
        or os.environ.get("TSUNAGU_URL")
        or kept.get("url")
        or account.DEFAULT_URL
    )
    chosen = _pasted(url, options, output)
    if chosen is None:
        from tsunagu.client import signing_in

        def tell(page: str, code: str) -> None:
            print(text("login_page", page=page, code=code), file=sys.stderr, flush=True)
            if options.browser:
                import webbrowser

                webbrowser.open(page)

        chosen = signing_in.by_device(url, tuple(options.verbs or signing_in.VERBS), tell)
    with Client(Node(chosen)) as client:
        me = client.me()
    path = account.store(chosen)
    if output.as_json:
        output.json({"url": url, "me": me, "file": path})
    else:
        output.line(text("login_done", name=_name(me), url=url, path=path))


def _pasted(url: str, options: argparse.Namespace, output: Output) -> account.Account | None:
    """The account of a token that was given; None when a page shall bring one."""
    token = options.token or os.environ.get("TSUNAGU_TOKEN") or ""
    if token == "-":  # noqa: S105 - the dash stands for standard input
        token = sys.stdin.readline()
    elif options.paste:
        import getpass

        output.note(text("login_where", url=url))
        token = getpass.getpass(text("login_prompt"))
    elif not token:
        return None
    if not token.strip():
        raise UsageError(text("login_empty"), remedy=text("no_token_remedy"))
    return account.Account(url, token.strip())


def run_logout(options: argparse.Namespace, output: Output) -> None:
    """Forget the stored token; one that came by a page ends at the node too."""
    from tsunagu.client import signing_in

    del options
    kept = account.stored()
    found = account.stored_account(kept.get("url", ""))
    if found is None:
        output.line(text("logout_nothing"))
        return
    if found.refresh:
        signing_in.give_back(found)
    os.unlink(account.config_path())  # noqa: PTH108
    output.line(text("logout_done", url=found.url))


def run_whoami(options: argparse.Namespace, output: Output) -> None:
    """Who the token stands for."""
    with connect(options.url, options.token) as client:
        me = client.me()
        if output.as_json:
            output.json({**me, "url": client.node.account.url})
        else:
            output.line(f"{_name(me)}  {client.node.account.url}")


def run_project(options: argparse.Namespace, output: Output) -> None:
    """``project create`` and ``project list``."""
    with connect(options.url, options.token) as client:
        if options.action == "create":
            if not options.name:
                raise UsageError(text("project_needs_name"), remedy="tsunagu project create NAME")
            made = client.create_project(options.name, options.title)
            if output.as_json:
                output.json(_plain(made))
            else:
                output.line(text("project_made", name=made.name))
        else:
            _list(output, client.projects(), lambda one: (one.name, one.title))


def run_ls(options: argparse.Namespace, output: Output) -> None:
    """Projects, datasets of a project, or one level of a dataset."""
    parts = options.place.strip("/").split("/", 2) if options.place.strip("/") else []
    with connect(options.url, options.token) as client:
        if not parts:
            _list(output, client.projects(), lambda one: (one.name, one.title))
        elif len(parts) == 1:
            datasets = client.project(parts[0]).datasets()
            _list(
                output, datasets, lambda one: (f"{one.project}/{one.name}", one.state, one.access, one.title)
            )
        else:
            folder = parts[2] if len(parts) > 2 else ""  # noqa: PLR2004
            tree = client.dataset("/".join(parts[:2])).tree(folder, version=options.number)
            if output.as_json:
                output.json_list({"type": kind, **item} for kind, item in tree)
            else:
                output.table(_tree_row(kind, item) for kind, item in tree)


def _tree_row(kind: str, item: dict[str, Any]) -> tuple[Any, ...]:
    if kind == "folder":
        return (
            f"{item['name']}/",
            size(item.get("bytes", 0)),
            text("files_count", count=f"{item.get('files', 0):,}"),
        )
    name = item.get("name") or item["path"].rpartition("/")[2]
    return (name, size(item["size"]), item["sha256"][:8])


def run_show(options: argparse.Namespace, output: Output) -> None:
    """What the node says about a dataset."""
    with connect(options.url, options.token) as client:
        shown = client.dataset(options.dataset).show()
    if output.as_json:
        output.json(shown)
        return
    draft = shown.get("draft") or {}
    output.line(f"{shown.get('project')}/{shown.get('name')}  {shown.get('title') or ''}".rstrip())
    rows = [
        (text("show_access"), _word("access", shown.get("access"))),
        (text("show_state"), _word("state", shown.get("state"))),
        (text("show_draft"), f"{draft.get('count', 0):,}  {size(draft.get('bytes', 0))}"),
        (text("show_page"), shown.get("url")),
    ]
    for version in shown.get("versions") or []:
        number, count, stored = version.get("number"), version.get("count", 0), version.get("bytes", 0)
        rows.append(
            (text("show_version", number=number), f"{count:,}  {size(stored)}  {version.get('note') or ''}")
        )
    output.table(rows)


def run_files(options: argparse.Namespace, output: Output) -> None:
    """Every file with its reader and status."""
    with connect(options.url, options.token) as client:
        files = client.dataset(options.dataset).files(version=options.number, prefix=options.prefix)
        _list(
            output,
            files,
            lambda one: (one.path, size(one.size), one.status, one.reader or "", one.reason or ""),
        )


def run_metadata(options: argparse.Namespace, output: Output) -> None:
    """Every value with its unit and origin."""
    with connect(options.url, options.token) as client:
        values = client.dataset(options.dataset).metadata()
        _list(
            output,
            values,
            lambda one: (one.name or one.key, _short(one.value), one.unit or "", _origin(one.origin)),
        )


def run_set(options: argparse.Namespace, output: Output) -> None:
    """Write a value."""
    with connect(options.url, options.token) as client:
        answer = client.dataset(options.dataset).set(options.key, options.value, options.unit)
    if output.as_json:
        output.json(answer)
    else:
        output.line(text("set_done", key=options.key, value=options.value, unit=options.unit or ""))


def run_proposals(options: argparse.Namespace, output: Output) -> None:
    """List proposals, or decide one."""
    with connect(options.url, options.token) as client:
        dataset = client.dataset(options.dataset)
        if options.decision is None:
            if output.as_json:
                output.json_list(dataset.proposals())
            else:
                output.table(
                    (
                        one.get("id"),
                        one.get("name"),
                        one.get("value"),
                        one.get("unit") or "",
                        _origin(one.get("origin")),
                    )
                    for one in dataset.proposals()
                )
            return
        if not options.id:
            raise UsageError(text("proposal_needs_id"), remedy=f"tsunagu proposals {options.dataset}")
        answer = dataset.decide(options.id, options.decision)
    if output.as_json:
        output.json(answer)
    else:
        output.line(text(f"proposal_{options.decision}ed", id=options.id))


def run_diff(options: argparse.Namespace, output: Output) -> None:
    """What changed between two versions."""
    with connect(options.url, options.token) as client:
        diff = client.dataset(options.dataset).diff(options.old, options.new)
    if output.as_json:
        output.json(diff)
        return
    signs = {"added": "+", "removed": "-", "changed": "~"}
    output.table((signs.get(file.get("change"), file.get("change")), file["path"]) for file in diff["files"])
    counts = diff["counts"]
    output.note(
        text("diff_counts", **{key: f"{counts.get(key, 0):,}" for key in ("added", "removed", "changed")})
    )


def run_receipt(options: argparse.Namespace, output: Output) -> None:
    """The receipt of a push: every file with its hash."""
    with connect(options.url, options.token) as client:
        receipt = client.node.get(f"/pushes/{options.run}/receipt")
    if output.as_json:
        output.json(receipt)
        return
    output.table(
        (file["sha256"], file["how"], size(file["size"]), file["path"]) for file in receipt.get("files", ())
    )
    output.note(
        text("receipt_counts", count=f"{receipt.get('count', 0):,}", bytes=size(receipt.get("bytes", 0)))
    )


def run_open(options: argparse.Namespace, output: Output) -> None:
    """The address of the dataset's page."""
    with connect(options.url, options.token) as client:
        url = client.dataset(options.dataset).show().get("url", "")
        url = url if url.startswith("http") else f"{client.node.account.url}{url}"
    if output.as_json:
        output.json({"url": url})
    else:
        output.line(url)


def run_rm(options: argparse.Namespace, output: Output) -> None:
    """Take files out of the draft."""
    with connect(options.url, options.token) as client:
        answer = client.dataset(options.dataset).remove(options.paths)
    if output.as_json:
        output.json(answer)
    else:
        output.line(text("rm_done", count=answer.get("removed", len(options.paths))))


def run_freeze(options: argparse.Namespace, output: Output) -> None:
    """Make a version."""
    with connect(options.url, options.token) as client:
        answer = client.node.post(f"{dataset_path(options.dataset)}/freeze", {"note": options.note})
    if output.as_json:
        output.json(answer)
    else:
        output.line(text("freeze_done", number=answer.get("number"), hash=answer.get("hash", "")))


def run_push(options: argparse.Namespace, output: Output) -> int:
    """Send a folder."""
    with connect(options.url, options.token) as client, output.progress(text("pushing")) as progress:
        if options.unsorted:
            options.dataset = open_inbox(client.node, options.dataset, options.folder, output)
        dataset = client.dataset(options.dataset)
        report = dataset.push(
            options.folder,
            note=options.note,
            create=not options.no_create,
            inputs=options.inputs,
            progress=progress,
        )
        progress.close()
        if options.receipt:
            receipt = client.node.get(f"/pushes/{report.run}/receipt")
            fresh = f"{options.receipt}.new"
            with open(fresh, "w", encoding="utf-8") as file:  # noqa: PTH123
                json.dump(receipt, file, ensure_ascii=False, indent=1)
            os.replace(fresh, options.receipt)  # noqa: PTH105
    _show_push(report, output)
    if options.unsorted and not output.as_json:
        output.note(text("unsorted_next", project=options.dataset.partition("/")[0]))
    output.problems(text("push_problems"), [(one.path, one.reason) for one in report.problems])
    if report.problems:
        raise IncompleteError(
            text("push_incomplete", count=len(report.problems)), remedy=text("push_again_remedy")
        )
    return 0


def _show_push(report: PushReport, output: Output) -> None:
    if output.as_json:
        output.json(report.as_json())
        return
    if report.resumed:
        output.note(text("push_resumed"))
    output.line(
        text("push_done", dataset=report.dataset, sent=f"{report.sent:,}", bytes=size(report.sent_bytes),
             same=f"{report.same:,}", linked=f"{report.linked:,}")
    )  # fmt: skip
    if report.left_out and not output.quiet:
        output.problems(
            text("push_left_out"), [(one.path, text(f"left_out_{one.reason}")) for one in report.left_out]
        )
    output.line(text("push_receipt", run=report.run))


def run_pull(options: argparse.Namespace, output: Output) -> int:
    """Fetch a dataset or a version."""
    name, version = at_version(options.dataset)
    with connect(options.url, options.token) as client, output.progress(text("pulling")) as progress:
        report = client.dataset(name).pull(
            options.destination,
            version=version,
            prefix=options.prefix,
            force=options.force,
            progress=progress,
        )
    if output.as_json:
        output.json(report.as_json())
    else:
        output.line(
            text("pull_done", dataset=report.dataset, fetched=f"{report.fetched:,}",
                 bytes=size(report.fetched_bytes), same=f"{report.same:,}", destination=report.destination)
        )  # fmt: skip
        if report.left_from_earlier:
            output.note(text("pull_left", count=f"{len(report.left_from_earlier):,}"))
    return _pull_problems(report, output)


def _pull_problems(report: PullReport, output: Output) -> int:
    if not report.problems:
        return 0
    output.problems(text("pull_problems"), [(one["path"], one["reason"]) for one in report.problems])
    if any(one["code"] == LocalChangesError.code for one in report.problems):
        raise LocalChangesError(text("pull_local_changes"), remedy=text("pull_local_changes_remedy"))
    raise IncompleteError(
        text("pull_incomplete", count=len(report.problems)), remedy=text("pull_incomplete_remedy")
    )


def run_verify(options: argparse.Namespace, output: Output) -> int:
    """Recompute hashes: of everything that one may see, of a dataset, or of a local folder."""
    with connect(options.url, options.token) as client:
        if not options.dataset:
            if options.local:
                raise UsageError(
                    text("verify_needs_dataset"), remedy="tsunagu verify PROJECT/DATASET --local DIR"
                )
            from tsunagu.client.verify import verify_everything

            report = verify_everything(client, output.note)
        else:
            name, version = at_version(options.dataset)
            report = client.dataset(name).verify(local=options.local, version=version)
    problems, is_ok = report.problems, report.is_ok
    if output.as_json:
        output.json(report.as_json())
    elif is_ok:
        output.line(text("verify_ok", what=options.dataset or text("ledger_and_datasets")))
        output.table(report.checked.items())
        output.table(report.shredded.items())
    if is_ok:
        return 0
    output.problems(text("verify_problems"), [_problem(one) for one in problems])
    raise VerificationError(
        text("verify_failed", what=options.dataset or text("ledger_and_datasets")),
        remedy=text("verify_remedy"),
    )


def run_evidence(options: argparse.Namespace, output: Output) -> None:
    """The evidence file of a version, as a folder or a ZIP."""
    name, version = at_version(options.dataset)
    with connect(options.url, options.token) as client:
        number, names = client.dataset(name).evidence(options.destination, version=version)
    if output.as_json:
        output.json({"dataset": name, "version": number, "destination": options.destination, "files": names})
        return
    output.line(text("evidence_written", dataset=f"{name}@{number}", path=options.destination))
    if not options.destination.lower().endswith(".zip"):
        output.note(text("evidence_check", script=os.path.join(options.destination, "verify_evidence.py")))  # noqa: PTH118
    if not any(one.endswith("stamp.tsr") for one in names):
        output.note(text("evidence_no_stamp"))


def run_watch(options: argparse.Namespace, output: Output) -> int:
    """Run the capture agent's engine for one folder."""
    from tsunagu.client.watch import watch

    return watch(options, output)


def _problem(one: Any) -> tuple[str, str]:
    if not isinstance(one, dict):
        return "", str(one)
    where = one.get("path") or one.get("where") or one.get("version") or one.get("kind") or ""
    said = one.get("problem") or one.get("reason") or one.get("title") or json.dumps(one, ensure_ascii=False)
    return str(where), str(said)


def _list(output: Output, items: Iterable[Any], row: Any) -> None:
    if output.as_json:
        output.json_list(_plain(item) for item in items)
    else:
        output.table(row(item) for item in items)


def _plain(item: Any) -> dict[str, Any]:
    content = dataclasses.asdict(item)
    return {**content, **content.pop("more", {})}


def _name(me: dict[str, Any]) -> str:
    return str(me.get("name") or me.get("email") or me.get("id") or "?")


def _word(kind: str, value: Any) -> str:
    if kind == "access" and value in {"open", "shared", "closed"}:
        return text(f"access_{value}")
    if kind == "state" and value in {"draft", "changed", "frozen"}:
        return text(f"state_{value}")
    return str(value or "")


def _short(value: Any) -> str:
    """A value for a line of a table: one comment of a header must not push the origins out of sight."""
    shown = "" if value is None else str(value)
    return shown if len(shown) <= _SHOWN_VALUE else f"{shown[:_SHOWN_VALUE]}…"


def _origin(origin: Any) -> str:
    """Where a value comes from, in words."""
    if not isinstance(origin, dict):
        return "" if origin is None else str(origin)
    said = {key: str(origin.get(key) or "") for key in ("by", "path", "where", "rule", "accepted_by")}
    kind = str(origin.get("kind", ""))
    if kind == "person":
        return text("origin_person", by=said["by"])
    if kind == "file":
        return text("origin_file", **said)
    if kind == "proposal":
        return text("origin_machine", by=said["by"] or said["accepted_by"] or said["rule"])
    return str(origin.get("text") or json.dumps(origin, ensure_ascii=False))
