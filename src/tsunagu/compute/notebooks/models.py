"""Open notebooks and the browsers in front of them."""

from __future__ import annotations

from django.db import models


class Notebook(models.Model):
    """A notebook of a person on a dataset; the job of the same id says how it fares."""

    run_id = models.CharField(primary_key=True, max_length=26)
    dataset_id = models.CharField(max_length=26)
    person_id = models.CharField(max_length=26)
    is_open = models.BooleanField(default=True)
    finish = models.CharField(max_length=20, blank=True)
    opened_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("person_id", "dataset_id"),
                condition=models.Q(is_open=True),
                name="notebooks_one_each",
            ),
        )

    def __str__(self) -> str:
        return self.run_id


class Seat(models.Model):
    """A browser that may come in: first by a word that works once, then by the cookie that it got for it.

    Both stand here as SHA-256, in hex. ``session_key`` is the session of the person at control: when that ends, so does
    the seat.
    """

    notebook = models.ForeignKey(Notebook, on_delete=models.CASCADE, related_name="seats")
    session_key = models.CharField(max_length=40)
    entry_hash = models.CharField(max_length=64, unique=True)
    cookie_hash = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 - many are still without
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.entry_hash[:12]
