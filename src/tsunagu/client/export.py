"""A version encrypted for recipients, while it is fetched: what is written to the disk is never plain.

age (https://age-encryption.org/v1) by pyrage, Crypt4GH (https://samtools.github.io/hts-specs/crypt4gh.pdf) by EGA's
crypt4gh; both come with ``tsunagu[export]``. Names of files and folders stay readable.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from tsunagu.client.archive import documents, work
from tsunagu.client.errors import BadAnswerError, UnreachableError, UsageError, VerificationError
from tsunagu.client.local_tree import name_problem
from tsunagu.client.messages import text
from tsunagu.client.node import dataset_path, refusal
from tsunagu.client.transport import Answer, unreachable
from tsunagu.core.errors import CapabilityRefusedError
from tsunagu.core.paths import check_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tsunagu.client.progress import Progress
    from tsunagu.client.workspace import Dataset

_TRIES = 5
_OK, _UNAUTHORIZED = 200, 401


class Seal(Protocol):
    """Encrypts one stream for the recipients."""

    form: str
    suffix: str
    recipients: list[str]

    def encrypt(self, source: IO[bytes], out: IO[bytes]) -> None:
        """Read ``source`` to its end and write what the recipients can open."""


class AgeSeal:
    """age, for X25519 and SSH recipients.

    Args:
        names: ``age1...``, ``ssh-ed25519 ...``, or files with one a line.
    """

    form, suffix = "age", ".age"

    def __init__(self, names: Sequence[str]) -> None:
        try:
            import pyrage
        except ModuleNotFoundError as error:
            raise _tools_missing("pyrage") from error
        self._pyrage = pyrage
        self.recipients = [one for name in names for one in _recipients_of(name)]
        self._keys = [self._key(one) for one in self.recipients]

    def _key(self, name: str) -> Any:
        kind = self._pyrage.ssh if name.startswith("ssh-") else self._pyrage.x25519
        try:
            return kind.Recipient.from_str(name)
        except self._pyrage.RecipientError as error:
            raise UsageError(text("export_bad_recipient", name=name, error=error)) from error

    def encrypt(self, source: IO[bytes], out: IO[bytes]) -> None:
        """One age file."""
        self._pyrage.encrypt_io(source, out, self._keys)


class Crypt4ghSeal:
    """Crypt4GH, with a key pair of the sender that is made for one export and then forgotten.

    Args:
        files: Public key files.
    """

    form, suffix = "crypt4gh", ".c4gh"

    def __init__(self, files: Sequence[str]) -> None:
        try:
            from crypt4gh import keys, lib
        except ModuleNotFoundError as error:
            raise _tools_missing("crypt4gh") from error
        self._encrypt = lib.encrypt
        self.recipients, found = [], []
        for file in files:
            try:
                key = keys.get_public_key(file)
            except Exception as error:  # the library raises what it likes
                raise UsageError(text("export_bad_recipient", name=file, error=error)) from error
            found.append(key)
            self.recipients.append(key.hex())
        secret = os.urandom(32)  # any 32 bytes are an X25519 key
        self._keys = [(0, secret, key) for key in found]

    def encrypt(self, source: IO[bytes], out: IO[bytes]) -> None:
        """One Crypt4GH file."""
        self._encrypt(self._keys, source, out)


def _recipients_of(name: str) -> list[str]:
    if name.startswith(("age1", "ssh-")):
        return [name]
    try:
        lines = Path(name).read_text("utf-8").splitlines()
    except OSError as error:
        raise UsageError(text("export_bad_recipient", name=name, error=error.strerror or error)) from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _tools_missing(module: str) -> UsageError:
    return UsageError(text("export_tools_missing", module=module), remedy=text("export_tools_remedy"))


def write(
    dataset: Dataset, number: int, destination: str, seal: Seal, progress: Progress | None = None
) -> tuple[int, int]:
    """Write every file of a version, encrypted; returns how many and their bytes before.

    A second call with the same recipients goes on where the first one stopped. ``manifest.jsonl`` (encrypted too) names
    path, size and SHA-256 of what was encrypted.
    """
    said: dict[str, object] = {"form": seal.form, "dataset": dataset.name, "version": number}
    target = work.begin(destination, {**said, "recipients": seal.recipients})
    documents.ask(dataset.node, dataset.name, number, seal.form, seal.recipients)
    sending = _Sending(dataset, number, target, seal, progress)
    size = sending.run()
    work.end(target)
    return size


class _Sending:
    """One export."""

    def __init__(
        self, dataset: Dataset, number: int, target: Path, seal: Seal, progress: Progress | None
    ) -> None:
        self._node, self._place = dataset.node, dataset_path(dataset.name)
        self._dataset, self._number, self._target = dataset, number, target
        self._seal, self._progress = seal, progress
        self._byte_url = ""

    def run(self) -> tuple[int, int]:
        count = byte_count = 0
        after = ""
        while True:
            page = self._page(after)
            for item in page["files"]:
                self._file(item, after)
                count, byte_count = count + 1, byte_count + item["size"]
                if self._progress:
                    self._progress.add(files=1, byte_count=item["size"])
            after = page.get("next") or ""
            if not after:
                break
        plain = self._target / "manifest.jsonl"
        rows = (
            {"path": f.path, "size": f.size, "sha256": f.sha256}
            for f in self._dataset.files(version=self._number)
        )
        documents.write_lines(plain, rows)
        with plain.open("rb") as source, Path(f"{plain}{self._seal.suffix}").open("wb") as out:
            self._seal.encrypt(source, out)
        plain.unlink()
        return count, byte_count

    def _page(self, after: str) -> dict[str, Any]:
        wish = {"version": self._number, "prefix": "", "after": after, "limit": 500}
        page = self._node.post(f"{self._place}/pulls", wish, repeatable=True)
        self._byte_url = page["byte_url"].rstrip("/")
        return page

    def _file(self, item: dict[str, Any], after: str) -> None:
        path = item["path"]
        if problem := name_problem(check_path(path), windows=sys.platform == "win32"):
            raise UsageError(f"{path}: {problem}")
        target = self._target.joinpath("data", *f"{path}{self._seal.suffix}".split("/"))
        if target.exists():
            return  # it got its name when it was whole
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{hashlib.sha256(path.encode()).hexdigest()[:16]}.part")
        for left in reversed(range(_TRIES)):
            try:
                self._fetch(item, part)
                part.replace(target)
            except CapabilityRefusedError:
                item = next(one for one in self._page(after)["files"] if one["path"] == path)
            except (UnreachableError, BadAnswerError):
                if not left:
                    raise
                self._node.transport.sleep(0.2 * (_TRIES - left))
            else:
                return
            finally:
                part.unlink(missing_ok=True)
        raise UnreachableError(text("pull_broke_off"), remedy=text("pull_again_remedy"))

    def _fetch(self, item: dict[str, Any], part: Path) -> None:
        name = quote(item["path"].rpartition("/")[2], safe="")
        url = f"{self._byte_url}/o/{item['capability']}/{name}"
        with self._node.transport.stream("GET", url) as answer:
            if answer.status == _UNAUTHORIZED:
                answer.read()
                raise CapabilityRefusedError
            if answer.status != _OK:
                raise refusal(Answer(answer.status, answer.headers, answer.read()), url)
            source = _Checked(answer, url)
            with part.open("wb") as out:
                self._seal.encrypt(source, out)  # type: ignore[arg-type]  # the two calls that the libraries use
        if source.size != item["size"]:
            raise BadAnswerError(text("pull_broke_off"), remedy=text("try_again"))
        if source.digest.hexdigest() != item["sha256"].lower():
            raise VerificationError(text("hash_differs", path=item["path"]), path=item["path"])


class _Checked:
    """An answer that is hashed while it is read; every read is full until the end, as Crypt4GH's segments need."""

    def __init__(self, answer: http.client.HTTPResponse, url: str) -> None:
        self._answer, self._url = answer, url
        self.digest, self.size = hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        try:
            piece = self._answer.read(size if size >= 0 else None)
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(self._url, error) from error
        self.digest.update(piece)
        self.size += len(piece)
        return piece

    def readinto(self, page: bytearray) -> int:
        piece = self.read(len(page))
        page[: len(piece)] = piece
        return len(piece)
