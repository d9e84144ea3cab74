"""What is said of a dataset and its files, and who or what said it."""

from __future__ import annotations

from django.db import models

from tsunagu.core.ids import new_id


class Value(models.Model):
    """A value in a dataset's description. Rows are added, never changed; the current one is marked."""

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    dataset_id = models.CharField(max_length=26)
    name = models.CharField(max_length=100)
    value = models.JSONField()
    unit = models.CharField(max_length=50, blank=True)
    origin = models.JSONField()
    run_id = models.CharField(max_length=26)
    set_at = models.DateTimeField()
    is_current = models.BooleanField(default=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("dataset_id", "name"),
                condition=models.Q(is_current=True),
                name="description_one_current",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Proposal(models.Model):
    """A value that a machine proposes, with evidence; a person accepts, edits or rejects it."""

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    dataset_id = models.CharField(max_length=26)
    name = models.CharField(max_length=100)
    value = models.JSONField()
    unit = models.CharField(max_length=50, blank=True)
    confidence = models.FloatField()
    rule = models.CharField(max_length=100)
    evidence = models.JSONField(default=list)
    state = models.CharField(max_length=10, default="open")
    made_at = models.DateTimeField()
    decided_by = models.CharField(max_length=26, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("dataset_id", "state", "name"), name="description_proposals"),)

    def __str__(self) -> str:
        return self.name


class Extraction(models.Model):
    """What a reader said of one content in a dataset; a new reading is a new row."""

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    dataset_id = models.CharField(max_length=26)
    sha256 = models.BinaryField(max_length=32)
    path = models.CharField(max_length=4096)
    reader = models.CharField(max_length=100, blank=True)
    reader_version = models.CharField(max_length=50, blank=True)
    mapping_version = models.CharField(max_length=64)
    status = models.CharField(max_length=20)
    reason = models.TextField(blank=True)
    reason_code = models.CharField(max_length=20, blank=True, default="")
    outcome = models.BinaryField()
    previews = models.JSONField(default=list)
    run_id = models.CharField(max_length=26)
    made_at = models.DateTimeField()
    is_current = models.BooleanField(default=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("dataset_id", "sha256"),
                condition=models.Q(is_current=True),
                name="description_one_reading",
            ),
        )
        indexes = (
            models.Index(fields=("dataset_id", "sha256"), name="description_readings"),
            models.Index(fields=("dataset_id", "status"), name="description_by_status"),
            models.Index(
                fields=("dataset_id", "reader"),
                condition=models.Q(is_current=True),
                name="description_by_reader",
            ),
        )

    def __str__(self) -> str:
        return self.path


class PreviewContent(models.Model):
    """A stored picture that a reading shows: says which contents previews still need."""

    extraction = models.ForeignKey(Extraction, on_delete=models.CASCADE, related_name="preview_contents")
    sha256 = models.BinaryField(max_length=32, db_index=True)

    def __str__(self) -> str:
        return bytes(self.sha256).hex()


class Fact(models.Model):
    """A normalised field of a current reading, for questions over many files."""

    extraction = models.ForeignKey(Extraction, on_delete=models.CASCADE, related_name="facts")
    dataset_id = models.CharField(max_length=26)
    name = models.CharField(max_length=100)
    text = models.CharField(max_length=500)
    number = models.FloatField(null=True)
    unit = models.CharField(max_length=50, blank=True)

    class Meta:
        indexes = (models.Index(fields=("dataset_id", "name", "text"), name="description_facts"),)

    def __str__(self) -> str:
        return f"{self.name} = {self.text}"


class MappingText(models.Model):
    """A version of the node's mapping from raw keys to common names, as a data steward wrote it."""

    text = models.TextField()
    version = models.CharField(max_length=64)
    note = models.CharField(max_length=500, blank=True)
    written_by = models.CharField(max_length=26)
    written_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.version[:12]
