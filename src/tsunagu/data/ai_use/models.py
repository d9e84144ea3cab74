"""Terms, services, checklists, answers and checks; rows are added and never changed."""

from __future__ import annotations

from django.db import models


class AiTerms(models.Model):
    """Terms that somebody set on a dataset; the newest row counts."""

    dataset_id = models.CharField(max_length=26)
    uses = models.JSONField()
    limits = models.JSONField(default=list)
    countries = models.JSONField(null=True)
    until = models.DateField(null=True)
    # Use -> ULIDs of the sources that an owner released this dataset from.
    released = models.JSONField(default=dict)
    written_by = models.CharField(max_length=26)
    written_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("dataset_id", "-id"), name="ai_use_terms_newest"),)

    def __str__(self) -> str:
        return self.dataset_id


class FrozenAiTerms(models.Model):
    """The terms that stood when a version was frozen."""

    version_hash = models.CharField(max_length=64, primary_key=True)
    dataset_id = models.CharField(max_length=26, db_index=True)
    number = models.IntegerField()
    terms = models.JSONField()

    def __str__(self) -> str:
        return f"{self.dataset_id}@{self.number}"


class AiService(models.Model):
    """One revision of the facts about an AI service; the highest counts."""

    name = models.CharField(max_length=60)
    revision = models.IntegerField()
    facts = models.JSONField()
    valid_until = models.DateField()
    written_by = models.CharField(max_length=26)
    written_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("name", "revision"), name="ai_use_one_revision"),)

    def __str__(self) -> str:
        return f"{self.name} {self.revision}"


class AiChecklist(models.Model):
    """A checklist that an officer put in force; the newest counts, else the one that comes with the program."""

    text = models.TextField()
    version = models.CharField(max_length=64)
    note = models.CharField(max_length=500, blank=True)
    written_by = models.CharField(max_length=26)
    written_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.version


class AiAnswer(models.Model):
    """What a person answered to an item, for one set of facts and until a day."""

    dataset_id = models.CharField(max_length=26)
    item = models.CharField(max_length=40)
    facts_hash = models.CharField(max_length=64)
    is_yes = models.BooleanField()
    note = models.TextField(blank=True)
    answered_by = models.CharField(max_length=26)
    answered_at = models.DateTimeField()
    valid_until = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("facts_hash", "-id"), name="ai_use_answers"),)

    def __str__(self) -> str:
        return f"{self.dataset_id} {self.item}"


class AiUseCheck(models.Model):
    """A check with its evidence; the words of its purpose stay here and never enter the ledger."""

    run_id = models.CharField(max_length=26, unique=True)
    dataset_id = models.CharField(max_length=26)
    service = models.CharField(max_length=60)
    kind = models.CharField(max_length=20)
    purpose = models.TextField()
    answer = models.CharField(max_length=10)
    evidence = models.JSONField()
    asked_by = models.CharField(max_length=26)
    asked_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("dataset_id", "-id"), name="ai_use_checks"),)

    def __str__(self) -> str:
        return f"{self.run_id} {self.answer}"
