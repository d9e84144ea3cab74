"""Tesseract by its C interface: no program is started, so it works where none may be.

Debian's package ``tesseract-ocr`` brings the library; ``tesseract-ocr-jpn`` and the like bring what it knows of a
language. The functions used here are those of ``tesseract/capi.h`` of version 5, and have been the same since 4.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_bool, c_char_p, c_float, c_int, c_void_p
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from tsunagu.formats.scanning.types import MOST_WORDS, Word

if TYPE_CHECKING:
    from PIL.Image import Image

_LIBRARIES = ("libtesseract.so.5", "libtesseract.so.4")
_PSM_OSD_ONLY, _PSM_AUTO, _PSM_VERTICAL_BLOCK = 0, 3, 5
MOST_SIDE = 32_767  # of a picture: the engine keeps places as 16-bit numbers
_WORD_ROW, _COLUMNS = "5", 12
# Below this the engine guesses at a page that it takes to lie the wrong way or to have another direction of lines.
SURE = 75
_SURE_TURN = 2.0


class EngineMissingError(Exception):
    """There is no engine, or it knows no language."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The library, and what it knows: ``folder`` holds a file for each of the ``languages``."""

    library: ctypes.CDLL
    version: str
    folder: str
    languages: frozenset[str]

    @property
    def horizontal(self) -> str:
        """The languages to look for in lines from left to right."""
        return "+".join(name for name in ("jpn", "eng") if name in self.languages)


def opened() -> Engine:
    """The engine of this machine.

    Raises:
        EngineMissingError: there is none, or none that knows a language.
    """
    library = next((found for name in _LIBRARIES if (found := _loaded(name)) is not None), None)
    if library is None:
        raise EngineMissingError("Tesseract is not installed on this node")
    _declare(library)
    version = library.TessVersion().decode()
    for language in ("osd", "eng", "jpn"):
        handle = c_void_p(library.TessBaseAPICreate())
        try:
            if library.TessBaseAPIInit3(handle, None, language.encode()) == 0:
                folder = library.TessBaseAPIGetDatapath(handle).decode()
                known = _listed(library, handle)
                if known & {"jpn", "eng"}:
                    return Engine(library, version, folder, known)
        finally:
            library.TessBaseAPIDelete(handle)
    raise EngineMissingError("Tesseract is installed, but the files of Japanese and English are not")


def _loaded(name: str) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def _declare(library: ctypes.CDLL) -> None:
    """Say what the functions take and give; an address must not be cut to 32 bits."""
    forms: dict[str, tuple[object, list[object]]] = {
        "TessVersion": (c_char_p, []),
        "TessBaseAPICreate": (c_void_p, []),
        "TessBaseAPIDelete": (None, [c_void_p]),
        "TessBaseAPIInit3": (c_int, [c_void_p, c_char_p, c_char_p]),
        "TessBaseAPIGetDatapath": (c_char_p, [c_void_p]),
        "TessBaseAPIGetAvailableLanguagesAsVector": (POINTER(c_char_p), [c_void_p]),
        "TessDeleteTextArray": (None, [POINTER(c_char_p)]),
        "TessBaseAPISetPageSegMode": (None, [c_void_p, c_int]),
        "TessBaseAPISetImage": (None, [c_void_p, c_char_p, c_int, c_int, c_int, c_int]),
        "TessBaseAPISetSourceResolution": (None, [c_void_p, c_int]),
        "TessBaseAPIGetTsvText": (c_void_p, [c_void_p, c_int]),
        "TessDeleteText": (None, [c_void_p]),
        "TessBaseAPIDetectOrientationScript": (
            c_bool,
            [c_void_p, POINTER(c_int), POINTER(c_float), POINTER(c_char_p), POINTER(c_float)],
        ),
    }
    for name, (result, arguments) in forms.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments


def _listed(library: ctypes.CDLL, handle: c_void_p) -> frozenset[str]:
    names = library.TessBaseAPIGetAvailableLanguagesAsVector(handle)
    found, at = set(), 0
    while names[at]:
        found.add(names[at].decode())
        at += 1
    library.TessDeleteTextArray(names)
    return frozenset(found)


class Recogniser:
    """Reads upright pictures; a context manager."""

    def __init__(self, engine: Engine, language: str) -> None:
        self._library = engine.library
        self._handle = c_void_p(self._library.TessBaseAPICreate())
        if self._library.TessBaseAPIInit3(self._handle, engine.folder.encode(), language.encode()) != 0:
            self._library.TessBaseAPIDelete(self._handle)
            raise EngineMissingError(f"Tesseract does not know the language {language}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._library.TessBaseAPIDelete(self._handle)

    def words(self, picture: Image, *, dpi: int, is_vertical: bool = False) -> tuple[Word, ...]:
        """What stands on a picture with 8 bits of grey; ``dpi``: pixels per inch."""
        self._take(picture, _PSM_VERTICAL_BLOCK if is_vertical else _PSM_AUTO, dpi)
        address = self._library.TessBaseAPIGetTsvText(self._handle, 0)
        if not address:
            return ()
        try:
            table = ctypes.string_at(address).decode("utf-8", "replace")
        finally:
            self._library.TessDeleteText(address)
        return _words(table)

    def turn(self, picture: Image, *, dpi: int) -> int:
        """By how many degrees clockwise to turn the picture so that its writing stands upright; 0 where that is unsure."""
        self._take(picture, _PSM_OSD_ONLY, dpi)
        degrees, sure, script, script_sure = c_int(), c_float(), c_char_p(), c_float()
        is_known = self._library.TessBaseAPIDetectOrientationScript(
            self._handle, byref(degrees), byref(sure), byref(script), byref(script_sure)
        )
        if not is_known or sure.value < _SURE_TURN:
            return 0
        # The engine counts by how much the page was turned clockwise.
        return int(360 - degrees.value) % 360

    def _take(self, picture: Image, mode: int, dpi: int) -> None:
        self._library.TessBaseAPISetPageSegMode(self._handle, mode)
        width, height = picture.size
        self._library.TessBaseAPISetImage(self._handle, picture.tobytes(), width, height, 1, width)
        self._library.TessBaseAPISetSourceResolution(self._handle, dpi)


def _words(table: str) -> tuple[Word, ...]:
    """The words of the engine's table: level, page, block, paragraph, line, word, box, confidence, text."""
    words: list[Word] = []
    lines: dict[tuple[str, ...], int] = {}
    for row in table.splitlines():
        cells = row.split("\t")
        if len(cells) != _COLUMNS or cells[0] != _WORD_ROW or not cells[11].strip():
            continue
        line = lines.setdefault(tuple(cells[2:5]), len(lines))
        left, top, width, height = map(int, cells[6:10])
        words.append(Word(cells[11].strip(), left, top, width, height, max(0, round(float(cells[10]))), line))
    return tuple(words[:MOST_WORDS])
