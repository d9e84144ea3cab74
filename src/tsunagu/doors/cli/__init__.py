"""The commands that run a node: up, down, admin, check, backup, restore, sweep, scrub, replica, demo, federation. The client calls ``main``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tsunagu.core.errors import TsunaguError


def main(argv: list[str]) -> int:
    """Run a node command; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(argv)
    os.environ["TSUNAGU_HOME"] = str(Path(options.home).absolute())
    if getattr(options, "port", None):
        os.environ["TSUNAGU_PORT"] = str(options.port)
    os.environ["DJANGO_SETTINGS_MODULE"] = "tsunagu.config.settings"  # whatever the shell says
    try:
        return int(options.run(options) or 0)
    except TsunaguError as error:
        print(f"tsunagu: {error.message} {error.remedy} [{error.code}]".replace("  ", " "), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    from tsunagu.doors.cli import admin, check, demo, policy, up

    parser = argparse.ArgumentParser(prog="tsunagu", description="Run a Tsunagu node.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, text: str, run: object) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--home", default=".tsunagu", help="folder that holds all state of the node")
        command.set_defaults(run=run)
        return command

    start = add("up", "Start a node; stop it with Ctrl-C.", up.up)
    start.add_argument(
        "--port", type=int, help="port of the control server; the byte server takes the next one"
    )
    add("down", "Stop the node that runs on a home.", demo.down)
    administer = add("admin", "People: tokens and one-time sign-in links.", admin.admin)
    administer.add_argument(
        "what", choices=("token", "link", "create"), help="token EMAIL, link EMAIL, create EMAIL"
    )
    administer.add_argument("email")
    administer.add_argument("--days", type=float, default=365, help="how long a token works")
    administer.add_argument(
        "--admin", action="store_true", help="make the person an administrator of the node"
    )
    look = add("check", "Settings with their origin, what is missing, which engines answer.", check.check)
    look.add_argument("--json", action="store_true")
    texts = add(
        "policy", "Check policy texts: do they compile, and if not, which rule and why.", policy.policy
    )
    texts.add_argument("what", choices=("check",))
    texts.add_argument("folder", metavar="FOLDER")
    texts.add_argument("--json", action="store_true")
    _saving_commands(add)
    add("sweep", "Remove objects that no row names.", admin.sweep)
    _keeping_commands(add)
    feeds = add("federation", "Refresh the metadata feeds and show their state.", admin.federation)
    feeds.add_argument("--json", action="store_true")
    _add_program(add)
    tour = add("demo", "Take a sample laboratory's files through the whole job.", demo.demo)
    tour.add_argument("--port", type=int)
    return parser


def _saving_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    from tsunagu.doors.cli import keys, restoring, saving

    save = add(
        "backup",
        "Save everything to a folder; without one, database and secrets to HOME/backups.",
        saving.backup_command,
    )
    save.add_argument("destination", nargs="?", metavar="DEST")
    save.add_argument(
        "--passphrase-file", metavar="FILE", help="seal the secrets with the first line of this file"
    )
    save.add_argument("--with-secrets", action="store_true", help="put the secrets in as they are")
    save.add_argument("--link", action="store_true", help="hard links instead of copies, on the same disk")
    save.add_argument("--keys", metavar="FOLDER", help="the keys of sealed datasets, apart from DEST")
    save.add_argument("--without-keys", action="store_true", help="leave the keys out, on purpose")
    bring = add("restore", "Make a home from a backup, and check every hash.", restoring.restore)
    bring.add_argument("source", metavar="SOURCE")
    bring.add_argument("--passphrase-file", metavar="FILE", help="opens sealed secrets")
    bring.add_argument("--keys", metavar="FOLDER", help="the keys of sealed datasets")
    bring.add_argument("--link", action="store_true", help="hard links instead of copies, on the same disk")
    bring.add_argument("--start", action="store_true", help="start the node when all is well")
    bring.add_argument("--port", type=int, help="port of the control server, with --start")
    ring = add("keys", "Count the keys of sealed datasets; rotate wraps them anew.", keys.keys)
    ring.add_argument("action", nargs="?", choices=("rotate",))


def _keeping_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    from tsunagu.doors.cli import keeping

    second = add("replica", "How far the second store is behind.", keeping.replica)
    second.add_argument("--now", action="store_true", help="copy what waits now")
    second.add_argument("--json", action="store_true")
    again = add("scrub", "Read stored objects again and repair what is damaged.", keeping.scrub)
    again.add_argument("--all", action="store_true", help="also what was read lately")
    again.add_argument("--json", action="store_true")


def _add_program(add: Callable[..., argparse.ArgumentParser]) -> None:
    from tsunagu.doors.cli import programs

    known = add(
        "program",
        "Programs that may ask people for access: register, invite, list, withdraw.",
        programs.program,
    )
    known.add_argument("what", choices=("register", "invite", "list", "withdraw"))
    known.add_argument("name", nargs="?", help="its name; for withdraw its client id")
    known.add_argument(
        "--redirect", action="append", default=[], metavar="URL", help="where browsers may be sent back to"
    )
    known.add_argument(
        "--verb",
        action="append",
        choices=("read", "write", "share", "admin"),
        help="the most that it may ask for (read)",
    )
    known.add_argument(
        "--device", action="store_true", help="it may show a code instead of opening a browser"
    )
    known.add_argument("--confidential", action="store_true", help="it runs on a server and keeps a secret")
    known.add_argument("--agent", action="store_true", help="it acts by itself, as AI agents do")
    known.add_argument(
        "--resource", default="", metavar="URL", help="its own address, if it takes tokens of this node"
    )
    known.add_argument("--days", type=float, default=7, help="how long an invitation is good")
    known.add_argument("--json", action="store_true")
