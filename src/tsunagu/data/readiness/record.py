"""A frozen version as the record that standards are made from."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tsunagu import __version__
from tsunagu.core import settings
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.readiness import stores
from tsunagu.data.readiness.errors import TooManyFilesError
from tsunagu.formats import api as formats
from tsunagu.foundation.identity.api import ANONYMOUS, Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.standards import api as standards

MOST_FILES = 20_000
_PAGE = 1000
_MOST_RUNS = 500
_ADDRESS = re.compile(r"https://[^\s<>\"'{}|\\^`]+")
_DELIMITERS = {word: sign for sign, word in formats.DELIMITERS.items()}
_MOST_SKIPPED = 1000  # lines above a table that a dialect names one by one
# The system's table does not know these, and it differs from machine to machine.
_MEDIA_TYPES = {
    "parquet": "application/x-parquet",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "jsonl": "application/jsonlines",
    "h5": "application/x-hdf5",
    "hdf5": "application/x-hdf5",
    "nxs": "application/x-hdf5",
    "nc": "application/x-netcdf",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "txt": "text/plain",
    "md": "text/markdown",
    "json": "application/json",
    "yaml": "application/yaml",
    "yml": "application/yaml",
}


def croissant(actor: Actor, card: datasets.DatasetCard, version: int) -> dict[str, Any]:
    """Croissant 1.1 of a frozen version.

    Raises:
        NotFoundError: the actor may not read it.
        NoSuchVersionError: there is none of that number.
        TooManyFilesError: it holds more than 20,000 files.
    """
    return standards.to_croissant(_record(actor, card, version))


def ro_crate(
    actor: Actor, card: datasets.DatasetCard, version: int, *, is_attached: bool = False
) -> dict[str, Any]:
    """RO-Crate 1.2 of a frozen version; ``is_attached``: the files lie beside the document. Raises the same."""
    record = _record(actor, card, version, has_runs=True)
    return standards.to_ro_crate(record, is_attached=is_attached)


def data_package(actor: Actor, card: datasets.DatasetCard, version: int) -> dict[str, Any]:
    """Frictionless Data Package 2.0 of a frozen version. Raises the same."""
    return standards.to_data_package(_record(actor, card, version))


def schema_org(
    actor: Actor,
    card: datasets.DatasetCard,
    version: int,
    *,
    documents: tuple[tuple[str, str], ...] = (),
    most_files: int = 0,
) -> dict[str, Any]:
    """schema.org Dataset of a frozen version. Raises the same.

    Args:
        actor: Who asks.
        card: The dataset.
        version: Its number.
        documents: Address and media type of other documents about the version.
        most_files: Name that many files and leave out the others, so that a page stays small; 0: all.
    """
    record = _record(actor, card, version, most_files=most_files)
    return standards.to_schema_org(record, documents=documents)


def _record(
    actor: Actor, card: datasets.DatasetCard, number: int, *, has_runs: bool = False, most_files: int = 0
) -> standards.Record:
    version = datasets.get_version(card, datasets.resolve_version(actor, card, number))
    if not most_files and version.file_count > MOST_FILES:
        raise TooManyFilesError(files=version.file_count, most=MOST_FILES)
    said = _said(version.described)
    licence = said.get("licence", "")
    known = standards.known_licence(licence)
    title, title_ja, title_en = (said.get(name, "") for name in ("title", "title_ja", "title_en"))
    name = title or title_ja or title_en or card.title or card.slug
    others = [one for one in (title_ja, title_en) if one and one != name]
    node = settings.current()
    is_free = bool(policy.decide(ANONYMOUS, "dataset.read", card.resource))
    files = _files(actor, card, version, most_files)
    return standards.Record(
        id=f"{node.control_address}/d/{card.slug}?version={version.number}",
        slug=card.slug,
        name=name,
        other_name=others[0] if others else "",
        language="en" if name.isascii() else "ja",
        description=said.get("description", ""),
        licence=known.name if known else licence or "No licence was named: ask the owners of the data.",
        licence_url=known.url if known else licence if _ADDRESS.fullmatch(licence) else "",
        published_at=version.frozen_at,
        created_at=card.created_at,
        version=version.number,
        version_hash=version.version_hash,
        publisher=standards.Agent(node.node_name, node.control_address, "Organization"),
        creators=_creators(version.described),
        keywords=_list(version.described.get("keywords")),
        files=files,
        stores=stores.described(actor, card, version, [one.path for one in files]),
        sources=_sources(actor, card),
        happenings=_happenings(actor, card, version) if has_runs else (),
        terms=tuple(ai_use.to_croissant(ai_use.terms_of(card).terms)["usageInfo"]),
        personal=_personal(card),
        is_free=is_free,
        conditions=_conditions(card, is_free=is_free),
    )


def _conditions(card: datasets.DatasetCard, *, is_free: bool) -> str:
    if is_free:
        return "Open: everyone may read frozen versions, without signing in. Use by AI has terms of its own."
    if card.embargo_until:
        return f"Closed until {card.embargo_until}; before that, ask its owners."
    if card.access == policy.Access.SHARED:
        return "Shared: everyone signed in at this node may read frozen versions; others ask its owners."
    return "Closed: ask its owners."


def _said(described: Mapping[str, Any]) -> dict[str, str]:
    values = {name: found.get("value") for name, found in described.items() if isinstance(found, dict)}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _list(found: Any) -> tuple[str, ...]:
    value = found.get("value") if isinstance(found, dict) else None
    if isinstance(value, str):
        value = value.replace("、", ",").split(",")
    return tuple(str(one).strip() for one in value if str(one).strip()) if isinstance(value, list) else ()


def _creators(described: Mapping[str, Any]) -> tuple[standards.Agent, ...]:
    return tuple(standards.agent_named(name) for name in _list(described.get("creators")))


def _files(
    actor: Actor, card: datasets.DatasetCard, version: datasets.VersionRef, most: int
) -> tuple[standards.FileEntry, ...]:
    found: list[standards.FileEntry] = []
    # The address asks the guard for use by AI before it hands out a byte.
    base = f"{settings.current().control_address}/datasets/{card.slug}/resolve/{version.version_hash[:40]}"
    after = ""
    while True:
        page = datasets.list_files(actor, card, version=version.number, after=after, limit=most or _PAGE)
        hashes = [one.sha256 for one in page.files]
        outcomes = description.outcomes(card, hashes, readers=("parquet", "csv"))
        for file in page.files:
            ending = file.name.rpartition(".")[2].lower()
            found.append(
                standards.FileEntry(
                    file.path,
                    f"{base}/{quote(file.path)}",
                    file.byte_count,
                    file.sha256.hex(),
                    _MEDIA_TYPES.get(ending)
                    or mimetypes.guess_type(file.name)[0]
                    or "application/octet-stream",
                    _table(outcomes.get(file.sha256)),
                )
            )
        after = page.after
        if not after or most:
            return tuple(found)


def _table(outcome: Mapping[str, Any] | None) -> standards.Table | None:
    reading = outcome["reading"] if outcome else {}
    tables = reading.get("tables")
    if not outcome or not tables:
        return None
    layout = None
    if outcome["reader"] == "csv":
        layout = _layout({field["key"]: field["value"] for field in reversed(reading["fields"])})
        if layout is None:
            return None
    columns = tuple(
        standards.Column(one["name"], one["type"], one.get("unit") or "", one.get("description") or "")
        for one in tables[0]["columns"]
        if one["type"] != "binary" or one["name"] == "image"
    )
    return standards.Table(columns, tables[0].get("row_count"), layout)


def _layout(said: Mapping[str, Any]) -> standards.TextLayout | None:
    """Where the table stands in a text, from what the reader noted; None where others could not read it so."""
    delimiter = _DELIMITERS.get(str(said.get("delimiter")))
    first = said.get("first data line")
    if delimiter is None or not isinstance(first, int) or first > _MOST_SKIPPED:
        return None
    encoding = str(said.get("encoding", "utf-8")).removesuffix("-sig")
    return standards.TextLayout(
        delimiter, first - 1, encoding, str(said.get("decimal sign", ".")), formats.NULL_WORDS
    )


def _sources(actor: Actor, card: datasets.DatasetCard) -> tuple[standards.Related, ...]:
    names = datasets.visible_names(actor, runs.sources_of(card.id))
    return tuple(
        standards.Related(name, f"{settings.current().control_address}/d/{name}") for name in names.values()
    )


def _happenings(
    actor: Actor, card: datasets.DatasetCard, version: datasets.VersionRef
) -> tuple[standards.Happening, ...]:
    """What made the version, for those who may see the draft: others do not see runs either."""
    if not policy.decide(actor, "dataset.read_draft", card.resource):
        return ()
    several = runs.of_dataset(
        card.id, limit=_MOST_RUNS, kinds=("capture", "compute", "freeze", "import", "derive")
    )
    before = [
        run
        for run in several
        # A compute run ends with the freezing of what it made, a moment later.
        if run.ended_at
        and (run.ended_at <= version.frozen_at or version.version_hash in {link.id for link in run.links})
    ]
    address = settings.current().control_address
    found = []
    for run in datasets.visible_links(actor, card, before):
        used = tuple(
            standards.Related(link.label.partition("@")[0], f"{address}/d/{link.label.partition('@')[0]}")
            for link in run.links
            if link.direction == "in" and link.kind == "dataset" and link.label
        )
        kind = "IndividualProduct" if run.actor_kind == "instrument" else "Person"
        agent = standards.Agent(run.actor_name or run.actor_kind, kind=kind)
        software = str(run.software.get("client") or f"Tsunagu {run.software.get('tsunagu', __version__)}")
        found.append(
            standards.Happening(
                run.id, run.kind, agent, run.started_at, run.ended_at or "", run.outcome, software, used,
                **(_computed(run) if run.kind == "compute" else {}),
                workflow=_followed(run, {one.name for one in used}),
            )
        )  # fmt: skip
    return tuple(found)


_MEASURED = {
    "cpu_s": "s",
    "duration_s": "s",
    "peak_memory_bytes": "byte",
    "input_bytes": "byte",
    "exit_code": "",
}
_LIMITS = {"cores": "", "memory_bytes": "byte", "duration_s": "s", "disk_bytes": "byte"}


def _computed(run: runs.RunCard) -> dict[str, Any]:
    """What only a compute run has: its command and parameters, what it took, and under which conditions."""
    said = run.parameters
    limits, host = said.get("limits", {}), said.get("host", {})
    conditions = [
        *(
            standards.Quantity(f"limit {name}", limits[name], unit)
            for name, unit in _LIMITS.items()
            if name in limits
        ),
        *(standards.Quantity(f"host {name}", value) for name, value in host.items()),
        *([standards.Quantity("environment sha256", said["environment"])] if "environment" in said else []),
    ]
    return {
        "description": said.get("title") or " ".join(said.get("command", ())),
        "error": run.reason,
        "parameters": tuple(
            standards.Quantity(f"parameter {name}", value)
            for name, value in said.get("parameters", {}).items()
        ),
        "resource_usage": tuple(
            standards.Quantity(name, said[name], unit)
            for name, unit in _MEASURED.items()
            if said.get(name) is not None
        ),
        "environment": tuple(conditions),
    }


def _followed(run: runs.RunCard, seen: set[str]) -> standards.Workflow | None:
    """The document that a run followed; None: there is none, or the asker may not see its dataset."""
    said = run.parameters.get("workflow")
    if not said or said["place"] not in seen:
        return None
    place = f"{settings.current().control_address}/datasets/{said['place']}/resolve/{said['version']}"
    inputs = {name: one["type"] for name, one in said["inputs"].items()}
    return standards.Workflow(f"{place}/{quote(said['path'])}", said["name"], said["language"], inputs)


def _personal(card: datasets.DatasetCard) -> str:
    labels = policy.labels_of([card.id]).get(card.id, policy.Labels())
    level = policy.LEVELS["personal"][labels.levels["personal"]]
    return "" if level == "undecided" else f"Personal information: {level}."
