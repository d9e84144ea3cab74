"""Evidence as sentences in both languages. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMED = 5
Words = Mapping[str, Mapping[str, str]]


def in_words(texts: Mapping[str, str], evidence: Mapping[str, Any], words: Words) -> dict[str, str]:
    """Sentences with the evidence filled in.

    Args:
        texts: Language -> sentence with ``{names}`` of the evidence.
        evidence: Numbers, names, lists of names.
        words: Words of the evidence that each language says in its own way.
    """
    return {code: text.format_map(_Shown(evidence, words, code)).strip() for code, text in texts.items()}


class _Shown(dict[str, str]):
    """Evidence as it stands in a sentence of a language."""

    def __init__(self, evidence: Mapping[str, Any], words: Words, language: str) -> None:
        self._words, self._language = words, language
        super().__init__({key: self._text(value) for key, value in evidence.items()})

    def __missing__(self, key: str) -> str:
        return ""

    def _text(self, value: Any) -> str:
        if isinstance(value, Mapping):
            value = [f"{self._text(key)} {self._text(one)}" for key, one in value.items()]
        if isinstance(value, (list, tuple)):
            more = " …" if len(value) > _NAMED else ""
            return ("、" if self._language == "ja" else ", ").join(map(self._text, value[:_NAMED])) + more
        if isinstance(value, int):
            return f"{value:,}"
        known = self._words.get(str(value))
        return known[self._language] if known else str(value)
