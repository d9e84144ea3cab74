"""Projects, datasets, their file rows and versions (docs/adr/0004 says why it is shaped so)."""

from __future__ import annotations

from django.db import models

from tsunagu.core.ids import new_id

LIVE = 2147483647  # ``until`` of a row that still stands


def content_key(sha256: bytes) -> int:
    """A short key of a content for look-ups: its first 63 bits. Whoever looks up compares the whole hash."""
    return int.from_bytes(sha256[:8], "big") >> 1


class Project(models.Model):
    """A workspace: people, datasets and what they agreed on."""

    uid = models.CharField(primary_key=True, max_length=26, default=new_id, editable=False)
    name = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=300, blank=True)
    description = models.TextField(blank=True)
    created_by = models.CharField(max_length=26)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Dataset(models.Model):
    """A tree of files with metadata. Counters speak of the draft."""

    uid = models.CharField(max_length=26, unique=True, default=new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="datasets")
    name = models.CharField(max_length=100)
    title = models.CharField(max_length=300, blank=True)
    access = models.CharField(max_length=10, default="closed")
    # Seconds since 1970, and never NULL, so that rules compile to plain comparisons; 0: no embargo.
    embargo_until_s = models.BigIntegerField(default=0, db_default=0)
    described = models.JSONField(default=dict)
    draft_number = models.IntegerField(default=1)
    live_count = models.BigIntegerField(default=0)
    live_bytes = models.BigIntegerField(default=0)
    # The key domain that seals what is pushed; empty: it lies plain. The states: docs/how-to/seal.md.
    key_domain = models.CharField(max_length=26, blank=True, default="", db_default="")
    seal_state = models.CharField(max_length=8, blank=True, default="", db_default="")
    has_frozen = models.BooleanField(default=False)
    # Who reads the dataset only because it is open or shared sees released versions alone (docs/adr/0073).
    last_released = models.IntegerField(default=0, db_default=0)
    has_unreleased = models.BooleanField(default=False, db_default=False)
    releases_by_publication = models.BooleanField(default=False, db_default=False)
    is_description_changed = models.BooleanField(default=False)
    created_by = models.CharField(max_length=26)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("project", "name"), name="datasets_name_in_project"),)
        indexes = (
            models.Index(fields=("project", "-updated_at", "-id"), name="datasets_by_project"),
            # The embargo stands last: lists walk along the index and skip what is embargoed without the row.
            models.Index(
                fields=("access", "has_frozen", "-updated_at", "-id", "embargo_until_s"),
                name="datasets_by_open_access",
            ),
            models.Index(fields=("-updated_at", "-id"), name="datasets_by_change"),
        )

    def __str__(self) -> str:
        return self.name


class FileRow(models.Model):
    """A file at a path, with the interval of versions ``since <= v < until`` in which it stood."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, db_index=False)
    path = models.CharField(max_length=4096)
    sha256 = models.BinaryField(max_length=32)
    byte_count = models.BigIntegerField()
    bucket = models.IntegerField()
    since = models.IntegerField()
    until = models.IntegerField()
    run_row = models.BigIntegerField()
    content_key = models.BigIntegerField(db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("dataset", "path", "until", "since"), name="datasets_file_path"),
        )
        indexes = (
            models.Index(fields=("dataset", "until", "since", "path"), name="datasets_file_interval"),
            models.Index(
                fields=("dataset", "bucket"), condition=models.Q(until=LIVE), name="datasets_file_bucket"
            ),
        )

    def __str__(self) -> str:
        return self.path


class Interval(models.Model):
    """How many rows of a dataset have this pair (since, until): tells a page which index ranges to merge."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, db_index=False)
    since = models.IntegerField()
    until = models.IntegerField()
    row_count = models.BigIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("dataset", "since", "until"), name="datasets_interval_pair"),
        )

    def __str__(self) -> str:
        return f"{self.since}..{self.until}: {self.row_count}"


class Overwritten(models.Model):
    """A draft file that another push replaced before it was frozen: nothing of it is lost."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE)
    path = models.CharField(max_length=4096)
    sha256 = models.BinaryField(max_length=32, db_index=True)
    byte_count = models.BigIntegerField()
    run_row = models.BigIntegerField()
    replaced_by_run_row = models.BigIntegerField()
    replaced_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("sha256",), name="datasets_overwritten_content"),)

    def __str__(self) -> str:
        return self.path


class Sealing(models.Model):
    """How far the bytes of a dataset have been moved into its key domain, and what became of the key."""

    dataset = models.OneToOneField(Dataset, on_delete=models.PROTECT, primary_key=True)
    fingerprint = models.CharField(max_length=64)
    run_id = models.CharField(max_length=26)
    phase = models.CharField(max_length=5, default="move")
    after = models.CharField(max_length=64, blank=True)
    total_count = models.BigIntegerField(default=0)
    done_count = models.BigIntegerField(default=0)
    moved_bytes = models.BigIntegerField(default=0)
    damaged_count = models.BigIntegerField(default=0)
    sealed_at = models.DateTimeField(null=True)
    shred_run_id = models.CharField(max_length=26, blank=True)
    shredded_at = models.DateTimeField(null=True)
    shredded_by = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.fingerprint[:12]


class Folder(models.Model):
    """A folder that some version of the dataset has or had, with counts of the draft below it."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, db_index=False)
    parent = models.CharField(max_length=4096)
    name = models.CharField(max_length=1024)
    file_count = models.BigIntegerField(default=0)
    byte_count = models.BigIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("dataset", "parent", "name"), name="datasets_folder_name"),
        )

    def __str__(self) -> str:
        return f"{self.parent}{self.name}/"


class TreeNode(models.Model):
    """A node of the Merkle tree over the last frozen version; ``kids`` holds the present children only."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, db_index=False)
    node = models.IntegerField()
    kids = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("dataset", "node"), name="datasets_tree_node"),)

    def __str__(self) -> str:
        return str(self.node)


class Version(models.Model):
    """An immutable version; its name is the SHA-256 of ``record``."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="versions")
    number = models.IntegerField()
    version_hash = models.CharField(max_length=64, db_index=True)
    record = models.TextField()
    root = models.CharField(max_length=64)
    file_count = models.BigIntegerField()
    byte_count = models.BigIntegerField()
    described = models.JSONField()
    note = models.TextField(blank=True)
    run_id = models.CharField(max_length=26)
    frozen_by = models.CharField(max_length=26)
    frozen_at = models.DateTimeField()
    is_released = models.BooleanField(default=True, db_default=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("dataset", "number"), name="datasets_version_number"),)

    def __str__(self) -> str:
        return f"v{self.number}"


class Tombstone(models.Model):
    """What is left of a dataset that was destroyed: what it was, who removed it, when and why.

    Its columns are named as those of a dataset where rules look at them, so the same filter says who may see it.
    """

    uid = models.CharField(primary_key=True, max_length=26)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="tombstones")
    name = models.CharField(max_length=100)
    title = models.CharField(max_length=300, blank=True)
    access = models.CharField(max_length=10)
    embargo_until_s = models.BigIntegerField(default=0)
    has_frozen = models.BooleanField(default=False)
    file_count = models.BigIntegerField()
    byte_count = models.BigIntegerField()
    created_at = models.DateTimeField()
    removed_by = models.CharField(max_length=26)
    removed_by_name = models.CharField(max_length=200)
    removed_at = models.DateTimeField()
    reason = models.TextField()
    run_id = models.CharField(max_length=26)
    remains_row = models.BigIntegerField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("project", "name"), name="datasets_one_tombstone"),)

    def __str__(self) -> str:
        return self.name


class BuriedVersion(models.Model):
    """A version of a destroyed dataset: its record still hashes to its name, and the ledger still holds it."""

    tombstone = models.ForeignKey(Tombstone, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    version_hash = models.CharField(max_length=64, db_index=True)
    record = models.TextField()
    run_id = models.CharField(max_length=26)
    frozen_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("tombstone", "number"), name="datasets_buried_version_number"),
        )

    def __str__(self) -> str:
        return f"v{self.number}"
