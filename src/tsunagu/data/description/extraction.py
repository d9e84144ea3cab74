"""Every file that arrives is read in a sandbox; what the reader says is kept beside what people say."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from tsunagu.core import clock, events, logs, settings
from tsunagu.core.errors import NotFoundError, TsunaguError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import sealing
from tsunagu.data.description.mappings import current_mapping, parsed
from tsunagu.data.description.models import Extraction, Fact, PreviewContent
from tsunagu.formats import api as formats
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

logger = logging.getLogger(__name__)

File = tuple[str, int, bytes]
Made = tuple[File, formats.Outcome]


class _AwayError(Exception):
    """The bytes of one file cannot be had now."""


class NotNowError(Exception):
    """Some files were left for another time; ``count`` were read."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


@functools.cache
def pool() -> formats.ExtractorPool:
    """The sandbox of this process; readers run at the lowest priority so that uploads never wait for them."""
    node = settings.current()
    limits = formats.Limits(wall_s=node.extract_timeout_s, memory_bytes=node.extract_memory_bytes)
    os.nice(max(0, 10 - os.nice(0)))
    return formats.ExtractorPool(limits=limits)


def read_files(
    actor: Actor,
    run_id: str,
    dataset_id: str,
    files: Sequence[File],
    *,
    again: bool = False,
    gives_up: bool = True,
) -> int:
    """Read files and keep what their readers say; doing it twice changes nothing.

    Args:
        actor: For whom: the node itself, or the person who asked to read again.
        run_id: Minted when the work was queued.
        dataset_id: The dataset.
        files: (path, byte count, sha256).
        again: Read contents that have a reading already.
        gives_up: What cannot be had now is unreadable; otherwise it is left for another time.

    Returns:
        How many contents were read.

    Raises:
        NotNowError: some were left for another time; what could be read is kept.
    """
    todo = _without_reading(dataset_id, files, again=again)
    if not todo:
        return _nothing_left(run_id)
    card = current_mapping()
    mapping = parsed(card.text)
    dataset = datasets.get_dataset_by_id(SYSTEM, dataset_id)
    try:
        places = storage.locate((file[2] for file in todo), dataset.domains)
    except storage.KeyDestroyedError:  # while the job waited
        return _nothing_left(run_id)
    runs.start(
        actor,
        "extract",
        run_id=run_id,
        dataset_id=dataset_id,
        parameters={"file_count": len(todo), "mapping": card.version, "is_again": again},
        links=[runs.Link("in", "dataset", dataset_id)],
    )
    made: list[Made] = []
    with logs.bind_run(run_id):
        for file in todo:
            with contextlib.suppress(_AwayError):
                outcome = _read_one(places.get(file[2]), file, dataset_id, gives_up=gives_up)
                made.append((file, mapping.apply(outcome)))
    _end(dataset_id, run_id, card.version, made)
    if len(made) < len(todo):
        raise NotNowError(len(made))
    return len(made)


def _end(dataset_id: str, run_id: str, mapping: str, made: Sequence[Made]) -> None:
    counts = Counter(outcome.status for _, outcome in made)
    links = [runs.Link("out", "extraction", sha256.hex(), path) for (path, _, sha256), _ in made[:50]]
    rows = _rows(dataset_id, run_id, mapping, made)
    with transaction.atomic():  # a worker killed between the two would leave a run that never ends
        _keep(dataset_id, rows, made)
        runs.finish(
            run_id,
            runs.Outcome.OK,
            parameters={f"{status}_count": n for status, n in counts.items()},
            links=links,
        )


def _nothing_left(run_id: str) -> int:
    """End the run of a worker that was killed and whose files another run has read since."""
    with contextlib.suppress(NotFoundError):  # it never began
        runs.finish(run_id, runs.Outcome.OK)
    return 0


def _without_reading(dataset_id: str, files: Sequence[File], *, again: bool) -> list[File]:
    unique = list({file[2]: file for file in files}.values())
    if again:
        return unique
    known = Extraction.objects.filter(
        dataset_id=dataset_id, is_current=True, sha256__in=[file[2] for file in unique]
    ).values_list("sha256", flat=True)
    have = {bytes(sha256) for sha256 in known}
    return [file for file in unique if file[2] not in have]


def _read_one(
    place: storage.Location | None, file: File, dataset_id: str, *, gives_up: bool
) -> formats.Outcome:
    if place is None:
        return formats.Outcome("unreadable", reason="The stored bytes are gone.")
    try:
        with storage.as_file(place) as path:
            # Files of one dataset may share a process: who can send one can replace the others anyway.
            return pool().extract(
                path, name=file[0].rpartition("/")[2], sha256=file[2].hex(), group=dataset_id
            )
    except storage.TooLargeSealedError as error:
        return formats.Outcome("unreadable", reason=error.message, reason_code="sealed_too_large")
    except (OSError, TsunaguError) as error:
        logger.warning("bytes_not_readable", extra={"sha256": file[2].hex()}, exc_info=True)
        if not gives_up and isinstance(error, storage.AWAY) and not isinstance(error, storage.LOST):
            raise _AwayError from error
        said = error.strerror if isinstance(error, OSError) else str(error)
        return formats.Outcome("unreadable", reason=f"The stored bytes could not be read: {said}.")


def _rows(dataset_id: str, run_id: str, mapping: str, made: Sequence[Made]) -> list[Extraction]:
    """What readers said, to be kept, with the pictures that they drew stored."""
    blobs = [outcome.blobs() for _, outcome in made]
    pictures = [picture for named in blobs for picture in named.values()]
    # It may have been sealed while its files were read: a preview must not lie plainer than what it shows.
    domain = datasets.get_dataset_by_id(SYSTEM, dataset_id).key_domain
    hashes = iter(storage.put_pack(pictures, domain))
    now = clock.now()
    rows = []
    for (file, outcome), named in zip(made, blobs, strict=True):
        plain = outcome.as_json()
        places = {name: next(hashes).hex() for name in named}
        previews = plain["reading"].pop("previews")
        for preview in previews:
            if preview["kind"] == "image":
                preview["sha256"] = places[preview.pop("png")]
        row = Extraction(
            dataset_id=dataset_id,
            sha256=file[2],
            path=file[0],
            reader=outcome.reader or "",
            reader_version=outcome.reader_version or "",
            mapping_version=mapping,
            status=outcome.status,
            reason=outcome.reason or "",
            reason_code=outcome.reason_code or "",
            outcome=zlib.compress(json.dumps(plain, ensure_ascii=False).encode(), 1),
            previews=previews,
            run_id=run_id,
            made_at=now,
        )
        rows.append(sealing.hide(row, domain))
    return rows


def _keep(dataset_id: str, rows: Sequence[Extraction], made: Sequence[Made]) -> None:
    with transaction.atomic():
        Extraction.objects.filter(
            dataset_id=dataset_id, is_current=True, sha256__in=[file[2] for file, _ in made]
        ).update(is_current=False)
        Fact.objects.filter(
            extraction__in=Extraction.objects.filter(
                dataset_id=dataset_id, is_current=False, sha256__in=[file[2] for file, _ in made]
            )
        ).delete()
        Extraction.objects.bulk_create(rows)
        PreviewContent.objects.bulk_create(
            PreviewContent(extraction=row, sha256=bytes.fromhex(preview["sha256"]))
            for row in rows
            for preview in row.previews
            if preview.get("kind") == "image"  # previews of what is sealed are hidden, and nobody else's
        )
        Fact.objects.bulk_create(
            fact for row, (_, outcome) in zip(rows, made, strict=True) for fact in _facts(row, outcome)
        )
        events.record("description.read", dataset_id=dataset_id)


def _facts(row: Extraction, outcome: formats.Outcome) -> list[Fact]:
    facts = []
    for field in outcome.reading.fields:
        if not field.name or field.personal:
            continue
        value = field.normal_value if field.normal_value is not None else field.value
        unit = field.normal_unit or field.unit or ""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        facts.append(
            Fact(
                extraction=row,
                dataset_id=row.dataset_id,
                name=field.name,
                text=str(value)[:500],
                number=float(str(value)) if is_number else None,
                unit=unit[:50],
            )
        )
    return facts


def outcome_of(row: Extraction) -> dict[str, Any]:
    """The whole outcome of a reading as JSON values; previews lie beside it in the row."""
    outcome: dict[str, Any] = json.loads(zlib.decompress(sealing.shown_outcome(row)))
    outcome["reading"]["previews"] = []
    return outcome


def files_of(dataset_id: str) -> list[File]:
    """Every file of the draft, for reading again."""
    card = datasets.get_dataset_by_id(SYSTEM, dataset_id)
    return [(file.path, file.byte_count, file.sha256) for file in datasets.all_files(card, card.draft_number)]


def reading_row(dataset_id: str, sha256: bytes) -> Extraction:
    """The current reading of a content.

    Raises:
        NotFoundError: it has not been read yet.
    """
    row = Extraction.objects.filter(dataset_id=dataset_id, sha256=sha256, is_current=True).first()
    if row is None:
        raise NotFoundError("This file has not been read yet.")
    return row
