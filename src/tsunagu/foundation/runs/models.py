"""Runs and what they used and made."""

from __future__ import annotations

from django.db import models

from tsunagu.core.ids import new_id


class Run(models.Model):
    """Something that happened; the id exists before it starts."""

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    kind = models.CharField(max_length=30)
    outcome = models.CharField(max_length=10, blank=True)
    reason = models.TextField(blank=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=26)
    actor_name = models.CharField(max_length=200)
    agent = models.CharField(max_length=100, blank=True)
    token_id = models.CharField(max_length=26, blank=True)
    dataset_id = models.CharField(max_length=26, blank=True)
    parameters = models.JSONField(default=dict)
    software = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("dataset_id", "id"), name="runs_by_dataset"),
            models.Index(fields=("started_at",), condition=models.Q(ended_at=None), name="runs_open"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"


class RunLink(models.Model):
    """An entity that a run used (``in``) or made (``out``)."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="links")
    direction = models.CharField(max_length=3)
    entity_kind = models.CharField(max_length=20)
    entity_id = models.CharField(max_length=80)
    label = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = (models.Index(fields=("entity_kind", "entity_id"), name="runs_by_entity"),)

    def __str__(self) -> str:
        return f"{self.direction} {self.entity_kind} {self.entity_id}"
