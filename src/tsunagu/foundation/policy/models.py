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
