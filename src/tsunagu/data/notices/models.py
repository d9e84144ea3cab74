"""Partner services, what they sent, what it proposes, and what was sent to them."""

from __future__ import annotations

from django.db import models

from tsunagu.core.ids import new_id


class Partner(models.Model):
    """A service whose notices are acted on; both ``origin_id`` and ``inbox`` have to be equal."""

    name = models.CharField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    origin_id = models.CharField(max_length=500)
    inbox = models.CharField(max_length=500)
    may = models.JSONField(default=list)
    holds = models.JSONField(default=list)
    token = models.CharField(max_length=500, blank=True)
    made_by = models.CharField(max_length=26)
    made_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("origin_id", "inbox"), name="notices_partner_once"),)

    def __str__(self) -> str:
        return self.name


class Sent(models.Model):
    """A notice to a partner, kept until it got through; ``body`` and its id are the same on every try.

    ``state`` is that of the delivery, ``exchange`` what the partner made of it.
    """

    uid = models.CharField(primary_key=True, max_length=26, default=new_id, editable=False)
    notice_id = models.CharField(max_length=60, unique=True)
    # Null once the partner was removed; the body says whom it was for.
    partner = models.ForeignKey(Partner, on_delete=models.SET_NULL, null=True, related_name="sent")
    pattern = models.CharField(max_length=30)
    publication_id = models.CharField(max_length=26, blank=True, db_index=True)
    about = models.CharField(max_length=500, blank=True)
    body = models.JSONField()
    state = models.CharField(max_length=10, default="waiting")
    exchange = models.CharField(max_length=22, blank=True)
    said = models.CharField(max_length=1000, blank=True)
    attempts = models.IntegerField(default=0)
    last_status = models.IntegerField(default=0)
    last_error = models.TextField(blank=True)
    run_id = models.CharField(max_length=26)
    made_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    next_try = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("state", "next_try"), name="notices_due"),)

    def __str__(self) -> str:
        return f"{self.pattern} {self.notice_id}"


class Received(models.Model):
    """A notice as it came, once for a sender and an id."""

    uid = models.CharField(primary_key=True, max_length=26, default=new_id, editable=False)
    key = models.CharField(max_length=64, unique=True)
    notice_id = models.CharField(max_length=500)
    origin_id = models.CharField(max_length=500)
    origin_inbox = models.CharField(max_length=500)
    partner = models.ForeignKey(Partner, on_delete=models.SET_NULL, null=True, related_name="received")
    pattern = models.CharField(max_length=30)
    state = models.CharField(max_length=12)
    publication_id = models.CharField(max_length=26, blank=True, db_index=True)
    # Of a notice that proposes something for the record of a publication
    relation = models.CharField(max_length=30, blank=True)
    said_relation = models.CharField(max_length=500, blank=True)
    address = models.CharField(max_length=500, blank=True)
    answers = models.ForeignKey(Sent, on_delete=models.SET_NULL, null=True, related_name="answered")
    body = models.JSONField()
    received_at = models.DateTimeField()
    decided_by = models.CharField(max_length=26, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("state", "received_at"), name="notices_by_state"),)

    def __str__(self) -> str:
        return f"{self.pattern} {self.notice_id}"
