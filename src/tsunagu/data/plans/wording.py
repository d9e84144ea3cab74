"""Findings in words of both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tsunagu.data.plans.types import Check, Text

_ACCESS = {
    "open": {"en": "open", "ja": "公開"},
    "shared": {"en": "shared", "ja": "共有"},
    "closed": {"en": "closed", "ja": "非公開"},
}
_STEP = 1000
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def in_words(check: Check, code: str, said: Mapping[str, Any]) -> tuple[Text, Text]:
    """What was found and the next step, in ``en`` and ``ja``; the step is empty where there is none."""
    says, todo = check.says.get(code, {}), check.todo.get(code, {})
    return (
        {language: text.format_map(_shown(said, language)) for language, text in says.items()},
        {language: text.format_map(_shown(said, language)) for language, text in todo.items()},
    )


def _shown(said: Mapping[str, Any], language: str) -> dict[str, str]:
    return {name: _word(value, language) for name, value in said.items()}


def _word(value: Any, language: str) -> str:
    if isinstance(value, int):
        return bytes_text(value)
    return _ACCESS[value][language] if value in _ACCESS else str(value)


def bytes_text(count: int) -> str:
    """Bytes with a decimal unit."""
    size, unit = float(count), 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size, unit = size / _STEP, unit + 1
    return f"{size:.3g} {_UNITS[unit]}"
