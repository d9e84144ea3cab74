"""Datasets that are ready to be published, and an agency that registers DOIs for them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django_tasks_db.models import DBTaskResult

from tests.rooms.datacite_stand_in import DataCite
from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.publication import api as publication
from tsunagu.data.publication import tasks
from tsunagu.data.publication.models import OutsideEffect

PREFIX = "10.12345"
SAID = {
    "title": "薄膜のX線回折",
    "title_en": "X-ray diffraction of thin films",
    "description": "室温で測定した薄膜60点の回折図形です。",
    "creators": ["山田 花子 (0000-0002-1825-0097)", "Taro Suzuki"],
    "keywords": ["薄膜", "XRD"],
    "licence": "CC BY 4.0",
}


def describe(owner: Any, card: Any, **more: Any) -> None:
    """Describe a dataset as its owner would; an empty value leaves one out."""
    for name, value in {**SAID, **more}.items():
        if value:
            description.set_value(owner, card.id, name, value)


def ready(owner: Any, card: Any, put: Any, **more: Any) -> Any:
    """A frozen version that no check has anything against."""
    describe(owner, card, **more)
    put(owner, card, {"a.csv": b"x,y\n1,2\n", "raw/b.txt": b"two"})
    datasets.set_label(owner, card, "personal", "no")
    datasets.freeze_version(owner, card.id)
    return datasets.get_dataset(owner, card.project, card.name)


class Registry:
    """The agency, and a node that works: what its worker would do happens when a test says so."""

    def __init__(self, service: DataCite, at: Any) -> None:
        self.service, self.at = service, at

    def work(self, *, for_s: float = 0, rounds: int = 1) -> None:
        """Let time pass, and do what waits in the queue of the room, as a worker would."""
        for _ in range(rounds):
            if for_s:
                self.at(clock.now() + dt.timedelta(seconds=for_s))
            publication.deliver_due()
            run_queued()


def run_queued() -> None:
    """Run the jobs of the room that wait, and those that they make."""
    for _ in range(20):
        rows = list(DBTaskResult.objects.filter(status="READY", task_path__startswith=tasks.__name__))
        if not rows:
            return
        for row in rows:
            row.delete()
            row.task.call(**row.args_kwargs["kwargs"])
    raise AssertionError("jobs make jobs without an end")


def states() -> dict[str, str]:
    """DOI -> state of what was last asked for it."""
    rows = OutsideEffect.objects.order_by("version").values_list("external_id", "state")
    return dict(rows)
