"""XML in and out: text that is safe to write, and a parser that neither follows entities nor reaches for the network."""

from __future__ import annotations

import re
from typing import Any

from tsunagu.core.errors import InvalidInputError

# XML 1.0 has no word for these; one of them spoils a whole page of records.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SPECIAL = re.compile('[&<>"\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]')
_ADDRESS = re.compile(
    r"https?://[^/?:@%\[\]#\s]+(?::\d{1,5})?(?:[/?](?:[^%\[\]#]|%[0-9A-Fa-f]{2})*)?(?:#[^%\[\]#]*)?"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HOST = re.compile(r"(?:[^@:/?]*@)?[^@:/?]+(?::\d{1,5})?(?:\?.*)?")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MOST_BYTES = 32 << 20
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class UnreadableXmlError(InvalidInputError):
    """What came is not XML that we read."""

    code = "standards.unreadable_xml"


def escaped(text: str) -> str:
    """Text for an element or a quoted attribute, without the characters that XML forbids."""
    if _SPECIAL.search(text) is None:
        return text
    text = _FORBIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))  # as a parser reads them
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def address(text: str) -> str:
    """An address (or what somebody wrote for one) as ``xs:anyURI`` takes it, escaped like other text."""
    if _ADDRESS.fullmatch(text) is None:
        text = _repaired(text)
    return escaped(text)


def _repaired(text: str) -> str:
    """The same with what libxml2 refuses in a URI encoded: other characters of any script it takes."""
    text = _FORBIDDEN.sub("", text).strip()
    text = _LONE_PERCENT.sub("%25", text).replace("[", "%5B").replace("]", "%5D")
    main, mark, fragment = text.partition("#")
    match = _SCHEME.match(main)
    scheme = match.group() if match else ""
    rest = main[len(scheme) :]
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if not _HOST.fullmatch(host):
            host = host.replace("@", "%40").replace(":", "%3A")
        rest = f"//{host}{slash}{path}"
    elif not scheme:
        first, slash, path = rest.partition("/")
        rest = first.replace(":", "%3A") + slash + path
    return f"{scheme}{rest}{mark}{fragment.replace('#', '%23')}"


def parsed(data: bytes) -> Any:
    """The root element (lxml).

    Raises:
        UnreadableXmlError: not well-formed, with a document type (entities), or larger than 32 MiB.
    """
    from lxml import etree

    if len(data) > _MOST_BYTES:
        raise UnreadableXmlError("The XML is larger than 32 MiB. Send one record at a time.")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableXmlError(f"This is not well-formed XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableXmlError(
            "The XML declares a document type, which may hold entities. Send it without."
        )
    return root


def words(element: Any) -> str:
    """The text of an element without the space around it."""
    return (element.text or "").strip()


def language(element: Any) -> str:
    """Its ``xml:lang``, or nothing."""
    return element.get(_XML_LANG, "")  # type: ignore[no-any-return]
