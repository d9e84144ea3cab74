"""Deposits of publications in repositories, and what is known of a repository itself."""

from __future__ import annotations

from django.db import models

from tsunagu.core.ids import new_id


class Deposit(models.Model):
    """A publication and one repository: what is wanted there, and how far it is.

    ``deposit_url`` is the address that the repository gave it; with it everything can be asked for and repeated.
    ``is_stale``: the record changed after the last payload was built.
    """

    uid = models.CharField(primary_key=True, max_length=26, default=new_id, editable=False)
    repository = models.CharField(max_length=60)
    publication_id = models.CharField(max_length=26)
    dataset_id = models.CharField(max_length=26)
    place = models.CharField(max_length=201)
    number = models.IntegerField()
    is_removal = models.BooleanField(default=False)
    is_removal_sent = models.BooleanField(default=False)
    is_stale = models.BooleanField(default=False)
    state = models.CharField(max_length=10, default="waiting")
    made_at = models.DateTimeField()
    next_try = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    looks = models.IntegerField(default=0)
    last_status = models.IntegerField(default=0)
    last_error = models.TextField(blank=True)
    deposit_url = models.CharField(max_length=1000, blank=True)
    activity_url = models.CharField(max_length=1000, blank=True)
    item_url = models.CharField(max_length=1000, blank=True)
    # What the repository said when it was first asked about what it holds: a revision, or that it holds it.
    held_mark = models.CharField(max_length=100, blank=True)
    held_since = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    # Of the payload that was sent last, and of the one that the repository has taken in.
    sent_hash = models.CharField(max_length=64, blank=True)
    taken_hash = models.CharField(max_length=64, blank=True)
    has_files = models.BooleanField(default=False)
    # The repository found the payload with files too large.
    leaves_files_out = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("repository", "publication_id"), name="depositing_once"),
        )
        indexes = (
            models.Index(fields=("state", "next_try"), name="depositing_due"),
            models.Index(fields=("publication_id",), name="depositing_of"),
        )

    def __str__(self) -> str:
        return f"{self.place} v{self.number} in {self.repository}: {self.state}"


class RepositoryState(models.Model):
    """What a repository said of itself, and until when it is left alone."""

    name = models.CharField(primary_key=True, max_length=60)
    asked_at = models.DateTimeField(null=True)
    most_bytes = models.BigIntegerField(default=0)
    paused_until = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name
