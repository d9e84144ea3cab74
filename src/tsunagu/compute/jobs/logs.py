"""What jobs print: kept piece by piece, sealed where the outputs are, gone with the data that it may quote."""

from __future__ import annotations

from tsunagu.compute.jobs.models import Job, LogPiece
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.storage import api as storage


def keep(run_id: str, offset: int, piece: bytes) -> None:
    """Keep a piece; the same piece again changes nothing.

    Raises:
        KeyDestroyedError, KeyMissingError: the outputs are sealed and their key is gone.
    """
    output = datasets.get_dataset_by_id(
        SYSTEM, Job.objects.values_list("output_id", flat=True).get(pk=run_id)
    )
    domain = output.key_domain
    content = storage.seal_note(domain, piece, _subject(run_id, offset)) if domain else piece
    LogPiece.objects.get_or_create(
        job_id=run_id,
        offset=offset,
        defaults={"content": content, "byte_count": len(piece), "key_domain": domain},
    )


def read(run_id: str, offset: int, *, most: int) -> bytes:
    """What follows an offset that an earlier read ended at, up to about ``most`` bytes.

    Raises:
        KeyDestroyedError, KeyMissingError: it is sealed and its key is gone.
    """
    content = b""
    for piece in LogPiece.objects.filter(job_id=run_id, offset__gte=offset).order_by("offset").iterator():
        kept = bytes(piece.content)
        if piece.key_domain:
            kept = storage.open_note(piece.key_domain, kept, _subject(run_id, piece.offset))
        content += kept
        if len(content) >= most:
            break
    return content


def drop(dataset_id: str) -> None:
    """Remove what jobs printed that read a dataset or wrote to it: it may quote what was destroyed."""
    jobs = Job.objects.filter(inputs__dataset_id=dataset_id).values("pk")
    LogPiece.objects.filter(job__in=jobs).delete()
    LogPiece.objects.filter(job__output_id=dataset_id).delete()


def _subject(run_id: str, offset: int) -> bytes:
    return f"log:{run_id}:{offset}".encode()
