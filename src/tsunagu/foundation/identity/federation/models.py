"""Tables of the federation: feeds and their providers."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Feed(models.Model):
    """A metadata feed and how the last try to refresh it went."""

    name = models.CharField(max_length=100, unique=True)
    checked_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)
    entity_count = models.PositiveIntegerField(default=0)
    content_hash = models.CharField(max_length=64, blank=True)
    source_hash = models.CharField(max_length=64, blank=True)
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class Provider(models.Model):
    """One identity provider of a feed, as the last good copy of the feed describes it."""

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="providers")
    entity_id = models.CharField(max_length=1024)
    entity_hash = models.CharField(max_length=64, db_index=True)
    xml = models.TextField()
    scopes = models.JSONField(default=list)
    names = models.JSONField(default=dict)
    logo = models.CharField(max_length=500, blank=True)
    registration_authority = models.CharField(max_length=500, blank=True)
    attributes = models.JSONField(default=dict)
    is_hidden = models.BooleanField(default=False)
    search_text = models.TextField()
    sort_key = models.CharField(max_length=200, db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["feed", "entity_hash"], name="identity_provider_once_in_feed")
        ]

    def __str__(self) -> str:
        return self.entity_id
