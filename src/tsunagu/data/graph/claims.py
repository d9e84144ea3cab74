"""What one source says, before it is written: things with their identifiers and names, and links between them. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field

from tsunagu.core.ids import id_of

Key = tuple[str, str]  # scheme and normalised value

KINDS = (
    "article",
    "data",
    "software",
    "project",
    "person",
    "institution",
    "instrument",
    "grant",
    "run",
    "work",
)
LOCAL = "local"
# Of how claims are read and written; a node whose graph is of another one makes it anew.
FORM = 2
# The best name first: which of several identifiers of a thing stands for it. One of a lower rank leads to one of a higher.
_RANKS = (
    "DOI",
    "ORCID",
    "ROR",
    "JGN",
    "RAiD",
    "HDL",
    "CRID",
    "e-Rad",
    "NRID",
    "ISNI",
    "GRID",
    "OAI",
    "URI",
    LOCAL,
)
# A thing has one of these: two different ones are a conflict.
SINGLE = ("DOI", "ORCID", "ROR", "JGN", "RAiD", "e-Rad")
_MOST_NAME = 500
_MOST_KEY = 200


@dataclass(frozen=True, slots=True)
class Node:
    """A thing as a source names it.

    Attributes:
        keys: Its identifiers, the best first.
        names: (text, language).
        contested: Identifiers of a scheme of which a thing has one, of which the source gives it several.
    """

    keys: tuple[Key, ...]
    kind: str
    names: tuple[tuple[str, str], ...] = ()
    contested: tuple[Key, ...] = ()


@dataclass(slots=True)
class Said:
    """Everything that a source says to the same readers.

    Attributes:
        nodes: By their best identifier.
        links: Subject, relation, object; either may be a thing that only its own source names.
        dataset_id: Empty of what everybody may see.
    """

    key: str
    label: str
    url: str = ""
    dataset_id: str = ""
    needs_draft: bool = False
    is_large: bool = False
    nodes: dict[Key, Node] = field(default_factory=dict)
    links: dict[tuple[Key, str, Key], None] = field(default_factory=dict)

    def add(
        self, keys: list[Key], kind: str, names: list[tuple[str, str]], contested: tuple[Key, ...] = ()
    ) -> Key:
        """Name a thing; what was said of it before stays."""
        ordered = tuple(sorted(dict.fromkeys(keys), key=order))
        first = ordered[0]
        held = self.nodes.get(first)
        cut = [(text, clean(language)[:12]) for name, language in names if (text := clean(name))]
        if held is not None:
            ordered = tuple(sorted(dict.fromkeys((*held.keys, *ordered)), key=order))
            kind = held.kind if kind == "work" else kind
            cut = [*held.names, *cut]
            contested = (*held.contested, *contested)
        self.nodes[first] = Node(ordered, kind, tuple(dict.fromkeys(cut)), tuple(dict.fromkeys(contested)))
        return first

    def link(self, subject: Key, relation: str, other: Key) -> None:
        """Say how two things hang together; a thing has nothing to do with itself."""
        if subject != other:
            self.links[subject, relation, other] = None

    def digest(self) -> str:
        """A hash over all of it, the same whenever it says the same and is written the same way."""
        whole = (
            (FORM, self.label, self.url, self.dataset_id, self.needs_draft, self.is_large),
            sorted((one.keys, one.kind, one.names, one.contested) for one in self.nodes.values()),
            sorted(self.links),
        )
        return hashlib.sha256(repr(whole).encode("utf-8", "surrogatepass")).hexdigest()


def rank(scheme: str) -> int:
    """The place of a scheme among those that name things; 0 is the best."""
    return _RANKS.index(scheme) if scheme in _RANKS else len(_RANKS) - 2


def order(key: Key) -> tuple[int, str, str]:
    """How identifiers are put in order."""
    return rank(key[0]), *key


def uid_of(key: Key) -> str:
    """The name of an identifier in addresses: computed, so that a graph made anew has the same ones."""
    return id_of(hashlib.sha256(f"{key[0]}\n{key[1]}".encode("utf-8", "surrogatepass")).digest()[:16])


def local(value: str) -> Key:
    """A name of our own; one that is long, or holds signs that nothing prints, ends in its hash."""
    if len(value) > _MOST_NAME or not value.isprintable():
        value = (
            f"{clean(value)[:400]}~{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:20]}"
        )
    return LOCAL, value


def clean(text: str) -> str:
    """Words in one line, without signs that nothing prints."""
    kept = "".join(sign if unicodedata.category(sign)[0] != "C" else " " for sign in text)
    return " ".join(kept.split())[:_MOST_NAME]


def name_key(text: str) -> str:
    """A name as it is compared: width, case, commas and the order of family and given name do not count.

    A long one ends in its hash: two that only begin alike are not the same.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    key = " ".join(sorted(re.findall(r"\w+", folded)))
    if len(key) > _MOST_KEY:
        key = f"{key[: _MOST_KEY - 21]}~{hashlib.sha256(key.encode()).hexdigest()[:20]}"
    return key
