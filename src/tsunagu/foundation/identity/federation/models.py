"""Tables of the federation: feeds and their providers, identities of people, sign-ins under way."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tsunagu.core.ids import new_id


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


class Identity(models.Model):
    """A name by which an issuer knows a person; one person has many."""

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    person = models.ForeignKey("identity.Person", on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=1024)
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=1024)
    key_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    claims = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.uid


class InstitutionState(models.Model):
    """What an administrator should know of an institution: whether it answers, and whether this node stands in."""

    entity_hash = models.CharField(max_length=64, unique=True)
    entity_id = models.CharField(max_length=1024)
    failed_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=300, blank=True)
    stand_in_since = models.DateTimeField(null=True)
    stand_in_until = models.DateTimeField(null=True, db_index=True)
    stand_in_reason = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return self.entity_id


class SignInRequest(models.Model):
    """A sign-in under way: what was asked of whom, by which browser, and what came back. Lives minutes."""

    request_id = models.CharField(max_length=100, unique=True)
    handle_hash = models.CharField(max_length=64, unique=True)
    browser_hash = models.CharField(max_length=64)
    entity_id = models.CharField(max_length=1024)
    purpose = models.CharField(max_length=10)
    person_uid = models.CharField(max_length=26, blank=True)
    contexts = models.JSONField(default=list)
    is_forced = models.BooleanField(default=False)
    next_path = models.CharField(max_length=2000, blank=True)
    verifier = models.CharField(max_length=128, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    answered_at = models.DateTimeField(null=True)
    finish_hash = models.CharField(max_length=64, blank=True, db_index=True)
    outcome = models.JSONField(null=True)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.request_id


class SeenAssertion(models.Model):
    """An assertion that was used, kept until it would be refused for its age anyway."""

    digest = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest
