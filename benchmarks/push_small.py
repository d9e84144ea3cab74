"""20,000 files of 4 KiB over HTTP into a frozen, durable version, beside git, dvc, git-annex and cp."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from benchmarks import kit, measure

COUNT = 20_000
ANNEX_COUNT = 2_000


def main() -> None:
    """Run it."""
    load = os.getloadavg()[0]
    source = kit.small_files(COUNT)
    part = kit.small_files(ANNEX_COUNT)
    contestants = {
        "tsunagu push + freeze": lambda _: ours(source),
        "git add": lambda _: git_add(source),
        "dvc add": lambda _: dvc_add(source),
        "cp -r, sync -f, SHA-256": lambda _: limit(source),
        "git-annex add": lambda _: annex_add(part) * COUNT / ANNEX_COUNT,
    }
    values = measure.alternate(contestants)
    rows = [
        measure.Row("tsunagu push + freeze", "ours", values["tsunagu push + freeze"]),
        measure.Row("git add", "peer", values["git add"], "core.fsync=all, batch"),
        measure.Row("dvc add", "peer", values["dvc add"], "its defaults"),
        measure.Row(
            "git-annex add",
            "peer",
            values["git-annex add"],
            f"{ANNEX_COUNT:,} files, times {COUNT // ANNEX_COUNT}",
        ),
        measure.Row("cp -r, sync -f, SHA-256", "limit", values["cp -r, sync -f, SHA-256"]),
    ]
    mine, dvc, annex, bound = rows[0].median, rows[2].median, rows[3].median, min(rows[4].values)
    goals = [
        measure.Goal("times as fast as dvc add", dvc / mine, 10),
        measure.Goal("times as fast as git-annex add", annex / mine, 50),
        measure.Goal("times as fast as the best round of the limit", bound / mine, 1.3),
    ]
    notes = [
        (
            "Ours is the command line in a fresh process, HTTP, SHA-256 on both sides, fsync, rows, Merkle root, ledger; the"
            " node's two readers begin to read the files meanwhile, at low priority. Every round has an empty node."
        ),
        "Peers copy or link inside one machine and know no server. dvc and git-annex work on a copy made before the clock.",
        "git-annex gets a tenth of the files: its time grows faster than their number, so the product favours it.",
    ]
    measure.finish("push_small", "Push 20,000 files of 4 KiB", "s", rows, goals, notes, load)


def ours(source: Path) -> float:
    """Push and freeze on an empty node."""
    with kit.fresh_node() as node:

        def act() -> None:
            node.run("push", str(source), "lab/bench", "--quiet")
            node.run("freeze", "lab/bench")

        seconds = measure.timed(act)
        shown = node.json("show", "lab/bench")
        assert shown["versions"][0]["count"] == COUNT, shown
        return seconds


def git_add(source: Path) -> float:
    """Hash and store every file as a loose object."""
    work = kit.scratch("git")
    git = [
        "git",
        f"--git-dir={work}/.git",
        f"--work-tree={source}",
        "-c",
        "core.fsync=all",
        "-c",
        "core.fsyncMethod=batch",
    ]
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    return measure.timed(lambda: subprocess.run([*git, "add", "-A"], check=True))


def dvc_add(source: Path) -> float:
    """Hash every file and copy it into the cache."""
    work = kit.scratch("dvc")
    bin_dir = kit.peers_python()
    shutil.copytree(source, work / "data")
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "PATH": f"{bin_dir}:{os.environ['PATH']}"}
    subprocess.run([str(bin_dir / "dvc"), "init", "-q", "--no-scm"], cwd=work, check=True, env=environment)
    command = [str(bin_dir / "dvc"), "add", "-q", "data"]
    return measure.timed(lambda: subprocess.run(command, cwd=work, check=True, env=environment))


def annex_add(source: Path) -> float:
    """Hash every file and move it into the annex."""
    work = kit.scratch("annex")
    shutil.copytree(source, work / "data")
    for command in (["git", "init", "-q"], ["git", "annex", "init", "-q"]):
        subprocess.run(command, cwd=work, check=True, stdout=subprocess.DEVNULL)
    command = ["git", "-c", "annex.synccontent=false", "annex", "add", "--quiet", "."]
    return measure.timed(lambda: subprocess.run(command, cwd=work, check=True))


def limit(source: Path) -> float:
    """What any tool must at least do: copy, make durable, hash."""
    target = kit.scratch("cp") / "copy"

    def act() -> None:
        subprocess.run(["cp", "-r", str(source), str(target)], check=True)
        subprocess.run(["sync", "-f", str(target)], check=True)
        for folder, _, names in os.walk(target):
            for name in names:
                with open(f"{folder}/{name}", "rb") as file:  # noqa: PTH123 - the fastest way to hash many files
                    hashlib.sha256(file.read()).digest()

    return measure.timed(act)


if __name__ == "__main__":
    main()
