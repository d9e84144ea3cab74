"""Keeps the Japanese catalogue complete: ``check`` lists what is missing or stale, ``write`` updates .po and .mo.

Works without the gettext programs, which a fresh machine does not have.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "src" / "tsunagu"
CATALOGUE = WEB / "doors" / "web" / "locale" / "ja" / "LC_MESSAGES" / "django.po"
Key = tuple[str, str, str]  # context, message, plural

_TRANSLATE = re.compile(r"""{%\s*translate\s+(?:"([^"]*)"|'([^']*)')""")
_FILTERED = re.compile(r"""_\((?:'([^']*)'|"([^"]*)")\)""")
_BLOCK = re.compile(r"{%\s*blocktranslate(.*?)%}(.*?){%\s*endblocktranslate\s*%}", re.DOTALL)
_PLURAL = re.compile(r"{%\s*plural\s*%}")
_VARIABLE = re.compile(r"{{\s*(\w+)\s*}}")
_TEXT = r'"((?:[^"\\]|\\.)*)"'
_GETTEXT = re.compile(rf"(?<![\w.])(?:_|gettext|gettext_lazy|later)\(\s*{_TEXT}")
_PGETTEXT = re.compile(rf"pgettext\(\s*{_TEXT},\s*{_TEXT}")
_DEFAULT = re.compile(rf"default_(?:message|remedy)(?:: ClassVar\[str\])? = \(?\s*{_TEXT}")
_NGETTEXT = re.compile(rf"ngettext\(\s*{_TEXT},\s*{_TEXT}")


def _template_keys(text: str) -> Iterator[Key]:
    for match in _TRANSLATE.finditer(text):
        yield "", (match.group(1) or match.group(2)).replace("%", "%%"), ""  # as Django looks it up
    for match in _FILTERED.finditer(text):
        yield "", match.group(1) or match.group(2), ""
    for match in _BLOCK.finditer(text):
        parts = [_VARIABLE.sub(r"%(\1)s", part.replace("%", "%%")) for part in _PLURAL.split(match.group(2))]
        yield "", parts[0], parts[1] if len(parts) > 1 else ""


def _python_keys(text: str) -> Iterator[Key]:
    def plain(found: str) -> str:
        return found.replace('\\"', '"').replace("\\n", "\n")

    for match in _GETTEXT.finditer(text):
        yield "", plain(match.group(1)), ""
    for match in _DEFAULT.finditer(text):
        if match.group(1):
            yield "", plain(match.group(1)), ""
    for match in _PGETTEXT.finditer(text):
        yield plain(match.group(1)), plain(match.group(2)), ""
    for match in _NGETTEXT.finditer(text):
        yield "", plain(match.group(1)), plain(match.group(2))


def used() -> dict[Key, str]:
    """Every message in templates and code, with the file that holds it first."""
    found: dict[Key, str] = {}
    for file in sorted(WEB.rglob("*.html")):
        for key in _template_keys(file.read_text("utf-8")):
            found.setdefault(key, file.relative_to(ROOT).as_posix())
    for file in sorted(WEB.rglob("*.py")):
        if {"tests", "client", "dataplane", "formats"} & set(file.parts):
            continue  # the client speaks for those, with a catalogue of its own
        for key in _python_keys(file.read_text("utf-8")):
            found.setdefault(key, file.relative_to(ROOT).as_posix())
    return found


def problems() -> list[str]:
    """What is missing, stale or loses a placeholder."""
    entries = [((e.msgctxt or "", e.msgid, e.msgid_plural or ""), e) for e in polib.pofile(str(CATALOGUE))]
    catalogue = dict(entries)
    wanted = used()
    found = [f"twice: {key[1]!r}" for key, count in Counter(key for key, _ in entries).items() if count > 1]
    found += [f"missing: {key[1]!r} ({where})" for key, where in wanted.items() if key not in catalogue]
    found += [f"stale: {key[1]!r}" for key in catalogue if key not in wanted]
    for key, entry in catalogue.items():
        text = entry.msgstr_plural.get(0, "") if key[2] else entry.msgstr
        if not text:
            found.append(f"empty: {key[1]!r}")
        holders = set(re.findall(r"%\((\w+)\)s", key[2] or key[1]))
        if text and set(re.findall(r"%\((\w+)\)s", text)) != holders:
            found.append(f"placeholders differ: {key[1]!r} -> {text!r}")
    compiled = CATALOGUE.with_suffix(".mo")
    if not compiled.exists() or {str(e.msgid) for e in polib.mofile(str(compiled))} != {
        k[1] for k in catalogue
    }:
        found.append("django.mo is not made from django.po; run tools/messages.py compile")
    return found


def compile_catalogue() -> None:
    """Write .mo beside .po."""
    polib.pofile(str(CATALOGUE)).save_as_mofile(str(CATALOGUE.with_suffix(".mo")))


def main(argv: list[str]) -> int:
    """Check | list | compile."""
    if argv == ["list"]:
        for context, text, plural in used():
            print(repr((context, text, plural)))
        return 0
    if argv == ["compile"]:
        compile_catalogue()
        return 0
    found = problems()
    print("\n".join(found) or "The Japanese catalogue is complete.")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
