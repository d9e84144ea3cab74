"""The same node on the engines that it grows into: PostgreSQL and S3."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.node import running_node

pytestmark = pytest.mark.servers
ROOT = Path(__file__).resolve().parents[2]


def without_xdist():
    """The environment of a run of its own, also where this one has several processes."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


@pytest.mark.timeout(2600)
def test_the_rooms_tests_hold_on_postgresql_and_s3(grown):
    """Storage, datasets, jobs, ledger and rules: the very same tests, on the other engines."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        "2",
        "--dist",
        "loadfile",
        "-m",
        "not (crash or browser or servers or functional or samples)",
    ]
    done = subprocess.run(
        [*command, "tests/rooms", "src/tsunagu/foundation", "src/tsunagu/core"],
        cwd=ROOT,
        env={**without_xdist(), **grown},
        capture_output=True,
        text=True,
        check=False,
        timeout=2500,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.fixture
def grown_node(tmp_path, grown):
    with running_node(tmp_path / "home", grown) as node:
        node.run("project", "create", "lab")
        yield node


def test_a_sealed_dataset_on_postgresql_and_s3(grown_node, tmp_path, s3_client, bucket):
    """Sealed before its first byte, and sealed afterwards; nothing of it lies readable in the bucket."""
    node, folder, mark = grown_node, tmp_path / "folder", b"nobody may find this line in a bucket\n"
    folder.mkdir()
    for number in range(30):
        (folder / f"note{number}.txt").write_bytes(mark + b"%d" % number)
    (folder / "large.bin").write_bytes((mark + os.urandom(2000)) * 6_000)
    node.run("seal", "lab/first", "--create")
    node.run("push", str(folder), "lab/first")
    node.run("push", str(folder), "lab/later")
    node.wait_for_readings("lab/later")
    node.run("seal", "lab/later")
    deadline = time.monotonic() + 120
    while node.json("seal", "lab/later", "--status")["state"] != "sealed" and time.monotonic() < deadline:
        time.sleep(0.5)
    for name in ("first", "later"):
        node.run("pull", f"lab/{name}", str(tmp_path / name))
        assert (tmp_path / name / "large.bin").read_bytes() == (folder / "large.bin").read_bytes()
        assert node.json("verify", f"lab/{name}")["ok"]
    listed = s3_client.list_objects_v2(Bucket=bucket, Prefix=prefix_of(node))["Contents"]
    assert listed
    for item in listed:
        body = s3_client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        assert mark not in body, item["Key"]
    node.json("shred", "lab/first", "--reason", "a test", "--confirm", "lab/first")
    assert node.run("pull", "lab/first", str(tmp_path / "gone"), check=False).returncode
    assert node.json("verify")["ok"]


def prefix_of(node):
    """Where the objects of a node lie in its bucket."""
    return urlsplit(node.environment["TSUNAGU_STORE_URL"]).path.strip("/")


def test_the_main_job_on_postgresql_and_s3(grown_node, tmp_path, s3_client, bucket):
    node, folder = grown_node, tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    for number in range(50):
        (folder / "sub" / f"scan{number}.csv").write_text(f"angle (deg),counts\n1,{number}\n2,{number + 1}\n")
    (folder / "large.bin").write_bytes(os.urandom(20_000_000))
    node.run("push", str(folder), "lab/main")
    files = node.wait_for_readings("lab/main")
    assert len(files) == 51
    node.run("freeze", "lab/main")
    (folder / "sub" / "scan7.csv").write_text("angle (deg),counts\n1,700\n")
    node.run("push", str(folder), "lab/main")
    node.run("rm", "lab/main", "sub/scan8.csv")
    node.run("freeze", "lab/main")
    node.run("pull", "lab/main@2", str(tmp_path / "two"))
    expected = {p.relative_to(folder) for p in folder.rglob("*") if p.is_file()} - {Path("sub/scan8.csv")}
    assert {p.relative_to(tmp_path / "two") for p in (tmp_path / "two").rglob("*") if p.is_file()} == expected
    for path in expected:
        assert (tmp_path / "two" / path).read_bytes() == (folder / path).read_bytes()
    assert node.json("verify", "lab/main")["ok"]
    assert node.json("verify")["ok"]
    diff = node.json("diff", "lab/main", "1", "2")
    assert {(f["path"], f["change"]) for f in diff["files"]} == {
        ("sub/scan7.csv", "changed"),
        ("sub/scan8.csv", "removed"),
    }
    # Judged from outside: the large file is one object of its own with these very bytes.
    keys = [item["Key"] for item in s3_client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert any(
        hashlib.sha256(s3_client.get_object(Bucket=bucket, Key=key)["Body"].read()).hexdigest()
        == hashlib.sha256((folder / "large.bin").read_bytes()).hexdigest()
        for key in keys
    )
    assert not list((node.home / "objects").glob("*")) if (node.home / "objects").exists() else True
    assert not (node.home / "db.sqlite3").exists()


def test_check_and_backup_know_the_engines(grown_node):
    report = grown_node.json("check", "--home", str(grown_node.home))
    assert report["ok"], report
    details = {finding["name"]: finding["detail"] for finding in report["findings"]}
    assert details["database"].startswith("postgresql 15")
    assert details["store"].startswith("s3://")
    shown = {row["name"]: row["value"] for row in report["settings"]}
    assert shown["s3_secret_access_key"] == "(hidden)"
    assert shown["database_url"] == "(hidden)"
    saved = Path(grown_node.run("backup", "--home", str(grown_node.home)).stdout.strip())
    assert (saved / "db.dump").stat().st_size > 10_000


def test_a_backup_of_postgresql_comes_back(grown_node, grown, database_server, tmp_path):
    """The database from the dump, the objects where they are: S3 is used as it stands."""
    node, folder = grown_node, tmp_path / "folder"
    folder.mkdir()
    (folder / "a.csv").write_text("x,y\n1,2\n")
    node.run("push", str(folder), "lab/kept")
    node.run("freeze", "lab/kept")
    node.run("backup", str(tmp_path / "saved"), "--home", str(node.home), "--with-secrets")
    said = json.loads((tmp_path / "saved" / "backup.json").read_text())
    assert (said["database"], said["store"]) == ("db.dump", "s3")
    assert not (tmp_path / "saved" / "objects").exists()
    again = {**grown, "TSUNAGU_DATABASE_URL": database_server.new_database()}
    done = node.run("restore", str(tmp_path / "saved"), "--home", str(tmp_path / "again"), env=again)
    report = json.loads(done.stdout[: done.stdout.rindex("}") + 1])
    assert report["ok"], report
    assert report["contents"] >= 1
    assert report["ledger_entries"] >= 3
    full = node.run("restore", str(tmp_path / "saved"), "--home", str(tmp_path / "b"), env=again, check=False)
    assert full.returncode == 1
    assert "already exists" in full.stderr


def test_ranges_from_s3(grown_node, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    content = os.urandom(3_000_000)
    (folder / "one.bin").write_bytes(content)
    grown_node.run("push", str(folder), "lab/ranges")
    grown_node.run("freeze", "lab/ranges")
    _, pulled = grown_node.api("POST", "/datasets/lab/ranges/pulls", {})
    url = f"{pulled['byte_url']}/o/{pulled['files'][0]['capability']}/one.bin"
    request = urllib.request.Request(url, headers={"Range": "bytes=1000000-2000000"})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 206
        assert answer.read() == content[1_000_000:2_000_001]
