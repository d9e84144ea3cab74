"""The arguments of every command, each with an example."""

from __future__ import annotations

import argparse
from typing import Any

from tsunagu.client import (
    compute_arguments,
    dark_arguments,
    deposit_arguments,
    graph_arguments,
    harvest_arguments,
    import_arguments,
    items_arguments,
    move_arguments,
    notices_arguments,
    publication_arguments,
    usage_arguments,
)
from tsunagu.client.messages import text

NODE_COMMANDS = (
    "up",
    "admin",
    "check",
    "backup",
    "restore",
    "sweep",
    "demo",
    "down",
    "federation",
    "policy",
    "keys",
    "program",
    "replica",
    "scrub",
)


def parser() -> argparse.ArgumentParser:
    """The arguments of every client command."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--json", action="store_true", help=text("help_json"))
    common.add_argument("--quiet", "-q", action="store_true", help=text("help_quiet"))
    common.add_argument("--url", help=text("help_url"))
    common.add_argument("--token", help=text("help_token_option"))
    top = argparse.ArgumentParser(
        prog="tsunagu",
        description=text("help_top"),
        epilog=text("help_top_end"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    top.add_argument("--version", action="version", version=_version())
    commands = top.add_subparsers(dest="command", metavar=text("help_metavar"), title=text("help_commands"))

    def add(name: str, example: str) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            help=text(f"help_{name}"),
            description=text(f"help_{name}"),
            epilog=f"{text('help_examples')}\n  " + example.replace("\n", "\n  "),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=[common],
        )
        made.set_defaults(command=name)
        return made

    _account_commands(add)
    _reading_commands(add)
    _writing_commands(add)
    _rule_commands(add)
    _plan_command(add)
    _ready_command(add)
    _seal_commands(add)
    _keep_commands(add)
    graph_arguments.add_commands(add)
    harvest_arguments.add_commands(add)
    import_arguments.add_commands(add)
    dark_arguments.add_commands(add)
    notices_arguments.add_commands(add)
    publication_arguments.add_commands(add)
    deposit_arguments.add_commands(add)
    move_arguments.add_commands(add)
    usage_arguments.add_commands(add)
    items_arguments.add_commands(add)
    for name in NODE_COMMANDS:
        commands.add_parser(name, help=text(f"help_{name}"), add_help=False)
    return top


def _version() -> str:
    from tsunagu import __version__

    return f"tsunagu {__version__}"


def _account_commands(add: Any) -> None:
    login = add("login", "tsunagu login https://data.example.ac.jp\ntsunagu login --token - < token.txt")
    login.add_argument("address", nargs="?", help=text("help_login_address"))
    login.add_argument("--paste", action="store_true", help=text("help_login_paste"))
    login.add_argument("--browser", action="store_true", help=text("help_login_browser"))
    login.add_argument(
        "--verb",
        dest="verbs",
        action="append",
        choices=("read", "write", "share", "admin"),
        help=text("help_login_verb"),
    )
    add("logout", "tsunagu logout")
    token = add(
        "token",
        "tsunagu token\ntsunagu token create backup --verb read --project films --days 30\ntsunagu token revoke 01J...",
    )
    token.add_argument("action", nargs="?", default="list", choices=["list", "create", "revoke"])
    token.add_argument("name", nargs="?", help=text("help_token_name"))
    token.add_argument(
        "--verb",
        dest="verbs",
        action="append",
        choices=("read", "write", "share", "admin"),
        help=text("help_token_verb"),
    )
    token.add_argument(
        "--project", dest="projects", action="append", metavar="PROJECT", help=text("help_token_project")
    )
    token.add_argument("--days", type=int, default=90, help=text("help_token_days"))
    add("whoami", "tsunagu whoami --json")
    project = add("project", "tsunagu project create films\ntsunagu project list")
    project.add_argument("action", choices=["create", "list"])
    project.add_argument("name", nargs="?")
    project.add_argument("--title", default="", help=text("help_project_title"))


def _reading_commands(add: Any) -> None:
    listing = add("ls", "tsunagu ls\ntsunagu ls films\ntsunagu ls films/run-7/raw")
    listing.add_argument("place", nargs="?", default="", metavar="PROJECT[/DATASET[/FOLDER]]")
    listing.add_argument("--version", type=int, dest="number", metavar="N", help=text("help_version"))
    show = add("show", "tsunagu show films/run-7 --json")
    _dataset(show)
    files = add("files", "tsunagu files films/run-7 --json\ntsunagu files films/run-7 --version 2")
    _dataset(files)
    files.add_argument("--version", type=int, dest="number", metavar="N", help=text("help_version"))
    files.add_argument("--prefix", default="", help=text("help_prefix"))
    _dataset(add("metadata", "tsunagu metadata films/run-7 --json"))
    proposals = add("proposals", "tsunagu proposals films/run-7\ntsunagu proposals films/run-7 accept 01J...")
    _dataset(proposals)
    proposals.add_argument("decision", nargs="?", choices=["accept", "reject"])
    proposals.add_argument("id", nargs="?")
    diff = add("diff", "tsunagu diff films/run-7 1 2")
    _dataset(diff)
    diff.add_argument("old", metavar="A")
    diff.add_argument("new", metavar="B")
    compute_arguments.add_commands(add)
    receipt = add("receipt", "tsunagu receipt 01J... --json > receipt.json")
    receipt.add_argument("run", metavar="RUN")
    _dataset(add("open", "tsunagu open films/run-7"))
    pull = add(
        "pull", "tsunagu pull films/run-7 measured/\ntsunagu pull films/run-7@2 measured/ --prefix raw/"
    )
    pull.add_argument("dataset", metavar="PROJECT/DATASET[@VERSION]")
    pull.add_argument("destination", metavar="DEST")
    pull.add_argument("--prefix", default="", help=text("help_prefix"))
    pull.add_argument("--force", action="store_true", help=text("help_force"))
    verify = add(
        "verify", "tsunagu verify\ntsunagu verify films/run-7\ntsunagu verify films/run-7@2 --local measured/"
    )
    verify.add_argument("dataset", nargs="?", metavar="PROJECT/DATASET[@VERSION]")
    verify.add_argument("--local", metavar="DIR", help=text("help_local"))
    evidence = add(
        "evidence", "tsunagu evidence films/run-7 proof/\ntsunagu evidence films/run-7@2 proof.zip"
    )
    evidence.add_argument("dataset", metavar="PROJECT/DATASET[@VERSION]")
    evidence.add_argument("destination", metavar="OUT", help=text("help_evidence_out"))


def _writing_commands(add: Any) -> None:
    push = add(
        "push",
        "tsunagu push measured/ films/run-7\ntsunagu push measured/ films/run-7 --receipt receipt.json",
    )
    push.add_argument("folder", metavar="FOLDER")
    _dataset(push)
    push.add_argument("--unsorted", action="store_true", help=text("help_unsorted_push"))
    push.add_argument("--receipt", metavar="FILE", help=text("help_receipt_file"))
    push.add_argument("-m", "--note", default="", help=text("help_note"))
    push.add_argument(
        "--from",
        dest="inputs",
        action="append",
        default=[],
        metavar="PROJECT/DATASET[@VERSION]",
        help=text("help_from"),
    )
    push.add_argument("--no-create", action="store_true", help=text("help_no_create"))
    freeze = add("freeze", 'tsunagu freeze films/run-7 -m "as submitted"')
    _dataset(freeze)
    freeze.add_argument("-m", "--note", default="", help=text("help_note"))
    change = add("set", "tsunagu set films/run-7 temperature 77 --unit K")
    _dataset(change)
    change.add_argument("key", metavar="KEY")
    change.add_argument("value", metavar="VALUE")
    change.add_argument("--unit", help=text("help_unit"))
    remove = add("rm", "tsunagu rm films/run-7 raw/test.dat")
    _dataset(remove)
    remove.add_argument("paths", nargs="+", metavar="PATH")
    watch = add("watch", "tsunagu watch C:\\data films/run-7")
    watch.add_argument("folder", metavar="FOLDER")
    _dataset(watch)
    watch.add_argument("--settle", type=float, default=10.0, metavar="SECONDS", help=text("help_settle"))
    watch.add_argument("--poll", type=float, default=5.0, metavar="SECONDS", help=text("help_poll"))
    watch.add_argument("--state", metavar="DIR", help=text("help_state"))
    watch.add_argument("--once", action="store_true", help=text("help_once"))


def _rule_commands(add: Any) -> None:
    share = add(
        "share",
        "tsunagu share films/run-7 aoki@example.ac.jp reader --until 2027-03-31\n"
        "tsunagu share films aoki@example.ac.jp none",
    )
    share.add_argument("place", metavar="PROJECT[/DATASET]")
    share.add_argument("email", metavar="EMAIL")
    share.add_argument(
        "role", metavar="ROLE", choices=["owner", "editor", "reader", "none"], help=text("help_role")
    )
    share.add_argument("--until", default="", metavar="DATE", help=text("help_until"))
    access = add(
        "access",
        "tsunagu access films/run-7 open\ntsunagu access films/run-7 open --embargo 2027-04-01\n"
        "tsunagu access films/run-7 --embargo none\ntsunagu access films/run-7 --members-only 1",
    )
    _dataset(access)
    access.add_argument(
        "access", nargs="?", choices=["open", "shared", "closed"], help=text("help_access_choice")
    )
    access.add_argument("--embargo", metavar="DATE", help=text("help_embargo"))
    access.add_argument("--members-only", type=int, metavar="VERSION", help=text("help_members_only"))
    access.add_argument("--release", type=int, metavar="VERSION", help=text("help_release"))
    label = add(
        "label",
        "tsunagu label films/run-7\ntsunagu label films/run-7 personal\ntsunagu label films/run-7 sensitivity=3\n"
        'tsunagu label films/run-7 personal=no --reason "anonymised, checked by the committee"',
    )
    _dataset(label)
    label.add_argument("label", nargs="?", default="", metavar="NAME[=VALUE]")
    label.add_argument("--reason", default="", metavar="TEXT", help=text("help_label_reason"))
    _request_commands(add)
    _search_commands(add)
    _ai_commands(add)
    decide = add(
        "decide", "tsunagu decide read films/run-7\ntsunagu decide freeze films/run-7 --as aoki@example.ac.jp"
    )
    decide.add_argument("action", metavar="ACTION")
    decide.add_argument("place", metavar="PROJECT[/DATASET]")
    decide.add_argument("--as", dest="about", default="", metavar="EMAIL", help=text("help_as"))


def _search_commands(add: Any) -> None:
    search = add(
        "search",
        'tsunagu search 電池 劣化\ntsunagu search "xray_target:Cu voltage:>40kV" --json\n'
        'tsunagu search "creator:山田 -simulation after:2026-04" --sort newest',
    )
    search.add_argument("query", nargs="*", metavar="QUERY", help=text("help_search_query"))
    search.add_argument(
        "--sort",
        default="relevance",
        choices=["relevance", "newest", "oldest", "largest"],
        help=text("help_search_sort"),
    )
    search.add_argument("--limit", type=int, default=20, metavar="N", help=text("help_search_limit"))


def _ai_commands(add: Any) -> None:
    sql = add(
        "sql",
        'tsunagu sql films/run-7-ready\ntsunagu sql films/run-7-ready "select file, max(counts) from scans group by file"\n'
        'tsunagu sql films/run-7-ready@2 "select * from scans" --csv > scans.csv',
    )
    sql.add_argument("dataset", metavar="PROJECT/DATASET[@VERSION]")
    sql.add_argument("query", nargs="?", default="", metavar="SELECT", help=text("help_sql_query"))
    sql.add_argument("--csv", action="store_true", help=text("help_sql_csv"))
    sql.add_argument("--limit", type=int, default=1000, metavar="N", help=text("help_sql_limit"))
    trainings = add("trainings", "tsunagu trainings\ntsunagu trainings phase-net --card > card.md")
    trainings.add_argument("name", nargs="?", default="", metavar="TRAINING")
    trainings.add_argument("--card", action="store_true", help=text("help_training_card"))
    use = add(
        "ai-use",
        'tsunagu ai-use films/run-7 --purpose "summarise the logs"\n'
        'tsunagu ai-use films/run-7 --service example-llm --kind training --purpose "classify defects" --json\n'
        'tsunagu ai-use films/run-7 --purpose "classify defects" --kind training --answer ai.T1=yes -m "agreed in May"',
    )
    use.add_argument("dataset", metavar="PROJECT/DATASET[@VERSION]")
    use.add_argument("--service", default="local", metavar="NAME", help=text("help_ai_service"))
    use.add_argument("--purpose", required=True, metavar="TEXT", help=text("help_ai_purpose"))
    use.add_argument(
        "--kind",
        default="inference",
        choices=["inference", "training", "release_weights", "index"],
        help=text("help_ai_kind"),
    )
    use.add_argument(
        "--answer",
        dest="answers",
        action="append",
        default=[],
        metavar="ITEM=yes|no",
        help=text("help_ai_answer"),
    )
    use.add_argument("-m", "--note", default="", metavar="TEXT", help=text("help_ai_note"))
    terms = add(
        "ai-terms",
        "tsunagu ai-terms films/run-7\n"
        "tsunagu ai-terms films/run-7 local_inference=allow training=deny --limit NCU --country JP\n"
        "tsunagu ai-terms films/run-7 --croissant > terms.json",
    )
    _dataset(terms)
    terms.add_argument("uses", nargs="*", metavar="USE=ANSWER", help=text("help_ai_uses"))
    terms.add_argument("--limit", dest="limits", action="append", metavar="CODE", help=text("help_ai_limit"))
    terms.add_argument(
        "--country", dest="countries", action="append", metavar="XX", help=text("help_ai_country")
    )
    terms.add_argument("--until", metavar="DATE", help=text("help_ai_until"))
    terms.add_argument("--reason", default="", metavar="TEXT", help=text("help_ai_reason"))
    terms.add_argument("--croissant", action="store_true", help=text("help_ai_croissant"))


def _plan_command(add: Any) -> None:
    plan = add(
        "plan",
        "tsunagu plan import films plan.json\ntsunagu plan export films plan.json\ntsunagu plan check films --json",
    )
    plan.add_argument("action", choices=["import", "export", "check"])
    plan.add_argument("project", metavar="PROJECT")
    plan.add_argument("file", nargs="?", metavar="FILE", help=text("help_plan_file"))


def _ready_command(add: Any) -> None:
    ready = add(
        "ready",
        "tsunagu ready films/run-7\ntsunagu ready films/run-7@2 --json\ntsunagu ready films/run-7 --card\n"
        'tsunagu ready films/run-7 --attest ethics=yes -m "approval 2027-12 of the committee"\n'
        'tsunagu ready films/run-7 --repair split:sample_id "missing:Temp=-999" "unit:I=mA"\n'
        "tsunagu ready films/run-7 --undo missing:Temp",
    )
    ready.add_argument("dataset", metavar="PROJECT/DATASET[@VERSION]")
    ready.add_argument(
        "--shards", action=argparse.BooleanOptionalAction, default=None, help=text("help_ready_shards")
    )
    ready.add_argument("--card", action="store_true", help=text("help_ready_card"))
    ready.add_argument("--attest", default="", metavar="RULE=yes|no", help=text("help_ready_attest"))
    ready.add_argument(
        "--repair", nargs="+", default=[], metavar="KIND:COLUMN=VALUE", help=text("help_ready_repair")
    )
    ready.add_argument("--undo", nargs="+", default=[], metavar="KIND:COLUMN", help=text("help_ready_undo"))
    ready.add_argument("-m", "--note", default="", metavar="TEXT", help=text("help_ready_note"))


def _keep_commands(add: Any) -> None:
    delete = add("delete", 'tsunagu delete films/run-7 --reason "consent withdrawn on 1 May"')
    _dataset(delete)
    delete.add_argument("--reason", required=True, metavar="TEXT", help=text("help_reason_kept"))
    retain = add(
        "retain",
        "tsunagu retain films/run-7\ntsunagu retain films/run-7 --until 2037-03-31\n"
        'tsunagu retain films/run-7@2 --until 2037-03-31 --reason "ten years after the paper"',
    )
    retain.add_argument("dataset", metavar="PROJECT/DATASET[@VERSION]")
    retain.add_argument("--until", default="", metavar="DATE", help=text("help_retain_until"))
    retain.add_argument("--reason", default="", metavar="TEXT", help=text("help_reason_kept"))
    hold = add(
        "hold",
        'tsunagu hold\ntsunagu hold films/run-7 --reason "inquiry 12 of the university"\n'
        'tsunagu hold 01J... --lift --reason "the inquiry is over"',
    )
    hold.add_argument(
        "place", nargs="?", default="", metavar="PROJECT[/DATASET]|ID", help=text("help_hold_place")
    )
    hold.add_argument("--lift", action="store_true", help=text("help_hold_lift"))
    _taking_out_commands(add)
    _leaving_commands(add)
    hold.add_argument("--reason", default="", metavar="TEXT", help=text("help_reason_kept"))


def _leaving_commands(add: Any) -> None:
    succeed = add(
        "succeed", 'tsunagu succeed hanako@example.ac.jp taro@example.ac.jp --reason "moved to Kyoto"'
    )
    succeed.add_argument("giver", metavar="FROM_EMAIL")
    succeed.add_argument("successor", metavar="TO_EMAIL")
    close = add(
        "close-account",
        "tsunagu close-account hanako@example.ac.jp --successor taro@example.ac.jp",
    )
    close.add_argument("email", metavar="EMAIL")
    close.add_argument("--successor", default="", metavar="EMAIL", help=text("help_successor"))
    close.add_argument("--reopen", action="store_true", help=text("help_reopen"))
    for command in (succeed, close):
        command.add_argument("--reason", default="", metavar="TEXT", help=text("help_reason_kept"))


def _taking_out_commands(add: Any) -> None:
    archive = add(
        "archive",
        "tsunagu archive films/run-7 bag/\ntsunagu archive films/run-7@2 object/ --format ocfl",
    )
    archive.add_argument("dataset", metavar="PROJECT/DATASET[@VERSION]")
    archive.add_argument("destination", metavar="OUT", help=text("help_archive_out"))
    archive.add_argument(
        "--format", dest="form", choices=["bagit", "ocfl"], default="bagit", help=text("help_archive_format")
    )
    export = add(
        "export",
        "tsunagu export films/run-7 sealed/ --age age1...\n"
        "tsunagu export films/run-7@2 sealed/ --crypt4gh partner.pub",
    )
    export.add_argument("dataset", metavar="PROJECT/DATASET[@VERSION]")
    export.add_argument("destination", metavar="OUT", help=text("help_export_out"))
    export.add_argument(
        "--age", action="append", default=[], metavar="RECIPIENT", help=text("help_export_age")
    )
    export.add_argument(
        "--crypt4gh", action="append", default=[], metavar="PUBKEY", help=text("help_export_crypt4gh")
    )


def _seal_commands(add: Any) -> None:
    seal = add(
        "seal",
        "tsunagu seal films/run-7\ntsunagu seal films/patients --create\ntsunagu seal films/run-7 --status --json",
    )
    _dataset(seal)
    seal.add_argument("--create", action="store_true", help=text("help_seal_create"))
    seal.add_argument("--status", action="store_true", help=text("help_seal_status"))
    shred = add("shred", 'tsunagu shred films/run-7 --reason "consent withdrawn, letter of 2027-05-02"')
    _dataset(shred)
    shred.add_argument("--reason", required=True, metavar="TEXT", help=text("help_shred_reason"))
    shred.add_argument("--confirm", default="", metavar="PROJECT/DATASET", help=text("help_shred_confirm"))


def _request_commands(add: Any) -> None:
    ask = add("ask", 'tsunagu ask films/run-7 -m "to compare with our run of May"')
    _dataset(ask)
    ask.add_argument("-m", "--reason", required=True, metavar="TEXT", help=text("help_reason"))
    ask.add_argument("--role", default="reader", choices=["reader", "editor"], help=text("help_ask_role"))
    requests = add(
        "requests",
        "tsunagu requests\ntsunagu requests approve 01J... --until 2027-03-31\n"
        'tsunagu requests decline 01J... -m "the paper is not out yet"',
    )
    requests.add_argument("answer", nargs="?", choices=["approve", "decline", "withdraw"])
    requests.add_argument("id", nargs="?")
    requests.add_argument(
        "--role", default="", choices=["owner", "editor", "reader"], help=text("help_given_role")
    )
    requests.add_argument("--until", default="", metavar="DATE", help=text("help_until"))
    requests.add_argument("-m", "--words", default="", metavar="TEXT", help=text("help_words"))


def _dataset(command: argparse.ArgumentParser) -> None:
    command.add_argument("dataset", metavar="PROJECT/DATASET")
