"""The documentation says what the program does: every name has its place, every link leads somewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import polib
import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
DOCS, SOURCE = ROOT / "docs", ROOT / "src" / "tsunagu"
SPHINX = [str(Path(sys.executable).parent / "sphinx-build"), "-q", "-W", "--keep-going"]
TRANSLATED = ("tutorials/first-instrument", "explanation/architecture")


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "docs.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_pages_made_from_the_program_are_current():
    """Settings, errors, routes, commands, the Python client: each row is there because the program has it."""
    done = tool("check")
    assert done.returncode == 0, f"run tools/docs.py write: {done.stdout}{done.stderr}"


def test_the_made_pages_hold_what_they_are_for():
    """Against a maker that loses rows: some names that scripts rely on, found by hand."""
    assert "| `database_url` |" in page("reference/settings.md")
    assert "| `datasets.nothing_to_freeze` | 409 | 5 |" in page("reference/errors.md")
    assert "| `POST /datasets/{project}/{dataset}/freeze` |" in page("reference/rest.md")
    assert "### `tsunagu push`" in page("reference/cli.md")
    assert "### `tsunagu up`" in page("reference/cli.md")
    assert "`freeze(note: str = '') -> VersionInfo`" in page("reference/python.md")


def test_every_exit_code_is_explained():
    codes = {int(code) for code in re.findall(r"exit_code(?:: ClassVar\[int\])? = (\d+)", _program())}
    explained = set(map(int, re.findall(r"^\| (\d+) \|", page("reference/cli.md"), re.MULTILINE)))
    assert codes <= explained


def _program() -> str:
    return "\n".join(p.read_text("utf-8") for p in SOURCE.rglob("*.py") if "tests" not in p.parts)


def test_every_record_of_a_decision_is_there():
    places = [
        *SOURCE.rglob("*.py"),
        *(ROOT / "tests").rglob("*.py"),
        ROOT / "pyproject.toml",
        *ROOT.glob("*.md"),
    ]
    places += [p for p in (ROOT / "docs").rglob("*.md") if p.parent.name != "adr"]
    named = {number for p in places for number in re.findall(r"adr/(\d{4})", p.read_text("utf-8"))}
    kept = [p.name[:4] for p in (DOCS / "adr").glob("*.md")]
    assert named, "nothing refers to a record"
    assert named <= set(kept)
    assert len(kept) == len(set(kept)), "two records have the same number"


@pytest.mark.parametrize("record", sorted((DOCS / "adr").glob("*.md")), ids=lambda p: p.name[:4])
def test_a_record_has_its_parts(record):
    text = record.read_text("utf-8")
    assert text.startswith(f"# {record.name[:4]} "), "the heading begins with the number"
    missing = [
        part for part in ("**Context.**", "**Choice.**", "**Cost.**", "**Look again**") if part not in text
    ]
    assert not missing


def test_every_dependency_has_its_reason():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    names = {re.split(r"[\[<>=~]", line)[0] for group in ("node", "formats") for line in extras[group]}
    record = page("adr/0002-dependencies.md").lower()
    assert not [
        name for name in names - {"tsunagu"} if not re.search(rf"^\|[^|]*\b{name}\b", record, re.MULTILINE)
    ]


def test_every_address_between_the_parts_is_in_the_wire():
    wire = page("reference/wire.md")
    table = (SOURCE / "dataplane" / "app.py").read_text("utf-8")
    routes = set(re.findall(r'\("(\w+)", \d\): {', table))
    assert {"tus", "bundles", "o"} <= routes
    assert not [route for route in routes if not re.search(rf"[}} `]/{route}\b", wire)]
    urls = [SOURCE / "config" / "urls.py", SOURCE / "doors" / "web" / "urls.py"]
    spoken = re.findall(r'"((?:internal|agent)/[\w.]+)"', "".join(file.read_text("utf-8") for file in urls))
    assert len(spoken) >= 4
    assert not [address for address in spoken if f"/{address}" not in wire]


def test_the_tutorial_names_what_stands_on_the_screen():
    """Bold words are buttons and notes of the pages; in Japanese they are those of the Japanese pages."""
    pages = polib.pofile(str(SOURCE / "doors" / "web" / "locale" / "ja" / "LC_MESSAGES" / "django.po"))
    english = [text for entry in pages for text in (entry.msgid, entry.msgid_plural)]
    japanese = [text for entry in pages for text in (entry.msgstr, *entry.msgstr_plural.values())]
    catalogue = polib.pofile(str(DOCS / "locale" / "ja" / "LC_MESSAGES" / f"{TRANSLATED[0]}.po"))
    for text, screen in (
        (page(f"{TRANSLATED[0]}.md"), english),
        ("\n".join(entry.msgstr for entry in catalogue), japanese),
    ):
        known = {re.sub(r"%\(\w+\)s", "0", label).rstrip(".。") for label in screen}
        shown = {re.sub(r"\d+", "0", bold) for bold in re.findall(r"\*\*([^*]+)\*\*", text)}
        assert len(shown) > 4
        assert shown <= known, shown - known


@pytest.mark.django_db
def test_every_metric_has_its_row():
    from tsunagu.config import health
    from tsunagu.dataplane.metrics import Metrics

    shown = health.metrics(None).content.decode() + Metrics().render(open_uploads=0)
    names = {
        f"{name}_total" if kind == "counter" else name
        for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", shown, re.MULTILINE)
    }
    rows = set(re.findall(r"^\| `(\S+)` \|", page("reference/metrics.md"), re.MULTILINE))
    assert rows == names


def test_every_model_has_its_word():
    words = set(re.findall(r"`(\w+)`", page("reference/glossary.md")))
    ours = {m.__name__ for m in apps.get_models() if m.__module__.startswith("tsunagu.")}
    assert ours
    assert ours <= words


def test_every_reader_has_its_row():
    points = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    missing = [group for group in points if group not in page("reference/plugins.md")]
    rows = set(re.findall(r"^\|[^|]*\| `(\w+)` \|", page("reference/formats.md"), re.MULTILINE))
    from tsunagu.formats.api import installed_readers

    readers = {reader.info.name for reader in installed_readers()[0]}
    assert not missing
    assert readers <= rows, readers - rows


def test_every_room_says_what_it_is_for():
    rooms = [p.parent for p in SOURCE.rglob("api.py")] + [
        p for p in (SOURCE / "doors").iterdir() if (p / "__init__.py").exists()
    ]
    rooms += [SOURCE / name for name in ("core", "dataplane", "client", "config", "formats")]
    poor = []
    for room in {room for room in rooms if room.name != "rest" or room.parent.name == "doors"}:
        text = (room / "README.md").read_text("utf-8") if (room / "README.md").exists() else ""
        named = set(re.findall(r"`([\w/]+\.py)`", text))
        roots = (room, room.parent, SOURCE, ROOT)
        gone = [name for name in named if not any((root / name).exists() for root in roots)]
        if not text.startswith(f"# {room.name}:") or "must not" not in text or gone:
            poor.append((str(room.relative_to(SOURCE)), gone))
    assert not poor


def test_every_command_of_the_guides_exists():
    """A command that a page shows is one that the program has."""
    known = set(re.findall(r"^### `tsunagu ([\w-]+)`", page("reference/cli.md"), re.MULTILINE))
    pages = [
        ROOT / "README.md",
        *(p for p in DOCS.rglob("*.md") if p.parent.name in {"how-to", "tutorials", "explanation"}),
    ]
    shown = {
        (p.name, word)
        for p in pages
        for word in re.findall(r"(?:^|bin/|[`$(] ?)tsunagu ([a-z][a-z-]*)\b", _code(p.read_text("utf-8")))
    }
    assert len(shown) > 10
    assert not [one for one in shown if one[1] not in known]


def _code(text: str) -> str:
    return "\n".join(
        re.findall(r"```(?:sh|console)\n(.*?)```", text, re.DOTALL) + re.findall(r"`(tsunagu [^`]*)`", text)
    )


def test_the_readme_is_led_by_the_two_commands_and_its_links_hold():
    text = (ROOT / "README.md").read_text("utf-8")
    assert text.index("make run") < text.index("make test") < text.index("## ")
    assert len(text.splitlines()) <= 120
    for file in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"):
        links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text("utf-8"))
        assert not [link for link in links if not (ROOT / link).exists()], file.name


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_documentation_is_built_without_a_warning(language, tmp_path):
    done = subprocess.run(
        [*SPHINX, "-b", "html", "-D", f"language={language}", "-d", str(tmp_path / "trees"), str(DOCS), str(tmp_path / "html")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = (tmp_path / "html" / "tutorials" / "first-instrument.html").read_text("utf-8")
    assert ("手順1: ノードを起動する" in made) == (language == "ja")


def test_the_japanese_pages_are_complete(tmp_path):
    subprocess.run([*SPHINX, "-b", "gettext", str(DOCS), str(tmp_path)], check=True, capture_output=True)
    for name in TRANSLATED:
        wanted = {entry.msgid for entry in polib.pofile(str(tmp_path / f"{name}.pot"))}
        kept = polib.pofile(str(DOCS / "locale" / "ja" / "LC_MESSAGES" / f"{name}.po"))
        assert not wanted - {entry.msgid for entry in kept if entry.msgstr}, f"{name}: not translated"
        assert not [entry.msgid for entry in kept if entry.msgid not in wanted], f"{name}: stale"
        assert not [entry.msgid for entry in kept if "fuzzy" in entry.flags]
        for entry in kept:
            for pattern in (r"\]\(([^)]+)\)", r"`([^`]+)`"):
                there, here = re.findall(pattern, entry.msgid), re.findall(pattern, entry.msgstr)
                assert sorted(there) == sorted(here), entry.msgid


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")
def test_nginx_takes_the_proxy_file(tmp_path):
    text = (ROOT / "deploy" / "nginx" / "tsunagu.conf").read_text("utf-8")
    # Certificates and privileged ports are the reader's; the rest is tested as it stands.
    text = re.sub(r"^\s*ssl_certificate.*\n", "", text, flags=re.MULTILINE).replace(" ssl http2", "")
    (tmp_path / "site.conf").write_text(
        text.replace("443", "20443").replace("listen 80;", "listen 20080;").replace("[::]:80", "[::]:20080"),
        "utf-8",
    )
    frame = tmp_path / "nginx.conf"
    frame.write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}} http {{ include {tmp_path}/site.conf; }}",
        "utf-8",
    )
    done = subprocess.run(
        ["nginx", "-t", "-q", "-c", str(frame), "-e", str(tmp_path / "log")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path):
    text = (ROOT / "deploy" / "systemd" / "tsunagu.service").read_text("utf-8")
    (tmp_path / "tsunagu.service").write_text(
        text.replace("/opt/tsunagu/.venv/bin/tsunagu", str(Path(sys.executable).parent / "tsunagu")), "utf-8"
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "tsunagu.service")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = [line for line in (done.stdout + done.stderr).splitlines() if "tsunagu" in line]
    assert done.returncode == 0, said
    assert not said


def test_the_proxy_files_name_what_the_node_needs():
    from tsunagu.core.settings import TABLE

    ports = {row.name: row.default for row in TABLE}
    for file in (ROOT / "deploy" / "nginx" / "tsunagu.conf", ROOT / "deploy" / "caddy" / "Caddyfile"):
        text = file.read_text("utf-8")
        assert f"127.0.0.1:{ports['port']}" in text
        assert f"127.0.0.1:{int(ports['port']) + 1}" in text
        assert "/internal/" in text
