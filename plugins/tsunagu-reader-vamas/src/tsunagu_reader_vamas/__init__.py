"""The light part of the VAMAS reader: what it is called and how it recognises its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tsunagu.formats.api import ReaderInfo

if TYPE_CHECKING:
    from tsunagu.formats.api import Read

_SIGNATURE = b"VAMAS Surface Chemical Analysis Standard Data Transfer Format"


class VamasReader:
    """What the entry point names."""

    info = ReaderInfo(
        name="vamas",
        version="1.0.0",
        media_types=("text/x-vamas",),
        label_en="VAMAS surface analysis (ISO 14976)",
        label_ja="VAMAS 表面分析データ（ISO 14976）",
        libraries=("numpy",),
    )

    def sniff(self, head: bytes, name: str) -> int:
        """The first line is fixed by the standard; the name does not matter."""
        del name
        return 99 if head.lstrip(b"\xef\xbb\xbf \r\n").startswith(_SIGNATURE) else 0

    def load(self) -> Read:
        """Import what needs numpy."""
        from tsunagu_reader_vamas.reading import read

        return read


VAMAS = VamasReader()
