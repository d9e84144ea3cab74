"""The agent's command: ``run`` (default), ``once``, ``status``, ``install``, ``uninstall``."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
from typing import Any, Callable, Mapping, Sequence

from . import VERSION, install, names, report
from .engine import Engine, Wishes
from .home import Home, HomeInUseError, default_home
from .ledger import WAITING, Ledger
from .words import language, say, text

EXIT_PROBLEMS, EXIT_USAGE, EXIT_REFUSED, EXIT_IN_USE, EXIT_OFFLINE = 1, 2, 3, 5, 8


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a console of another code page must not stop the work
    options = _parser().parse_args(argv)
    home = Home(options.home or default_home())
    if options.command == "status":
        return _status(home, options)
    if options.command in {"install", "uninstall"}:
        return _install(home, options)
    settings = _settings(home, options)
    if settings is None:
        return EXIT_USAGE
    try:
        home.hold()
    except HomeInUseError:
        if options.command == "run" and options.token and home.settings() != settings:
            home.keep(settings)
            _say(text("handed_over"), sys.stderr)
            return 0
        _say(text("in_use", home=home.path), sys.stderr)
        return EXIT_IN_USE
    try:
        return _work(home, settings, options)
    finally:
        home.close_log()
        home.release()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tsunagu_agent", description=text("about"))
    parser.add_argument(
        "command",
        nargs="?",
        default="run",
        choices=["run", "once", "status", "install", "uninstall"],
        help=text("help_command"),
    )
    parser.add_argument("--url", help=text("help_url"))
    parser.add_argument("--token", help=text("help_token"))
    parser.add_argument("--home", help=text("help_home"))
    parser.add_argument("--ca-file", default="", help=text("help_ca"))
    parser.add_argument("--json", action="store_true", help=text("help_json"))
    parser.add_argument("--yes", action="store_true", help=text("help_yes"))
    parser.add_argument("--patience", type=float, default=1.0, help=argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version=f"tsunagu_agent {VERSION}")
    return parser


def _settings(home: Home, options: argparse.Namespace) -> dict[str, str] | None:
    """Address and token: from the command line at first, then from the home."""
    kept = home.settings()
    url = str(options.url or kept.get("url") or "").rstrip("/")
    token = str(options.token or kept.get("token") or "")
    if not url or not token:
        _say(text("needs_url"), sys.stderr)
        return None
    if not url.lower().startswith(("http://", "https://")):
        _say(text("bad_url", url=url), sys.stderr)
        return None
    ca_file = os.path.abspath(options.ca_file) if options.ca_file else kept.get("ca_file", "")
    return {"url": url, "token": token, "ca_file": ca_file}


def _work(home: Home, settings: dict[str, str], options: argparse.Namespace) -> int:
    """Work until stopped; a new address or token that another start left in the home is taken at once."""
    stop = _Stop()
    if home.settings() != settings:
        home.keep(settings)
        _say(text("token_kept"), sys.stderr)
    log = home.log()
    while True:
        kept_at = home.kept_at()
        code = _serve(home, settings, options, log, lambda: stop.is_set or home.kept_at() != kept_at)  # noqa: B023 - called within this turn
        if stop.is_set or options.command == "once" or home.kept_at() == kept_at:
            return code
        settings = home.settings()


def _serve(
    home: Home,
    settings: Mapping[str, str],
    options: argparse.Namespace,
    log: logging.Logger,
    is_stopped: Callable[[], bool],
) -> int:
    ledger = Ledger(home.file("ledger.sqlite3"))
    show = _printer(as_json=options.json)
    wishes = Wishes(
        patience=options.patience, own_folder=home.path, on_event=show, ca_file=settings.get("ca_file", "")
    )
    _say(text("started", url=settings["url"], home=home.path), sys.stderr)
    engine = Engine(settings["url"], settings["token"], ledger, log, wishes)
    try:
        engine.tell("started", version=VERSION, url=settings["url"])
        if options.command == "once":
            engine.run_once(is_stopped)
            return exit_code(engine)
        engine.run(is_stopped)
    except KeyboardInterrupt:
        pass
    finally:
        engine.tell("stopped")
        engine.close()
        ledger.close()
    _say(text("stopped"), sys.stderr)
    return 0


def exit_code(engine: Engine) -> int:
    """How ``once`` ended."""
    if engine.state == "refused":
        return EXIT_REFUSED
    if engine.state == "offline":
        return EXIT_OFFLINE
    counts = engine.ledger.counts([folder.path for folder in engine.folders])
    is_left = bool(report.problems(engine)) or any(counts.get(state) for state in WAITING)
    return EXIT_PROBLEMS if is_left else 0


class _Stop:
    """Set by SIGTERM (the system goes down) and SIGINT; what is under way is broken off where it is."""

    def __init__(self) -> None:
        self.is_set = False
        with contextlib.suppress(ValueError):  # not the main thread
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._set)

    def _set(self, _number: int, _frame: Any) -> None:
        self.is_set = True
        raise KeyboardInterrupt


def _printer(*, as_json: bool) -> Callable[[str, Mapping[str, Any]], None]:
    def show(event: str, fields: Mapping[str, Any]) -> None:
        line = event_json(event, fields) if as_json else event_text(event, fields)
        if line:
            _say(line, sys.stdout)

    return show


def event_json(event: str, fields: Mapping[str, Any]) -> str:
    """One event as one line of JSON."""
    return json.dumps({"event": event, **fields}, ensure_ascii=True, default=str)


def event_text(event: str, fields: Mapping[str, Any]) -> str:
    """One event as a sentence; empty for what people need not see."""
    chosen = language()
    if event in {"problem", "folder_missing"}:
        where = fields.get("path") or fields.get("folder") or ""
        return f"{names.printable(str(where))}: {say(str(fields['code']), chosen, fields['fields'])}"
    shown = {key: names.printable(str(value)) for key, value in fields.items()}
    key = "event_same" if event == "done" and fields.get("how") == "same" else f"event_{event}"
    line = text(key, **shown)
    return "" if line == key else line


def _status(home: Home, options: argparse.Namespace) -> int:
    if not os.path.exists(home.file("ledger.sqlite3")):
        _say(text("status_none", home=home.path), sys.stderr)
        return EXIT_PROBLEMS
    is_running = home.is_held()
    ledger = Ledger(home.file("ledger.sqlite3"))
    try:
        counts = ledger.counts()
        found = ledger.rows(("seen", "settling", "error", "vanished"), where="code != ''", limit=50)
        queue, done = sum(counts.get(state, 0) for state in WAITING), counts.get("done", 0)
        shown = [(row, say(row.code, language(), row.fields)) for row in found]
        if options.json:
            problems = [
                {"folder": row.folder, "path": row.path, "code": row.code, "reason": said}
                for row, said in shown
            ]
            _say(
                json.dumps({"is_running": is_running, "url": ledger.fact("node"), "home": home.path, "queue": queue,
                            "counts": counts, "problems": problems}),
                sys.stdout,
            )  # fmt: skip
            return 0
        _say(
            f"{ledger.fact('node')}  {text('status_running' if is_running else 'status_stopped')}", sys.stdout
        )
        _say(text("status_waiting", queue=queue, done=done, problems=len(found)), sys.stdout)
        for row, said in shown:
            _say(f"  {names.printable(row.path)}: {said}", sys.stdout)
    finally:
        ledger.close()
    return 0


def _install(home: Home, options: argparse.Namespace) -> int:
    is_in = options.command == "install"
    if is_in:
        settings = _settings(home, options)
        if settings is None:
            return EXIT_USAGE
        os.makedirs(home.path, mode=0o700, exist_ok=True)
        home.keep(settings)
    todo = install.deeds(home.path) if is_in else install.undo_deeds()
    _say(text("install_will"), sys.stdout)
    for deed in todo:
        _say(deed.shown() + (f"\n    + {deed.content}" if deed.command and deed.content else ""), sys.stdout)
    if not options.yes and input(text("install_ask")).strip().lower() not in {"y", "yes"}:
        return 0
    try:
        for deed in todo:
            install.do(deed)
    except (OSError, subprocess.CalledProcessError) as error:
        _say(text("install_failed", reason=error), sys.stderr)
        return EXIT_PROBLEMS
    _say(text("install_done" if is_in else "uninstall_done"), sys.stdout)
    return 0


def _say(line: str, stream: Any) -> None:
    if stream is not None:  # pythonw has no console
        print(line, file=stream, flush=True)
