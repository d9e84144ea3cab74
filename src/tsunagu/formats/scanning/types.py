"""What is read on a page: words with their places."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

PageStatus = Literal["text_layer", "recognised", "empty", "unreadable"]
STATUSES: tuple[PageStatus, ...] = ("text_layer", "recognised", "empty", "unreadable")
MOST_WORDS = 20_000
_MOST_TEXT = 400


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a page.

    Attributes:
        text: As it was read.
        left, top, width, height: Its box in pixels of the upright page, from the upper left corner.
        confidence: 0 to 100; 100 where the file itself says the text.
        line: Number of its line on the page; words of a line stand together.
    """

    text: str
    left: int
    top: int
    width: int
    height: int
    confidence: int
    line: int


@dataclass(frozen=True, slots=True)
class PageReading:
    """What came of one page.

    Attributes:
        number: Of the page, from 1.
        page_count: How many pages the file has; 0 while that is not known.
        status: ``text_layer`` (the file says the text), ``recognised`` (read from the picture), ``empty`` (nothing there
            that looks like writing) or ``unreadable`` (``reason`` says why).
        width, height: Of the upright page in pixels.
        dpi: Pixels per inch of that picture; 0 where the file does not say.
        rotation: By how many degrees the page was turned clockwise to stand upright: 0, 90, 180 or 270.
        is_vertical: Lines run from top to bottom.
        engine: What recognised it, with its version; empty where nothing had to be recognised.
        picture: JPEG of the upright page, for people.
    """

    number: int
    page_count: int
    status: PageStatus
    reason: str = ""
    reason_code: str = ""
    width: int = 0
    height: int = 0
    dpi: int = 0
    rotation: int = 0
    is_vertical: bool = False
    engine: str = ""
    words: tuple[Word, ...] = ()
    picture: bytes = field(default=b"", repr=False)

    @property
    def text(self) -> str:
        """The words line by line; between signs of Chinese and Japanese writing stands no blank."""
        return joined(self.words)

    @property
    def confidence(self) -> int:
        """Mean over all signs, 0 to 100; 0 where there is no word."""
        weights = [(len(word.text), word.confidence) for word in self.words]
        total = sum(weight for weight, _ in weights)
        return round(sum(weight * sure for weight, sure in weights) / total) if total else 0

    def as_json(self) -> dict[str, Any]:
        """Without the picture, which travels beside it."""
        plain = asdict(self)
        del plain["picture"]
        plain["words"] = [
            [word.text, word.left, word.top, word.width, word.height, word.confidence, word.line]
            for word in self.words
        ]
        return plain

    @classmethod
    def from_json(cls, said: dict[str, Any], picture: bytes = b"") -> PageReading:
        """What came out of a process that nobody trusts.

        Raises:
            ValueError: it has not the form of a reading.
        """
        try:
            words = tuple(
                Word(str(text)[:_MOST_TEXT], *(int(number) for number in numbers))
                for text, *numbers in said["words"][:MOST_WORDS]
            )
            return cls(
                number=int(said["number"]),
                page_count=int(said["page_count"]),
                status=STATUSES[STATUSES.index(said["status"])],
                reason=str(said["reason"])[:2000],
                reason_code=str(said["reason_code"])[:20],
                width=int(said["width"]),
                height=int(said["height"]),
                dpi=int(said["dpi"]),
                rotation=int(said["rotation"]),
                is_vertical=bool(said["is_vertical"]),
                engine=str(said["engine"])[:100],
                words=words,
                picture=picture,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("The reading of a page makes no sense.") from error


# Blocks whose signs stand side by side without blanks: CJK punctuation to Katakana, ideographs, full-width forms.
_CLOSE = ((0x3000, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFF9F))


def _is_close(sign: str) -> bool:
    return any(first <= ord(sign) <= last for first, last in _CLOSE)


def joined(words: tuple[Word, ...]) -> str:
    """The text of words in their order, a line for a line."""
    pieces: list[str] = []
    line, last = None, ""
    for word in words:
        if not word.text:
            continue
        if line is not None and word.line != line:
            pieces.append("\n")
        elif last and not (_is_close(last) and _is_close(word.text[0])):
            pieces.append(" ")
        pieces.append(word.text)
        line, last = word.line, word.text[-1]
    return "".join(pieces)
