"""Fills a node's database by its own services: ``python benchmarks/seed.py files SMALL LARGE`` or ``datasets COUNT``."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import sys

import django


def main(what: str, counts: list[int]) -> None:
    """Do it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tsunagu.config.settings")
    django.setup()
    {"files": files, "datasets": many_datasets}[what](*counts)


def files(small: int, large: int) -> None:
    """Two datasets with one frozen version each, 1,000 files to a folder."""
    from tsunagu.data.capture import api as capture
    from tsunagu.data.datasets import api as datasets
    from tsunagu.foundation.identity import api as identity
    from tsunagu.foundation.identity.models import Person

    owner = identity.actor_for_person(Person.objects.get(email="owner@example.org"))
    for name, count in (("small", small), ("large", large)):
        push = capture.open_push(owner, "lab", name)
        for start in range(0, count, 20_000):
            rows = [
                (f"d{n // 1000:04d}/f{n % 1000:06d}", 4096, hashlib.sha256(f"{name}{n}".encode()).digest())
                for n in range(start, min(start + 20_000, count))
            ]
            datasets.commit_files(owner, push.dataset_id, push.run, rows)
        capture.finish_push(owner, push.run)
        datasets.freeze_version(owner, push.dataset_id)


def many_datasets(count: int) -> None:
    """A thousand projects with datasets of every access; one reader with a role on twenty of them."""
    from tsunagu.core import bulk, clock
    from tsunagu.core.ids import new_id
    from tsunagu.data.datasets import api as datasets
    from tsunagu.foundation.identity import api as identity
    from tsunagu.foundation.identity.models import Person
    from tsunagu.foundation.policy import api as policy

    owner = identity.actor_for_person(Person.objects.get(email="owner@example.org"))
    reader = identity.ensure_person("reader@example.org")
    projects = [datasets.create_project(owner, f"p{number:04d}") for number in range(1000)]
    for project in projects[::50]:
        policy.grant(
            owner, project.resource, subject_kind="person", subject_id=reader.id, role=policy.Role.READER
        )
    columns = (
        "uid", "project_id", "name", "title", "access", "described", "draft_number", "live_count", "live_bytes",
        "has_frozen", "is_description_changed", "created_by", "created_at", "updated_at",
    )  # fmt: skip
    now = clock.now()
    # One in fifty is open or shared: most of what a node holds is not for the person who asks.
    access = ["closed"] * 98 + ["open", "shared"]

    def rows(start: int, stop: int):  # noqa: ANN202
        for number in range(start, stop):
            moment = now - dt.timedelta(seconds=number)
            yield (
                new_id(), projects[number % 1000].id, f"d{number:07d}", f"Dataset {number}", access[number * 37 % 100],
                "{}", 2, 10, 40960, number % 3 > 0, False, owner.id, moment, moment,
            )  # fmt: skip

    from django.db import transaction

    for start in range(0, count, 50_000):
        with transaction.atomic():
            bulk.insert("datasets_dataset", columns, rows(start, min(start + 50_000, count)))


if __name__ == "__main__":
    main(sys.argv[1], [int(text) for text in sys.argv[2:]])
