"""Environments: a lock file, and whether its packages are installed on this node."""

from __future__ import annotations

from django.db import models


class Environment(models.Model):
    """Named by the SHA-256 of its lock file. ``state``: ``waiting``, ``ready`` or ``failed``."""

    lock_hash = models.CharField(primary_key=True, max_length=64)
    lock = models.TextField()
    state = models.CharField(max_length=8)
    reason = models.TextField(blank=True)
    byte_count = models.BigIntegerField(default=0)
    asked_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.lock_hash
