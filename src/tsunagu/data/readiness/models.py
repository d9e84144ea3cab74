"""What was made AI-ready, and what people attest of a dataset."""

from __future__ import annotations

from django.db import models


class Preparation(models.Model):
    """One version that is made AI-ready, once for each recipe. What came out lies in the dataset that was made."""

    run_id = models.CharField(max_length=26, unique=True)
    dataset_id = models.CharField(max_length=26)
    number = models.IntegerField()
    version_hash = models.CharField(max_length=64)
    recipe = models.CharField(max_length=100)
    choices = models.JSONField(default=list)  # ids of the choices that were in force when it was asked for
    state = models.CharField(max_length=10, default="waiting")
    reason = models.TextField(blank=True)
    done_bytes = models.BigIntegerField(default=0)
    total_bytes = models.BigIntegerField(default=0)
    derived_id = models.CharField(max_length=26, blank=True)
    derived_number = models.IntegerField(default=0)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=26)
    actor_name = models.CharField(max_length=200)
    token_id = models.CharField(max_length=26, blank=True)
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            # Whoever asks again while it goes on, or after it went well, is given the same one.
            models.UniqueConstraint(
                fields=("dataset_id", "version_hash", "recipe"),
                condition=~models.Q(state="failed"),
                name="readiness_once",
            ),
            # All versions of a dataset share one draft: two at once would mix in it.
            models.UniqueConstraint(
                fields=("dataset_id",), condition=models.Q(state="working"), name="readiness_one_at_a_time"
            ),
        )
        indexes = (models.Index(fields=("dataset_id", "number", "-id"), name="readiness_newest"),)

    def __str__(self) -> str:
        return self.run_id


class Attestation(models.Model):
    """A person's answer to a criterion about a dataset; the newest row counts."""

    dataset_id = models.CharField(max_length=26)
    rule = models.CharField(max_length=60)
    answer = models.CharField(max_length=3)
    note = models.TextField(blank=True)
    number = models.IntegerField()
    by_id = models.CharField(max_length=26)
    by_name = models.CharField(max_length=200)
    run_id = models.CharField(max_length=26)
    attested_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("dataset_id", "rule", "-id"), name="readiness_attested"),)

    def __str__(self) -> str:
        return f"{self.dataset_id} {self.rule}"


class Choice(models.Model):
    """What somebody chose about the tables of a dataset; rows stay when a choice ends, for versions were made by it."""

    uid = models.CharField(max_length=26, unique=True)
    dataset_id = models.CharField(max_length=26)
    kind = models.CharField(max_length=20)
    column = models.CharField(max_length=500, blank=True)
    value = models.TextField(blank=True)
    salt = models.CharField(max_length=64, blank=True)  # half of the key of pseudonyms; never shown
    note = models.TextField(blank=True)
    by_id = models.CharField(max_length=26)
    by_name = models.CharField(max_length=200)
    run_id = models.CharField(max_length=26)
    chosen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_run_id = models.CharField(max_length=26, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("dataset_id", "kind", "column"),
                condition=models.Q(ended_at=None),
                name="readiness_chosen_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.dataset_id} {self.kind} {self.column}"
