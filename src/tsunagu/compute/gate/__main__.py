"""Open the gate: ``python -m tsunagu.compute.gate``."""

from __future__ import annotations

import asyncio

from tsunagu.compute.gate.proxy import serve
from tsunagu.core import logs, settings

if __name__ == "__main__":
    logs.configure(settings.current().log_level)
    asyncio.run(serve())
