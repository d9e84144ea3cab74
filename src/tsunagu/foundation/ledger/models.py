"""The append-only log and its head."""

from __future__ import annotations

from django.db import models


class Entry(models.Model):
    """One leaf. ``body`` is canonical JSON and never changes."""

    index = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=40)
    body = models.TextField()
    leaf_hash = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"{self.index} {self.kind}"


class Head(models.Model):
    """The one tree head: size, frontier and root; its row lock puts appends in order."""

    size = models.BigIntegerField(default=0)
    frontier = models.BinaryField(default=b"")
    root = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return str(self.size)
