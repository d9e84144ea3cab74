"""Pushes and the units (bundles, large files) that arrived in them."""

from __future__ import annotations

from django.db import models


class Push(models.Model):
    """One upload session: a run of kind ``capture`` while it is open."""

    run_id = models.CharField(primary_key=True, max_length=26)
    dataset_id = models.CharField(max_length=26, db_index=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=26)
    actor_name = models.CharField(max_length=200)
    token_id = models.CharField(max_length=26, blank=True)
    file_count = models.BigIntegerField(default=0)
    byte_count = models.BigIntegerField(default=0)
    opened_at = models.DateTimeField()
    last_unit_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    ledger_index = models.BigIntegerField(null=True)
    ledger_size = models.BigIntegerField(null=True)
    ledger_root = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = (models.Index(fields=("actor_id", "-opened_at"), name="capture_by_actor"),)

    def __str__(self) -> str:
        return self.run_id


class Unit(models.Model):
    """What was acknowledged at once. Sending a unit again returns ``answer`` and changes nothing.

    ``listing`` is zlib-compressed JSON: [[path, byte count, sha256 hex, how], ...]; receipts are made of it, so they
    stay true when files are replaced later.
    """

    uid = models.CharField(primary_key=True, max_length=26)
    push = models.ForeignKey(Push, on_delete=models.PROTECT, related_name="units")
    answer = models.JSONField()
    listing = models.BinaryField()
    listing_hash = models.CharField(max_length=64)
    file_count = models.BigIntegerField()
    committed_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.uid
