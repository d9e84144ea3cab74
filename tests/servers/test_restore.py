"""What docs/how-to/run-in-production.md says about backup and restore, done on both databases."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.node import Node, free_port

pytestmark = pytest.mark.servers


def _drill(tmp_path: Path, databases: tuple[str, str]) -> None:
    """Back a node up while it runs, restore it elsewhere, and have everything computed again."""
    folder = tmp_path / "measured"
    folder.mkdir()
    (folder / "scan.csv").write_text("x,y\n1,2\n", "utf-8")
    homes = tmp_path / "one", tmp_path / "two"
    settings = [{"TSUNAGU_DATABASE_URL": database} if database else {} for database in databases]
    node = Node(homes[0], free_port(), settings[0])
    node.start()
    try:
        node.token = node.make_token("owner@example.org")
        node.run("project", "create", "films")
        node.run("push", str(folder), "films/run-7")
        node.run("freeze", "films/run-7")
        saved = Path(node.run("backup", "--home", str(homes[0])).stdout.strip())
        node.run("project", "create", "later")
    finally:
        node.stop()
    homes[1].mkdir(mode=0o700)
    shutil.copytree(saved / "secrets", homes[1] / "secrets")
    shutil.copytree(homes[0] / "objects", homes[1] / "objects")
    if databases[1]:
        restore = ["pg_restore", "--clean", "--if-exists", "-d", databases[1], str(saved / "db.dump")]
        subprocess.run(restore, check=True, capture_output=True)
    else:
        shutil.copy(saved / "db.sqlite3", homes[1])
    restored = Node(homes[1], free_port(), settings[1])
    restored.start()
    try:
        restored.token = node.token  # secrets and tokens came along
        report = restored.json("verify")
        assert report["ok"], report
        assert report["checked"]["versions"] == 1
        assert [project["name"] for project in restored.json("project", "list")] == ["films"]
        target = tmp_path / "out"
        restored.run("pull", "films/run-7@1", str(target))
        assert (target / "scan.csv").read_bytes() == (folder / "scan.csv").read_bytes()
    finally:
        restored.stop()


def test_restore_on_sqlite(tmp_path):
    _drill(tmp_path, ("", ""))


@pytest.mark.skipif(not shutil.which("pg_restore"), reason="postgresql-client is not installed")
def test_restore_on_postgresql(database_server, tmp_path):
    _drill(tmp_path, (database_server.new_database(), database_server.new_database()))
