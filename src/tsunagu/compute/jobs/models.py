"""Jobs, what they read and print, and what projects may use."""

from __future__ import annotations

from django.db import models


class Job(models.Model):
    """A run of kind ``compute`` while it waits, goes on, and what it came to.

    ``order`` is what the wrapper gets, ``result`` its signed answer; ``number`` the last message that was heard from it.
    ``waiting`` says why the place to which it was handed has not begun it, and is empty before and after.
    The three costs hold what is reserved while the job is open, and what was used afterwards.
    """

    run_id = models.CharField(primary_key=True, max_length=26)
    project_id = models.CharField(max_length=26)
    output_id = models.CharField(max_length=26, db_index=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=26)
    actor_name = models.CharField(max_length=200)
    agent = models.CharField(max_length=100, blank=True)
    token_id = models.CharField(max_length=26, blank=True)
    executor = models.CharField(max_length=40)
    handle = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10)
    code = models.CharField(max_length=40, blank=True)
    facts = models.JSONField(default=dict)
    waiting = models.JSONField(default=dict)
    order = models.JSONField()
    environment_hash = models.CharField(max_length=64, blank=True)
    result = models.JSONField(default=dict)
    signature = models.CharField(max_length=64, blank=True)
    number = models.BigIntegerField(default=0)
    # Jobs that were asked for together bear the id of the first one.
    array_id = models.CharField(max_length=26, blank=True, db_index=True)
    is_sealed = models.BooleanField(default=False)
    is_cancelled = models.BooleanField(default=False)
    is_delivering = models.BooleanField(default=False)
    push_run_id = models.CharField(max_length=26, blank=True)
    version = models.IntegerField(null=True)
    cpu_s = models.FloatField(default=0)
    memory_gb_h = models.FloatField(default=0)
    output_bytes = models.BigIntegerField(default=0)
    asked_at = models.DateTimeField()
    handed_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("state", "asked_at"), name="jobs_by_state"),
            models.Index(fields=("project_id", "-handed_at"), name="jobs_by_project"),
            models.Index(fields=("actor_id", "-asked_at"), name="jobs_by_actor"),
        )
        constraints = (
            # Two jobs that filled one draft at once would each freeze the other's files.
            models.UniqueConstraint(
                fields=("output_id",), condition=models.Q(is_delivering=True), name="jobs_one_delivery"
            ),
        )

    def __str__(self) -> str:
        return self.run_id


class JobInput(models.Model):
    """A frozen version that a job reads, as input or as code."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="inputs")
    dataset_id = models.CharField(max_length=26)
    place = models.CharField(max_length=202)
    version = models.IntegerField()
    use = models.CharField(max_length=5)

    class Meta:
        indexes = (models.Index(fields=("dataset_id", "-job_id"), name="jobs_by_input"),)

    def __str__(self) -> str:
        return f"{self.place}@{self.version}"


class LogPiece(models.Model):
    """Some of what a job printed, encrypted with the key ``key_domain`` of its outputs where those are sealed."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="pieces")
    offset = models.BigIntegerField()
    byte_count = models.IntegerField()
    key_domain = models.CharField(max_length=26, blank=True)
    content = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("job", "offset"), name="jobs_one_piece"),)

    def __str__(self) -> str:
        return f"{self.job_id}+{self.offset}"


class Allocation(models.Model):
    """What a project may use, given by an administrator in place of the node's default."""

    project_id = models.CharField(primary_key=True, max_length=26)
    cpu_s = models.FloatField()
    memory_gb_h = models.FloatField()
    output_bytes = models.BigIntegerField()
    given_by = models.CharField(max_length=26, blank=True)
    given_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.project_id
