"""Until when data must be kept, and who forbade that it goes."""

from __future__ import annotations

from django.db import models

from tsunagu.core.ids import new_id


class Retention(models.Model):
    """A dataset (``version`` 0) or one of its versions is kept until a moment; rows are only ever prolonged."""

    dataset_id = models.CharField(max_length=26)
    project_id = models.CharField(max_length=26, db_index=True)
    version = models.IntegerField(default=0)
    source = models.CharField(max_length=10)
    until = models.DateTimeField()
    reason = models.TextField(blank=True)
    set_by = models.CharField(max_length=26)
    set_at = models.DateTimeField()
    run_id = models.CharField(max_length=26)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("dataset_id", "version", "source"), name="keeping_one_retention"),
        )

    def __str__(self) -> str:
        return f"{self.dataset_id} until {self.until:%Y-%m-%d}"


class LegalHold(models.Model):
    """An officer forbade that a dataset, or anything in a project, is destroyed or loses files."""

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    place = models.CharField(max_length=201)
    project_id = models.CharField(max_length=26, db_index=True)
    dataset_id = models.CharField(max_length=26, blank=True, db_index=True)
    reason = models.TextField()
    placed_by = models.CharField(max_length=26)
    placed_by_name = models.CharField(max_length=200)
    placed_at = models.DateTimeField()
    run_id = models.CharField(max_length=26)
    lifted_by_name = models.CharField(max_length=200, blank=True)
    lifted_at = models.DateTimeField(null=True)
    lift_reason = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.place
