"""``tsunagu move``: published datasets go to another node and keep their identifiers."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING
from urllib.parse import quote

from tsunagu.client.account import check_url, stored_account
from tsunagu.client.errors import IncompleteError, UsageError
from tsunagu.client.messages import text
from tsunagu.client.moving import Move, Moved
from tsunagu.client.node import dataset_path
from tsunagu.client.workspace import Client, connect
from tsunagu.core.errors import TsunaguError

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output


def run_move(options: argparse.Namespace, output: Output) -> None:
    """Move datasets one after another; one that cannot go is named and keeps none of the others back."""
    if bool(options.datasets) == bool(options.collection):
        raise UsageError(text("move_which"), remedy=text("move_which_remedy"))
    moved: list[Moved] = []
    with connect(options.url, options.token) as here, _other(options) as there:
        if here.node.account.url == there.node.account.url:
            raise UsageError(text("move_same"), remedy=text("move_which_remedy"))
        names = options.datasets or _collection(here, options.collection)
        if not names:
            output.note(text("move_nothing", name=options.collection))
        for name in names:
            dataset_path(name)  # refuses what is no name of a dataset
        tried = ((name, _tried(options, output, here, there, name, moved)) for name in names)
        problems = [(name, problem) for name, problem in tried if problem]
    if output.as_json:
        output.json({"moved": [one.as_json() for one in moved], "failed": dict(problems)})
    output.problems(text("move_failed"), problems)
    if problems:
        raise IncompleteError(
            text("move_incomplete", count=len(problems), all=len(names)), remedy=text("move_again")
        )


def _tried(
    options: argparse.Namespace, output: Output, here: Client, there: Client, name: str, moved: list[Moved]
) -> str:
    """Why one could not be moved; nothing where it stands there now."""
    try:
        moved.append(_one(options, output, here, there, name))
    except TsunaguError as error:
        if error.code != "publication.moved":
            return f"{error.message} {error.remedy}".strip()
        if not output.as_json:
            output.line(error.message)
    return ""


def _collection(here: Client, institution: str) -> list[str]:
    found: list[str] = here.node.get(f"/institutions/{quote(institution, safe='')}/datasets")["datasets"]
    return found


def _other(options: argparse.Namespace) -> Client:
    """The node where they are to stand; its token never comes from where the first node's does."""
    url = check_url(options.to)
    token = options.to_token or os.environ.get("TSUNAGU_TO_TOKEN", "")
    if not token and (kept := stored_account(url)):
        token = kept.token
    if not token:
        raise UsageError(text("move_no_token", url=url), remedy=text("move_no_token_remedy"))
    return connect(url, token)


def _one(options: argparse.Namespace, output: Output, here: Client, there: Client, name: str) -> Moved:
    project, _slash, dataset = name.partition("/")
    to = f"{options.into or project}/{dataset}"
    with tempfile.TemporaryDirectory(prefix="tsunagu-move-") as folder, output.progress(name) as progress:
        work = os.path.join(options.work, project, dataset) if options.work else folder  # noqa: PTH118
        done = Move(here, there, name, to, options.institution, work).run(progress)
    if not output.as_json:
        output.line(text("move_done", name=name, url=done.url, versions=done.version_count))
        if done.differing:
            output.note(text("move_differing", names=", ".join(done.differing)))
        if done.foreign_dois:
            output.note(text("move_foreign", count=len(done.foreign_dois), doi=done.foreign_dois[0]))
    return done
