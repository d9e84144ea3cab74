"""Datasets that are inboxes, decisions about what lies in them, and what is left there with a note."""

from __future__ import annotations

from django.db import models

from tsunagu.core.ids import new_id


class Inbox(models.Model):
    """The mark of a dataset in which files lie unsorted."""

    dataset_id = models.CharField(max_length=26, unique=True)
    project_id = models.CharField(max_length=26, db_index=True)
    made_by = models.CharField(max_length=26)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.dataset_id


class Decision(models.Model):
    """What somebody decided about files of an inbox. ``state``: ``open``, ``done`` or ``failed``.

    ``files`` holds path, byte count and SHA-256 of each as they were decided about: what changed meanwhile is left alone.
    """

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    project_id = models.CharField(max_length=26)
    dataset_id = models.CharField(max_length=26)
    verdict = models.CharField(max_length=10)
    target_id = models.CharField(max_length=26, blank=True)
    target = models.CharField(max_length=201, blank=True)
    note = models.TextField(blank=True)
    files = models.JSONField(default=list)
    file_count = models.IntegerField()
    byte_count = models.BigIntegerField()
    state = models.CharField(max_length=6, default="open")
    reason = models.TextField(blank=True)
    run_id = models.CharField(max_length=26)
    push_run_id = models.CharField(max_length=26, blank=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=26)
    actor_name = models.CharField(max_length=200)
    token_id = models.CharField(max_length=26, blank=True)
    made_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        indexes = (
            models.Index(fields=("project_id", "-id"), name="unsorted_decisions"),
            models.Index(fields=("state",), name="unsorted_by_state"),
        )

    def __str__(self) -> str:
        return f"{self.verdict} {self.uid}"


class Left(models.Model):
    """A file that stays in the inbox, with a note that says why."""

    dataset_id = models.CharField(max_length=26)
    path = models.CharField(max_length=4096)
    note = models.TextField()
    decision = models.ForeignKey(Decision, on_delete=models.CASCADE)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("dataset_id", "path"), name="unsorted_left_once"),)

    def __str__(self) -> str:
        return self.path
