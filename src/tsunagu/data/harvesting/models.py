"""Sources and what came from them."""

from __future__ import annotations

from django.db import models


class Source(models.Model):
    """A list of a repository, and where its harvest stands.

    ``state``: ``waiting`` (a round is due or under way), ``idle``, ``failed`` (the last round was given up) or ``paused``.
    """

    name = models.CharField(max_length=60, unique=True)
    url = models.CharField(max_length=500)
    set_spec = models.CharField(max_length=200, blank=True)
    prefix = models.CharField(max_length=40)
    title = models.CharField(max_length=300)
    contact = models.CharField(max_length=300, blank=True)
    is_day_granular = models.BooleanField(default=False)
    deletions = models.CharField(max_length=12, blank=True)
    every_hours = models.IntegerField(default=24)
    made_by = models.CharField(max_length=26)
    made_at = models.DateTimeField()
    state = models.CharField(max_length=8, default="waiting")
    reason = models.TextField(blank=True)
    due_at = models.DateTimeField()
    # Of the round under way
    run_id = models.CharField(max_length=26, blank=True)
    since = models.CharField(max_length=20, blank=True)
    token = models.TextField(blank=True)
    begun_at = models.CharField(
        max_length=20, blank=True
    )  # by the source's clock, as far as it can be believed
    seen_count = models.BigIntegerField(default=0)
    announced_count = models.BigIntegerField(default=0)
    attempts = models.IntegerField(default=0)
    repeated_pages = models.IntegerField(default=0)
    is_restarted = models.BooleanField(default=False)
    # Of the last round that came to its end
    next_since = models.CharField(max_length=20, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("url", "set_spec"), name="harvesting_list_once"),)

    def __str__(self) -> str:
        return self.name


class Harvested(models.Model):
    """A record as the source last gave it; ``problem`` says why it could not be read, and then the bytes alone are kept."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, db_index=False)
    identifier = models.CharField(max_length=500)
    datestamp = models.CharField(max_length=20)
    is_deleted = models.BooleanField(default=False)
    sets = models.JSONField(default=list)
    content = models.BinaryField()  # the metadata as it came, deflated
    kept = models.TextField(blank=True)  # the same as our record
    problem = models.TextField(blank=True)
    title = models.CharField(max_length=500, blank=True)
    doi = models.CharField(max_length=255, blank=True, db_index=True)
    run_id = models.CharField(max_length=26)  # the last round that gave it
    changed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("source", "identifier"), name="harvesting_identifier_once"),
        )
        indexes = (models.Index(fields=("source", "-changed_at", "-id"), name="harvesting_newest"),)

    def __str__(self) -> str:
        return self.identifier
