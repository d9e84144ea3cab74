"""The items of a dataset: what people said, what the node knows, what is proposed, what is missing."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator, Mapping
from typing import Any

from tsunagu.core import settings
from tsunagu.data.common_items.items import ITEMS, Item, Slot, Words
from tsunagu.data.common_items.proposing import proposals
from tsunagu.data.common_items.types import ItemCard, Proposed, Sheet, SlotCard
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.publication import api as publication
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy
from tsunagu.standards import api as standards

# Values that are one text in the description, and may be said in the other language beside it.
_PLAIN = frozenset({"title", "description"})
_EMBARGOED, _OPEN = "embargoed access", "open"
_MOST_DATASETS = 10_000


def sheet_of(actor: Actor, card: datasets.DatasetCard, *, version: int | None = None) -> Sheet:
    """The items of the draft, or of a frozen version.

    Raises:
        ActionDeniedError, NotFoundError: the actor does not see the draft; strangers have the public record.
        NoSuchVersionError: there is no such version.
    """
    policy.require(actor, "dataset.read_draft", card.resource)
    number = datasets.resolve_version(actor, card, version)
    is_draft = number == card.draft_number
    said = _said(actor, card, number, is_draft=is_draft)
    may_write = is_draft and bool(policy.decide(actor, "dataset.describe", card.resource))
    proposed = proposals(actor, card) if is_draft else {}
    known = _known(actor, card, number)
    access = publication.access_of(card, None if is_draft else datasets.get_version(card, number))
    is_single = str(said.get("manager_kind", {}).get("value")) == "individual"
    return Sheet(
        place=card.slug,
        number=number,
        is_draft=is_draft,
        may_write=may_write,
        items=tuple(
            _item(one, said, proposed, known, is_embargoed=access == _EMBARGOED, is_single=is_single) for one in ITEMS
        ),
    )  # fmt: skip


def sheets_of(actor: Actor, project: datasets.ProjectCard) -> Iterator[Sheet]:
    """Those of every dataset of a project whose draft the actor sees.

    Raises:
        NotFoundError: the actor may not see the project.
    """
    policy.require(actor, "project.read", project.resource)
    after, count = "", 0
    while count < _MOST_DATASETS:
        cards, after = datasets.list_datasets(actor, project_id=project.id, after=after, limit=200)
        count += len(cards)
        for one in cards:
            card = datasets.get_dataset_by_id(actor, one.id)
            if policy.decide(actor, "dataset.read_draft", card.resource):
                yield sheet_of(actor, card)
        if not after:
            return


def _said(
    actor: Actor, card: datasets.DatasetCard, number: int, *, is_draft: bool
) -> Mapping[str, Mapping[str, Any]]:
    if is_draft:
        return {
            one.name: {"value": one.value, "origin": one.origin} for one in description.values(actor, card)
        }
    return dict(datasets.get_version(card, number).described)


def kept_as(said: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """The name under which a description keeps an input: a title in one language alone is just ``title``.

    Where the other language has a name of its own, the plain one is this language's, whatever signs it is written with.
    """
    base, _underline, language = name.rpartition("_")
    other = {"ja": "en", "en": "ja"}.get(language, "")
    if base not in _PLAIN or not other or _is_said(said, name):
        return name
    plain = text_of(said.get(base, {}).get("value"))
    is_own = not plain or standards.language_of(plain) == language or _is_said(said, f"{base}_{other}")
    return base if is_own else name


def _is_said(said: Mapping[str, Mapping[str, Any]], name: str) -> bool:
    return bool(text_of(said.get(name, {}).get("value")))


def _item(
    item: Item,
    said: Mapping[str, Mapping[str, Any]],
    proposed: Mapping[str, Proposed],
    known: Mapping[str, Words],
    *,
    is_embargoed: bool,
    is_single: bool,
) -> ItemCard:
    slots = tuple(
        _slot(one, said, proposed) if one.name else SlotCard(one, shown=known.get(item.key, {}))
        for one in item.slots
    )
    filled = {one.slot.name for one in slots if one.value or one.shown.get("ja")}
    is_filled = bool(filled - set(item.together)) or (bool(item.together) and set(item.together) <= filled)
    is_required = {"always": True, "embargoed": is_embargoed, "individual": is_single, "no": False}[item.need]
    return ItemCard(
        item, slots, is_required, is_missing=is_required and not is_filled, remedy=_remedy(item, slots)
    )


def _slot(slot: Slot, said: Mapping[str, Mapping[str, Any]], proposed: Mapping[str, Proposed]) -> SlotCard:
    name = kept_as(said, slot.name)
    found = said.get(name, {})
    value = text_of(found.get("value"))
    shown = dict.fromkeys(("ja", "en"), value)
    if slot.choices and value in slot.choices:
        shown = dict(zip(("ja", "en"), slot.choices[value], strict=True))
    return SlotCard(slot, value, shown, found.get("origin", {}), None if value else proposed.get(slot.name))


def text_of(value: Any) -> str:
    """A value as an input holds it."""
    text = "、".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _remedy(item: Item, slots: tuple[SlotCard, ...]) -> Words:
    if item.key == "opens_on":
        return {
            "ja": "アクセスのページで公開日を決めてください。",
            "en": "Set the day of opening on the page Access.",
        }
    if any(one.proposed for one in slots):
        return {
            "ja": "提案された値を確かめて採用してください。",
            "en": "Check what is proposed and accept it.",
        }
    if item.group == "project":
        return {
            "ja": "ここに入力するか、プロジェクトの計画（DMP）に書いてください。",
            "en": "Write it here, or into the plan of the project.",
        }
    if item.key == "contact":
        return {
            "ja": "メールアドレスを入力するか、組織名・住所・電話番号をすべて入力してください。",
            "en": "Give a mail address, or organisation, postal address and telephone together.",
        }
    return {"ja": "ここに入力してください。", "en": "Write it here."}


def _known(actor: Actor, card: datasets.DatasetCard, number: int) -> dict[str, Words]:
    """What the node knows by itself."""
    version = None if number == card.draft_number else datasets.get_version(card, number)
    access = publication.access_of(card, version)
    ja, en = standards.ACCESS_WORDS[access]
    size = card.byte_count if version is None else version.byte_count
    found: dict[str, Words] = {
        "access": {"ja": ja, "en": en},
        "size": dict.fromkeys(("ja", "en"), standards.size_in_words(size)),
    }
    if access == _EMBARGOED:
        day = dt.datetime.fromtimestamp(card.embargo_until_s, dt.UTC).astimezone(
            zoneinfo.ZoneInfo(settings.current().time_zone)
        )
        found["opens_on"] = dict.fromkeys(("ja", "en"), day.date().isoformat())
    home = publication.home_of(card)
    found["repository"] = {"ja": home.name_ja, "en": home.name_en}
    rows = [one for one in publication.of_dataset(actor, card) if one.state == "published"]
    row = next((one for one in rows if one.number == number), rows[0] if rows else None)
    if row is not None:
        place = f"{settings.current().control_address}/d/{row.place}/v{row.number}"
        doi = row.doi if row.is_doi_registered and not row.is_test_doi else ""
        found["address"] = dict.fromkeys(("ja", "en"), f"https://doi.org/{doi}" if doi else place)
        day = dt.datetime.fromisoformat(row.published_at).astimezone(
            zoneinfo.ZoneInfo(settings.current().time_zone)
        )
        found["dates"] = dict.fromkeys(("ja", "en"), day.date().isoformat())
    return found
