"""A lock file becomes an environment: real pip, a real wheel made here, no registry."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import zipfile

import pytest

from tests.node import running_node

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]


def wheel(folder, name, version, body):
    """A wheel with one module and one command; the line of a lock file that names it."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": body,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}\n"
        for path, text in files.items()
    )
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for place, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(place, text)
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A folder of wheels, and a node whose pip knows nothing but that folder."""
    folder = tmp_path_factory.mktemp("wheels")
    line = wheel(folder, "greeting", "1.0", "def main():\n    print('hello from a wheel')\n")
    extra = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "TSUNAGU_S3_SECRET_ACCESS_KEY": "a secret"}
    with running_node(tmp_path_factory.mktemp("packed") / "home", extra) as node:
        node.run("project", "create", "lab")
        (folder / "data").mkdir()
        (folder / "data" / "a.txt").write_text("a")
        node.run("push", str(folder / "data"), "lab/data")
        node.run("freeze", "lab/data")
        yield node, folder, line


def run(node, lock, *command):
    done = node.run("run", "lab/data", "--env", str(lock), "--json", "--", *command, check=False)
    return json.loads(done.stdout) if done.stdout else done


def test_packages_of_a_lock_file_are_there_read_only(shelf, tmp_path):
    node, _folder, line = shelf
    broken = line.replace(" --", " \\\n    --")  # as pip-compile writes it
    (tmp_path / "lock").write_text(f"# made by hand\n{broken}    # via nothing\n")
    found = run(node, tmp_path / "lock", "greeting")
    assert found["state"] == "succeeded", found
    assert node.run("logs", found["run"]).stdout == "hello from a wheel\n"
    script = "import greeting; open(greeting.__file__, 'a').write('x')"
    found = run(node, tmp_path / "lock", "python", "-c", script)
    assert found["state"] == "failed"
    assert "Read-only file system" in node.run("logs", found["run"]).stdout
    (run_,) = [one for one in node.json("runs", "lab/data-runs") if one["id"] == found["run"]]
    assert run_["parameters"]["environment"] == found["environment_hash"]


def test_what_cannot_be_installed_fails_with_the_reason(shelf, tmp_path):
    node, folder, _line = shelf
    (tmp_path / "absent").write_text(f"nowhere==1.0 --hash=sha256:{'ab' * 32}\n")
    found = run(node, tmp_path / "absent", "true")
    assert (found["state"], found["code"]) == ("failed", "no_environment")
    assert "nowhere" in found["sentence"]
    wheel(folder, "altered", "1.0", "")
    (tmp_path / "altered").write_text(f"altered==1.0 --hash=sha256:{'ab' * 32}\n")
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in run(node, tmp_path / "altered", "true")["sentence"]


@pytest.mark.parametrize(
    "text",
    [
        "greeting==1.0",
        "greeting",
        "-r other.txt",
        "--index-url http://evil.example/",
        "greeting @ http://evil.example/g.whl",
        f"git+https://evil.example/x#egg=x --hash=sha256:{'ab' * 32}",
        f"./local.whl --hash=sha256:{'ab' * 32}",
        f"greeting>=1.0 --hash=sha256:{'ab' * 32}",
        f"greeting==1.0 --hash=sha256:{'ab' * 32} --global-option=x",
        f"greeting==1.0 --hash=md5:{'ab' * 16}",
        "",
    ],
)
def test_a_lock_file_that_names_more_than_pinned_packages_is_refused(shelf, tmp_path, text):
    node, _folder, _line = shelf
    (tmp_path / "lock").write_text(text + "\n# comment")
    done = node.run("run", "lab/data", "--env", str(tmp_path / "lock"), "--", "true", check=False)
    assert done.returncode == 2
    if text:
        assert "environments.bad_lock" in done.stderr
