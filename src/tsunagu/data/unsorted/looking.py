"""What lies unsorted, as far as the node can see it."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard, FileCard
from tsunagu.data.description import api as description
from tsunagu.data.scans import api as scans
from tsunagu.data.unsorted.models import Decision, Inbox, Left
from tsunagu.data.unsorted.types import DIMENSIONS, Group, Item, Pile, Proposal
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

PREFIX = "unsorted"  # of the name of every inbox
MOST_ITEMS = 20_000
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DEPTH = 2
# What cannot be measured data is a scan by its format; a picture counts as one when writing was found on it.
_PAPER = "pdf"


def inboxes(actor: Actor, project_id: str) -> list[DatasetCard]:
    """The inboxes of a project whose drafts the actor sees, by name."""
    found = []
    for dataset_id in Inbox.objects.filter(project_id=project_id).values_list("dataset_id", flat=True):
        try:
            card = datasets.get_dataset_by_id(actor, dataset_id)
        except NotFoundError:
            continue
        if policy.decide(actor, "dataset.read_draft", card.resource):
            found.append(card)
    return sorted(found, key=lambda card: card.name)


def is_inbox(card: DatasetCard) -> bool:
    """Whether files lie unsorted in a dataset; most tell by their name that they are none."""
    return card.name.startswith(PREFIX) and Inbox.objects.filter(dataset_id=card.id).exists()


def pile(actor: Actor, project: str) -> Pile:
    """What lies unsorted in a project and what was left there, as far as the actor may see it; 20,000 files of each at most.

    Raises:
        NotFoundError: no such project for this actor.
    """
    home = datasets.get_project(actor, project)
    items: list[Item] = []
    left: list[Item] = []
    cards = inboxes(actor, home.id)
    rows = {card.row_id for card in cards}
    is_cut = False
    for card in cards:
        notes = _notes(card.id)
        files, is_cut = _first(
            datasets.all_files(card, card.draft_number),
            notes,
            MOST_ITEMS - len(items),
            MOST_ITEMS - len(left),
        )
        for item in _items(actor, card, files, rows, notes):
            (left if item.note else items).append(item)
        if is_cut:
            break
    return Pile(
        inboxes=tuple(card.name for card in cards), items=tuple(items), left=tuple(left), is_cut=is_cut
    )


def _notes(dataset_id: str) -> dict[tuple[str, bytes], str]:
    """Why files were left in an inbox, by path and content: what came later to the same path is another file."""
    rows = list(Left.objects.filter(dataset_id=dataset_id).values_list("path", "note", "decision_id"))
    decisions = Decision.objects.filter(pk__in={row[2] for row in rows}).values_list("pk", "files")
    contents = {(pk, path): bytes.fromhex(sha256) for pk, files in decisions for path, _, sha256 in files}
    return {(path, contents[pk, path]): note for path, note, pk in rows if (pk, path) in contents}


def _first(
    files: Iterable[FileCard], notes: Collection[tuple[str, bytes]], most: int, most_left: int
) -> tuple[list[FileCard], bool]:
    """The first files, and whether there are more: what was left with a note must not keep the rest from being looked at."""
    found, room = [], {True: most_left, False: most}
    for file in files:
        is_left = (file.path, file.sha256) in notes
        if room[is_left]:
            room[is_left] -= 1
            found.append(file)
        elif not is_left:
            return found, True
    return found, False


def _items(
    actor: Actor,
    card: DatasetCard,
    files: Sequence[FileCard],
    inbox_rows: set[int],
    notes: Mapping[tuple[str, bytes], str],
) -> list[Item]:
    hashes = {file.sha256 for file in files if file.byte_count}
    told = description.told_by_files(card.id)
    elsewhere = datasets.stands_elsewhere(actor, hashes, but=inbox_rows, domain=card.key_domain)
    pages = scans.states(card.id, hashes & scans.scanned_contents([card.id]).get(card.id, set()))
    first: dict[bytes, str] = {}
    made = []
    for file in files:
        said = told.get(file.sha256, description.Told())
        same = elsewhere.get(file.sha256, "")
        if not same and file.sha256 in first:
            same = f"{card.slug}/{first[file.sha256]}"
        if file.byte_count:  # empty files are alike and mean nothing by it
            first.setdefault(file.sha256, file.path)
        read = pages.get(file.sha256)
        made.append(
            Item(
                inbox=card.name,
                path=file.path,
                byte_count=file.byte_count,
                sha256=file.sha256.hex(),
                folder="/".join(file.path.split("/")[:-1][:_DEPTH]),
                format=said.reader or _ending(file.name),
                instrument=said.instrument,
                day=said.measured_on if _DAY.fullmatch(said.measured_on) else "",
                kind=_kind(said, read, is_same=bool(same)),
                same_as=same,
                note=notes.get((file.path, file.sha256), ""),
            )
        )
    return made


def _ending(name: str) -> str:
    _stem, dot, ending = name.rpartition(".")
    return f".{ending.lower()[:12]}" if dot else ""


def _kind(said: description.Told, pages: scans.ScanCard | None, *, is_same: bool) -> str:
    if is_same:
        return "duplicate"
    if pages is not None and (pages.text_count or said.reader == _PAPER):
        return "scan"
    if not said.status:
        return "waiting"
    return "unreadable" if said.status == "unreadable" else "data"


def narrowed(items: Iterable[Item], filters: Mapping[str, str]) -> list[Item]:
    """Those that have all of the values; other names than the dimensions and ``inbox`` say nothing."""
    wanted = {name: value for name, value in filters.items() if name in (*DIMENSIONS, "inbox")}
    return [item for item in items if all(item.value(name) == value for name, value in wanted.items())]


def groups(items: Iterable[Item], by: str) -> list[Group]:
    """Files by what they have in common, those with the most bytes first."""
    gathered: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        gathered[item.inbox, item.value(by)].append(item)
    made = [
        Group(
            inbox=inbox,
            value=value,
            file_count=len(several),
            byte_count=sum(item.byte_count for item in several),
            kinds=dict(Counter(item.kind for item in several).most_common()),
        )
        for (inbox, value), several in gathered.items()
    ]
    return sorted(made, key=lambda group: (-group.byte_count, group.inbox, group.value))


def counts(items: Iterable[Item], dimension: str) -> list[tuple[str, int]]:
    """How many files have each value, the most frequent first."""
    return Counter(item.value(dimension) for item in items).most_common()


def proposals(items: Iterable[Item]) -> list[Proposal]:
    """Sets of files that look like one dataset each: the same folder, instrument and week.

    Duplicates are proposed to nobody. Files of a folder that do not say where and when they were measured go with the
    others of the folder, if these are one set.
    """
    sets: dict[tuple[str, str], dict[tuple[str, str], list[Item]]] = defaultdict(dict)
    for item in items:
        if item.kind == "duplicate":
            continue
        place = sets[item.inbox, item.folder]
        place.setdefault((item.instrument, _week(item.day)), []).append(item)
    made = []
    for (inbox, folder), several in sets.items():
        silent = several.pop(("", ""), [])
        if len(several) == 1:
            next(iter(several.values())).extend(silent)
        elif silent:
            several["", ""] = silent
        made += [
            _proposal(inbox, folder, instrument, week, own) for (instrument, week), own in several.items()
        ]
    return sorted(_told_apart(made), key=lambda one: (one.inbox, one.folder, one.week, one.instrument))


def _told_apart(made: Sequence[Proposal]) -> Sequence[Proposal]:
    """The proposals, each under a name of its own: folders of the same name are named with the one they lie in."""

    def evidence(one: Proposal) -> str:
        return " ".join(part for part in (*one.folder.split("/"), one.instrument, one.week) if part)

    def named(one: Proposal, attempt: int) -> str:
        return name_for(evidence(one)) if attempt == 0 else f"{one.name}-{_mark(one.inbox + evidence(one))}"

    for attempt in range(2):
        counts = Counter(one.name for one in made)
        made = [replace(one, name=named(one, attempt)) if counts[one.name] > 1 else one for one in made]
    return made


def _week(day: str) -> str:
    try:
        year, week, _ = dt.date.fromisoformat(day).isocalendar()
    except ValueError:
        return ""
    return f"{year}-W{week:02}"


def _proposal(inbox: str, folder: str, instrument: str, week: str, items: Sequence[Item]) -> Proposal:
    paths = tuple(sorted(item.path for item in items))
    marks = "\n".join(sorted(f"{item.path}\0{item.sha256}" for item in items))
    return Proposal(
        key=hashlib.sha256(f"{inbox}\n{marks}".encode()).hexdigest()[:16],
        inbox=inbox,
        name=name_for(" ".join(part for part in (folder.rpartition("/")[2], instrument, week) if part)),
        folder=folder,
        instrument=instrument,
        week=week,
        file_count=len(items),
        byte_count=sum(item.byte_count for item in items),
        formats=tuple(sorted({item.format for item in items if item.format})),
        paths=paths,
    )


def name_for(text: str) -> str:
    """A name that can stand in an address, made of a text; one that lost letters bears a mark that tells it from others."""
    whole = unicodedata.normalize("NFC", text)
    is_lossy = any(sign.isalnum() and not sign.isascii() for sign in whole)
    return "-".join(part for part in (_plain(whole) or "sorted", _mark(whole) if is_lossy else "") if part)


def inbox_name(name: str) -> str:
    """The name of the dataset in which a folder lies unsorted: always the same one, and never that of another folder.

    Most names cannot stand in an address. What two of them look like there may be the same, or nothing at all for Japanese
    ones; files of the one would replace those of the other.
    """
    whole = unicodedata.normalize("NFC", name.strip())  # macOS hands out the other form
    plain = _plain(whole)
    return "-".join(part for part in (PREFIX, plain, "" if plain == whole else _mark(whole)) if part)


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
