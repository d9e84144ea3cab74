"""A sealed dataset through a real node: nothing of it lies readable, everything works, and shredding is for ever."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.node import running_node

pytestmark = pytest.mark.functional

MARK = b"PATIENT-0042 nobody may find this sentence on a disk"


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("sealed") / "home") as running:
        running.run("project", "create", "lab")
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Small files for a bundle, one for tus, one that readers draw."""
    place = tmp_path_factory.mktemp("secret")
    (place / "raw").mkdir()
    for number in range(200):
        (place / "raw" / f"note{number}.txt").write_bytes(MARK + b" %d\n" % number)
    (place / "large.bin").write_bytes((MARK + os.urandom(4096)) * 2500)
    (place / "scan.csv").write_text("angle (deg),counts\n" + "".join(f"{n},{n * n}\n" for n in range(90)))
    return place


def tree_of(place):
    return {
        str(file.relative_to(place)): file.read_bytes() for file in sorted(place.rglob("*")) if file.is_file()
    }


def places_with(home, mark):
    """Files below a home that hold the mark; the database too, for it must not hold content either."""
    return [str(file) for file in home.rglob("*") if file.is_file() and mark in file.read_bytes()]


def wait_until_sealed(node, dataset, *, timeout_s=90):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        said = node.json("seal", dataset, "--status")
        if said["state"] == "sealed":
            return said
        time.sleep(0.3)
    raise AssertionError(said)


def fetch(url, **headers):
    request = urllib.request.Request(url, headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.fixture(scope="module")
def sealed(node, folder):
    """A dataset that was sealed before its first byte."""
    said = node.json("seal", "lab/patients", "--create")
    assert said["state"] == "sealed"
    node.run("push", str(folder), "lab/patients")
    node.run("freeze", "lab/patients")
    node.wait_for_readings("lab/patients")
    return said


def test_what_is_pushed_comes_back(node, folder, sealed, tmp_path):
    node.run("pull", "lab/patients@1", str(tmp_path / "back"))
    back = {
        name: data for name, data in tree_of(tmp_path / "back").items() if not name.startswith(".tsunagu")
    }
    assert back == tree_of(folder)


def test_nothing_of_it_lies_readable_below_the_home(node, sealed):
    assert not places_with(node.home, MARK)
    assert not places_with(node.home / "objects", b"angle (deg),counts")


def test_keys_lie_apart_and_are_for_the_node_alone(node, sealed):
    domain = node.api("GET", "/datasets/lab/patients")[1]["id"]
    file = node.home / "keys" / f"{domain}.json"
    assert file.stat().st_mode & 0o077 == 0
    assert json.loads(file.read_text())["fingerprint"] == sealed["fingerprint"]
    wrapped = json.loads(file.read_text())["wrapped"].encode()
    assert wrapped not in (node.home / "db.sqlite3").read_bytes()


def test_ranges_zip_and_previews_work(node, folder, sealed, tmp_path):
    _, pulled = node.api("POST", "/datasets/lab/patients/pulls", {"version": 1})
    large = next(file for file in pulled["files"] if file["path"] == "large.bin")
    url = f"{pulled['byte_url']}/o/{large['capability']}/large.bin"
    content = (folder / "large.bin").read_bytes()
    for start, end in (
        (0, 9),
        (65_530, 65_545),
        (1_000_000, 3_000_000),
        (len(content) - 5, len(content) - 1),
    ):
        assert fetch(url, Range=f"bytes={start}-{end}") == (206, content[start : end + 1])
    page = fetch(f"{node.url}/d/lab/patients/files", Authorization=f"Bearer {node.token}")[1].decode()
    del page
    files = {file["path"]: file for file in node.json("files", "lab/patients")}
    assert files["scan.csv"]["status"].startswith("read"), "readers read sealed files from memory"
    token = zip_token(node)
    status, archive = fetch(f"{pulled['byte_url']}/zip/{token}/all.zip")
    assert status == 200
    (tmp_path / "all.zip").write_bytes(archive)
    with zipfile.ZipFile(tmp_path / "all.zip") as opened:
        assert opened.testzip() is None
        assert opened.read("large.bin") == content


def zip_token(node):
    """Signed as control signs it."""
    from tsunagu.core.capabilities import Signer

    signer = Signer.from_file(node.home / "secrets" / "capability.key")
    _, card = node.api("GET", "/datasets/lab/patients")
    _, me = node.api("GET", "/me")
    return signer.sign("list", lifetime_s=60, ds=card["id"], v=1, pre="", who=["person", me["id"]])


def test_no_key_stands_in_a_capability(node, sealed):
    """Who has the address alone, or the address and the signing key, has no key."""
    import base64

    _, pulled = node.api("POST", "/datasets/lab/patients/pulls", {"version": 1, "limit": 1})
    body = pulled["files"][0]["capability"].partition(".")[0]
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    hidden = base64.urlsafe_b64decode(claims["sk"] + "==")
    assert len(hidden) == 12 + 32 + 16
    from tsunagu.core.blobs.chunks import object_key
    from tsunagu.foundation.storage.keys import FileWrapper, KeyRing

    ring = KeyRing(node.home / "keys", FileWrapper(node.home / "secrets" / "sealing"))
    domain = node.api("GET", "/datasets/lab/patients")[1]["id"]
    assert object_key(ring.data_key(domain), claims["k"]) not in hidden


def test_verify_finds_a_changed_byte(node, folder, sealed):
    assert node.json("verify", "lab/patients")["ok"]
    largest = max((node.home / "objects").rglob("*"), key=lambda file: file.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[700_000] ^= 1
    largest.write_bytes(content)
    try:
        said = json.loads(node.run("verify", "lab/patients", "--json", check=False).stdout)
        assert not said["ok"]
        assert any("large.bin" in str(one) and "Chunk 10 " in str(one) for one in said["problems"])
    finally:
        content[700_000] ^= 1
        largest.write_bytes(content)
    assert node.json("verify", "lab/patients")["ok"]


def test_the_same_bytes_in_an_open_dataset_are_sent_anew_and_seal_does_not_take_them(node, folder, tmp_path):
    node.run("push", str(folder), "lab/plain")
    node.run("push", str(folder), "lab/later")
    assert places_with(node.home / "objects", MARK)
    node.run("seal", "lab/later")
    wait_until_sealed(node, "lab/later")
    assert places_with(node.home / "objects", MARK), "lab/plain still needs them"
    node.run("pull", "lab/plain", str(tmp_path / "one"))
    node.run("pull", "lab/later", str(tmp_path / "two"))
    for name in ("one", "two"):
        assert (tmp_path / name / "large.bin").read_bytes() == (folder / "large.bin").read_bytes()
    node.run("seal", "lab/plain")
    wait_until_sealed(node, "lab/plain")
    assert not places_with(node.home / "objects", MARK)
    assert node.json("verify", "lab/plain")["ok"]
    assert node.json("verify", "lab/later")["ok"]


def test_shredding_is_for_ever_and_says_so(node, folder, sealed, tmp_path):
    node.json("seal", "lab/gone", "--create")
    node.run("push", str(folder), "lab/gone")
    node.run("freeze", "lab/gone")
    node.wait_for_readings("lab/gone")
    _, pulled = node.api("POST", "/datasets/lab/gone/pulls", {"version": 1})
    url = f"{pulled['byte_url']}/o/{pulled['files'][0]['capability']}/x"
    assert fetch(url)[0] == 200
    wrong = node.run("shred", "lab/gone", "--reason", "x", "--confirm", "lab/patients", check=False)
    assert wrong.returncode
    said = node.json("shred", "lab/gone", "--reason", "consent withdrawn", "--confirm", "lab/gone")
    assert said["state"] == "shredded"
    assert fetch(url)[0] == 401, "an address that was given before carries nothing any more"
    failed = node.run("pull", "lab/gone@1", str(tmp_path / "gone"), check=False)
    assert failed.returncode
    assert "consent withdrawn" in failed.stderr
    assert "owner" in failed.stderr
    assert node.run("push", str(folder), "lab/gone", check=False).returncode
    checked = node.json("verify", "lab/gone")
    assert checked["ok"]
    assert "consent withdrawn" in checked["shredded"]["lab/gone"]
    runs = node.api("GET", "/datasets/lab/gone/runs")[1]["runs"]
    proof = next(run for run in runs if run["kind"] == "shred")
    assert proof["parameters"]["key_fingerprint"] == said["fingerprint"]
    assert proof["outcome"] == "ok"
    files = node.api("GET", "/datasets/lab/gone/files?limit=1000")[1]["files"]
    assert len(files) == len(tree_of(folder)), "the record stays"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        states = {f["status"] for f in node.api("GET", "/datasets/lab/gone/files?limit=1000")[1]["files"]}
        if states == {"pending"}:
            break
        time.sleep(0.3)
    assert states == {"pending"}, "what was read out of the bytes went with them"
    assert node.json("verify")["ok"]
    assert isinstance(Path(node.home), Path)
