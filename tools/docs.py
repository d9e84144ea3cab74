"""Writes the reference pages that the program itself knows best, and keeps the Japanese catalogues of the docs in step.

``check`` lists pages that are not current; ``write`` writes them; ``catalogues`` merges new English sentences into
docs/locale after ``sphinx-build -b gettext``.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import inspect
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
CATALOGUES = DOCS / "locale" / "ja" / "LC_MESSAGES"
TRANSLATED = ("tutorials/first-instrument", "explanation/architecture")
PIPE = r"\|"  # in a cell, code or not
MADE = "<!-- Made by tools/docs.py from {source}; change that, then run: .venv/bin/python tools/docs.py write -->"

_NODE_EXAMPLES = {
    "up": "tsunagu up --home /srv/tsunagu --port 8000",
    "down": "tsunagu down --home /srv/tsunagu",
    "admin": "tsunagu admin link hanako@example.ac.jp --home /srv/tsunagu\n"
    "tsunagu admin token hanako@example.ac.jp --days 30 --home /srv/tsunagu",
    "check": "tsunagu check --home /srv/tsunagu\ntsunagu check --home /srv/tsunagu --json",
    "backup": "tsunagu backup /mnt/backup/node --home /srv/tsunagu --passphrase-file /root/backup.pass\n"
    "tsunagu backup /mnt/backup/node --home /srv/tsunagu --passphrase-file /root/backup.pass --keys /mnt/keys\n"
    "tsunagu backup --home /srv/tsunagu",
    "restore": "tsunagu restore /mnt/backup/node --home /srv/again --passphrase-file /root/backup.pass",
    "keys": "tsunagu keys --home /srv/tsunagu\ntsunagu keys rotate --home /srv/tsunagu",
    "sweep": "tsunagu sweep --home /srv/tsunagu",
    "demo": "tsunagu demo --home .tsunagu --port 8000",
    "federation": "tsunagu federation --home /srv/tsunagu",
    "replica": "tsunagu replica --home /srv/tsunagu\ntsunagu replica --now --json --home /srv/tsunagu",
    "scrub": "tsunagu scrub --home /srv/tsunagu\ntsunagu scrub --all --json --home /srv/tsunagu",
    "policy": "tsunagu policy check rules/\ntsunagu policy check rules/ --json",
    "program": "tsunagu program register Notebook --redirect https://hub.example.ac.jp/callback --verb read --home /srv/tsunagu\n"
    "tsunagu program list --home /srv/tsunagu",
}
_EXITS = (
    (0, "Done."),
    (1, "An error that is none of the others; some files could not be taken; `check` found something bad."),
    (2, "The input cannot be used."),
    (3, "Not signed in, or not allowed; `ai-use` says deny."),
    (4, "It does not exist, or you may not know that it does."),
    (
        5,
        "It does not fit: a name is taken, a local file was changed, nothing to freeze, a use by AI has questions open.",
    ),
    (6, "No room."),
    (7, "Bytes are not the ones that were announced or recorded."),
    (8, "The node does not answer, or broke off too often. Trying again is safe."),
    (130, "Interrupted with Ctrl-C. `push` and `pull` go on where they stopped."),
)


def pages() -> dict[str, str]:
    """Every generated page with its text."""
    return {
        "reference/cli.md": _cli(),
        "reference/settings.md": _settings(),
        "reference/rest.md": _rest(),
        "reference/errors.md": _errors(),
        "reference/python.md": _python(),
    }


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace('|', PIPE) for cell in row)} |" for row in rows]
    return "\n".join(lines)


# --- the command line


def _cli() -> str:
    from tsunagu.client import arguments
    from tsunagu.doors import cli as node_cli

    intro = (
        "# Command line\n\n"
        f"{MADE.format(source='the parsers')}\n\n"
        "`tsunagu` is one command. The client part needs Python's standard library alone; the commands under\n"
        "[Running a node](#running-a-node) need the packages of a node. Every sentence exists in English and Japanese;\n"
        "the language is that of `TSUNAGU_LANG` (`en`, `ja`), else of the locale.\n\n"
        "Client commands find the node in `--url`, else `TSUNAGU_URL`, else what `tsunagu login` stored; the token in\n"
        "`--token`, else `TSUNAGU_TOKEN`, else the same. With `--json` standard output holds JSON and nothing else; errors\n"
        "go to standard error.\n"
    )
    exits = "## Exit codes\n\n" + _table(("code", "meaning"), ((str(code), text) for code, text in _EXITS))
    client = arguments.parser()
    common = _options_of(client, {"help", "version"})
    parts = [intro, exits, "## Client commands", "Every client command takes these:", common]
    shared = {option for action in client._actions for option in action.option_strings}  # noqa: SLF001
    for name, command in _commands(client):
        if name not in arguments.NODE_COMMANDS:
            example = (command.epilog or "").split("\n", 1)[1]
            parts.append(_command(name, command, _dedent(example), leave_out=shared))
    parts.append("## Running a node")
    parts += [
        _command(name, command, _NODE_EXAMPLES[name], leave_out=set())
        for name, command in _commands(node_cli._parser())  # noqa: SLF001
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            yield from action.choices.items()


def _command(name: str, command: argparse.ArgumentParser, example: str, *, leave_out: set[str]) -> str:
    command.formatter_class = argparse.HelpFormatter
    formatter = argparse.HelpFormatter(prog=command.prog, width=100)
    kept = [
        action
        for action in command._actions  # noqa: SLF001
        if not (set(action.option_strings) & (leave_out | {"--help"}))
    ]
    formatter.add_usage(None, kept, [], prefix="")
    usage = formatter.format_help().strip()
    lines = [f"### `tsunagu {name}`", command.description or "", f"```\n{usage}\n```"]
    options = _options_of(command, {"help"}, leave_out)
    lines += [options] if options else []
    lines.append(f"```sh\n{example}\n```")
    return "\n\n".join(lines)


def _options_of(parser: argparse.ArgumentParser, dests: set[str], leave_out: set[str] | None = None) -> str:
    rows = []
    for action in parser._actions:  # noqa: SLF001
        named = bool(action.option_strings)
        if action.dest in dests or not action.help or set(action.option_strings) & (leave_out or set()):
            continue
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            continue
        takes = "" if action.nargs == 0 or not named else f" {action.metavar or action.dest.upper()}"
        label = ", ".join(f"`{option}{takes}`" for option in action.option_strings) or f"`{action.dest}`"
        default = action.default
        shown = (
            f" (default {default})"
            if named and default not in [None, "", False, argparse.SUPPRESS, []]
            else ""
        )
        shown = "" if "default" in action.help else shown
        rows.append((label, f"{action.help}{shown}"))
    return _table(("argument", "meaning"), iter(rows)) if rows else ""


def _dedent(text: str) -> str:
    return "\n".join(line.removeprefix("  ") for line in text.splitlines())


# --- settings


def _settings() -> str:
    from tsunagu.core.settings import TABLE

    rows = (
        (
            f"`{row.name}`",
            f"`{row.default}`" if row.default else "",
            row.unit,
            f"{row.help}{' Secret: `tsunagu check` hides it.' if row.is_secret else ''}",
        )
        for row in TABLE
    )
    return (
        "# Settings\n\n"
        f"{MADE.format(source='tsunagu.core.settings.TABLE')}\n\n"
        "A setting is read once, when a process starts. The first of these that names it counts:\n\n"
        "1. the environment: `TSUNAGU_` and the name in capitals, `TSUNAGU_WORKERS=4`;\n"
        "2. the file `tsunagu.toml` in the node's home: `workers = 4`;\n"
        "3. the default.\n\n"
        "The home is what `--home` says (`TSUNAGU_HOME` for other programs), else `.tsunagu` in the working folder; it holds\n"
        "all state of a node. `tsunagu check` prints every value and where it came from. A name in `tsunagu.toml` that does\n"
        "not stand here stops the start, so that a mistyped setting is not taken for the default.\n\n"
        f"{_table(('name', 'default', 'unit', 'meaning'), rows)}\n\n"
        "The client reads `TSUNAGU_URL`, `TSUNAGU_TOKEN` and `TSUNAGU_LANG` ([command line](cli.md)).\n"
    )


# --- REST

_REST_INTRO = (
    "All addresses below begin with `/api/v1`. The full description, with every field of every answer, is at\n"
    "`/api/v1/openapi.json` of your node. File content travels over the byte server: [the wire](wire.md).\n\n"
    "- **Who asks**: `Authorization: Bearer TOKEN` (`tsunagu admin token EMAIL`, or *Account* in the web interface).\n"
    "  Without it one is a stranger and sees what is open. The session cookie of a browser may read; it changes\n"
    "  something only together with a CSRF token.\n"
    "- **Lists** come a page at a time: `limit` (50 unless said otherwise), and `after` takes the `next` of the answer\n"
    "  before; `next` is null at the end.\n"
    "- **Errors** are RFC 9457 problem details: [the table of all](errors.md). A question about something that you may\n"
    "  not know of is answered as if it did not exist (404).\n\n"
    "```console\n"
    '$ curl -s -H "Authorization: Bearer $TSUNAGU_TOKEN" http://localhost:8000/api/v1/me\n'
    '{"kind":"person","id":"01KAY9V26CH0ZB6S7MWZKZJ1PG","name":"hanako@example.ac.jp","is_admin":true}\n'
    "```"
)


def _rest() -> str:
    from tsunagu.doors.rest.api import api

    schema = api.get_openapi_schema()
    known = schema.get("components", {}).get("schemas", {})
    by_tag: dict[str, list[tuple[str, ...]]] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            query = [f"`{one['name']}`" for one in operation.get("parameters", []) if one["in"] == "query"]
            row = (
                f"`{method.upper()} {path.removeprefix('/api/v1')}`",
                operation.get("description", "").replace("``", "`"),
                ", ".join(query),
                _body(operation, known),
            )
            by_tag.setdefault(operation["tags"][0], []).append(row)
    parts = [
        "# REST",
        MADE.format(source="the OpenAPI description"),
        _REST_INTRO,
    ]
    for tag, rows in by_tag.items():
        parts.append(f"## {tag.capitalize()}")
        parts.append(_table(("route", "what it does", "query", "body"), iter(rows)))
    return "\n\n".join(parts) + "\n"


def _body(operation: dict[str, Any], known: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    schema = next(iter(content.values()), {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    fields = known.get(name, {})
    required = set(fields.get("required", ()))
    shown = [
        f"**`{field}`**" if field in required else f"`{field}`" for field in fields.get("properties", {})
    ]
    return ", ".join(shown) or ("a JSON object" if schema else "")


# --- errors


def errors() -> dict[str, Any]:
    """Every code of the tree with its class."""
    from tsunagu.core.errors import TsunaguError

    for file in sorted((ROOT / "src").rglob("*.py")):
        parts = file.relative_to(ROOT / "src").with_suffix("").parts
        if {"tests", "migrations", "config", "__main__", "verify_version"} & set(parts):
            continue
        if "Error" in file.read_text("utf-8"):
            importlib.import_module(".".join(part for part in parts if part != "__init__"))
    found: dict[str, Any] = {}
    todo = [TsunaguError]
    while todo:
        one = todo.pop()
        todo += one.__subclasses__()
        if "code" in vars(one) and one.__module__.startswith("tsunagu."):
            found[one.code] = one
    return dict(sorted(found.items()))


def _errors() -> str:
    rows = (
        (
            f"`{code}`",
            str(one.status) if not code.startswith(("client.", "node.")) else "",
            str(one.exit_code),
            str(one.default_message)
            if "default_message" in vars(one)
            else (one.__doc__ or "").split("\n")[0],
            str(one.default_remedy),
        )
        for code, one in errors().items()
    )
    return (
        "# Errors\n\n"
        f"{MADE.format(source='the tree of TsunaguError')}\n\n"
        "Every error has a stable code, says what happened and why, and what to do. REST and the byte server answer\n"
        "`application/problem+json`:\n\n"
        "```json\n"
        '{"type": "urn:tsunagu:error:datasets.nothing_to_freeze", "code": "datasets.nothing_to_freeze", "status": 409,\n'
        ' "title": "The draft does not differ from the last version.",\n'
        ' "remedy": "Add, replace or remove a file, or change the description, then freeze."}\n'
        "```\n\n"
        "`fields`, where present, holds facts for programs (the path of a file, a limit). The command line prints message,\n"
        "remedy and code, and ends with the exit code. Codes that begin with `client.` and `node.` come from the command\n"
        "line itself and have no HTTP status. The message may be more exact than the one here.\n\n"
        f"{_table(('code', 'status', 'exit', 'message', 'remedy'), rows)}\n"
    )


# --- the Python client

_PYTHON_INTRO = """`import tsunagu` loads Python's standard library alone, so it can live in every notebook and every instrument script.

```python
import tsunagu

with tsunagu.connect() as client:  # TSUNAGU_URL and TSUNAGU_TOKEN, or what `tsunagu login` stored
    data = client.dataset("films/run-7")
    report = data.push("measured", note="first half")
    print(report.sent, report.problems)
    for file in data.files():
        print(file.path, file.status, file.reason or "")
    version = data.freeze("as submitted")
    data.pull("copy", version=version.number)
    with data.open("raw/scan.csv", version=1) as file:  # a seekable file; only what is read travels
        print(file.readline())
```

Errors are the same tree as on the node: catch `tsunagu.core.errors.TsunaguError`, or a leaf; `code`, `message`, `remedy`
and `fields` say what happened ([all errors](errors.md)). Lists are generators that fetch page after page."""


def _python() -> str:
    from tsunagu.client import pull, push, types, verify, workspace

    parts = [
        "# Python client",
        MADE.format(source="tsunagu.client"),
        _PYTHON_INTRO,
        "## Functions and classes",
    ]
    parts.append(f"### `connect{_signature(workspace.connect)}`\n\n{_doc(workspace.connect)}")
    for one in (workspace.Client, workspace.Project, workspace.Dataset):
        parts.append(f"### `{one.__name__}`\n\n{_doc(one)}")
        methods = (
            (f"`{name}{_signature(method)}`", _doc(method).partition("\n")[0])
            for name, method in vars(one).items()
            if inspect.isfunction(method) and not name.startswith("_")
        )
        parts.append(_table(("method", "what it does"), methods))
    parts.append("## What comes back")
    for record in (
        types.ProjectInfo, types.DatasetInfo, types.FileInfo, types.Value, types.VersionInfo,
        push.PushReport, pull.PullReport, verify.VerifyReport,
    ):  # fmt: skip
        fields = ", ".join(f"`{field.name}`" for field in dataclasses.fields(record))
        parts.append(f"### `{record.__name__}`\n\n{_doc(record)}\n\nFields: {fields}.")
    return "\n\n".join(parts) + "\n"


def _signature(function: Any) -> str:
    signature = inspect.signature(function)
    kept = [
        one.replace(annotation=str(one.annotation))
        for one in signature.parameters.values()
        if one.name != "self"
    ]
    text = str(signature.replace(parameters=kept))
    return re.sub(r"'([^']+)'(?= =|,|\)|$)", r"\1", text)


def _doc(thing: Any) -> str:
    text = inspect.getdoc(thing) or ""
    return re.sub(r"\n\n(Args|Raises|Returns):.*", "", text, flags=re.DOTALL).replace("``", "`")


# --- Japanese


def merge_catalogues(templates: Path) -> None:
    """Bring the Japanese catalogues up to date with the templates that Sphinx wrote."""
    import polib

    for name in TRANSLATED:
        template = polib.pofile(str(templates / f"{name}.pot"))
        target = CATALOGUES / f"{name}.po"
        target.parent.mkdir(parents=True, exist_ok=True)
        known = {entry.msgid: entry.msgstr for entry in polib.pofile(str(target))} if target.exists() else {}
        catalogue = polib.POFile()
        catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8", "Language": "ja"}
        # In the order of the page, without line numbers: they would change with every edit.
        catalogue.extend(polib.POEntry(msgid=one.msgid, msgstr=known.get(one.msgid, "")) for one in template)
        catalogue.save(str(target))


def main(argv: list[str]) -> int:
    """Check | write | catalogues FOLDER."""
    if argv[:1] == ["catalogues"]:
        merge_catalogues(Path(argv[1]))
        return 0
    # A home of its own: looking at the program must not make state in the working folder. English: as written.
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(
            TSUNAGU_HOME=home, TSUNAGU_LANG="en", DJANGO_SETTINGS_MODULE="tsunagu.config.settings"
        )
        import django

        django.setup()
        from django.utils import translation

        with translation.override("en"):
            made = pages()
    stale = []
    for name, text in made.items():
        file = DOCS / name
        if not file.exists() or file.read_text("utf-8") != text:
            stale.append(name)
            if argv == ["write"]:
                file.write_text(text, "utf-8")
    print("\n".join(stale) or "The generated pages are current.")
    return bool(stale) and argv != ["write"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
