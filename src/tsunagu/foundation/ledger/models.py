"""The append-only log and its head."""

from __future__ import annotations

from django.db import models


class Entry(models.Model):
    """One leaf. ``body`` is canonical JSON and never changes."""

    index = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=40)
    body = models.TextField()
    leaf_hash = models.BinaryField(max_length=32)
    subject = models.CharField(max_length=26, default="", blank=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("subject", "index"), condition=~models.Q(subject=""), name="ledger_by_subject"
            ),
        )

    def __str__(self) -> str:
        return f"{self.index} {self.kind}"


class Subtree(models.Model):
    """Root of a full subtree of 2**level entries, level 8, 16, 24: what makes proofs cheap."""

    level = models.PositiveSmallIntegerField()
    index = models.BigIntegerField()
    digest = models.BinaryField(max_length=32)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("level", "index"), name="ledger_one_subtree"),)

    def __str__(self) -> str:
        return f"{self.level}/{self.index}"


class Head(models.Model):
    """The one tree head: size, frontier and root; its row lock puts appends in order."""

    size = models.BigIntegerField(default=0)
    frontier = models.BinaryField(default=b"")
    root = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return str(self.size)


class SignedHead(models.Model):
    """A tree head that the node signed. ``note`` is the signed text with its signature line and never changes."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    public_key = models.BinaryField(max_length=32)
    signed_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.size)


class TimeStamp(models.Model):
    """What an authority said (RFC 3161) about the note of a head, or that it is still to be asked.

    ``reply`` is empty while it waits; only tokens that were checked are kept.
    """

    head = models.ForeignKey(SignedHead, on_delete=models.PROTECT, related_name="stamps")
    authority = models.CharField(max_length=300, blank=True)
    is_independent = models.BooleanField(default=False)
    query = models.BinaryField(default=b"")
    nonce = models.CharField(max_length=64, blank=True)
    reply = models.BinaryField(default=b"")
    certificates = models.TextField(blank=True)
    stamped_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    next_try_at = models.DateTimeField()
    said = models.TextField(blank=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("next_try_at",), condition=models.Q(stamped_at=None), name="ledger_stamps_waiting"
            ),
        )

    def __str__(self) -> str:
        return f"{self.head_id} {self.authority}"


class Cosignature(models.Model):
    """A witness's signature under a head of this node: it saw this log only grow."""

    head = models.ForeignKey(SignedHead, on_delete=models.PROTECT, related_name="cosignatures")
    witness = models.CharField(max_length=300)
    public_key = models.BinaryField(max_length=32)
    line = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("head", "public_key"), name="ledger_one_cosignature_each"),
        )

    def __str__(self) -> str:
        return f"{self.head_id} {self.witness}"


class WitnessedLog(models.Model):
    """Another node's log as this node last saw it; what it shows next must only add to that."""

    origin = models.CharField(max_length=100, unique=True)
    name = models.CharField(max_length=300, blank=True)
    public_key = models.BinaryField(max_length=32)
    size = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.origin} {self.size}"


class WitnessState(models.Model):
    """How the last question to a witness of this node went; ``refused`` holds its reason when it saw a fork."""

    url = models.CharField(max_length=300, unique=True)
    size = models.BigIntegerField(default=0)
    refused = models.TextField(blank=True)
    said = models.TextField(blank=True)
    asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.url
