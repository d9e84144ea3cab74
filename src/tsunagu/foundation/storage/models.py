"""Which bytes lie where."""

from __future__ import annotations

from django.db import models


class StoredObject(models.Model):
    """One immutable object in the store: a pack of small files or one large file."""

    key = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=4)
    byte_count = models.BigIntegerField()
    unit = models.CharField(max_length=26, unique=True)
    stored_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key


class Content(models.Model):
    """One distinct content: where its bytes lie. One row per SHA-256."""

    sha256 = models.BinaryField(primary_key=True, max_length=32)
    byte_count = models.BigIntegerField()
    object = models.ForeignKey(StoredObject, on_delete=models.PROTECT, related_name="contents")
    offset = models.BigIntegerField()

    def __str__(self) -> str:
        return bytes(self.sha256).hex()


class ObjectCare(models.Model):
    """What was done to keep an object: its copy in the second store, when it was read again, until when it is locked."""

    object = models.OneToOneField(StoredObject, on_delete=models.CASCADE, related_name="care")
    copied_at = models.DateTimeField(null=True)
    copy_sha256 = models.BinaryField(max_length=32, default=bytes)
    scrubbed_at = models.DateTimeField(null=True, db_index=True)
    damage = models.TextField(blank=True)
    locked_until = models.DateTimeField(null=True)
    is_to_rewrite = models.BooleanField(default=False)

    def __str__(self) -> str:
        return str(self.object_id)
