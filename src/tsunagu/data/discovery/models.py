"""What the index has yet to hear of, and what people want to hear of."""

from __future__ import annotations

from django.db import models

from tsunagu.core.ids import new_id


class Pending(models.Model):
    """A dataset changed and the index does not know yet; written in the transaction of the change.

    ``hides``: who may see it may have changed, so that nobody finds it until the index has caught up.
    """

    dataset_id = models.CharField(max_length=26)
    hides = models.BooleanField(default=False)

    class Meta:
        indexes = (models.Index(fields=("hides", "dataset_id"), name="discovery_pending_hidden"),)

    def __str__(self) -> str:
        return self.dataset_id


class SavedSearch(models.Model):
    """A question that somebody wants to be asked again and again; ``known`` are the ids that were told already."""

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    person_id = models.CharField(max_length=26)
    name = models.CharField(max_length=200)
    query = models.CharField(max_length=1000, blank=True)
    chosen = models.JSONField(default=dict)
    by_mail = models.BooleanField(default=False)
    known = models.JSONField(default=list)
    fresh = models.JSONField(default=list)
    made_at = models.DateTimeField()
    asked_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("person_id", "-id"), name="discovery_saved"),)

    def __str__(self) -> str:
        return self.name
