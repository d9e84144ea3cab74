"""Plans and what the last check found."""

from __future__ import annotations

from django.db import models


class Plan(models.Model):
    """One version of a project's plan; versions are only ever added."""

    project_id = models.CharField(max_length=26)
    number = models.IntegerField()
    body = models.JSONField()
    note = models.TextField(blank=True)
    run_id = models.CharField(max_length=26)
    written_by = models.CharField(max_length=26)
    written_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("project_id", "number"), name="plans_version_number"),)

    def __str__(self) -> str:
        return f"{self.project_id} v{self.number}"


class PlanFinding(models.Model):
    """What the last check of a project said; the runs keep what earlier ones said."""

    project_id = models.CharField(max_length=26)
    dataset_id = models.CharField(max_length=26, blank=True)
    place = models.CharField(max_length=300)
    check_id = models.CharField(max_length=60)
    state = models.CharField(max_length=10)
    code = models.CharField(max_length=40)
    said = models.JSONField(default=dict)
    due_on = models.CharField(max_length=10, blank=True)
    run_id = models.CharField(max_length=26)
    checked_at = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(fields=("project_id", "state"), name="plans_by_project"),
            models.Index(fields=("dataset_id",), name="plans_by_dataset"),
        )

    def __str__(self) -> str:
        return f"{self.check_id} {self.state}"
