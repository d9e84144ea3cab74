"""Who was given which role."""

from __future__ import annotations

from django.db import models


class Grant(models.Model):
    """A role of a person or an instrument on a project or a dataset; it ends by itself at ``expires_at``."""

    subject_kind = models.CharField(max_length=10)
    subject_id = models.CharField(max_length=26)
    scope_kind = models.CharField(max_length=10)
    scope_id = models.CharField(max_length=26)
    role = models.CharField(max_length=10)
    granted_by = models.CharField(max_length=26)
    granted_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("subject_kind", "subject_id", "scope_kind", "scope_id"), name="policy_one_role_each"
            ),
        )
        indexes = (models.Index(fields=("scope_kind", "scope_id"), name="policy_by_scope"),)

    def __str__(self) -> str:
        return f"{self.subject_id} {self.role} {self.scope_id}"


class Hold(models.Model):
    """A room found that an action would break what was promised: ``decide`` denies it to everybody who may else.

    ``source`` names the room that placed it. ``lifts_s``: to open at this moment (seconds since 1970) or later is
    allowed; 0: it is not. Texts are ``{"en": ..., "ja": ...}``.
    """

    source = models.CharField(max_length=20)
    project_id = models.CharField(max_length=26)
    dataset_id = models.CharField(max_length=26)
    action = models.CharField(max_length=20)
    lifts_s = models.BigIntegerField(default=0)
    reason = models.JSONField()
    basis = models.JSONField()
    remedy = models.JSONField()

    class Meta:
        indexes = (
            models.Index(fields=("dataset_id", "action"), name="policy_hold_by_dataset"),
            models.Index(fields=("source", "project_id"), name="policy_hold_by_source"),
        )

    def __str__(self) -> str:
        return f"{self.source}: no {self.action} of {self.dataset_id}"


class LabelSet(models.Model):
    """What a dataset or a version must be treated as. Levels are numbers and never NULL: rules compare them."""

    entity_id = models.CharField(max_length=80, primary_key=True)
    sensitivity = models.SmallIntegerField(default=0)
    personal = models.SmallIntegerField(default=0)
    export_control = models.SmallIntegerField(default=0)
    contract = models.SmallIntegerField(default=0)
    consent = models.SmallIntegerField(default=0)
    origins = models.TextField(default=",")
    inherited = models.JSONField(default=dict)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.entity_id


class PolicyText(models.Model):
    """A text of a layer; rows are only ever added, the newest of a layer and scope is in force."""

    layer = models.CharField(max_length=12)
    scope_id = models.CharField(max_length=26, blank=True)
    text = models.TextField(blank=True)
    note = models.TextField(blank=True)
    written_by = models.CharField(max_length=26)
    written_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("layer", "scope_id", "-id"), name="policy_text_by_layer"),)

    def __str__(self) -> str:
        return f"{self.layer} {self.pk}"
