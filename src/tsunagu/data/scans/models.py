"""Files whose pages are read, and what stands on each page."""

from __future__ import annotations

from django.db import models

from tsunagu.core.ids import new_id


class Scan(models.Model):
    """A content of a dataset whose pages are read. ``state``: ``waiting``, ``reading``, ``done`` or ``failed``.

    ``trying`` is the page that a worker has before it, and ``tries`` how often one has begun with it.
    """

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    dataset_id = models.CharField(max_length=26)
    sha256 = models.BinaryField(max_length=32)
    path = models.CharField(max_length=4096)
    byte_count = models.BigIntegerField()
    state = models.CharField(max_length=8, default="waiting")
    reason = models.TextField(blank=True)
    reason_code = models.CharField(max_length=20, blank=True)
    page_count = models.IntegerField(default=0)
    done_count = models.IntegerField(default=0)
    trying = models.IntegerField(default=0)
    tries = models.IntegerField(default=0)
    run_id = models.CharField(max_length=26)
    asked_by_kind = models.CharField(max_length=10)
    asked_by = models.CharField(max_length=26)
    asked_by_name = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("dataset_id", "sha256"), name="scans_one_of_a_content"),
        )
        indexes = (models.Index(fields=("state",), name="scans_by_state"),)

    def __str__(self) -> str:
        return self.path


class ScannedPage(models.Model):
    """One page. ``content`` holds text and words with places, compressed, and sealed where the bytes are."""

    scan = models.ForeignKey(Scan, on_delete=models.CASCADE, related_name="pages")
    number = models.IntegerField()
    status = models.CharField(max_length=12)
    reason = models.TextField(blank=True)
    reason_code = models.CharField(max_length=20, blank=True)
    width = models.IntegerField(default=0)
    height = models.IntegerField(default=0)
    dpi = models.IntegerField(default=0)
    rotation = models.IntegerField(default=0)
    is_vertical = models.BooleanField(default=False)
    confidence = models.IntegerField(default=0)
    word_count = models.IntegerField(default=0)
    engine = models.CharField(max_length=100, blank=True)
    content = models.BinaryField()
    domain = models.CharField(max_length=26, blank=True)
    picture = models.BinaryField(max_length=32, null=True, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("scan", "number"), name="scans_one_page"),)

    def __str__(self) -> str:
        return f"{self.scan_id}/{self.number}"
