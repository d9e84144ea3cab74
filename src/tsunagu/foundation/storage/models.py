"""Which bytes lie where."""

from __future__ import annotations

from django.db import models


class StoredObject(models.Model):
    """One immutable object in the store: a pack of small files or one large file.

    ``byte_count`` is its size as it lies there; ``domain`` names the key that sealed it, empty: it lies plain.
    """

    key = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=4)
    byte_count = models.BigIntegerField()
    unit = models.CharField(max_length=26, unique=True)
    domain = models.CharField(max_length=26, blank=True, default="", db_default="")
    stored_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (
            models.Index(fields=("domain",), condition=~models.Q(domain=""), name="storage_sealed_objects"),
        )

    def __str__(self) -> str:
        return self.key


class Content(models.Model):
    """One distinct content of a key domain: where its bytes lie. Offset and size are those of the plain bytes.

    ``name`` is the SHA-256 where nothing is sealed, and a hash of domain and SHA-256 in a domain.
    """

    name = models.BinaryField(primary_key=True, max_length=32)
    byte_count = models.BigIntegerField()
    object = models.ForeignKey(StoredObject, on_delete=models.PROTECT, related_name="contents")
    offset = models.BigIntegerField()

    def __str__(self) -> str:
        return bytes(self.name).hex()


class WaitingObject(models.Model):
    """An object that arrived whole and that no dataset names yet; ``plain_count`` is the size of its one content."""

    unit = models.CharField(primary_key=True, max_length=26)
    key = models.CharField(max_length=64, unique=True)
    byte_count = models.BigIntegerField()
    domain = models.CharField(max_length=26, blank=True, default="")
    sha256 = models.BinaryField(max_length=32)
    plain_count = models.BigIntegerField()
    dataset_id = models.CharField(max_length=26)
    actor_id = models.CharField(max_length=26)
    arrived_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = (models.Index(fields=("dataset_id", "actor_id", "sha256"), name="storage_waiting_for"),)

    def __str__(self) -> str:
        return self.key


class LeavingObject(models.Model):
    """An object whose row is gone and whose bytes are to go; whoever was to remove them may have died before."""

    key = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return self.key


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
