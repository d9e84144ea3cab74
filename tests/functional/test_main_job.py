"""The main job through the command line and REST of a real node."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
import urllib.request

import pytest

pytestmark = pytest.mark.functional


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "folder"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "xrd.csv").write_text(
        "angle (deg),intensity (cps)\n" + "".join(f"{a},{a * 3}\n" for a in range(60))
    )
    (root / "sub" / "試料1.txt").write_text("Operator: 髙橋\nTemperature: 295 K\n", "utf-8")
    (root / "sub" / "deep" / "empty.dat").write_bytes(b"")
    (root / "big.bin").write_bytes(bytes(range(256)) * 20_000)
    return root


def tree_of(root):
    return {
        unicodedata.normalize("NFC", p.relative_to(root).as_posix()): hashlib.sha256(
            p.read_bytes()
        ).hexdigest()
        for p in root.rglob("*")
        if p.is_file()
    }


def test_push_freeze_pull_verify(node, folder, tmp_path):
    node.run("push", str(folder), "lab/main")
    files = node.wait_for_readings("lab/main")
    assert {f["path"]: f["sha256"] for f in files} == tree_of(folder)
    assert {f["path"]: (f["reader"], f["status"]) for f in files}["xrd.csv"] == ("csv", "read")
    node.run("freeze", "lab/main", "-m", "first")
    target = tmp_path / "pulled"
    node.run("pull", "lab/main@1", str(target))
    assert tree_of(target) == tree_of(folder)
    report = node.json("verify", "lab/main")
    assert report["ok"]
    report = node.json("verify", "lab/main@1", "--local", str(target))
    assert report["ok"]
    assert report["checked"]["version_hash"] == node.json("show", "lab/main")["versions"][0]["hash"]


def test_a_second_push_sends_nothing(node, folder):
    node.run("push", str(folder), "lab/twice")
    again = node.run("push", str(folder), "lab/twice", "--json").stdout
    assert '"sent": 0' in re.sub(r"\s+", " ", again) or json.loads(again)["sent"] in (0, {"files": 0})


def test_receipt_names_every_file(node, folder):
    made = node.json("push", str(folder), "lab/receipt")
    run = made.get("run") or made["receipt"]["run"]
    status, receipt = node.api("GET", f"/pushes/{run}/receipt")
    assert status == 200
    assert {f["path"]: f["sha256"] for f in receipt["files"]} == tree_of(folder)
    assert receipt["ledger"]["root"]


def test_show_and_metadata_have_the_fixed_fields(node, folder):
    node.run("push", str(folder), "lab/fields")
    node.wait_for_readings("lab/fields")
    shown = node.json("show", "lab/fields")
    assert shown["name"] == "fields"
    values = node.json("metadata", "lab/fields")
    assert values
    assert all({"key", "name", "value", "unit", "origin"} <= set(value) for value in values)
    temperature = next(v for v in values if v["key"] == "Temperature")
    assert temperature["origin"]["path"] == "sub/試料1.txt"


def test_freezing_nothing_is_a_conflict(node, folder):
    node.run("push", str(folder), "lab/nothing")
    node.run("freeze", "lab/nothing")
    done = node.run("freeze", "lab/nothing", check=False)
    assert done.returncode == 5
    assert "datasets.nothing_to_freeze" in done.stderr


def test_a_stranger_sees_nothing(node, folder):
    node.run("push", str(folder), "lab/secret")
    stranger = node.make_token("stranger@example.org")
    for token in ("", stranger):
        assert node.api("GET", "/datasets/lab/secret", token=token)[0] in (401, 404)
        assert node.api("GET", "/datasets/lab/secret/files", token=token)[0] in (401, 404)
        status, listed = node.api("GET", "/datasets", token=token)
        assert status == 200
        assert "secret" not in json.dumps(listed)
        assert node.api("POST", "/datasets/lab/secret/pulls", {}, token=token)[0] in (401, 404)
        assert node.api("POST", "/datasets/lab/secret/pushes", {}, token=token)[0] in (401, 404)


def test_open_data_is_read_without_a_token(node, folder):
    node.run("push", str(folder), "lab/open")
    node.run("freeze", "lab/open")
    assert node.api("PATCH", "/datasets/lab/open", {"access": "open"})[0] == 200
    status, pulled = node.api("POST", "/datasets/lab/open/pulls", {}, token="")
    assert status == 200
    one = next(f for f in pulled["files"] if f["path"] == "xrd.csv")
    url = f"{pulled['byte_url']}/o/{one['capability']}/xrd.csv"
    with urllib.request.urlopen(url) as answer:
        assert hashlib.sha256(answer.read()).hexdigest() == one["sha256"]
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert "attachment" in answer.headers["Content-Disposition"]
        assert "Set-Cookie" not in answer.headers
    ranged = urllib.request.Request(url, headers={"Range": "bytes=5-9"})
    with urllib.request.urlopen(ranged) as answer:
        assert answer.status == 206
        assert answer.read() == (folder / "xrd.csv").read_bytes()[5:10]


def test_openapi_is_served(node):
    status, description = node.api("GET", "/openapi.json")
    assert status == 200
    assert "/api/v1/datasets/{project}/{dataset}/freeze" in description["paths"]


def test_health_metrics_and_check(node):
    for port in (node.port, node.port + 1):
        for path in ("healthz", "metrics"):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as answer:
                assert answer.status == 200
                if path == "metrics":
                    assert answer.read().endswith(b"# EOF\n")
    report = json.loads(node.run("check", "--home", str(node.home), "--json").stdout)
    assert report["ok"], report


def test_pages_answer(node, folder):
    node.run("push", str(folder), "lab/pages")
    node.wait_for_readings("lab/pages")
    node.run("freeze", "lab/pages")
    inside, outside = node.signed_in("owner@example.org"), urllib.request.build_opener()
    for language in ("ja", "en"):
        for path in (
            "/", "/datasets", "/projects", "/projects/lab", "/projects/lab/members", "/instruments", "/mapping", "/account",
            "/d/lab/pages", "/d/lab/pages/files", "/d/lab/pages/files/sub", "/d/lab/pages/file/xrd.csv",
            "/d/lab/pages/metadata", "/d/lab/pages/provenance", "/d/lab/pages/versions", "/d/lab/pages/access",
            "/d/lab/pages/upload", "/d/lab/pages/freeze", "/accounts/login/",
        ):  # fmt: skip
            opener = outside if path == "/accounts/login/" else inside
            asked = urllib.request.Request(node.url + path, headers={"Accept-Language": language})
            with opener.open(asked) as answer:
                body = answer.read().decode()
                assert answer.status == 200
                assert f'<html lang="{language}"' in body, path
                assert "script-src" not in answer.headers["Content-Security-Policy"]
                assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_a_cookie_alone_changes_nothing(node):
    request = urllib.request.Request(
        f"{node.url}/api/v1/projects",
        method="POST",
        data=b'{"name":"forged"}',
        headers={"Cookie": "sessionid=abc", "Content-Type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    with caught.value as refused:
        assert refused.code in (401, 403)


def test_a_page_asked_with_a_token_sends_to_the_sign_in_page(node):
    bearer = {"Authorization": f"Bearer {node.token}"}
    request = urllib.request.Request(f"{node.url}/projects", headers=bearer)
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
        assert "/accounts/login/?next=%2Fprojects" in answer.url
