"""Runs of partner nodes."""

from __future__ import annotations

from django.db import models


class Guest(models.Model):
    """A run of another node on this one's computers; ``run_id`` is this node's own name for it.

    The three costs hold what is reserved while it is open, and what was used afterwards. ``secret`` is empty once it is
    over; ``left`` is the wrapper's signed result, kept for a while in case the partner did not hear it.
    """

    run_id = models.CharField(primary_key=True, max_length=26)
    offer_id = models.CharField(max_length=26)
    partner_run = models.CharField(max_length=26)
    asker = models.CharField(max_length=200)
    executor = models.CharField(max_length=40)
    limits = models.JSONField()
    environment_hash = models.CharField(max_length=64, blank=True)
    secret = models.CharField(max_length=64, blank=True)
    handle = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10)
    code = models.CharField(max_length=40, blank=True)
    why = models.CharField(max_length=500, blank=True)
    is_cancelled = models.BooleanField(default=False)
    is_withdrawn = models.BooleanField(default=False)
    left = models.JSONField(default=dict)
    account = models.JSONField(default=dict)
    signature = models.CharField(max_length=88, blank=True)
    cpu_s = models.FloatField(default=0)
    memory_gb_h = models.FloatField(default=0)
    output_bytes = models.BigIntegerField(default=0)
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    vanished_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("state", "asked_at"), name="hosting_by_state"),)
        constraints = (models.UniqueConstraint(fields=("offer_id", "partner_run"), name="hosting_once"),)

    def __str__(self) -> str:
        return self.run_id
