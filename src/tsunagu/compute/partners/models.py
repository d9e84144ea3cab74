"""Agreements with other nodes."""

from __future__ import annotations

from django.db import models


class Offer(models.Model):
    """What this node lends to another one. Budgets hold for the whole time of the offer."""

    uid = models.CharField(primary_key=True, max_length=26)
    title = models.CharField(max_length=200)
    address = models.CharField(max_length=300)
    bytes_address = models.CharField(max_length=300)
    public_key = models.CharField(max_length=44)
    key_id = models.CharField(max_length=16)
    executor = models.CharField(max_length=40)
    limits = models.JSONField()
    input_bytes = models.BigIntegerField()
    slots = models.IntegerField()
    cpu_s = models.FloatField()
    memory_gb_h = models.FloatField()
    output_bytes = models.BigIntegerField()
    until = models.DateTimeField()
    made_by = models.CharField(max_length=26)
    made_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("key_id",),
                condition=models.Q(withdrawn_at=None),
                name="partners_one_offer",
            ),
        )

    def __str__(self) -> str:
        return self.title


class Site(models.Model):
    """Another node where runs of this one may go. ``levels``: label -> the strictest level that may leave for it."""

    name = models.CharField(primary_key=True, max_length=40)
    title = models.CharField(max_length=200)
    address = models.CharField(max_length=300)
    public_key = models.CharField(max_length=44)
    key_id = models.CharField(max_length=16)
    country = models.CharField(max_length=2)
    levels = models.JSONField()
    takes_sealed = models.BooleanField()
    made_by = models.CharField(max_length=26)
    made_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class Heard(models.Model):
    """A message that was heard, for as long as its time would let it be heard again."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE)
    nonce = models.CharField(max_length=26)
    heard_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("offer", "nonce"), name="partners_heard_once"),)

    def __str__(self) -> str:
        return self.nonce
