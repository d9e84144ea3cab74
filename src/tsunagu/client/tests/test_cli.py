"""The command as a person or a script meets it: output, messages, exit codes, start-up."""

from __future__ import annotations

import ast
import json
import os
import signal
import stat
import string
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tsunagu.client
from tsunagu.client import account, messages
from tsunagu.client.arguments import NODE_COMMANDS, parser
from tsunagu.client.cli import main
from tsunagu.client.output import printable, width
from tsunagu.client.progress import ShownProgress, size
from tsunagu.client.tests.fake_door import TOKEN, Fault

if TYPE_CHECKING:
    from tsunagu.client.tests.fake_node import FakeNode

ROOT = Path(tsunagu.client.__file__).parent
HEAVY = {"django", "numpy", "pandas", "httpx", "requests", "sqlite3", "ssl", "http.client", "asyncio"}


@pytest.fixture
def shell(fake: FakeNode, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Any:
    monkeypatch.setenv("TSUNAGU_URL", fake.url)
    monkeypatch.setenv("TSUNAGU_TOKEN", TOKEN)

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(list(arguments))
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "measured"
    root.mkdir()
    (root / "測定.csv").write_bytes(b"1,2\n")
    (root / "b.dat").write_bytes(b"beta")
    return root


def test_the_whole_job(shell: Any, fake: FakeNode, folder: Path, tmp_path: Path) -> None:
    assert shell("project", "create", "films")[0] == 0
    code, out, err = shell("push", str(folder), "films/one", "--receipt", str(tmp_path / "r.json"))
    assert code == 0, err
    assert "sent 2" in out
    receipt = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert {file["path"] for file in receipt["files"]} == {"測定.csv", "b.dat"}
    assert shell("freeze", "films/one", "-m", "first")[0] == 0
    assert shell("pull", "films/one@1", str(tmp_path / "d"))[0] == 0
    assert (tmp_path / "d" / "測定.csv").read_bytes() == b"1,2\n"
    for command in (
        ["verify"],
        ["verify", "films/one"],
        ["verify", "films/one@1", "--local", str(tmp_path / "d")],
    ):
        assert shell(*command)[0] == 0
    assert shell("set", "films/one", "temperature", "77", "--unit", "K")[0] == 0
    assert shell("rm", "films/one", "b.dat")[0] == 0
    assert set(fake.content("films/one")) == {"測定.csv"}


@pytest.mark.parametrize(
    "command",
    [
        "whoami", "project list", "ls", "ls films", "ls films/one", "ls films/one/raw", "show films/one", "files films/one",
        "metadata films/one", "proposals films/one", "proposals films/one accept Q1", "diff films/one 1 2",
        "runs films/one", "open films/one", "verify", "verify films/one", "freeze films/one", "set films/one k v",
        "rm films/one raw/b", "project create other",
    ],
)  # fmt: skip
def test_every_command_speaks_json_and_prose(shell: Any, fake: FakeNode, command: str) -> None:
    fake.put("films/one", "raw/b", b"1")
    fake.put("films/one", "測定.csv", b"2")
    code, out, err = shell(*command.split(), "--json")
    assert (code, err) == (0, "")
    json.loads(out)
    fake.projects.clear()
    fake.datasets["films/one"].versions.clear()
    code, out, err = shell(*command.split(), "--quiet")
    assert code == 0
    assert err == ""


def test_fixed_shapes(shell: Any, fake: FakeNode) -> None:
    fake.put("films/one", "測定.csv", b"2")
    shell("set", "films/one", "k", "v", "--unit", "K")
    (file,) = json.loads(shell("files", "films/one", "--json")[1])
    assert file["path"] == "測定.csv"
    assert set(file) >= {"path", "size", "sha256", "reader", "status", "reason"}
    (value,) = json.loads(shell("--json", "metadata", "films/one")[1])
    assert set(value) >= {"key", "name", "value", "unit", "origin"}
    assert json.loads(shell("show", "films/one", "--json")[1])["draft"]["count"] == 1


def test_a_long_value_does_not_push_its_origin_away(shell: Any, fake: FakeNode) -> None:
    fake.put("films/one", "a", b"1")
    shell("set", "films/one", "comment", "x" * 3000)
    shown = shell("metadata", "films/one")[1]
    assert "佐藤 花子" in shown
    assert max(map(len, shown.splitlines())) < 120
    assert json.loads(shell("--json", "metadata", "films/one")[1])[0]["value"] == "x" * 3000


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show", "nobody/here"], 4), (["show", "noslash"], 2), (["pull", "films/one@x", "d"], 2), (["nonsense"], 2),
        (["push", "/absent", "films/one"], 2), (["project", "create"], 2), (["--token", "x", "whoami"], 3),
        (["project", "create", "taken"], 5), (["--url", "http://127.0.0.1:9", "whoami"], 8), (["--url", "ftp://x", "ls"], 2),
        (["up"], 1),
    ],
)  # fmt: skip
def test_exit_codes(
    shell: Any, fake: FakeNode, arguments: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.projects["taken"] = ""
    monkeypatch.setattr("tsunagu.client.transport.ATTEMPTS", 1)
    monkeypatch.setattr("tsunagu.client.transport._wait_s", lambda *_: 0.0)
    if arguments == ["up"]:
        monkeypatch.setitem(sys.modules, "tsunagu.doors.cli", None)
    got, out, err = shell(*arguments)
    assert got == code, err
    assert out == ""
    assert err
    if arguments != ["nonsense"]:
        assert "Code: " in err


@pytest.mark.parametrize(
    ("status", "code"), [(403, 3), (404, 4), (409, 5), (413, 2), (422, 2), (507, 6), (460, 7), (500, 1)]
)
def test_statuses_become_exit_codes(shell: Any, fake: FakeNode, status: int, code: int) -> None:
    fake.faults = [Fault("GET /api/v1/me", "status", status)]
    assert shell("whoami")[0] == code


def test_changed_files_are_a_conflict(shell: Any, fake: FakeNode, tmp_path: Path) -> None:
    fake.put("films/one", "a", b"1")
    assert shell("pull", "films/one", str(tmp_path / "d"))[0] == 0
    (tmp_path / "d" / "a").write_bytes(b"mine")
    code, out, err = shell("pull", "films/one", str(tmp_path / "d"), "--json")
    assert code == 5
    assert json.loads(out)["problems"][0]["code"] == "client.local_changes"
    assert "--force" in err


def test_a_failed_verification(shell: Any, fake: FakeNode) -> None:
    fake.put("films/one", "a", b"1")
    fake.blobs[fake.datasets["films/one"].files["a"][1]] = b"2"
    code, out, err = shell("verify", "films/one", "--json")
    assert code == 7
    assert json.loads(out)["ok"] is False
    assert "a: bytes differ" in err


def test_an_incomplete_push_says_so(shell: Any, folder: Path) -> None:
    (folder / "bad\nname").write_bytes(b"1")
    code, out, err = shell("push", str(folder), "films/one", "--json")
    assert code == 1
    assert json.loads(out)["problems"][0]["path"] == "bad\nname"
    assert "bad\\nname" in err
    assert "client.incomplete" in err


def test_login_keeps_the_token_for_its_owner_only(
    shell: Any, fake: FakeNode, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.delenv("TSUNAGU_URL")
    monkeypatch.delenv("TSUNAGU_TOKEN")
    assert shell("whoami")[0] == 3
    assert shell("login", fake.url, "--token", "wrong")[0] == 3
    assert not (home / "account.json").exists()
    assert shell("login", fake.url, "--token", TOKEN)[0] == 0
    assert stat.S_IMODE((home / "account.json").stat().st_mode) == 0o600
    code, out, _ = shell("whoami")
    assert code == 0
    assert "佐藤 花子" in out
    code, _, _ = shell("--url", "http://127.0.0.1:1", "whoami")
    assert code == 3, "a stored token is not shown to another node"
    monkeypatch.setenv("TSUNAGU_TOKEN", "from-environment")
    assert account.resolve().token == "from-environment"


def test_japanese(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    messages.language.cache_clear()
    code, _, err = shell("show", "noslash")
    assert code == 2
    assert "データセットの名前ではありません" in err
    assert "コード: client.usage" in err


ENGLISH, JAPANESE = messages._catalogue("en"), messages._catalogue("ja")


def test_catalogues_agree() -> None:
    assert list(ENGLISH) == list(JAPANESE)
    for key, english in ENGLISH.items():
        fields = [
            {name for _, name, _, _ in string.Formatter().parse(one) if name}
            for one in (english, JAPANESE[key])
        ]
        assert fields[0] == fields[1], key
        assert "することができ" not in JAPANESE[key]


def test_every_message_is_used_and_known() -> None:
    used: set[str] = set()
    starts: set[str] = set()
    for path in (
        *ROOT.glob("*.py"),
        *(ROOT / "archive").glob("*.py"),
        *(ROOT.parent / "streaming").glob("*.py"),
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "text":
                argument = node.args[0]
                if isinstance(argument, ast.Constant):
                    used.add(argument.value)
                elif isinstance(argument, ast.JoinedStr):
                    starts.add(argument.values[0].value)
    used |= {"interrupted", "interrupted_resumable"}
    assert used <= set(ENGLISH)
    unused = {key for key in ENGLISH if key not in used and not key.startswith(tuple(starts))}
    assert not unused


def test_help_of_every_command(shell: Any) -> None:
    for name in parser()._subparsers._group_actions[0].choices:  # type: ignore[union-attr]
        if name in NODE_COMMANDS:
            continue
        code, out, _ = shell(name, "--help")
        assert code == 0
        assert f"tsunagu {name}" in out.split("examples:")[1]


def test_starting_loads_nothing_heavy() -> None:
    script = "import sys, tsunagu, tsunagu.client.cli as c; c.parser().format_help(); print('\\n'.join(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent.parent)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert not HEAVY & set(done.stdout.split())


def test_the_client_imports_the_standard_library_alone() -> None:
    script = (
        "import sys, pkgutil, importlib, tsunagu.client as c\n"
        "for m in pkgutil.iter_modules(c.__path__): m.name in {'tests', '__main__'} or importlib.import_module('tsunagu.client.' + m.name)\n"
        "print('\\n'.join(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent.parent)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    roots = {name.partition(".")[0] for name in done.stdout.split()}
    assert roots - set(sys.stdlib_module_names) - {"__main__", "_virtualenv"} <= {"tsunagu"} | {
        name for name in roots if name.startswith(("_", "__editable__"))
    }


def test_interrupt_leaves_something_to_go_on_with(fake: FakeNode, tmp_path: Path) -> None:
    root = tmp_path / "m"
    root.mkdir()
    (root / "large.bin").write_bytes(os.urandom(8 << 20))
    os.utime(root / "large.bin", (1_700_000_000, 1_700_000_000))
    fake.faults = [
        Fault("PATCH /tus", "cut_request", 3 << 20),
        # On a busy machine it must not have given up before it is interrupted.
        Fault("HEAD /tus", "status", 503, count=999, patience_s=30),
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT.parent.parent),
        "TSUNAGU_URL": fake.url,
        "TSUNAGU_TOKEN": TOKEN,
    }
    command = [sys.executable, "-m", "tsunagu.client", "push", str(root), "films/one"]
    # Shells have what they start in the background ignore the interrupt, these tests perhaps as well.
    heeding = ["env", "--default-signal=INT", *command]
    going = subprocess.Popen(
        heeding, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not any(r.startswith("HEAD") for r in fake.requests):
        time.sleep(0.02)
    going.send_signal(signal.SIGINT)
    _, err = going.communicate(timeout=20)
    assert going.returncode == 130
    assert "goes on from here" in err
    fake.faults = []
    before = fake.bytes_received
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert fake.bytes_received - before < 6 << 20
    assert fake.content("films/one")["large.bin"] == (root / "large.bin").read_bytes()


def test_progress_on_a_terminal_and_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("tsunagu.client.progress._REDRAW_S", 0)
    stream = Terminal()
    with ShownProgress("Sending", stream) as progress:
        progress.add(files=3, byte_count=2_000_000)
    assert "files 3" in stream.getvalue()
    assert stream.getvalue().endswith("\r")
    plain = io.StringIO()
    monkeypatch.setattr("tsunagu.client.progress._PLAIN_S", 0)
    ShownProgress("Sending", plain).add(files=1)
    assert "\r" not in plain.getvalue()


def test_words_for_bytes_and_names() -> None:
    assert [size(n) for n in (0, 999, 1000, 1_500_000, 999_999, 5 * 10**12)] == [
        "0 B", "999 B", "1.0 kB", "1.5 MB", "1.0 MB", "5.0 TB",
    ]  # fmt: skip
    assert printable("a\x1b[31m\n") == "a\\x1b[31m\\n"
    assert printable("測定") == "測定"
    assert width("測定a") == 5


def test_a_node_command_without_the_packages_of_a_node() -> None:
    source = str(Path(__file__).resolve().parents[3])
    done = subprocess.run(
        [sys.executable, "-S", "-m", "tsunagu.client", "check"],
        env={"PYTHONPATH": source, "LANG": "C.UTF-8"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "client.node_tools_missing" in done.stderr
    assert "Traceback" not in done.stderr
