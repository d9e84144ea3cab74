"""Hits of the months that are open, the numbers made of them, and who cites what."""

from __future__ import annotations

from django.db import models


class UsageSalt(models.Model):
    """What hides users within a day or a month; the row goes when that is over, and nobody can tell any more."""

    period = models.CharField(max_length=10, primary_key=True)  # 2027-03-31, or 2027-03
    salt = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return self.period


class UsageHit(models.Model):
    """One hit of a month that is open. No address, no program and no person: what stands for them means nothing elsewhere.

    ``who`` is the same for one user within a day, ``person`` within a month and only where ``institution`` is known.
    """

    dataset_id = models.CharField(max_length=26)
    day = models.DateField()
    at_s = models.IntegerField()
    version = models.IntegerField()
    is_request = models.BooleanField()
    channel = models.CharField(max_length=8)
    method = models.CharField(max_length=8)
    target = models.CharField(max_length=16)
    who = models.CharField(max_length=24)
    is_job = models.BooleanField()
    institution = models.CharField(max_length=1024, blank=True)  # the name of its identity provider, in full
    person = models.CharField(max_length=24, blank=True)
    is_counted = models.BooleanField(default=False)

    class Meta:
        indexes = (
            models.Index(fields=("dataset_id", "day"), name="usage_hits_of_day"),
            models.Index(
                fields=("dataset_id", "day"),
                condition=models.Q(is_counted=False),
                name="usage_hits_new",
            ),
        )

    def __str__(self) -> str:
        return f"{self.dataset_id}@{self.version} {self.day}"


class UsageCount(models.Model):
    """A number of one day; version 0 is all versions together, an empty channel every one."""

    dataset_id = models.CharField(max_length=26)
    day = models.DateField()
    version = models.IntegerField()
    metric = models.CharField(max_length=32)
    method = models.CharField(max_length=8)
    channel = models.CharField(max_length=8, blank=True)
    count = models.IntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("dataset_id", "day", "version", "metric", "method", "channel"), name="usage_one_count"
            ),
        )
        indexes = (models.Index(fields=("day", "dataset_id"), name="usage_counts_by_day"),)

    def __str__(self) -> str:
        return f"{self.dataset_id}@{self.version} {self.day} {self.metric}"


class UsageInstitution(models.Model):
    """How many people of an institution asked for content of a dataset in a month, and how often."""

    dataset_id = models.CharField(max_length=26)
    month = models.CharField(max_length=7)
    institution = models.CharField(max_length=1024)
    people = models.IntegerField()
    requests = models.IntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("dataset_id", "month", "institution"), name="usage_one_institution"
            ),
        )

    def __str__(self) -> str:
        return f"{self.dataset_id} {self.month} {self.institution}"


class Citation(models.Model):
    """A publication that says of itself that it cites or uses a dataset; version 0: it names no version."""

    dataset_id = models.CharField(max_length=26)
    version = models.IntegerField()
    citing = models.CharField(max_length=500)  # a DOI in full, else the address
    title = models.CharField(max_length=500)
    relation = models.CharField(max_length=40)
    source = models.CharField(max_length=300)
    # What says so: the number of a harvested record, or the id of a publication of this node.
    record = models.CharField(max_length=26, db_index=True)
    first_seen_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("dataset_id", "version", "citing", "relation", "record"), name="usage_one_citation"
            ),
        )
        indexes = (models.Index(fields=("dataset_id", "citing"), name="usage_citations_of"),)

    def __str__(self) -> str:
        return f"{self.citing} {self.relation} {self.dataset_id}"
