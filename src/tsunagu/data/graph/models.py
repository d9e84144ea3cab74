"""The graph: identifiers, what sources say of them, and what people decided. All but decisions can be made anew."""

from __future__ import annotations

from django.db import models


class Origin(models.Model):
    """One source, as far as its readers are the same: a record, or one face of a dataset.

    ``source`` is what changes as a whole (``record:5``, ``publication:ULID``, ``dataset:ULID``). ``dataset_id`` is empty of
    what everybody may see; else the rules of that dataset decide, those of its draft where ``needs_draft``. ``is_large``: it
    names so many parties that it is no evidence of who is who.
    """

    key = models.CharField(max_length=60, unique=True)
    source = models.CharField(max_length=50, db_index=True)
    dataset_id = models.CharField(max_length=26, blank=True, db_index=True)
    needs_draft = models.BooleanField(default=False)
    is_large = models.BooleanField(default=False)
    label = models.CharField(max_length=300)
    url = models.CharField(max_length=500, blank=True)
    digest = models.CharField(max_length=64)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.key


class Identifier(models.Model):
    """A name that means one thing wherever it stands; ``local`` ones are ours, for what has no better.

    Its ``uid`` is computed from scheme and value. ``base`` is the uid of the identifier that it leads to by what sources say,
    ``thing`` that of the thing it stands for, with the merges of people (docs/adr/0064).
    """

    uid = models.CharField(max_length=26, unique=True)
    scheme = models.CharField(max_length=20)
    value = models.CharField(max_length=700)
    rank = models.SmallIntegerField()
    base = models.CharField(max_length=26, db_index=True)
    thing = models.CharField(max_length=26, db_index=True)

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"


class Naming(models.Model):
    """What a source calls a thing, and what kind of thing it says it is."""

    origin = models.ForeignKey(Origin, on_delete=models.CASCADE)
    identifier = models.ForeignKey(Identifier, on_delete=models.CASCADE)
    kind = models.CharField(max_length=12)
    text = models.CharField(max_length=500, blank=True)
    language = models.CharField(max_length=12, blank=True)
    name_key = models.CharField(max_length=200, blank=True, db_index=True)

    def __str__(self) -> str:
        return self.text


class Alias(models.Model):
    """A source gives two identifiers to one thing; the higher one is the better name."""

    origin = models.ForeignKey(Origin, on_delete=models.CASCADE)
    higher = models.ForeignKey(Identifier, on_delete=models.CASCADE, related_name="lower_aliases")
    lower = models.ForeignKey(Identifier, on_delete=models.CASCADE, related_name="higher_aliases")

    def __str__(self) -> str:
        return f"{self.lower_id} -> {self.higher_id}"


class Statement(models.Model):
    """A source says how two things hang together, in the words of DataCite, schema.org and PROV."""

    origin = models.ForeignKey(Origin, on_delete=models.CASCADE)
    subject = models.ForeignKey(Identifier, on_delete=models.CASCADE, related_name="said_of", db_index=False)
    relation = models.CharField(max_length=40)
    object = models.ForeignKey(Identifier, on_delete=models.CASCADE, related_name="said_with", db_index=False)

    class Meta:
        indexes = (
            models.Index(fields=("subject", "relation"), name="graph_by_subject"),
            models.Index(fields=("object", "relation"), name="graph_by_object"),
        )

    def __str__(self) -> str:
        return self.relation


class Merge(models.Model):
    """Two identifiers that may stand for one thing, and what was decided of it.

    It holds uids and no rows, so that it outlives what sources say. ``state``: ``proposed``, ``accepted``, ``rejected`` or
    ``undone``; only an accepted one makes one thing of two. ``name_key``: the name that both have.
    """

    left = models.CharField(max_length=26, db_index=True)
    right = models.CharField(max_length=26, db_index=True)
    state = models.CharField(max_length=8, default="proposed")
    name_key = models.CharField(max_length=200, blank=True, db_index=True)
    evidence = models.JSONField(default=list)
    made_at = models.DateTimeField()
    decided_by = models.CharField(max_length=26, blank=True)
    decided_by_name = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    run_id = models.CharField(max_length=26, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("left", "right"), name="graph_pair_once"),)
        indexes = (models.Index(fields=("state", "id"), name="graph_merges"),)

    def __str__(self) -> str:
        return f"{self.left} = {self.right}"


class Unread(models.Model):
    """A source changed and the graph does not know yet; ``hides``: others may see it than before, or less of it."""

    source = models.CharField(max_length=50)
    hides = models.BooleanField(default=False)

    class Meta:
        indexes = (models.Index(fields=("hides", "source"), name="graph_unread_hidden"),)

    def __str__(self) -> str:
        return self.source


class Form(models.Model):
    """The one row whose lock writers take; ``number`` is the form in which the graph was made, 0 while it is not."""

    number = models.IntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)
