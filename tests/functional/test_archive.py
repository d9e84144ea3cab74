"""Versions that leave the node, judged by programs that nobody here wrote."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import bagit
import pyrage
import pytest

from tests.node import running_node

pytestmark = pytest.mark.functional
BIN = Path(sys.executable).parent
VALIDATOR = Path(__file__).resolve().parents[2] / ".judges" / "bin" / "ocfl-validate.py"


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("archive") / "node") as found:
        yield found


@pytest.fixture(scope="module")
def frozen(node, tmp_path_factory):
    """A dataset with two versions: a file stays, one changes, one goes, one comes; a file becomes a folder."""
    files = tmp_path_factory.mktemp("files")
    (files / "same.csv").write_text("x,y\n1,2\n3,4\n")
    (files / "changed.txt").write_text("before")
    (files / "gone.txt").write_text("will go")
    (files / "node").write_text("a file")
    (files / "深い").mkdir()
    (files / "深い" / "名前 100%.dat").write_bytes(bytes(range(256)) * 9000)
    (files / "empty").write_bytes(b"")
    node.run("project", "create", "films", "--title", "薄膜")
    node.run("push", str(files), "films/run-7")
    node.run("set", "films/run-7", "title", "薄膜の測定")
    node.wait_for_readings("films/run-7")
    node.run("freeze", "films/run-7", "-m", "first")
    node.run("rm", "films/run-7", "gone.txt", "node")
    (files / "gone.txt").unlink()
    (files / "node").unlink()
    (files / "node").mkdir()
    (files / "node" / "inside.txt").write_text("will go")  # the content of a file that went
    (files / "changed.txt").write_text("after")
    node.run("push", str(files), "films/run-7")
    node.run("freeze", "films/run-7")
    return files


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_bag_is_valid_and_says_everything(node, frozen, tmp_path):
    out = tmp_path / "bag"
    said = node.json("archive", "films/run-7", str(out))
    assert (said["version"], said["files"]) == (2, 5)
    assert contents(out / "data") == contents(frozen)
    # Its names hold a percent sign, which the Library of Congress' program does not decode (RFC 8493, 2.1.3, does).
    done = subprocess.run(
        ["sha256sum", "-c", "--quiet", "manifest-sha256.txt"],
        cwd=out,
        check=False,
        capture_output=True,
        text=True,
    )
    assert re.findall(r"^(.*): FAILED", done.stdout, re.MULTILINE) == ["data/深い/名前 100%25.dat"]
    meta = out / "metadata"
    record = (meta / "version.json").read_bytes()
    versions = json.loads((meta / "versions.json").read_text())
    assert hashlib.sha256(record).hexdigest() == versions[-1]["hash"]
    title = json.loads((meta / "description.json").read_text())["title"]
    assert (title["value"], title["origin"]["kind"]) == ("薄膜の測定", "person")
    prov = json.loads((meta / "provenance.json").read_text())
    assert {"tsunagu:capture", "tsunagu:freeze"} <= {one["prov:type"] for one in prov["activity"].values()}
    for name in ("used", "wasGeneratedBy", "wasAssociatedWith"):
        for relation in prov[name].values():
            assert relation["prov:activity"] in prov["activity"]
            assert relation.get("prov:entity") in {None, *prov["entity"]}
    readme = (meta / "README.txt").read_text("utf-8")
    for path in meta.iterdir():
        assert path.name == "README.txt" or f"metadata/{path.name}" in readme
    checked = subprocess.run(
        [sys.executable, "verify_evidence.py", "."],
        cwd=meta / "evidence",
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert (
        next(run for run in node.json("runs", "films/run-7") if run["kind"] == "export")["parameters"]["form"]
        == "bagit"
    )


def test_the_library_of_congress_finds_the_bag_valid(node, tmp_path):
    files = tmp_path / "files"
    (files / "深い").mkdir(parents=True)
    (files / "深い" / "名前.txt").write_text("1")
    node.run("push", str(files), "films/plain")
    node.run("freeze", "films/plain")
    out = tmp_path / "bag"
    node.run("archive", "films/plain", str(out))
    bag = bagit.Bag(str(out))
    bag.validate()
    assert bag.info["Payload-Oxum"] == "1.1"
    (out / "data" / "深い" / "名前.txt").write_text("2")
    with pytest.raises(bagit.BagValidationError):
        bag.validate()
    assert node.run("archive", "films/plain", str(out), check=False).returncode == 2


def test_an_archive_that_was_cut_off_goes_on(node, frozen, tmp_path):
    out = tmp_path / "bag"
    (out / "data").mkdir(parents=True)
    mark = {"form": "bagit", "dataset": "films/run-7", "version": 2}
    (out / ".tsunagu-archive.json").write_text(json.dumps(mark))
    (out / "data" / "changed.txt").write_text("half of")
    (out / "data" / "same.csv").write_text("x,y\n1,2\n3,4\n")
    assert node.run("archive", "films/run-7@1", str(out), check=False).returncode == 2  # another version
    node.run("archive", "films/run-7", str(out))
    assert contents(out / "data") == contents(frozen)
    assert not (out / ".tsunagu-archive.json").exists()
    stray = tmp_path / "stray"
    (stray / "data").mkdir(parents=True)
    (stray / ".tsunagu-archive.json").write_text(json.dumps(mark))
    (stray / "data" / "not of the dataset").write_text("x")
    assert node.run("archive", "films/run-7", str(stray), check=False).returncode == 2


def test_an_ocfl_object_holds_every_version(node, frozen, tmp_path):
    out = tmp_path / "object"
    node.run("archive", "films/run-7", str(out), "--format", "ocfl")
    inventory = json.loads((out / "inventory.json").read_text())
    assert inventory["head"] == "v2"

    def at(version):
        state = inventory["versions"][version]["state"]
        return {
            path.removeprefix("data/"): (out / inventory["manifest"][digest][0]).read_bytes()
            for digest, paths in state.items()
            for path in paths
            if path.startswith("data/")
        }

    assert at("v2") == contents(frozen)
    assert at("v1")["changed.txt"] == b"before"
    assert at("v1")["gone.txt"] == b"will go"
    assert at("v1")["node"] == b"a file"
    assert (
        sum(path.stat().st_size for path in (out / "v2" / "content" / "data").rglob("*") if path.is_file())
        == 5
    )
    if not VALIDATOR.exists():
        pytest.skip("the judges are not installed; python tests/run.py makes .judges")
    validator = [str(VALIDATOR.with_name("python")), str(VALIDATOR)]
    done = subprocess.run([*validator, str(out)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "VALID" in done.stdout
    assert "[E" not in done.stdout
    (out / "inventory.json").write_text((out / "inventory.json").read_text() + " ")
    assert subprocess.run([*validator, str(out)], check=False, capture_output=True).returncode != 0


def test_age_recipients_decrypt_byte_for_byte(node, frozen, tmp_path):
    identity, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    (tmp_path / "recipients").write_text(f"# a partner\n{other.to_public()}\n")
    out = tmp_path / "sealed"
    arguments = ("export", "films/run-7@2", str(out), "--age", str(identity.to_public()))
    node.run(*arguments, "--age", str(tmp_path / "recipients"))
    for who in (identity, other):
        found = {
            name.removesuffix(".age"): pyrage.decrypt(content, [who])
            for name, content in contents(out / "data").items()
        }
        assert found == contents(frozen)
    listed = pyrage.decrypt((out / "manifest.jsonl.age").read_bytes(), [other]).decode().splitlines()
    assert [json.loads(line)["path"] for line in listed] == sorted(contents(frozen))
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt((out / "manifest.jsonl.age").read_bytes(), [pyrage.x25519.Identity.generate()])
    assert not [path for path in out.rglob("*") if path.is_file() and path.suffix != ".age"]
    assert (
        node.run(
            "export", "films/run-7", str(tmp_path / "x"), "--age", "age1nonsense", check=False
        ).returncode
        == 2
    )


@pytest.mark.skipif(not shutil.which("age"), reason="the program age is not installed")
def test_the_reference_program_of_age_decrypts_byte_for_byte(node, frozen, tmp_path):
    subprocess.run(["age-keygen", "-o", str(tmp_path / "key")], check=True, capture_output=True)
    asked = ["age-keygen", "-y", str(tmp_path / "key")]
    public = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    out = tmp_path / "sealed"
    node.run("export", "films/run-7", str(out), "--age", public)
    for name, content in contents(frozen).items():
        command = ["age", "-d", "-i", str(tmp_path / "key"), str(out / "data" / f"{name}.age")]
        assert subprocess.run(command, check=True, capture_output=True).stdout == content, name


def test_crypt4gh_decrypts_byte_for_byte(node, frozen, tmp_path):
    keys = [str(BIN / "crypt4gh-keygen"), "--nocrypt", "--sk", "key.sec", "--pk", "key.pub"]
    subprocess.run(keys, cwd=tmp_path, check=True, capture_output=True)
    out = tmp_path / "sealed"
    node.run("export", "films/run-7", str(out), "--crypt4gh", str(tmp_path / "key.pub"))
    for name, content in contents(frozen).items():
        with (out / "data" / f"{name}.c4gh").open("rb") as sealed:
            done = subprocess.run(
                [str(BIN / "crypt4gh"), "decrypt", "--sk", "key.sec"],
                cwd=tmp_path,
                stdin=sealed,
                capture_output=True,
                check=True,
            )
        assert done.stdout == content, name


def test_who_may_not_read_takes_nothing_out(node, frozen, tmp_path):
    token = node.make_token("stranger@example.org")
    body = {"version": 2, "form": "bagit"}
    assert node.api("POST", "/datasets/films/run-7/exports", body, token=token)[0] == 404
    assert node.api("POST", "/datasets/films/run-7/exports", {**body, "form": "zip"})[0] == 422
    node.run("access", "films/run-7", "shared")
    status, answer = node.api("POST", "/datasets/films/run-7/exports", body, token=token)
    assert status == 201
    assert "plan" not in answer["documents"]
    assert "id" not in answer["documents"]["versions"][-1]["described"]["title"]["origin"]
    done = node.run("archive", "films/run-7", str(tmp_path / "bag"), env={"TSUNAGU_TOKEN": token})
    assert "Not in here" in (tmp_path / "bag" / "metadata" / "README.txt").read_text(), done.stdout
