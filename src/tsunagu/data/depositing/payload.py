"""What is sent: a zip that is a BagIt bag (RFC 8493), with the crate and the files in ``data/``.

It is built as a file without a name on the node's disk, piece by piece from the store; two builds of the same version give
the same bytes. Files go along only where anybody may have them, are not sealed, and fit.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mimetypes
import re
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from tsunagu.core import settings
from tsunagu.core.errors import TsunaguError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.depositing.repositories import Repository
from tsunagu.data.publication import api as publication
from tsunagu.foundation.identity.api import ANONYMOUS, SYSTEM
from tsunagu.foundation.storage import api as storage
from tsunagu.standards import api as standards

CRATE = "ro-crate-metadata.json"
MANIFEST = "file-manifest.json"
MOST_FILES = 1000
_PIECE = 1 << 20
# Headers of the zip, manifests and the crate's entity of a file with a long name.
_EACH, _REST = 4096, 1 << 20
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,149}")
_BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class BrokenContentError(TsunaguError):
    """A file of the version is not in the store as it was frozen."""

    code = "depositing.broken_content"
    default_message = "A file of the version cannot be read as it was frozen, so nothing was sent."
    default_remedy = "tsunagu verify finds which; restore it from a copy, then try again."


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload as a file; ``sha256`` is of the whole zip."""

    file: IO[bytes]
    name: str
    byte_count: int
    sha256: bytes
    has_files: bool

    def pieces(self) -> Iterator[bytes]:
        """Its bytes from the start."""
        self.file.seek(0)
        while piece := self.file.read(_PIECE):
            yield piece


@contextlib.contextmanager
def built(
    repository: Repository, place: str, number: int, *, most_bytes: int, leaves_files_out: bool = False
) -> Iterator[Payload]:
    """The payload of a publication as it is now.

    Args:
        repository: Where it goes.
        place: ``PROJECT/DATASET``.
        number: The version.
        most_bytes: What the repository takes; a larger one is sent without files, with a link to them.
        leaves_files_out: Send it without files in any case.

    Raises:
        NoPublicationError: nothing of the version is public any more.
        BrokenContentError: a file is not as it was frozen.
    """
    shown = publication.landing(place, number)
    if shown.is_withdrawn or shown.moved_to:
        raise publication.NoPublicationError
    files = [] if leaves_files_out else _files(shown, most_bytes)
    wish = standards.WekoWish(repository.publish_status, repository.index, repository.grants_doi)
    folder = settings.current().home / "tmp"
    folder.mkdir(exist_ok=True)
    # Without a name, so that a worker that is killed here leaves nothing behind.
    with tempfile.TemporaryFile(dir=folder) as file:
        _write(file, shown, files, wish)
        byte_count = file.tell()
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").digest()
        name = f"{place.replace('/', '-')}-v{number}.zip"
        yield Payload(file, name, byte_count, digest, bool(files))


def _files(shown: publication.Landing, most_bytes: int) -> list[datasets.FileCard]:
    """The files that may go along; nothing where one of them may not."""
    expected = shown.byte_count + shown.file_count * _EACH + _REST
    if not shown.is_free or not shown.file_count or shown.file_count > MOST_FILES or expected > most_bytes:
        return []
    project, _, name = shown.place.partition("/")
    card = datasets.get_dataset(SYSTEM, project, name)
    if card.key_domain or card.seal_state:
        return []  # a sealed file would lie open on the disk here
    # As any stranger: the list asks the rules itself.
    page = datasets.list_files(ANONYMOUS, card, version=shown.number, limit=MOST_FILES)
    return list(page.files)


def flat_names(paths: list[str]) -> dict[str, str]:
    """Path -> the name under which a file lies in the payload: WEKO knows no folders, and encodes what is not ASCII.

    Names that are plain stay; others get a mark made of their path, so that no two meet.
    """
    found, taken = {}, {CRATE, MANIFEST}
    for path in paths:
        name = path
        if not _PLAIN.fullmatch(path) or path.lower() in taken:
            stem, dot, ending = path.replace("/", "__").rpartition(".")
            if not dot or not re.fullmatch(r"[A-Za-z0-9]{1,10}", ending):
                stem, dot, ending = path.replace("/", "__"), "", ""
            mark = hashlib.sha256(path.encode()).hexdigest()[:12]
            plain = re.sub(r"[^A-Za-z0-9._-]+", "_", stem).strip("._-")[:100] or "file"
            name = f"{plain}-{mark}{dot}{ending}"
        found[path] = name
        taken.add(name.lower())
    return found


def _write(
    file: IO[bytes],
    shown: publication.Landing,
    files: list[datasets.FileCard],
    wish: standards.WekoWish,
) -> None:
    names = flat_names([one.path for one in files])
    entries = [
        standards.DepositedFile(
            names[one.path], one.path, one.byte_count, one.sha256.hex(), _media_type(one.path)
        )
        for one in files
    ]
    documents = {}
    if entries:
        listed = [
            {"name": one.name, "path": one.path, "byte_count": one.byte_count, "sha256": one.sha256}
            for one in entries
        ]
        content = documents[MANIFEST] = _json({"version": shown.record.url, "files": listed})
        entries.append(
            standards.DepositedFile(
                MANIFEST, MANIFEST, len(content), hashlib.sha256(content).hexdigest(), "application/json"
            )
        )
    links = [] if entries else [shown.record.url]
    documents[CRATE] = _json(standards.to_weko_crate(shown.record, entries, wish, links=links))
    places = storage.locate({one.sha256 for one in files})
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for one in files:
            _copy(archive, names[one.path], one, places)
        for name, content in documents.items():
            _put(archive, f"data/{name}", content)
        sums = {names[one.path]: one.sha256.hex() for one in files}
        sums |= {name: hashlib.sha256(content).hexdigest() for name, content in documents.items()}
        count = sum(one.byte_count for one in files) + sum(map(len, documents.values()))
        _tags(archive, sums, count, shown)


def _copy(
    archive: zipfile.ZipFile, name: str, file: datasets.FileCard, places: dict[bytes, storage.Location]
) -> None:
    if file.sha256 not in places:
        raise BrokenContentError(path=file.path)
    digest = hashlib.sha256()
    info = zipfile.ZipInfo(f"data/{name}", _LONG_AGO)
    with archive.open(info, "w", force_zip64=True) as target:
        for piece in storage.read_pieces(places[file.sha256]):
            digest.update(piece)
            target.write(piece)
    if digest.digest() != file.sha256:
        raise BrokenContentError(path=file.path)


def _tags(
    archive: zipfile.ZipFile, sums: dict[str, str], byte_count: int, shown: publication.Landing
) -> None:
    info = {
        "Source-Organization": shown.institution.name_en,
        "External-Identifier": shown.record.url,
        "Internal-Sender-Identifier": f"urn:tsunagu:version:{shown.version_hash}",
        "Payload-Oxum": f"{byte_count}.{len(sums)}",
    }
    tags = {
        "bagit.txt": _BAGIT,
        "bag-info.txt": "".join(
            f"{name}: {' '.join(said.split())}\n" for name, said in info.items()
        ).encode(),
        "manifest-sha256.txt": "".join(
            f"{one}  data/{name}\n" for name, one in sorted(sums.items())
        ).encode(),
    }
    lines = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in tags.items())
    for name, content in {**tags, "tagmanifest-sha256.txt": "".join(lines).encode()}.items():
        _put(archive, name, content)


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), content)


def _json(found: object) -> bytes:
    return json.dumps(found, ensure_ascii=False, indent=1).encode()


def _media_type(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "application/octet-stream"
