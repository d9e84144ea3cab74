"""Institutions, publications with their history, and what outside services are asked for (docs/adr/0060)."""

from __future__ import annotations

from django.db import models

from tsunagu.core.ids import new_id


class Institution(models.Model):
    """Who publishes: name, look, rules and people of its own. Several may share a node."""

    name = models.CharField(max_length=60, unique=True)
    name_ja = models.CharField(max_length=300)
    name_en = models.CharField(max_length=300)
    ror = models.CharField(max_length=100, blank=True)
    address = models.TextField(blank=True)
    contact = models.CharField(max_length=254, blank=True)
    doi_prefix = models.CharField(max_length=60, blank=True)
    doi_agency = models.CharField(max_length=10, blank=True)
    members_may_publish = models.BooleanField(default=False)
    curators = models.JSONField(default=list)
    # Person -> the fields and languages that they know.
    skills = models.JSONField(default=dict)
    hands_out = models.BooleanField(default=False)
    answer_days = models.IntegerField(default=0)
    checklist = models.JSONField(default=list)
    policies = models.TextField(blank=True)
    colour = models.CharField(max_length=7, blank=True)
    is_default = models.BooleanField(default=False)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Publication(models.Model):
    """A version on its way to the public, or there; its id is the record's for ever.

    ``record`` is what anybody may know, kept ready for harvesters; it is empty until the version is published.
    ``corrected`` holds described values that replace those of the frozen version in the record.
    """

    uid = models.CharField(primary_key=True, max_length=26, default=new_id, editable=False)
    dataset_id = models.CharField(max_length=26)
    project_id = models.CharField(max_length=26)
    place = models.CharField(max_length=201)
    number = models.IntegerField()
    version_hash = models.CharField(max_length=64)
    title = models.CharField(max_length=300, blank=True)
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT)
    state = models.CharField(max_length=14)
    access = models.CharField(max_length=12)
    opens_on = models.CharField(max_length=10, blank=True)
    resource_type = models.CharField(max_length=60, default="dataset")
    requested_by = models.CharField(max_length=26)
    requested_at = models.DateTimeField()
    assigned_to = models.CharField(max_length=26, blank=True)
    changed_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    # The day on which the version was made, where that was at another node.
    made_on = models.CharField(max_length=10, blank=True, default="", db_default="")
    # Its page at the node to which it was moved.
    moved_to = models.CharField(max_length=500, blank=True, default="", db_default="")
    doi = models.CharField(max_length=200, blank=True, db_index=True)
    doi_agency = models.CharField(max_length=10, blank=True)
    is_doi_registered = models.BooleanField(default=False)
    is_test_doi = models.BooleanField(default=False)
    corrected = models.JSONField(default=dict)
    # Of an article: version of the manuscript, journal, DOI of the publisher, why it is not open (articles.py).
    article = models.JSONField(default=dict)
    record = models.JSONField(null=True)
    # The same in the form of the national aggregator, as ``ready.py`` keeps it.
    ready = models.TextField(blank=True)
    # Whole seconds, UTC: what harvesters ask by. Null until the version is published.
    harvest_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("dataset_id", "number"),
                condition=~models.Q(state="rejected"),
                name="publication_one_a_version",
            ),
        )
        indexes = (
            models.Index(fields=("harvest_at", "uid"), name="publication_by_change"),
            models.Index(fields=("institution", "harvest_at", "uid"), name="publication_by_institution"),
            models.Index(fields=("state", "requested_at"), name="publication_queue"),
            models.Index(fields=("place", "number"), name="publication_by_place"),
        )

    def __str__(self) -> str:
        return f"{self.place} v{self.number}"

    @property
    def stands_at(self) -> str:
        """The page of the dataset at the node to which it was moved."""
        return self.moved_to.rpartition("/v")[0]


class Concept(models.Model):
    """All published versions of a dataset together: the identifier that always leads to the newest."""

    dataset_id = models.CharField(primary_key=True, max_length=26)
    place = models.CharField(max_length=201)
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT)
    doi = models.CharField(max_length=200, unique=True)
    doi_agency = models.CharField(max_length=10)
    is_doi_registered = models.BooleanField(default=False)
    is_test_doi = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.doi


class DataBehind(models.Model):
    """Data that an article rests on: a version of this node, or an address elsewhere."""

    publication = models.ForeignKey(Publication, on_delete=models.CASCADE, related_name="data_behind")
    dataset_id = models.CharField(max_length=26, blank=True, db_index=True)
    place = models.CharField(max_length=201, blank=True)
    number = models.IntegerField(default=0)
    address = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return self.address or f"{self.place} v{self.number}"


class StatedRelation(models.Model):
    """What another service said of a published version and somebody here confirmed (relating.py)."""

    publication = models.ForeignKey(Publication, on_delete=models.CASCADE, related_name="stated_relations")
    relation = models.CharField(max_length=30)
    address = models.CharField(max_length=500)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("publication", "relation", "address"), name="publication_stated_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.relation} {self.address}"


class ReviewEntry(models.Model):
    """A step or a comment on the way to publication; rows are only ever added."""

    publication = models.ForeignKey(Publication, on_delete=models.PROTECT, related_name="entries")
    number = models.IntegerField()
    step = models.CharField(max_length=14)
    text = models.TextField(blank=True)
    field = models.CharField(max_length=100, blank=True)
    path = models.CharField(max_length=4096, blank=True)
    author_id = models.CharField(max_length=26, blank=True)
    author_name = models.CharField(max_length=200, blank=True)
    run_id = models.CharField(max_length=26)
    written_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.step} {self.publication_id}"


class OutsideEffect(models.Model):
    """One thing that an outside service was asked for. Only what the service confirms makes it ``done``."""

    uid = models.CharField(primary_key=True, max_length=26, default=new_id, editable=False)
    service = models.CharField(max_length=20)
    operation = models.CharField(max_length=20)
    subject_kind = models.CharField(max_length=12)
    subject_id = models.CharField(max_length=26)
    external_id = models.CharField(max_length=200)
    version = models.IntegerField()
    request_hash = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=10, default="waiting")
    attempts = models.IntegerField(default=0)
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    next_try = models.DateTimeField()
    last_status = models.IntegerField(default=0)
    last_error = models.TextField(blank=True)
    external_state = models.CharField(max_length=20, blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("service", "external_id", "version"), name="publication_effect_once"
            ),
        )
        indexes = (
            models.Index(fields=("state", "next_try"), name="publication_effects_due"),
            models.Index(fields=("subject_id",), name="publication_effects_of"),
        )

    def __str__(self) -> str:
        return f"{self.operation} {self.external_id} {self.state}"
