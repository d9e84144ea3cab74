"""The arguments of the commands that run code beside the data."""

from __future__ import annotations

from typing import Any

from tsunagu.client.messages import text


def add_commands(add: Any) -> None:
    """``run``, ``runs``, ``logs``, ``cancel``, ``budget`` and ``compute``."""
    run = add(
        "run",
        "tsunagu run films/run-7 -- sh -c 'sort $TSUNAGU_IN/raw.csv > $TSUNAGU_OUT/sorted.csv'\n"
        "tsunagu run films/run-7@2 --code films/tools/peaks --param threshold=0.2 --out films/peaks \\\n"
        "  --cpu 2 --memory 2G --time 30m -- sh -c 'python3 $TSUNAGU_CODE/find.py'\n"
        "tsunagu run films/run-7 --cwl count.cwl --param table=raw.csv --param least=3",
    )
    run.add_argument("dataset", metavar="PROJECT/DATASET[@VERSION]")
    run.add_argument(
        "--input",
        dest="inputs",
        action="append",
        default=[],
        metavar="PROJECT/DATASET[@VERSION]",
        help=text("help_run_input"),
    )
    run.add_argument(
        "--code",
        default="",
        metavar="PROJECT/DATASET[@VERSION][/FOLDER]|FILE.bundle",
        help=text("help_run_code"),
    )
    run.add_argument("--cwl", default="", metavar="FILE", help=text("help_run_cwl"))
    run.add_argument("--out", default="", metavar="PROJECT/DATASET", help=text("help_run_out"))
    run.add_argument("--on", dest="executor", default="sandbox", metavar="PLACE", help=text("help_run_on"))
    run.add_argument("--env", default="", metavar="LOCKFILE", help=text("help_run_env"))
    run.add_argument(
        "--param",
        dest="parameters",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=text("help_run_param"),
    )
    run.add_argument("--each", default="", metavar="NAME=VALUES", help=text("help_run_each"))
    run.add_argument("--cpu", type=int, metavar="N", help=text("help_run_cpu"))
    run.add_argument("--memory", metavar="SIZE", help=text("help_run_memory"))
    run.add_argument("--time", metavar="TIME", help=text("help_run_time"))
    run.add_argument("--disk", metavar="SIZE", help=text("help_run_disk"))
    run.add_argument("--detach", action="store_true", help=text("help_run_detach"))
    run.usage = "tsunagu run PROJECT/DATASET[@VERSION] [OPTION ...] (--cwl FILE | -- COMMAND...)"
    runs = add("runs", "tsunagu runs films/run-7\ntsunagu runs films/run-7 --compute\ntsunagu runs")
    runs.add_argument("dataset", nargs="?", default="", metavar="PROJECT/DATASET")
    runs.add_argument("--compute", action="store_true", help=text("help_runs_compute"))
    logs = add("logs", "tsunagu logs 01J... -f")
    logs.add_argument("run", metavar="RUN")
    logs.add_argument("-f", "--follow", action="store_true", help=text("help_logs_follow"))
    cancel = add("cancel", "tsunagu cancel 01J...\ntsunagu cancel 01J... --all")
    cancel.add_argument("run", metavar="RUN")
    cancel.add_argument("--all", action="store_true", help=text("help_cancel_all"))
    budget = add("budget", "tsunagu budget films\ntsunagu budget films --cpu-s 7200000")
    budget.add_argument("project", metavar="PROJECT")
    budget.add_argument("--cpu-s", type=float, metavar="SECONDS", help=text("help_budget_set"))
    budget.add_argument("--memory-gb-h", type=float, metavar="GB_H", help=text("help_budget_set"))
    budget.add_argument("--output-bytes", type=int, metavar="BYTES", help=text("help_budget_set"))
    _notebook_command(add)
    _partner_commands(add)


def _notebook_command(add: Any) -> None:
    notebook = add(
        "notebook",
        "tsunagu notebook films/run-7\n"
        "tsunagu notebook films/run-7@2 --env requirements.lock --out films/my-notebook --memory 4G --time 4h\n"
        "tsunagu notebook films/run-7 --stop\n"
        "tsunagu notebook",
    )
    notebook.add_argument("dataset", nargs="?", default="", metavar="PROJECT/DATASET[@VERSION]")
    notebook.add_argument("--out", default="", metavar="PROJECT/DATASET", help=text("help_notebook_out"))
    notebook.add_argument("--env", default="", metavar="LOCKFILE", help=text("help_notebook_env"))
    notebook.add_argument("--cpu", type=int, metavar="N", help=text("help_run_cpu"))
    notebook.add_argument("--memory", metavar="SIZE", help=text("help_run_memory"))
    notebook.add_argument("--time", metavar="TIME", help=text("help_run_time"))
    notebook.add_argument("--disk", metavar="SIZE", help=text("help_run_disk"))
    notebook.add_argument("--stop", action="store_true", help=text("help_notebook_stop"))
    notebook.add_argument("--detach", action="store_true", help=text("help_run_detach"))


def _partner_commands(add: Any) -> None:
    compute = add(
        "compute",
        "tsunagu compute own\n"
        "tsunagu compute offer 'Kita University' --address https://data.kita.example --bytes https://bytes.kita.example \\\n"
        "  --key BASE64 --until 2027-03-31 --cpu 4 --memory 8G --time 2h --cpu-s 360000\n"
        "tsunagu compute withdraw 01J...\n"
        "tsunagu compute site kita --title 'Kita University' --address https://data.kita.example --key BASE64 \\\n"
        "  --country JP --may personal=anonymised\n"
        "tsunagu compute places films/run-7",
    )
    compute.add_argument(
        "action",
        choices=("own", "offer", "offers", "withdraw", "site", "sites", "close", "guests", "end", "places"),
        help=text("help_compute_action"),
    )
    compute.add_argument("name", nargs="?", default="", help=text("help_compute_name"))
    compute.add_argument("--title", default="", help=text("help_compute_title"))
    compute.add_argument("--address", default="", metavar="URL", help=text("help_compute_address"))
    compute.add_argument(
        "--bytes", dest="bytes_address", default="", metavar="URL", help=text("help_compute_bytes")
    )
    compute.add_argument("--key", default="", metavar="BASE64", help=text("help_compute_key"))
    compute.add_argument("--until", default="", metavar="YYYY-MM-DD", help=text("help_compute_until"))
    compute.add_argument("--place", dest="executor", default="sandbox", help=text("help_compute_place"))
    compute.add_argument("--cpu", type=int, metavar="N", help=text("help_run_cpu"))
    compute.add_argument("--memory", metavar="SIZE", help=text("help_run_memory"))
    compute.add_argument("--time", metavar="TIME", help=text("help_run_time"))
    compute.add_argument("--disk", metavar="SIZE", help=text("help_run_disk"))
    compute.add_argument("--input", dest="input_bytes", metavar="SIZE", help=text("help_compute_input"))
    compute.add_argument("--slots", type=int, metavar="N", help=text("help_compute_slots"))
    compute.add_argument("--cpu-s", type=float, metavar="SECONDS", help=text("help_compute_budget"))
    compute.add_argument("--memory-gb-h", type=float, metavar="GB_H", help=text("help_compute_budget"))
    compute.add_argument("--output", dest="output_bytes", metavar="SIZE", help=text("help_compute_budget"))
    compute.add_argument("--country", default="", metavar="CC", help=text("help_compute_country"))
    compute.add_argument(
        "--may",
        dest="levels",
        action="append",
        default=[],
        metavar="LABEL=LEVEL",
        help=text("help_compute_may"),
    )
    compute.add_argument("--sealed", action="store_true", help=text("help_compute_sealed"))
