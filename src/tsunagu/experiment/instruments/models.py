"""Instruments and what their capture agents report."""

from __future__ import annotations

from django.db import models

from tsunagu.core.ids import new_id


class Instrument(models.Model):
    """An instrument with its PC; ``config`` is what the capture agent fetches, ``beat`` what it reported last."""

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    name = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=300, blank=True)
    manufacturer = models.CharField(max_length=200, blank=True)
    model = models.CharField(max_length=200, blank=True)
    serial_number = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    owner_id = models.CharField(max_length=26)
    config = models.JSONField(default=dict)
    beat = models.JSONField(default=dict)
    beat_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
