"""What the pages of a dataset share: its head, its tabs, what one may do, previews with signed addresses."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from tsunagu.core import settings
from tsunagu.core.errors import TsunaguError
from tsunagu.data.common_items import api as common_items
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import DatasetCard
from tsunagu.data.description import api as description
from tsunagu.doors.web import words
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.storage import api as storage

_SAMPLES, _LOOKED_AT = 6, 60  # two rows of three, out of the first files
_YOU_MAY = ("read", "push", "describe", "freeze", "manage")


def asked_card(
    request: HttpRequest, actor: Actor, project: str, dataset: str
) -> tuple[DatasetCard, int | None]:
    """The dataset of an address and the version that ``?version=`` names."""
    card = datasets.get_dataset(actor, project, dataset)
    text = request.GET.get("version", "")
    return card, int(text) if text.isdigit() and len(text) < 10 else None  # noqa: PLR2004 - the column's size


def frame(actor: Actor, card: DatasetCard, tab: str, version: int | None = None) -> dict[str, Any]:
    """What every page of a dataset shows: title in two languages, state, tabs, what one may do."""
    number = datasets.resolve_version(actor, card, version)
    language = get_language() or "en"
    values = {value.name: value for value in description.values(actor, card)}
    decisions = {action: policy.decide(actor, f"dataset.{action}", card.resource) for action in _YOU_MAY}
    title, other_title = words.in_both(values, "title", card.title or card.name, language)
    return {
        "dataset": card,
        "tab": tab,
        "tabs": _tabs(
            card, version, knows_use=bool(policy.decide(actor, "dataset.read_usage", card.resource))
        ),
        "number": number,
        "asked": version,
        "is_draft": number == card.draft_number,
        "values": values,
        "data_labels": datasets.labels(card),
        "sealing": datasets.sealing_of(card.id) if card.seal_state == "shredded" else None,
        "title": title,
        "other_title": other_title,
        "decisions": decisions,
        "may": {action: bool(decision) for action, decision in decisions.items()},
        "labels": common_items.labels(language) | description.labels(language),
    }


def _tabs(card: DatasetCard, version: int | None, *, knows_use: bool) -> list[dict[str, str]]:
    parts = {"project": card.project, "dataset": card.name}
    kept = f"?version={version}" if version is not None else ""
    named = (
        ("overview", "dataset", _("Overview"), kept),
        ("files", "files", _("Files"), kept),
        ("tables", "tables", _("Tables"), kept),
        ("metadata", "metadata", _("Metadata"), ""),
        ("provenance", "provenance", _("Provenance"), ""),
        ("versions", "versions", _("Versions"), ""),
        ("access", "access", _("Access"), ""),
        *((("publication", "publication", pgettext("tab", "Publication"), ""),) if card.sees_draft else ()),
        *((("use", "use", pgettext("tab", "Use"), ""),) if knows_use else ()),
        ("keeping", "keeping", pgettext("tab", "Keeping"), ""),
        ("ready", "ready", _("AI-ready"), kept),
        ("ai_use", "ai_use", _("Use by AI"), kept),
        ("compute", "compute", pgettext("tab", "Compute"), ""),
    )
    return [
        {"key": key, "label": label, "url": reverse(name, kwargs=parts) + rest}
        for key, name, label, rest in named
    ]


def shown_previews(
    card: DatasetCard, reading: description.ReadingCard, *, most: int = 20
) -> list[dict[str, Any]]:
    """Previews with signed addresses for pictures; the caller has asked the rules for the file."""
    shown = []
    for preview in reading.previews[:most]:
        entry = dict(preview)
        if entry.get("kind") == "image" and entry.get("sha256"):
            try:
                place = storage.require_location(bytes.fromhex(entry["sha256"]), card.domains)
            except TsunaguError:  # lost, or its key is gone: the page shows the rest
                continue
            entry["url"] = storage.get_url(place, name="preview.png", media_type="image/png")
        shown.append(entry)
    return shown


def samples(actor: Actor, card: DatasetCard, version: int | None) -> list[dict[str, Any]]:
    """Files that show what is in a version, with a preview each: one of every kind, pictures first."""
    first = datasets.list_files(actor, card, version=version, limit=_LOOKED_AT)
    readings = description.readings(card, [file.sha256 for file in first.files])
    shown = [(file, readings[file.sha256]) for file in first.files if file.sha256 in readings]
    kinds: Counter[str | None] = Counter()
    ranked = []
    for number, (file, reading) in enumerate(pair for pair in shown if pair[1].previews):
        is_picture = reading.previews[0].get("kind") in {"image", "curve"}
        # One of every kind, then a second one; people look at pictures before tables.
        ranked.append((kinds[reading.reader] + (not is_picture), number, file, reading))
        kinds[reading.reader] += 1
    chosen = sorted(sorted(ranked, key=lambda item: item[:2])[:_SAMPLES], key=lambda item: item[1])
    found = [(file, shown_previews(card, reading, most=1)) for _, _, file, reading in chosen]
    return [{"file": file, "preview": previews[0]} for file, previews in found if previews]


def zip_url(actor: Actor, card: DatasetCard, version: int, folder: str) -> str:
    """A signed address of a folder as ZIP."""
    node = settings.current()
    token = storage.signer().sign(
        "list",
        lifetime_s=node.capability_lifetime_s,
        ds=card.id,
        v=version,
        pre=f"{folder}/" if folder else "",
        who=[actor.kind, actor.id],
    )
    name = (folder.rpartition("/")[2] or card.name).replace("/", "_")
    return f"{node.bytes_address}/zip/{token}/{quote(name)}.zip"


# How long a page waits before it asks again: often while one watches, seldom when work takes long.
_DELAYS_S = ((10, 1), (60, 2), (600, 5))
_LONGEST_DELAY_S = 15


def next_delay_s(watched_s: int) -> int:
    """Seconds until a page asks again, when it has asked for ``watched_s`` seconds."""
    return next((delay for limit, delay in _DELAYS_S if watched_s < limit), _LONGEST_DELAY_S)


def reading_progress(card: DatasetCard, watched_s: int = 0) -> dict[str, Any]:
    """What the progress part of a page shows."""
    delay = next_delay_s(watched_s)
    return {"progress": description.progress(card), "delay": delay, "watched": watched_s + delay}
