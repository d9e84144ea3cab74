"""Where a file goes: the first rule whose pattern fits its path below the folder.

A pattern is a glob, or ``re:`` and a regular expression that is searched in the path. In a glob ``*`` and ``?`` stay
within one part of the path, ``**`` crosses folders, and ``{sample}`` takes the shortest text that lets the rest fit and
gives it to the dataset's name. A glob without ``/`` looks at the file's name alone, in every folder below; capital and
small letters are the same to it, as they are to Windows.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Mapping, NamedTuple, Sequence

_TOKEN = re.compile(r"\*\*/?|\*|\?|\{\w+\}|\[!?[^\]]+\]|.", re.DOTALL)
_DATASET = re.compile(
    r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?\Z"
)  # the node's own rule for names in addresses
_GROUP = re.compile(r"\{(\w+)\}")


class Place(NamedTuple):
    """Where a file goes, or the code of why it goes nowhere with what the sentence needs."""

    project: str
    dataset: str
    code: str = ""
    fields: Mapping[str, Any] = {}


def groups_in(pattern: str) -> set[str]:
    """Names that a dataset's name may hold in braces.

    Raises:
        re.error: the pattern is no regular expression.
    """
    return set(compile_pattern(pattern).groupindex)


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression to be searched in the path.

    Raises:
        re.error: it is none.
    """
    pattern = unicodedata.normalize("NFC", pattern)
    if pattern.startswith("re:"):
        return re.compile(pattern[3:])
    start = "^" if "/" in pattern else "(?:^|/)"
    return re.compile(
        start + "".join(_translate(token) for token in _TOKEN.findall(pattern.lstrip("/"))) + r"\Z",
        re.IGNORECASE,
    )


def _translate(token: str) -> str:
    fixed = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in fixed:
        return fixed[token]
    if len(token) > 1 and token[0] == "{":
        return f"(?P<{token[1:-1]}>[^/]+?)"
    if len(token) > 1 and token[0] == "[":
        return (
            "["
            + ("^" if token[1] == "!" else "")
            + re.escape(token[1:-1].lstrip("!")).replace(r"\-", "-")
            + "]"
        )
    return re.escape(token)


class Rules:
    """The rules of one folder.

    Attributes:
        broken: (pattern, reason) of rules that this Python cannot read; they place nothing and are reported.
    """

    def __init__(self, rules: Sequence[Mapping[str, str]], ignore: Sequence[str] = ()) -> None:
        self.broken: list[tuple[str, str]] = []
        self._rules: list[tuple[re.Pattern[str], str, str]] = []
        self._ignore: list[re.Pattern[str]] = []
        for rule in rules:
            self._keep(
                rule["pattern"],
                lambda compiled, rule=rule: self._rules.append((compiled, rule["project"], rule["dataset"])),
            )
        for pattern in ignore:
            self._keep(pattern, self._ignore.append)

    def _keep(self, pattern: str, keep: Any) -> None:
        try:
            keep(compile_pattern(pattern))
        except re.error as error:
            self.broken.append((pattern, str(error)))

    def is_ignored(self, path: str) -> bool:
        """Whether the folder's settings leave this path out."""
        return any(pattern.search(path) for pattern in self._ignore)

    def place(self, path: str) -> Place:
        """Where the file goes.

        Args:
            path: Below the watched folder, NFC, with ``/``.
        """
        for pattern, project, dataset in self._rules:
            match = pattern.search(path)
            if match is None:
                continue
            found = match.groupdict()
            lacking = [name for name in _GROUP.findall(dataset) if not found.get(name)]
            if lacking:
                return Place("", "", "no_group", {"group": lacking[0]})
            # Names in addresses have small letters; nothing else is changed, for that would be a guess.
            name = dataset
            for group in _GROUP.findall(dataset):
                name = name.replace("{" + group + "}", found[group])
            name = name.lower()
            if not _DATASET.match(name):
                return Place("", "", "bad_dataset_name", {"dataset": name})
            return Place(project, name)
        return Place("", "", "no_rule", {})
