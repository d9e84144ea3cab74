"""A version that a training reads."""

from __future__ import annotations

from django.db import models


class TrainingUse(models.Model):
    """One version of one dataset, read for one training.

    ``progress`` holds what each process said last: opening -> ``{"done", "outcome", "readers": {reader: [epochs, rows,
    bytes]}}``. The words of the purpose stay here and never enter the ledger.
    """

    run_id = models.CharField(max_length=26, unique=True)
    training = models.CharField(max_length=100)
    dataset_id = models.CharField(max_length=26)
    version = models.IntegerField()
    version_hash = models.CharField(max_length=64)
    service = models.CharField(max_length=60)
    purpose = models.TextField()
    actor_id = models.CharField(max_length=26)
    started_at = models.DateTimeField()
    heard_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, blank=True)
    progress = models.JSONField(default=dict)

    class Meta:
        indexes = (
            models.Index(fields=("dataset_id", "-id"), name="training_by_dataset"),
            models.Index(fields=("actor_id", "training"), name="training_by_actor"),
            models.Index(fields=("ended_at", "heard_at"), name="training_silent"),
        )

    def __str__(self) -> str:
        return f"{self.training} {self.dataset_id}@{self.version}"
