"""What people type, as clauses. Nothing that is typed is an error: what makes no sense as a rule is a word."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tsunagu.core import clock, settings
from tsunagu.data.discovery import analysis, quantities
from tsunagu.data.discovery.clauses import AnyOf, Between, Clause, Exactly, Phrase, Without
from tsunagu.data.discovery.documents import NEGATIVE, value_token
from tsunagu.formats.api import Term

LONGEST = 1000
_MOST_PARTS = 64
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»「」『』〝〞", '"') | {"−": "-", "　": " "})
# A minus, a name with a colon, then a text in quotes (closed or not) or a word.
_PART = re.compile(
    r'(?P<minus>-?)(?:(?P<name>[^\s":<>=]{1,60}):\s?)?(?:"(?P<quoted>[^"]*)(?:"|$)|(?P<word>(?:[<>]=?|[≥≤])\s+[^\s"]+|[^\s"]+))'
)
_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("creator", "creators", "author", "by", "作成者", "著者"), "creator"),
    **dict.fromkeys(("keyword", "keywords", "tag", "キーワード"), "keyword"),
    **dict.fromkeys(("title", "題名", "タイトル"), "title"),
    **dict.fromkeys(("project", "プロジェクト"), "project"),
    **dict.fromkeys(("format", "形式", "ファイル形式"), "format"),
    **dict.fromkeys(("licence", "license", "ライセンス", "利用条件"), "licence"),
    **dict.fromkeys(("access", "公開範囲"), "access"),
    **dict.fromkeys(("readiness", "ready", "ai利用の準備"), "readiness"),
    **dict.fromkeys(("kind", "種類"), "kind"),
    **dict.fromkeys(("outcome", "結果"), "outcome"),
    **dict.fromkeys(("year", "年"), "year"),
    **dict.fromkeys(("before", "以前"), "before"),
    **dict.fromkeys(("after", "以後", "以降"), "after"),
}  # fmt: skip
_SAID = {
    "公開": "open", "共有": "shared", "非公開": "closed", "非共有・非公開": "closed", "yes": "prepared",
    "no": "none", "データセット": "dataset", "data": "dataset", "リポジトリ": "record", "レコード": "record",
    "失敗": "failed", "中止": "aborted", "うまくいかなかったこと": "negative", "ネガティブ": "negative",
}  # fmt: skip
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*\Z")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of people, taken apart.

    Attributes:
        words: What must stand in the text, each a phrase.
        rules: What else must hold.
        cut: How many characters at the end were not read.
        unread: Words in which there is nothing to search for.
        telling: When loosened: the pieces of which one is enough.
    """

    words: tuple[Phrase, ...] = ()
    rules: tuple[Clause, ...] = ()
    typed: tuple[str, ...] = ()
    cut: int = 0
    unread: tuple[str, ...] = ()
    telling: tuple[Phrase, ...] = ()

    @property
    def ranked(self) -> tuple[Phrase, ...]:
        """What moves a record up when it stands in the title."""
        return tuple(replace(one, field="title") for one in self.words or self.telling)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was asked."""
        return not self.words and not self.rules

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """Everything that must hold."""
        return (*self.words, *self.rules)

    def loosened(self) -> Asked | None:
        """The same where one of the words is enough; None when it would ask for the same."""
        single = list(dict.fromkeys(piece for text in self.typed for piece in analysis.pieces(text)))
        loose = tuple(Phrase("everything", (piece,)) for piece in single[:_MOST_PARTS])
        if not loose or (len(self.words) == 1 and len(self.words[0].tokens) == 1):
            return None
        return replace(self, words=(), rules=(AnyOf(loose), *self.rules), telling=loose)


@dataclass(slots=True)
class _Found:
    words: list[Phrase] = field(default_factory=list)
    rules: list[Clause] = field(default_factory=list)
    typed: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def understood(text: str, terms: Mapping[str, Term]) -> Asked:
    """What somebody typed, taken apart.

    Args:
        text: Words, "phrases", -without, name:value, name:>40kV, name:300K..400K; anything else is words.
        terms: Names of values that files say, from the mapping in force.
    """
    cut = max(0, len(text) - LONGEST)
    plain = analysis.printable(text[:LONGEST]).translate(_QUOTES)
    found = _Found()
    parts = list(_PART.finditer(plain))[:_MOST_PARTS]
    skip = False
    for number, part in enumerate(parts):
        if skip:
            skip = False
            continue
        following = parts[number + 1].group() if number + 1 < len(parts) else ""
        skip = _take(part, following, terms, found)
    return Asked(
        tuple(dict.fromkeys(found.words)), tuple(found.rules), tuple(found.typed), cut, tuple(found.unread)
    )


def _take(part: re.Match[str], following: str, terms: Mapping[str, Term], found: _Found) -> bool:
    """Put one part where it belongs; whether it took the part behind it, which is its unit."""
    is_quoted = part["quoted"] is not None
    said = part["quoted"] if is_quoted else part["word"]
    is_without = bool(part["minus"])
    if part["name"]:
        rule, took = _rule(part["name"], said, following, terms, is_quoted=is_quoted)
        if rule is not None:
            found.rules.append(Without(rule) if is_without else rule)
            return took
        said = f"{part['name']} {said}"
    made = analysis.phrase(said, is_open=not is_quoted and said.endswith("*"))
    if made is None:
        found.unread += [said] if said.strip() else []
        return False
    phrase = Phrase("everything", made.tokens, made.is_open)
    if is_without:
        found.rules.append(Without(phrase))
    else:
        found.words.append(phrase)
        found.typed.append(said)
    return False


def _rule(
    name: str, said: str, following: str, terms: Mapping[str, Term], *, is_quoted: bool
) -> tuple[Clause | None, bool]:
    known = _NAMES.get(analysis.fold(name))
    if known in {"before", "after"}:
        return _dated(known, said), False
    if known in {"creator", "keyword", "title"}:
        return _worded(known, said), False
    if known == "project":
        exact = Exactly("project", (said.casefold(),))
        return (exact if _NAME.match(said.casefold()) else _worded("project", said)), False
    if known is not None:
        value = _SAID.get(said.casefold(), said)
        # What was tried and failed is looked for as a kind, and is one by what is said of the data.
        known = "outcome" if (known, value) == ("kind", NEGATIVE) else known
        return Exactly(known, (value,)), False
    names = quantities.named(name, terms)
    if not names:
        return None, False
    measured, took = quantities.measured(names, said, following, terms) if not is_quoted else (None, False)
    return (measured, took) if measured is not None else (_valued(names, said), False)


def _worded(column: str, said: str) -> Clause | None:
    made = analysis.phrase(said)
    return Phrase(column, made.tokens, made.is_open) if made else None


def _valued(names: tuple[str, ...], said: str) -> Clause | None:
    """A word that files say under a name."""
    made = analysis.phrase(said)
    if made is None:
        return None
    parts = (tuple(value_token(name, token) for token in made.tokens) for name in names)
    return AnyOf(tuple(Phrase("value", tokens, made.is_open) for tokens in parts))


def _dated(side: str, said: str) -> Clause | None:
    """``before:2026`` ends where 2026 begins; ``after:2026`` begins there."""
    padded = {4: f"{said}-01-01", 7: f"{said}-01"}.get(len(said), said).replace("/", "-")
    try:
        moment = clock.start_of(padded, settings.current().time_zone)
        second = int(moment.astimezone(dt.UTC).timestamp())
    except (ValueError, OverflowError):
        return None
    if side == "before":
        return Between("updated_s", None, second - 1)
    return Between("updated_s", second, None)
