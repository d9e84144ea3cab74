"""An evidence file is judged by openssl and its own script, in a Python without Tsunagu; each bent part is found and named."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.models import Dataset
from tsunagu.data.evidence import api as evidence
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.ledger import api as ledger

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="the program openssl is not installed"),
]


FILES = {"raw/a.csv": b"x,y\n1,2\n", "raw/結果.txt": "測定".encode(), "b.bin": bytes(range(256))}


@pytest.fixture
def made(authority, dataset, put, tmp_path):
    """The evidence of version 1 in a folder, after the ledger went on."""
    owner, card = dataset
    put(owner, card, FILES)
    datasets.freeze_version(owner, card.id)
    ledger.sign_head(at_once=True)
    ledger.stamp_waiting()
    put(owner, card, {"c": b"later"})
    datasets.freeze_version(owner, card.id)
    return unpack(owner, 1, tmp_path / "evidence")


def unpack(actor, number, folder):
    out = io.BytesIO()
    evidence.write_evidence(actor, datasets.get_dataset(actor, "lab", "data"), number, out)
    with zipfile.ZipFile(out) as packed:
        assert packed.testzip() is None
        packed.extractall(folder)
    return folder


def judge(folder, *more, language="C.UTF-8"):
    """The script, as somebody without Tsunagu runs it."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(Path(folder) / "verify_evidence.py"), str(folder), *map(str, more)],
        capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"], "LANG": language, "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    bad = [
        line.split(":")[0].removeprefix("BAD ").strip()
        for line in done.stdout.splitlines()
        if line.startswith("BAD")
    ]
    return done.returncode, bad, done.stdout


def seal_again(folder):
    """What a forger does: make SHA256SUMS fit."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "SHA256SUMS"
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


def test_a_whole_evidence_file_holds(made, authority, tmp_path):
    code, bad, said = judge(made)
    assert (code, bad) == (0, []), said
    assert "lab/data@1" in said
    kinds = [json.loads(line)["kind"] for line in (made / "entries.jsonl").read_text().splitlines()]
    assert {"grant", "run", "version", "signing_key"} == set(kinds)
    assert kinds.count("version") == 1
    assert set(json.loads((made / "evidence.json").read_text())["heads"]) == {"first", "newest"}
    data = tmp_path / "data"
    for path, content in FILES.items():
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_bytes(content)
    trusted = ("--key", made / "heads/first/key.pem", "--ca", authority.ca_file, "--data", data)
    code, bad, said = judge(made, *trusted)
    assert code == 0, said
    assert "3 files are the ones of the list" in said
    (data / "b.bin").write_bytes(b"other")
    code, bad, said = judge(made, *trusted)
    assert (code, bad) == (1, ["data"])
    assert "b.bin differs" in said


def test_it_speaks_japanese(made):
    code, _, said = judge(made, language="ja_JP.UTF-8")
    assert code == 0
    assert "版の記録: lab/data@1" in said
    assert "証拠ファイル" in (made / "README.txt").read_text()


def test_the_commands_of_the_readme_hold(made):
    commands = [
        line.strip().split("   ")[0]
        for line in (made / "README.txt").read_text().splitlines()
        if line.startswith(("  openssl", "  sha256sum"))
    ]
    assert len(commands) == 6
    for command in commands:
        done = subprocess.run(["bash", "-c", command], cwd=made, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stderr)


def parts():
    head = ("head.note", "head.txt", "head.sig", "key.pem", "stamp.tsq", "stamp.tsr", "ca.pem")
    plain = (
        "version.json",
        "metadata.json",
        "manifest.jsonl",
        "entries.jsonl",
        "consistency.json",
        "evidence.json",
    )
    return [*plain, *(f"heads/{name}/{part}" for name in ("first", "newest") for part in head)]


FOUND_BY = {
    "version.json": "version", "metadata.json": "version", "manifest.jsonl": "manifest", "entries.jsonl": "entries",
    "consistency.json": "consistency", "evidence.json": "version",
}  # fmt: skip


def bend(file):
    """Change one character that means something, and keep the form where there is one."""
    content = bytearray(file.read_bytes())
    if file.suffix in {".json", ".jsonl"}:
        mark = {"evidence.json": b'"version": "', "consistency.json": b'"path": [\n    "'}.get(
            file.name, b'"'
        )
        place = (
            content.rindex(mark) + len(mark)
            if file.name in {"evidence.json", "consistency.json"}
            else len(content) // 2
        )
        if file.name == "entries.jsonl":
            place = content.index(b'\\"at\\":\\"') + 9
        content[place] = ord("1") if content[place] != ord("1") else ord("2")
    elif file.suffix == ".pem":
        # In the key: openssl trusts a root for its key and name, whatever else it says.
        place = len(content) // 2
        content[place] = ord("A") if content[place] != ord("A") else ord("B")
    else:
        content[-30] ^= 1
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("name", parts())
def test_a_bent_part_is_named_even_when_the_sums_are_made_to_fit(made, name):
    bend(made / name)
    code, bad, said = judge(made)
    assert code == 1
    assert bad[0] == "parts"
    assert f"changed: {name}" in said
    seal_again(made)
    code, bad, said = judge(made)
    assert code == 1, said
    assert "parts" not in bad
    wanted = FOUND_BY.get(name) or name.split("/")[1]
    assert any(wanted in check for check in bad), said


def test_a_missing_or_added_part_is_named(made):
    (made / "heads/first/stamp.tsr").unlink()
    (made / "extra").write_text("x")
    _, bad, said = judge(made)
    assert "parts" in bad
    assert "extra, heads/first/stamp.tsr" in said


def test_a_forger_with_a_key_of_his_own_is_found_by_the_key_that_one_trusts(made, tmp_path, authority):
    trusted = tmp_path / "trusted.pem"
    shutil.copy(made / "heads/first/key.pem", trusted)
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", tmp_path / "own.key"], check=True)
    head = made / "heads/first"
    subprocess.run(
        ["openssl", "pkey", "-in", tmp_path / "own.key", "-pubout", "-out", head / "key.pem"], check=True
    )
    seal_again(made)
    assert "head first" in judge(made)[1]
    code, bad, _ = judge(made, "--key", trusted)
    assert (code, bad) == (1, ["head first"]), "the ledger does not name the forger's key"


def test_while_the_authority_is_down_the_file_says_so(authority, dataset, put, tmp_path):
    owner, card = dataset
    put(owner, card, FILES)
    datasets.freeze_version(owner, card.id)
    authority.fault = "down"
    folder = unpack(owner, 1, tmp_path / "evidence")
    code, bad, said = judge(folder)
    assert (code, bad) == (2, []), said
    assert "no time stamp yet" in said
    assert "タイムスタンプはまだ付与されていません" in (folder / "README.txt").read_text()


def test_the_embedded_authority_is_named_as_not_independent(dataset, put, tmp_path):
    owner, card = dataset
    put(owner, card, FILES)
    datasets.freeze_version(owner, card.id)
    folder = unpack(owner, 1, tmp_path / "evidence")
    code, _, said = judge(folder)
    assert code == 0, said
    assert "not independent" in said
    assert "not independent" in (folder / "README.txt").read_text()


def test_a_stranger_gets_what_a_stranger_may_read(made, tmp_path, person):
    card = datasets.get_dataset(person("owner"), "lab", "data")
    with pytest.raises(NotFoundError):
        evidence.write_evidence(person("stranger"), card, 1, io.BytesIO())
    Dataset.objects.update(access="open")
    folder = unpack(identity.ANONYMOUS, 1, tmp_path / "open")
    entries = (folder / "entries.jsonl").read_text()
    assert {json.loads(line)["kind"] for line in entries.splitlines()} == {"version", "signing_key"}
    assert json.loads((folder / "evidence.json").read_text())["left_out"] == ["runs", "grants"]
    assert judge(folder)[0] == 0
