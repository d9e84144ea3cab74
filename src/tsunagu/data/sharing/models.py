"""Requests for access."""

from __future__ import annotations

from django.db import models

from tsunagu.core.ids import new_id


class AccessRequest(models.Model):
    """Somebody asks for a role on a dataset.

    ``dataset_id`` is empty where there is no dataset of that name: the asker is not told the difference, so a name
    that does not exist keeps a row as well.
    """

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    asked_name = models.CharField(max_length=201)
    dataset_id = models.CharField(max_length=26, blank=True)
    project_id = models.CharField(max_length=26, blank=True)
    asker_id = models.CharField(max_length=26)
    role = models.CharField(max_length=10)
    reason = models.TextField()
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, default="open")
    answer = models.TextField(blank=True)
    answered_by = models.CharField(max_length=26, blank=True)
    answered_at = models.DateTimeField(null=True)
    is_seen = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("asker_id", "asked_name"),
                condition=models.Q(state="open"),
                name="sharing_one_open_request",
            ),
        )
        indexes = (
            models.Index(fields=("asker_id", "-id"), name="sharing_by_asker"),
            models.Index(fields=("state", "project_id"), name="sharing_by_project"),
            models.Index(fields=("state", "dataset_id"), name="sharing_by_dataset"),
        )

    def __str__(self) -> str:
        return f"{self.asked_name} {self.state}"
