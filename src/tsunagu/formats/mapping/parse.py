"""The mapping file: YAML in, terms out. Every complaint names its line and what to write instead."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, cast, get_args

import yaml

from tsunagu.formats.errors import MappingError
from tsunagu.formats.mapping import units
from tsunagu.formats.mapping.model import ACCESSION, ANY, Key, Mapping, Scope, Term, TermType, normal_key

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 512 * 1024
_DEEPEST = 12
_MOST_TERMS = 2000
_MOST_KEYS = 200
_MOST_WILDCARDS = 4
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,79}$")
_READER = re.compile(r"^[a-z][a-z0-9_.-]{0,79}$")
_TERM_WORDS = frozenset(
    ("label", "type", "unit", "uri", "scope", "personal", "description", "values", "keys")
)
_KEY_WORDS = frozenset(("key", "unit", "format", "time_from"))
_LANGUAGES = frozenset(("ja", "en"))
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def default_mapping_text() -> str:
    """The mapping that comes with the program."""
    return resources.files("tsunagu.formats.mapping").joinpath("default_mapping.yaml").read_text("utf-8")


@lru_cache(maxsize=1)
def default_mapping() -> Mapping:
    """The same, parsed."""
    return parse_mapping(default_mapping_text())


def parse_mapping(text: str) -> Mapping:
    """The mapping of a YAML text.

    Raises:
        MappingError: the text cannot be used; the message begins with the line.
    """
    if len(text.encode("utf-8", "replace")) > _LONGEST:
        raise MappingError(f"The mapping is longer than {_LONGEST // 1024} KiB.")
    root = _tree(text)
    top = dict(_pairs(root, frozenset(("version", "terms"))))
    if _text(top["version"]) != "1" if "version" in top else True:
        raise _wrong(root, "The mapping begins with 'version: 1'.")
    if "terms" not in top:
        raise _wrong(root, "The word 'terms:' with the common names below it is missing.")
    terms = [_term(name, node) for name, node in _pairs(top["terms"])]
    if len(terms) > _MOST_TERMS:
        raise _wrong(top["terms"], f"The mapping has {len(terms):,} names; the limit is {_MOST_TERMS:,}.")
    _refuse_twice(terms)
    return Mapping(terms, hashlib.sha256(text.encode("utf-8", "replace")).hexdigest())


def _tree(text: str) -> yaml.Node:
    """The nodes of the only document. References are refused: nine lines of them grow to gigabytes."""
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if problem := _refused(event, depth):
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise MappingError(f"Line {line}: {problem}", line=line)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise MappingError(f"Line {line}: this is not YAML: {problem}.", line=line) from error
    if root is None:
        raise MappingError("Line 1: the mapping is empty.", line=1)
    return root


def _refused(event: yaml.Event, depth: int) -> str:
    """Why an event of the parser is not taken, or nothing."""
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        return "references (& and *) are not used in a mapping."
    if depth > _DEEPEST:
        return f"nested deeper than {_DEEPEST} levels."
    tag = getattr(event, "tag", None)
    if tag and not str(tag).startswith("tag:yaml.org,2002:"):
        return f"tags ({tag}) are not used in a mapping."
    return ""


def _wrong(node: yaml.Node, sentence: str) -> MappingError:
    line = node.start_mark.line + 1
    return MappingError(f"Line {line}: {sentence[0].lower()}{sentence[1:]}", line=line)


def _pairs(node: yaml.Node, allowed: frozenset[str] | None = None) -> Iterator[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(node, "Names followed by a colon are expected here.")
    seen: set[str] = set()
    for key_node, value in node.value:
        key = _text(key_node)
        if key in seen:
            raise _wrong(key_node, f"'{key}' stands here a second time.")
        seen.add(key)
        if allowed is not None and key not in allowed:
            raise _wrong(
                key_node, f"'{key}' is no word of a mapping here; possible are {', '.join(sorted(allowed))}."
            )
        yield key, value


def _text(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _wrong(node, "A single value is expected here.")
    return str(node.value)


def _term(name: str, node: yaml.Node) -> Term:
    if not _NAME.match(name):
        raise _wrong(
            node, f"The name '{name[:80]}' needs lower-case letters, digits and _ and begins with a letter."
        )
    parts = dict(_pairs(node, _TERM_WORDS))
    kind = _choice(parts.get("type"), get_args(TermType), "string", "type")
    unit = _unit(parts["unit"]) if "unit" in parts else None
    if unit and kind not in {"number", "integer", "array"}:
        raise _wrong(parts["unit"], f"A {kind} has no unit; the type number has.")
    return Term(
        name=name,
        label=_label(parts.get("label"), node),
        type=cast("TermType", kind),
        unit=unit,
        uri=_uri(parts["uri"]) if "uri" in parts else None,
        scope=cast("Scope", _choice(parts.get("scope"), get_args(Scope), "per measurement", "scope")),
        is_personal=_choice(parts.get("personal"), ("true", "false"), "false", "personal") == "true",
        description=_text(parts["description"]) if "description" in parts else "",
        values={word.casefold(): _text(value) for word, value in _pairs(parts["values"])}
        if "values" in parts
        else {},
        keys=_keys(parts["keys"]) if "keys" in parts else {},
    )


def _choice(node: yaml.Node | None, words: tuple[str, ...], default: str, what: str) -> str:
    if node is None:
        return default
    word = _text(node)
    if word not in words:
        raise _wrong(node, f"The {what} '{word[:40]}' is not known; possible are {', '.join(words)}.")
    return word


def _label(node: yaml.Node | None, term: yaml.Node) -> dict[str, str]:
    found = {language: _text(value).strip() for language, value in _pairs(node, _LANGUAGES)} if node else {}
    missing = sorted(_LANGUAGES - {language for language, text in found.items() if text})
    if missing:
        raise _wrong(node or term, f"The label needs both languages; {' and '.join(missing)} is missing.")
    return found


def _unit(node: yaml.Node) -> str:
    unit = _text(node)
    if units.known(unit) is None:
        raise _wrong(node, f"The unit '{unit[:60]}' is not known; write it as in 'kV', 'mm/min' or 'degC'.")
    return unit


def _uri(node: yaml.Node) -> str:
    uri = _text(node)
    if not re.match(r"^(https?|urn):\S+$", uri):
        raise _wrong(node, "A URI begins with https:, http: or urn:.")
    return uri


def _keys(node: yaml.Node) -> dict[str, tuple[Key, ...]]:
    found: dict[str, tuple[Key, ...]] = {}
    for reader, listed in _pairs(node):
        if not _READER.match(reader):
            raise _wrong(listed, f"'{reader[:80]}' is no name of a reader; write one like dicom, or {ANY}.")
        items = listed.value if isinstance(listed, yaml.SequenceNode) else [listed]
        if len(items) > _MOST_KEYS:
            raise _wrong(listed, f"{len(items):,} keys stand here; the limit is {_MOST_KEYS}.")
        found[reader] = tuple(_key(item) for item in items)
    return found


def _key(node: yaml.Node) -> Key:
    line = node.start_mark.line + 1
    parts = dict(_pairs(node, _KEY_WORDS)) if isinstance(node, yaml.MappingNode) else {"key": node}
    if "key" not in parts:
        raise _wrong(node, "The word 'key:' is missing.")
    text = _text(parts["key"]).strip()
    if not normal_key(text) or set(text) <= set("*? "):
        raise _wrong(node, "This key is empty or would take everything in.")
    if text.count("*") - text.count("**") + text.count("?") > _MOST_WILDCARDS:
        raise _wrong(node, f"A pattern has at most {_MOST_WILDCARDS} wildcards.")
    pattern = _text(parts["format"]) if "format" in parts else None
    if pattern is not None:
        _try_pattern(pattern, parts["format"])
    return Key(
        text=text,
        unit=_unit(parts["unit"]) if "unit" in parts else None,
        format=pattern,
        time_from=_text(parts["time_from"]) if "time_from" in parts else None,
        line=line,
    )


def _try_pattern(pattern: str, node: yaml.Node) -> None:
    try:
        dt.datetime.strptime(dt.datetime(2001, 2, 3, tzinfo=dt.UTC).strftime(pattern), pattern)  # noqa: DTZ007
    except (ValueError, re.error) as error:
        raise _wrong(node, f"This is no pattern for dates (like %d/%m/%Y): {error}.") from error


def _refuse_twice(terms: list[Term]) -> None:
    """One exact key of one reader means one thing; a pattern may overlap, the first one counts."""
    seen: dict[tuple[str, str], tuple[str, Key]] = {}
    for term in terms:
        for reader, keys in term.keys.items():
            for key in keys:
                text = key.text if key.text.startswith(ACCESSION) else normal_key(key.text)
                first, other = seen.setdefault((reader, text), (term.name, key))
                if first != term.name:
                    raise MappingError(
                        f"Line {key.line}: the key '{key.text}' of {reader} already means {first} (line {other.line}).",
                        line=key.line,
                    )
