"""The ``tsunagu`` command: reads the arguments, runs one command, turns errors into exit codes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tsunagu.client.arguments import NODE_COMMANDS, parser
from tsunagu.client.errors import EXIT_INTERRUPTED, NodeToolsMissingError
from tsunagu.client.messages import text
from tsunagu.core.errors import TsunaguError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a console of another code page must not stop the work
    command = ""
    try:
        if arguments and arguments[0] in NODE_COMMANDS:
            return _node_command(arguments)
        arguments, behind = _split(arguments)
        options = parser().parse_args(arguments)
        options.arguments = behind
        command = options.command or ""
        if not command:
            parser().print_help()
            return 0
        return _client_command(options)
    except TsunaguError as error:
        from tsunagu.client.output import show_error

        show_error(error)
        return int(error.exit_code)
    except KeyboardInterrupt:
        key = "interrupted_resumable" if command in {"push", "pull"} else "interrupted"
        print(f"\n{text(key)}", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left (`| head`): nothing more to say, and no complaint at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The arguments of ``tsunagu run``, and the command behind its two hyphens, which argparse must not touch."""
    if "run" not in arguments or "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


def _client_command(options: argparse.Namespace) -> int:
    from tsunagu.client import (
        ai_commands,
        commands,
        compute_commands,
        dark_commands,
        deposit_commands,
        graph_commands,
        harvest_commands,
        import_commands,
        items_commands,
        keep_commands,
        move_commands,
        notebook_commands,
        notices_commands,
        partner_commands,
        plan_commands,
        publication_commands,
        ready_commands,
        rule_commands,
        seal_commands,
        search_commands,
        table_commands,
        token_commands,
        training_commands,
        usage_commands,
    )
    from tsunagu.client.output import Output

    output = Output(as_json=getattr(options, "json", False), quiet=getattr(options, "quiet", False))
    options.url, options.token = getattr(options, "url", None), getattr(options, "token", None)
    name = f"run_{options.command.replace('-', '_')}"
    places = (
        ai_commands,
        compute_commands,
        graph_commands,
        dark_commands,
        harvest_commands,
        import_commands,
        items_commands,
        keep_commands,
        move_commands,
        notebook_commands,
        notices_commands,
        partner_commands,
        rule_commands,
        plan_commands,
        deposit_commands,
        publication_commands,
        ready_commands,
        seal_commands,
        search_commands,
        table_commands,
        token_commands,
        training_commands,
        usage_commands,
        commands,
    )
    run = next(getattr(place, name) for place in places if hasattr(place, name))
    return int(run(options, output) or 0)


def _node_command(arguments: list[str]) -> int:
    import importlib

    try:
        door = importlib.import_module("tsunagu.doors.cli")
        importlib.import_module("tsunagu.doors.cli.check")  # the first that needs the packages of a node
    except ModuleNotFoundError as error:
        raise NodeToolsMissingError(
            text("node_tools_missing", command=arguments[0], module=error.name or ""),
            remedy=text("node_tools_remedy"),
        ) from error
    return int(door.main(arguments) or 0)


if __name__ == "__main__":
    sys.exit(main())
