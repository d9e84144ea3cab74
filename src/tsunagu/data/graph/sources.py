"""Where claims come from: harvested records, our own published ones, datasets with what happened to them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable

from tsunagu.core import settings
from tsunagu.data.datasets import api as datasets
from tsunagu.data.discovery import api as discovery
from tsunagu.data.graph import records
from tsunagu.data.graph.claims import Key, Said, local, name_key
from tsunagu.data.harvesting import api as harvesting
from tsunagu.data.publication import api as publication
from tsunagu.foundation.runs import api as runs
from tsunagu.standards import api as standards

RECORD, PUBLICATION, DATASET = "record", "publication", "dataset"
_MOST_RUNS = 200
# What makes data of data or of nothing. Decisions about a dataset are no part of where it came from.
_MAKING = ("capture", "compute", "derive", "convert", "notebook", "push", "import")


def read(keys: Iterable[str]) -> dict[str, list[Said]]:
    """What sources say now, by their keys; nothing of what is gone or withdrawn."""
    found: dict[str, list[Said]] = {key: [] for key in keys}
    ids: dict[str, list[str]] = {RECORD: [], PUBLICATION: [], DATASET: []}
    for key in found:
        kind, _colon, own = key.partition(":")
        ids[kind].append(own)
    for record in harvesting.records(int(one) for one in ids[RECORD]):
        found[f"{RECORD}:{record.id}"].append(_harvested(record))
    for own in ids[PUBLICATION]:
        found[f"{PUBLICATION}:{own}"] += _published(own)
    for source in datasets.sources(ids[DATASET]):
        found[f"{DATASET}:{source.id}"] += _owned(source)
    return found


def _harvested(one: harvesting.FoundRecord) -> Said:
    return records.said(one.record, f"{RECORD}:{one.id}", label=one.source, url=_address(one.record))


def _address(record: standards.PublicRecord) -> str:
    if record.doi:
        return standards.address_of("DOI", record.doi)
    found = standards.normalised("URI", record.url)
    return record.url if found else ""


def _published(own: str) -> list[Said]:
    entry = publication.find_entry(own)
    if entry is None or entry.is_deleted:
        return []
    record = entry.record
    if not record.is_doi_registered:
        record = dataclasses.replace(
            record, doi=""
        )  # nobody is shown a DOI before its agency has confirmed it
    place = record.url.removeprefix(settings.current().control_address).removeprefix("/d/")
    said = records.said(
        record,
        f"{PUBLICATION}:{own}",
        label=place,
        url=record.url,
        base=record.url.rpartition("/v")[0],
        dataset_id=publication.dataset_of_record(own),
    )
    return [said]


def _owned(source: datasets.Source) -> list[Said]:
    """The last version for those who read; the draft, and what happened, for those who see the draft."""
    slug = f"{source.project}/{source.name}"
    url = f"{settings.current().control_address}/d/{slug}"
    made = []
    for face, needs_draft in ((source.frozen, False), (source.draft, True)):
        end = "draft" if needs_draft else "read"
        said = Said(f"{DATASET}:{source.id}/{end}", slug, url, source.id, needs_draft)
        main = _face(said, source, face)
        if needs_draft:
            _happened(said, source, main)
        made.append(said)
    return made


def _face(made: Said, source: datasets.Source, face: datasets.Face) -> Key:
    values = discovery.said_by(source, face)
    titles = discovery.titles_of(source, face, values) or (source.name,)
    main = made.add([local(f"{DATASET}:{source.id}")], "data", [(title, "") for title in titles])
    # By the name that stands in the dataset's address: its title is for those who may read the project.
    project = made.add([local(f"project:{source.project_id}")], "project", [(source.project, "")])
    made.link(main, "isPartOf", project)
    for relation, value in (("creator", "creators"), ("contributor", "contributors")):
        counts: dict[str, int] = {}
        for text in discovery.listed(values.get(value)):
            agent = standards.agent_named(text)
            key = standards.normalised("ORCID", agent.id) if agent.id else None
            if key is None:
                base = f"{DATASET}:{source.id}#{relation}/{name_key(agent.name) or agent.name}"
                counts[base] = counts.get(base, 0) + 1
                key = local(base if counts[base] == 1 else f"{base}/{counts[base]}")
            made.link(main, relation, made.add([key], "person", [(agent.name, "")]))
    return main


def _happened(made: Said, source: datasets.Source, main: Key) -> None:
    """The runs that made something of it, what they used, and who or what did them (PROV)."""
    for run in runs.of_dataset(source.id, limit=_MOST_RUNS, kinds=_MAKING):
        key = made.add([local(f"run:{run.id}")], "run", [(f"{run.kind} {run.started_at[:10]}", "en")])
        made.link(main, "wasGeneratedBy", key)
        for link in run.links:
            other = local(f"{DATASET}:{link.id}")
            if link.kind == "dataset" and link.direction == "in":
                made.link(key, "used", other)
            elif link.kind == "dataset":
                made.link(other, "wasGeneratedBy", key)
        if run.actor_kind in {"person", "instrument"} and run.actor_id:
            agent = made.add(
                [local(f"{run.actor_kind}:{run.actor_id}")], run.actor_kind, [(run.actor_name, "")]
            )
            made.link(key, "wasAssociatedWith", agent)


def all_keys(after: str = "", *, limit: int = 1000) -> tuple[list[str], str]:
    """Keys of every source there is, some at a time, and what continues the list; empty at its end."""
    kind, _colon, last = after.partition(":") if after else (RECORD, "", "0")
    if kind == RECORD:
        ids = harvesting.record_ids(after=int(last), limit=limit)
        return [f"{RECORD}:{one}" for one in ids], f"{RECORD}:{ids[-1]}" if ids else f"{DATASET}:0"
    if kind == DATASET:
        rows = datasets.source_ids(after=int(last), limit=limit)
        return [
            f"{DATASET}:{uid}" for _row, uid in rows
        ], f"{DATASET}:{rows[-1][0]}" if rows else f"{PUBLICATION}:"
    # The moment stands in the place: one that changes meanwhile must not take the place of the list along.
    moment, _space, uid = last.partition(" ")
    place = (dt.datetime.fromisoformat(moment), uid) if last else None
    entries = publication.harvest(since=None, until=None, after=place, limit=limit)
    found = [f"{PUBLICATION}:{one.id}" for one in entries]
    return found, f"{PUBLICATION}:{entries[-1].changed_at.isoformat()} {entries[-1].id}" if found else ""
