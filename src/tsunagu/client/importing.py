"""What others made, made ready for a push: a crate (folder or ZIP) that is checked, a record, the record of a DOI.

Nothing that an archive says is believed: names stay inside the folder, sizes are what was announced, hashes are those that
the crate names.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import stat
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin

from tsunagu.client.errors import UnreachableError, UsageError
from tsunagu.client.messages import text
from tsunagu.client.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tsunagu.standards.api import CrateFile

DOCUMENT = "ro-crate-metadata.json"
RESOLVER = "https://doi.org"
_FORMS = "application/vnd.datacite.datacite+xml"
_RECORD_NAME = "datacite.xml"
_MOST_MEMBERS = 1_000_000
_MOST_RECORD = 32 << 20
_MOST_STEPS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_PIECE = 1 << 20
_BAD_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_RECORD_ENDINGS = (".xml", ".json")


@dataclass(frozen=True)
class Made:
    """What is to be pushed.

    Attributes:
        folder: Where it lies.
        kind: ``crate``, ``record`` or ``doi``.
        file_count: Files that the crate describes.
        problems: Path and key of the message about it: files that are not as the crate says.
    """

    folder: str
    kind: str
    file_count: int = 0
    problems: tuple[tuple[str, str], ...] = ()


@contextlib.contextmanager
def made_ready(source: str, *, resolver: str = RESOLVER) -> Iterator[Made]:
    """A folder with what a source holds; temporary ones are gone afterwards.

    Args:
        source: A folder or ZIP with a crate, a file with a record, or a DOI.
        resolver: Who is asked for the record of a DOI.

    Raises:
        UsageError: the source is none of these, or cannot be taken as it is.
        UnreachableError: nobody answered for the DOI.
    """
    from tsunagu.standards.api import doi_of

    path = Path(source)
    if path.is_dir():
        yield _crate_in(path)
        return
    with tempfile.TemporaryDirectory(prefix="tsunagu-import-") as folder:
        if path.is_file() and zipfile.is_zipfile(path):
            _unpack(path, Path(folder))
            yield _crate_in(Path(folder))
        elif path.is_file() and path.name.lower().endswith(_RECORD_ENDINGS):
            shutil.copyfile(path, Path(folder) / path.name)
            yield Made(folder, "record")
        elif doi := doi_of(source):
            (Path(folder) / _RECORD_NAME).write_bytes(_fetched(doi, resolver))
            yield Made(folder, "doi")
        else:
            raise UsageError(text("import_no_source", source=source), remedy=text("import_no_source_remedy"))


def _crate_in(folder: Path) -> Made:
    """The crate in a folder: on top, in its only folder, or as the payload of a bag."""
    from tsunagu.standards.api import UnreadableCrateError, from_ro_crate

    only = [one for one in folder.iterdir() if one.is_dir()]
    tops = [folder, *(only if len(only) == 1 else [])]
    places = [one for top in tops for one in (top, top / "data") if (one / DOCUMENT).is_file()]
    if not places:
        raise UsageError(text("import_no_crate", name=DOCUMENT), remedy=text("import_no_crate_remedy"))
    root = places[0]
    try:
        files = from_ro_crate((root / DOCUMENT).read_bytes()).files
    except UnreadableCrateError as error:
        raise UsageError(error.message, remedy=text("import_no_crate_remedy")) from error
    found = ((one.path, _differs(root, one)) for one in files)
    return Made(str(root), "crate", len(files), tuple((path, why) for path, why in found if why))


def _differs(root: Path, said: CrateFile) -> str:
    """Which word of the crate is not true of a file; empty where all are."""
    parts = PurePosixPath(said.path).parts
    path = root.joinpath(*parts)
    if ".." in parts or not path.is_file():
        return "missing"
    if said.byte_count is not None and path.stat().st_size != said.byte_count:
        return "other_size"
    if said.sha256 and _sha256(path) != said.sha256:
        return "other_hash"
    return ""


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _unpack(source: Path, folder: Path) -> None:
    """Every member as a plain file below the folder; an archive that wants anything else is refused whole."""
    try:
        with zipfile.ZipFile(source) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            _judge(members, folder)
            for member in members:
                target = folder.joinpath(*PurePosixPath(member.filename).parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as packed, target.open("xb") as file:
                    shutil.copyfileobj(packed, file, _PIECE)
    except (*_BAD_ZIP, FileExistsError, NotADirectoryError) as error:
        raise UsageError(
            text("import_bad_zip", path=str(source), why=str(error)), remedy=text("import_bad_zip_remedy")
        ) from error


def _judge(members: list[zipfile.ZipInfo], folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    size = sum(one.file_size for one in members)
    if len(members) > _MOST_MEMBERS or size > free:
        raise UsageError(
            text("import_too_big", bytes=f"{size:,}", free=f"{free:,}"), remedy=text("import_too_big_remedy")
        )
    for one in members:
        name = one.filename
        parts = PurePosixPath(name).parts
        is_link = stat.S_ISLNK(one.external_attr >> 16)
        if is_link or not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in parts[0]:
            raise UsageError(text("import_outside", name=name[:200]), remedy=text("import_bad_zip_remedy"))


def _fetched(doi: str, resolver: str) -> bytes:
    """What the agency of a DOI says of it, as DataCite's XML."""
    address = f"{resolver}/{quote(doi, safe='/:;()')}"
    transport = Transport(attempts=3)
    try:
        for _ in range(_MOST_STEPS):
            with transport.stream("GET", address, headers={"Accept": _FORMS}) as answer:
                if answer.status in _REDIRECTS:
                    address = urljoin(address, answer.headers.get("Location", ""))
                    if not address.startswith(("https://", f"{resolver}/")):
                        break
                    continue
                body = answer.read(_MOST_RECORD + 1)
                kind = answer.headers.get("Content-Type", "")
                if answer.status == 200 and "xml" in kind and len(body) <= _MOST_RECORD:  # noqa: PLR2004 - HTTP OK
                    return body
                break
    except OSError as error:
        raise UnreachableError(text("import_no_answer", doi=doi)) from error
    finally:
        transport.close()
    raise UsageError(text("import_no_record", doi=doi), remedy=text("import_no_record_remedy"))
