"""XML from strangers: no document types, no entities, no outside references; cut-off files named as such."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO
from xml.etree.ElementTree import ParseError  # only the exception: parsing goes through defusedxml
from xml.parsers import expat

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as DefusedTree

from tsunagu.formats.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from xml.etree.ElementTree import Element

_CHUNK = 1 << 18
_CUT_CODES = {
    expat.errors.codes[name]
    for name in (expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN, expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION)
}  # fmt: skip


def local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2].rpartition(":")[2]


def parse(data: bytes | str) -> Element:
    """A small document as a tree.

    Raises:
        UnreadableError: not well-formed, cut off, or with entities of its own.
    """
    try:
        root: Element = DefusedTree.fromstring(
            data, forbid_dtd=False, forbid_entities=True, forbid_external=True
        )
    except DefusedXmlException as error:
        raise UnreadableError(
            "The XML defines entities or refers to outside ones, which is refused.", reason_code="unsupported"
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise _sentence(error) from error
    return root


def _sentence(error: Exception) -> UnreadableError:
    code = getattr(error, "code", 0)
    line = getattr(error, "position", (getattr(error, "lineno", 0), 0))[0]
    if code in _CUT_CODES:
        return UnreadableError(f"The XML breaks off in line {line}.", reason_code="truncated")
    return UnreadableError(f"The XML is not well-formed: {error}.")


class Stream:
    """A large document read element by element, without keeping it.

    Args:
        start: Called with local name and attributes.
        end: Called with the local name.
        text: Called with pieces of character data while :attr:`wants_text` is true.
    """

    def __init__(
        self,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None],
        text: Callable[[str], None],
    ) -> None:
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.buffer_size = _CHUNK
        self._parser.StartElementHandler = lambda tag, attributes: start(tag.rpartition(":")[2], attributes)
        self._parser.EndElementHandler = lambda tag: end(tag.rpartition(":")[2])
        self._parser.EntityDeclHandler = self._refuse
        self._parser.ExternalEntityRefHandler = self._refuse
        self._text = text

    @property
    def wants_text(self) -> bool:
        """Whether character data is delivered; switched off it costs nothing."""
        return self._parser.CharacterDataHandler is not None

    @wants_text.setter
    def wants_text(self, value: bool) -> None:
        self._parser.CharacterDataHandler = self._text if value else None

    @staticmethod
    def _refuse(*_: object) -> int:
        raise UnreadableError(
            "The XML defines entities or refers to outside ones, which is refused.", reason_code="unsupported"
        )

    def read(self, source: BinaryIO) -> None:
        """Run through the document.

        Raises:
            UnreadableError: not well-formed or cut off.
        """
        for _ in self.steps(source):
            pass

    def steps(self, source: BinaryIO) -> Iterator[None]:
        """The same a quarter of a megabyte at a time, so that what came out can be taken in between.

        Raises:
            UnreadableError: not well-formed or cut off.
        """
        try:
            while chunk := source.read(_CHUNK):
                self._parser.Parse(chunk, False)  # noqa: FBT003 - expat's signature
                yield
            self._parser.Parse(b"", True)  # noqa: FBT003
            yield
        except expat.ExpatError as error:
            raise _sentence(error) from error
