"""One watched folder: what is new, what moves, what is at rest and complete, what vanished. Never sends anything."""

from __future__ import annotations

import time
from typing import Any, Callable, Mapping, NamedTuple

from . import names, reading
from .ledger import WAITING, Ledger, Row
from .rest import Rest
from .rules import Rules
from .scan import Found, Listing, Trouble, scan

MOVES_LONG_S = 1800.0  # a file that moves longer than this is reported, and still waited for
UNPLACED = ("no_rule", "no_group", "bad_dataset_name")
_SHOW_VANISHED_S = 86400.0  # for so long a lost file is named
_QUIET = frozenset({"done", "ignored"})
Tell = Callable[..., None]


class _Around(NamedTuple):
    """Every path of the folder, and those that are at rest or done."""

    present: set[str]
    still: set[str]


class FolderWatch:
    """A folder with its rules.

    Attributes:
        missing: Why the folder cannot be read, or None.
        troubles: What below it cannot be taken, apart from the files that the ledger knows.
        siblings: Paths of the other watched folders.

    Args:
        settings: path, settle_s, complete, ignore, rules, as the node's configuration gives them.
        ledger: Remembers every file.
        poll_s: Time between two looks.
        tell: Called with the name of an event and its fields.
        skip: The agent's own folder.
        read: Reads the folder; replaced in tests.
        check: Opens a file and compares it with what was seen; replaced in tests.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        ledger: Ledger,
        *,
        poll_s: float,
        tell: Tell,
        skip: str = "",
        read: Callable[..., Listing] = scan,
        check: Callable[[str, reading.Still], None] = reading.probe,
    ) -> None:
        self.path = str(settings["path"])
        settle_s = float(settings.get("settle_s", 10))
        self._complete: Mapping[str, Any] = settings.get("complete") or {}
        self._rules = Rules(settings.get("rules") or (), settings.get("ignore") or ())
        self._ledger, self._tell, self._read, self._check = ledger, tell, read, check
        self._skip = skip
        self.siblings: list[str] = []
        self._rest = Rest(settle_s, max(2 * poll_s, settle_s / 2))
        self.missing: Trouble | None = None
        self.troubles: list[Trouble] = [
            Trouble(self.path, "bad_rule", {"pattern": pattern, "reason": reason})
            for pattern, reason in self._rules.broken
        ]
        self._broken = list(self.troubles)

    def look(self, now_s: float) -> None:
        """Read the folder once; ``now_s`` is the steady clock."""
        listing = self._read(self.path, self._is_known, self._skip)
        index = self._ledger.index(self.path)
        missing, fields = listing.missing, listing.missing_fields
        fact = f"root {self.path}"
        if not missing and listing.is_empty and any(entry[2] != "vanished" for entry in index.values()):
            # Somebody may have cleaned up; but an empty mount point looks like this too, and is another folder.
            missing = "" if self._ledger.fact(fact) == listing.identity else "folder_emptied"
        if missing:
            self._lost(Trouble(self.path, missing, fields))
            return
        if self.missing is not None:
            self._tell("folder_back", folder=self.path)
        self.missing = None
        if not listing.is_empty and self._ledger.fact(fact) != listing.identity:
            self._ledger.remember(fact, listing.identity)
        self.troubles = [*self._broken, *listing.troubles]
        with self._ledger.together():
            rested = [pair for found in listing.files if (pair := self._see(found, now_s)) is not None]
            present = {found.name for found in listing.files} | listing.known
            self._take(rested, listing, present)
            self._miss(listing, present)

    def moving(self, now_s: float, within_s: float) -> int:
        """How many files have not settled and have been watched for less than ``within_s``."""
        rows = self._ledger.rows(("seen", "settling", "changed"), where="code = ''", limit=100_000)
        ages = (self._rest.moves_since_s(row.name) for row in rows if row.folder == self.path)
        return sum(age is not None and now_s - age < within_s for age in ages)

    def _lost(self, trouble: Trouble) -> None:
        if self.missing is None or self.missing.code != trouble.code:
            self._tell("folder_missing", folder=self.path, code=trouble.code, fields=trouble.fields)
        self.missing = trouble
        self.troubles = [*self._broken, trouble]

    def _is_known(self, name: bytes, size: int, mtime_ns: int) -> bool:
        known = self._ledger.index(self.path).get(name)
        if known is None or known[2] not in _QUIET:
            return False
        return known[2] == "ignored" or (known[0], known[1]) == (size, mtime_ns)

    def _see(self, found: Found, now_s: float) -> tuple[Found, Row] | None:
        """Bring the row up to date; the pair when the file is unchanged long enough."""
        row = self._ledger.get(self.path, found.name)
        if row is None:
            row = self._ledger.add(
                self.path, found.name, path=found.shown.path, encoding=found.shown.encoding, size=found.size,
                mtime_ns=found.mtime_ns, inode=found.inode, seen_at=time.time(),
            )  # fmt: skip
        elif row.state == "vanished":
            self._ledger.move(row, "seen")
        is_same = (row.size, row.mtime_ns) == (found.size, found.mtime_ns)
        facts = {"size": found.size, "mtime_ns": found.mtime_ns, "inode": found.inode}
        if row.state == "done":
            if is_same:
                return None
            self._tell("changed", folder=self.path, path=row.path)
            self._ledger.move(row, "changed", seen_at=time.time(), **facts)
        if not self._belongs(found, row):
            if not is_same:
                self._ledger.note(row, **facts)
            return None
        if row.state in {*WAITING, "error"} and is_same:
            return None
        if row.state != "settling" or not is_same:
            code, fields = (row.code, row.fields) if row.state == "settling" else ("", {})
            self._ledger.move(
                row, "settling", sha256="", run="", upload_url="", upload_offset=0, attempts=0, code=code, fields=fields, **facts
            )  # fmt: skip
        if self._rest.look(found.name, found.size, found.mtime_ns, now_s):
            return found, row
        self._still_moves(found, row, now_s)
        return None

    def _belongs(self, found: Found, row: Row) -> bool:
        """Whether a rule places the file; if not, the reason is written down."""
        path = found.shown.path
        if names.is_temporary(path.rpartition("/")[2]) or self._rules.is_ignored(path):
            if row.state not in {"ignored", "verified"}:
                self._ledger.move(row, "ignored")
                self._rest.forget(found.name)
            return row.state == "verified"
        place = self._rules.place(path)
        code = found.shown.wrong or place.code
        if row.state == "verified":
            return True
        if code and self._is_sidecar(path):
            self._ledger.move(row, "ignored") if row.state != "ignored" else None
            return False
        if code:
            fields = {} if found.shown.wrong else dict(place.fields)
            self._problem(row, "seen", code, fields)
            self._rest.forget(found.name)
            return False
        if (row.project, row.dataset) != (place.project, place.dataset):
            self._ledger.note(row, project=place.project, dataset=place.dataset)
            if row.state in {"uploading", "error"}:
                self._ledger.move(
                    row, "hashed" if row.sha256 else "settling", run="", upload_url="", upload_offset=0
                )
        return True

    def _take(self, rested: list[tuple[Found, Row]], listing: Listing, present: set[bytes]) -> None:
        if not rested:
            return
        around = self._around(listing, rested) if self._complete else _Around(set(), set())
        for found, row in rested:
            lacking = self._lacking(found, around)
            if lacking is not None:
                self._problem(row, "settling", *lacking)
                continue
            other = self._ledger.holder(row.project, row.dataset, row.path, row.id)
            if other is not None and self._blocks(other, present):
                self._problem(row, "settling", "same_place", {"other": f"{other.folder}: {other.path}"})
                continue
            try:
                self._check(found.native, reading.Still(found.size, found.mtime_ns))
            except (reading.MovedError, FileNotFoundError):
                self._rest.forget(found.name)
                continue
            except OSError as error:
                code = "in_use" if isinstance(error, PermissionError) else "unreadable"
                self._problem(row, "settling", code, {"reason": error.strerror or str(error)})
                continue
            self._ledger.move(row, "at_rest")
            self._rest.forget(found.name)
            self._tell("at_rest", folder=self.path, path=row.path, size=row.size)

    def _blocks(self, other: Row, present: set[bytes]) -> bool:
        """Whether a file that has the same place keeps it: not when its folder is watched no longer, or it is gone."""
        if other.folder not in {self.path, *self.siblings}:
            return False
        return other.state != "done" or other.folder != self.path or other.name in present

    def _lacking(self, found: Found, around: _Around) -> tuple[str, dict[str, Any]] | None:
        """Why the file is not complete, as code and fields."""
        path = found.shown.path
        if not found.size and not self._complete.get("allow_empty"):
            return "empty", {}
        sidecar = str(self._complete.get("sidecar") or "")
        own = {path + sidecar, names.stem(path) + sidecar}
        if sidecar and not self._is_sidecar(path) and not own & around.present:
            return "no_sidecar", {"sidecar": names.stem(path).rpartition("/")[2] + sidecar}
        wanted = int(self._complete.get("group_size") or 0)
        have = sum(names.stem(one) == names.stem(path) for one in around.still) if wanted > 1 else wanted
        if have < wanted:
            return "no_group_yet", {"have": have, "want": wanted}
        marker = str(self._complete.get("marker_line") or "")
        try:
            if marker and not self._is_sidecar(path) and not reading.last_line_is(found.native, marker):
                return "no_marker", {"marker": marker}
        except OSError as error:
            return "unreadable", {"reason": error.strerror or str(error)}
        return None

    def _around(self, listing: Listing, rested: list[tuple[Found, Row]]) -> _Around:
        index = self._ledger.index(self.path)
        known = {names.show(names.from_bytes(name)).path: name for name in listing.known}
        seen = {found.shown.path: found.name for found in listing.files}
        still = {path for path, name in {**known, **seen}.items() if index[name][2] in {"done", *WAITING}}
        return _Around({*known, *seen}, still | {found.shown.path for found, _ in rested})

    def _is_sidecar(self, path: str) -> bool:
        sidecar = str(self._complete.get("sidecar") or "")
        return bool(sidecar) and path.endswith(sidecar)

    def _still_moves(self, found: Found, row: Row, now_s: float) -> None:
        since = self._rest.moves_since_s(found.name)
        if self._rest.is_shrunk(found.name):
            self._problem(row, "settling", "shrinking", {})
        elif since is not None and now_s - since > MOVES_LONG_S:
            self._problem(row, "settling", "moving_long", {"minutes": int(now_s - since) // 600 * 10})

    def _problem(self, row: Row, state: str, code: str, fields: Mapping[str, Any]) -> None:
        if (row.state, row.code, row.fields) == (state, code, fields):
            return
        is_news = row.code != code
        self._ledger.move(row, state, code=code, fields=dict(fields))
        if is_news:
            self._tell("problem", folder=self.path, path=row.path, code=code, fields=fields)

    def _miss(self, listing: Listing, present: set[bytes]) -> None:
        index = self._ledger.index(self.path)
        gone = [
            name
            for name, (_, _, state) in index.items()
            if state not in {"done", "verified", "vanished"} and name not in present
        ]
        if not gone:
            return
        inodes = {(found.inode, found.size) for found in listing.files if found.inode}
        for name in gone:
            if any(name.startswith(folder) for folder in listing.unread):
                continue
            row = self._ledger.get(self.path, name)
            assert row is not None
            self._rest.forget(name)
            # A rename shows the same file under its new name: nothing is lost and nobody needs to hear of it.
            is_quiet = not row.size or row.state == "ignored" or row.code in UNPLACED
            is_quiet = is_quiet or (row.inode, row.size) in inodes
            is_quiet = is_quiet or bool(row.sent and row.sent == row.sha256)  # only to be compared once more
            code = "" if is_quiet else "vanished"
            self._ledger.move(
                row, "vanished", code=code, run="", upload_url="", sha256="", next_try_at=time.time() + _SHOW_VANISHED_S
            )  # fmt: skip
            if not is_quiet:
                self._tell("vanished", folder=self.path, path=row.path)
