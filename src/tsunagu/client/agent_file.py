"""The capture agent as one file: a zipapp made of the package ``tsunagu.client.agent``, always with the same bytes."""

from __future__ import annotations

import functools
import io
import zipfile
from importlib import resources

PACKAGE = "tsunagu_agent"
_MAIN = f"import sys\n\nfrom {PACKAGE}.main import main\n\nsys.exit(main())\n"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that ZIP knows: the bytes depend on the sources alone


@functools.cache
def agent_bytes() -> bytes:
    """The file ``tsunagu_agent.pyz``; runs with ``python3 tsunagu_agent.pyz``."""
    sources = {
        f"{PACKAGE}/{entry.name}": entry.read_bytes()
        for entry in resources.files("tsunagu.client.agent").iterdir()
        if entry.name.endswith(".py")
    }
    sources["__main__.py"] = _MAIN.encode()
    packed = io.BytesIO()
    packed.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(packed, "a") as archive:
        for name in sorted(sources):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, sources[name], zipfile.ZIP_STORED)
    return packed.getvalue()
