"""Ends notebooks that are to end; the supervisor of jobs calls it twice a second."""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import dataclass

from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.notebooks.models import Notebook
from tsunagu.compute.notebooks.services import finish
from tsunagu.compute.runner import api as runner
from tsunagu.core.errors import TsunaguError

logger = logging.getLogger(__name__)

_ASK_EVERY_S = 30.0


@dataclass(slots=True)
class Keeper:
    """What it knows is in the database, so it may be killed at any moment."""

    _next_ask: float = 0.0

    def attend(self) -> None:
        """Close what is over, tell what shall end, and end what its person may no longer use."""
        asks = time.monotonic() >= self._next_ask
        if asks:
            self._next_ask = time.monotonic() + _ASK_EVERY_S
        for row in Notebook.objects.filter(is_open=True):
            if jobs.is_over(row.pk):
                Notebook.objects.filter(pk=row.pk).update(is_open=False)
                row.seats.all().delete()
                continue
            if asks and not row.finish:
                self._ask(row.pk)
            folder = jobs.serving_folder(row.pk) if row.finish else None
            if folder is not None and not (folder / runner.FINISH_FILE).exists():
                with contextlib.suppress(OSError):  # it ended meanwhile
                    kept = folder / f".{runner.FINISH_FILE}"
                    kept.write_text(row.finish, "utf-8")
                    kept.rename(folder / runner.FINISH_FILE)

    def stop(self) -> None:
        """The supervisor ends; servers end with it and keep what they hold."""

    @staticmethod
    def _ask(run: str) -> None:
        try:
            jobs.require_still(run)
        except TsunaguError as error:
            logger.info("notebook_withdrawn", extra={"run": run, "code": error.code})
            finish(run, "withdrawn")
