"""``tsunagu watch FOLDER PROJECT/DATASET``: the capture agent's engine for one folder and a person's token."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from tsunagu.client import account
from tsunagu.client.agent import report
from tsunagu.client.agent.engine import Engine, Wishes
from tsunagu.client.agent.home import Home, HomeInUseError
from tsunagu.client.agent.ledger import WAITING, Ledger
from tsunagu.client.agent.main import event_json, event_text
from tsunagu.client.errors import (
    IncompleteError,
    LedgerInUseError,
    NotSignedInError,
    UnreachableError,
    UsageError,
)
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path
from tsunagu.client.output import printable
from tsunagu.client.transport import user_agent

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from tsunagu.client.output import Output

_QUIET = frozenset({"configured", "at_rest", "moved", "started", "stopped"})


def watch(options: argparse.Namespace, output: Output) -> int:
    """Watch until interrupted, or with ``--once`` until everything that is at rest was sent.

    Raises:
        UsageError: no such folder, or not a dataset's name.
        LedgerInUseError: the same folder is being watched already.
        IncompleteError, UnreachableError, NotSignedInError: ``--once`` could not send everything.
    """
    dataset_path(options.dataset)
    folder = os.path.abspath(options.folder)  # noqa: PTH100 - as the agent keeps it
    if not os.path.isdir(folder):  # noqa: PTH112
        raise UsageError(text("no_folder", path=options.folder), remedy=text("no_folder_remedy"))
    who = account.resolve(options.url, options.token)
    home = Home(options.state or _state_folder(who.url, folder, options.dataset))
    try:
        home.hold()
    except HomeInUseError:
        raise LedgerInUseError(
            text("watch_in_use", folder=folder), remedy=text("watch_in_use_remedy")
        ) from None
    ledger = Ledger(home.file("ledger.sqlite3"))
    wishes = Wishes(
        config=_config(folder, options.dataset, options.settle, options.poll),
        own_folder=home.path,
        on_event=_Shown(output),
        client=f"{user_agent()} watch",
    )
    engine = Engine(who.url, who.token, ledger, home.log(), wishes)
    try:
        output.note(text("watch_began", folder=folder, dataset=options.dataset))
        stopped = threading.Event()
        if options.once:
            engine.run_once(stopped.is_set)
            return _ended(engine, who.url, output)
        engine.run(stopped.is_set)
        return 0
    finally:
        engine.close()
        ledger.close()
        home.close_log()
        home.release()


def _config(folder: str, dataset: str, settle_s: float, poll_s: float) -> dict[str, Any]:
    project, _, name = dataset.partition("/")
    rule = {"pattern": "*", "project": project, "dataset": name}
    return {"poll_s": poll_s, "folders": [{"path": folder, "settle_s": settle_s, "rules": [rule]}]}


def _state_folder(url: str, folder: str, dataset: str) -> str:
    place = hashlib.sha256(f"{url}\0{folder}\0{dataset}".encode("utf-8", "surrogateescape")).hexdigest()
    return os.path.join(account.cache_folder(), "watch", place[:24])  # noqa: PTH118


def _ended(engine: Engine, url: str, output: Output) -> int:
    counts = engine.ledger.counts()
    queue = sum(counts.get(state, 0) for state in WAITING)
    found = report.problems(engine)
    output.note(text("watch_queue", queue=queue, done=counts.get("done", 0), errors=len(found)))
    if engine.state == "refused":
        raise NotSignedInError(text("token_refused", url=url), remedy=text("no_token_remedy"))
    if engine.state == "offline":
        raise UnreachableError(
            text("unreachable", url=url, reason=engine.reason), remedy=text("unreachable_remedy")
        )
    if found or queue:
        raise IncompleteError(
            text("watch_incomplete", count=max(len(found), queue)), remedy=text("push_again_remedy")
        )
    return 0


class _Shown:
    """Events on the terminal: JSON lines on standard output, or sentences."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def __call__(self, event: str, fields: Mapping[str, Any]) -> None:
        if self._output.as_json:
            sys.stdout.write(event_json(event, fields) + "\n")
            sys.stdout.flush()
        elif event not in _QUIET:
            if event in {"problem", "folder_missing", "vanished", "refused"}:
                print(printable(event_text(event, fields)), file=sys.stderr)
            elif not self._output.quiet:
                print(printable(event_text(event, fields)), flush=True)
