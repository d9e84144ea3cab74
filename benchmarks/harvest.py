"""A full harvest of 100,000 records in jpcoar_2.0 by Sickle from a running node, beside making the same XML in memory.

The limit makes the same elements as a tree of lxml and serialises it, in one process, without a database, a rule, a page or a
connection: what a provider does that writes XML by a library. Our own writer in memory stands beside it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree
from sickle import Sickle
from tests.harvest_world import a_record

from benchmarks import kit, measure
from tsunagu.standards import api as standards

COUNT = 100_000
ROUNDS = 5


def main(count: int = COUNT) -> None:
    """Run it."""
    load = os.getloadavg()[0]
    with kit.fresh_node({"TSUNAGU_WORKERS": "0"}) as node:
        environment = {
            **node.environment,
            "TSUNAGU_HOME": str(node.home),
            "DJANGO_SETTINGS_MODULE": "tsunagu.config.settings",
        }
        command = [kit.PYTHON, "-c", f"from benchmarks import harvest; harvest.seed({count})"]
        subprocess.run(command, check=True, env=environment, cwd=kit.ROOT)
        first = harvested(f"{node.url}/oai", count)
        contestants: dict[str, Callable[[int], float]] = {
            "Sickle from the node": lambda _number: harvested(f"{node.url}/oai", count),
            "lxml in memory": lambda number: by_lxml(count, number),
            "our writer in memory": lambda number: by_writer(count, number),
        }
        rates = measure.alternate(contestants, rounds=ROUNDS, warm_up=False)
    rows = [
        measure.Row("Sickle from the node", "ours", rates["Sickle from the node"]),
        measure.Row("Sickle from the node, the first time", "ours", [first], "nothing is warm"),
        measure.Row("lxml in memory", "limit", rates["lxml in memory"]),
        measure.Row("our writer in memory", "limit", rates["our writer in memory"]),
    ]
    goals = [
        measure.Goal("records a second", rows[0].median, 2000),
        measure.Goal("records a second, the first time", first, 2000),
        measure.Goal("times as fast as lxml in memory", rows[0].median / rows[2].median, 0.5),
    ]
    notes = [
        "Ours is the whole way: rows of SQLite, records, rules, pages of 200, HTTP with gzip, and Sickle's parsing of it on the same cores.",
        "The limits make the same elements of records that stand in memory; a tenth of the records, scaled.",
    ]
    measure.finish(
        "harvest", f"Harvest {count:,} records (OAI-PMH, jpcoar_2.0)", "records/s", rows, goals, notes, load
    )


def harvested(address: str, count: int) -> float:
    """Records a second of a whole harvest, each of which must come with its metadata."""
    start = time.perf_counter()
    found = sum(
        1
        for record in Sickle(address, timeout=60).ListRecords(metadataPrefix="jpcoar_2.0")
        if not record.deleted
    )
    assert found == count, found
    return count / (time.perf_counter() - start)


def by_lxml(count: int, number: int) -> float:
    """Records a second of the same elements made by lxml."""
    plans = [
        _plan(etree.fromstring(standards.to_jpcoar(a_record(number * 100 + index)))) for index in range(100)
    ]
    start = time.perf_counter()
    for index in range(count // 10):
        etree.tostring(_tree(plans[index % 100]), encoding="UTF-8")
    return count / 10 / (time.perf_counter() - start)


def by_writer(count: int, number: int) -> float:
    """Records a second of our own writer."""
    records = [a_record(number * 100 + index) for index in range(100)]
    start = time.perf_counter()
    for index in range(count // 10):
        standards.to_jpcoar(records[index % 100])
    return count / 10 / (time.perf_counter() - start)


Plan = tuple[str, dict[str, str], str | None, list["Plan"], dict[str | None, str]]


def _plan(element: Any) -> Plan:
    children = [_plan(child) for child in element]
    return element.tag, dict(element.attrib), element.text, children, dict(element.nsmap)


def _tree(plan: Plan) -> Any:
    tag, attributes, text, children, spaces = plan
    root = etree.Element(tag, attributes, nsmap=spaces)
    root.text = text
    _fill(root, children)
    return root


def _fill(parent: Any, children: list[Plan]) -> None:
    for tag, attributes, text, inside, _spaces in children:
        child = etree.SubElement(parent, tag, attributes)
        child.text = text
        _fill(child, inside)


def seed(count: int) -> None:
    """Published rows in a node's database, a hundred a second, as the room writes them."""
    import django

    django.setup()
    import datetime as dt

    from django.db import transaction

    from tsunagu.data.publication import ready
    from tsunagu.data.publication import record as records
    from tsunagu.data.publication.models import Institution, Publication

    moment = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
    institution, _ = Institution.objects.get_or_create(
        name="tohoku", defaults={"name_ja": "東北大学", "name_en": "Tohoku University", "made_at": moment}
    )

    def rows(start: int, stop: int) -> Iterator[Publication]:
        for number in range(start, stop):
            at = moment + dt.timedelta(seconds=number // 100)
            record = a_record(number, id=f"{number:026d}")
            yield Publication(
                uid=record.id, dataset_id=f"{number:026d}", project_id="p", place=f"lab/set{number}", number=1,
                version_hash="0" * 64, institution=institution, state="published", access="open", requested_by="x",
                requested_at=at, changed_at=at, published_at=at, record=records.to_json(record), harvest_at=at, ready=ready.written(record),
            )  # fmt: skip

    for start in range(0, count, 5000):
        with transaction.atomic():
            Publication.objects.bulk_create(rows(start, min(start + 5000, count)), batch_size=500)


if __name__ == "__main__":
    main()
