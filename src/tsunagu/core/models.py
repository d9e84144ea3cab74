"""Tables of the core: who of the workers is alive."""

from __future__ import annotations

from django.db import models


class WorkerBeat(models.Model):
    """The last sign of life of a worker process."""

    worker_id = models.CharField(primary_key=True, max_length=64)
    beat_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.worker_id
