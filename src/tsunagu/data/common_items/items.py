"""Every item with its official name, in the order of the national list, and where people may say it.

Source: 公的資金による研究データの共通メタデータ項目, as GakuNin RDM implements it (required or not) and JPCOAR's sample 14 names it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tsunagu.standards import api as standards

Group = Literal["project", "data", "management"]
Need = Literal["always", "embargoed", "individual", "no"]
Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Slot:
    """One input of an item.

    Attributes:
        name: The value of the description that it is kept as; empty: the node knows it and nobody writes it.
        language: ``ja`` or ``en`` where the item is said in both.
        choices: Code -> words, where one is chosen.
    """

    name: str
    language: str = ""
    choices: Mapping[str, tuple[str, str]] | None = None
    label: Words | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the list.

    Attributes:
        slots: One of them is enough for the item to be filled, or those of ``together``.
        together: Names that only count when all of them are said.
        hint: What to write, where the name does not say it.
    """

    key: str
    group: Group
    label: Words
    slots: tuple[Slot, ...]
    need: Need = "no"
    together: tuple[str, ...] = ()
    hint: Words | None = None
    is_long: bool = False


def _w(ja: str, en: str) -> Words:
    return {"ja": ja, "en": en}


def _two(name: str) -> tuple[Slot, ...]:
    return Slot(f"{name}_ja", "ja"), Slot(f"{name}_en", "en")


def _one(name: str, choices: Mapping[str, tuple[str, str]] | None = None) -> tuple[Slot, ...]:
    return (Slot(name, choices=choices),)


_FUNDERS = {key: (f"{ja}（{key}）", f"{en} ({key})") for key, (ja, en, _code) in standards.FUNDERS.items()}
_DATA_FIELDS = {standards.SAME_FIELD: ("プロジェクトの分野と同じ", "As the project"), **standards.FIELDS}
_KNOWN = (Slot(""),)

ITEMS = (
    Item("funder", "project", _w("資金配分機関情報", "Funder"), _one("funder", _FUNDERS), "always"),
    Item("programme_code", "project", _w("体系的番号におけるプログラム情報コード", "Programme code in the systematic number"), _one("programme_code"), hint=_w("英数字5文字以内（例: MJPF）", "At most five letters and digits, such as MJPF")),
    Item("programme", "project", _w("プログラム情報", "Programme"), _two("programme")),
    Item("award_number", "project", _w("体系的番号", "Systematic award number (JGN)"), _one("award_number"), "always", hint=_w("JPで始まる番号。科研費は課題番号の前にJPを付けます（例: JP24K00366）", "Begins with JP; a KAKENHI number gets JP in front: JP24K00366")),
    Item("project_title", "project", _w("プロジェクト名", "Project name"), _two("project_title"), "always"),
    Item("project_field", "project", _w("プロジェクトの分野", "Field of the project"), _one("project_field", standards.FIELDS), "always"),
    Item("data_number", "data", _w("データNo.", "Data number"), _one("data_number"), hint=_w("データマネジメントプランでの番号", "Its number in the data management plan")),
    Item("title", "data", _w("データの名称", "Title of the data"), _two("title"), "always"),
    Item("dates", "data", _w("掲載日・掲載更新日", "Date of publication or update"), _KNOWN),
    Item("description", "data", _w("データの説明", "Description of the data"), _two("description"), "always", is_long=True),
    Item("data_field", "data", _w("データの分野", "Field of the data"), _one("data_field", _DATA_FIELDS), "always"),
    Item("data_type", "data", _w("データの種別", "Type of the data"), _one("data_type", standards.DATA_TYPES), "always"),
    Item("size", "data", _w("概略データ量", "Approximate size"), _KNOWN),
    Item("charge", "data", _w("管理対象データの利活用・提供方針（有償／無償）", "Policy on use: free or for a fee"), _one("charge", standards.CHARGES), "always"),
    Item("licence", "data", _w("管理対象データの利活用・提供方針（ライセンス）", "Policy on use: licence"), _one("licence"), "always", hint=_w("例: CC BY 4.0", "For example CC BY 4.0")),
    Item("terms_of_use", "data", _w("管理対象データの利活用・提供方針（引用方法等）", "Policy on use: how to cite, other conditions"), _two("terms_of_use"), "always", is_long=True),
    Item("access", "data", _w("アクセス権", "Access right"), _KNOWN, "always"),
    Item("opens_on", "data", _w("公開予定日", "Planned date of publication"), _KNOWN, "embargoed"),
    Item("repository", "data", _w("リポジトリ情報", "Repository"), _KNOWN),
    Item("address", "data", _w("リポジトリURL・DOIリンク", "Repository URL or DOI"), _KNOWN),
    Item("creators", "data", _w("データ作成者", "Creators of the data"), _one("creators"), hint=_w("読点で区切り、e-Rad研究者番号は括弧で添えます（例: 山田 花子 (e-Rad 12345678)）", "Separated by commas, with their e-Rad numbers: Hanako Yamada (e-Rad 12345678)")),
    Item("hosting_institution", "management", _w("データ管理機関", "Hosting institution"), _two("hosting_institution"), "always"),
    Item("hosting_institution_ror", "management", _w("データ管理機関コード", "Code of the hosting institution (ROR)"), _one("hosting_institution_ror"), hint=_w("例: https://ror.org/00hhkn466", "For example https://ror.org/00hhkn466")),
    Item("manager_kind", "management", _w("データ管理者の種別", "Kind of the data manager"), _one("manager_kind", standards.MANAGERS), "always"),
    Item("manager_erad", "management", _w("データ管理者のe-Rad研究者番号", "e-Rad number of the data manager"), _one("manager_erad"), "individual", hint=_w("数字8桁", "Eight digits")),
    Item("manager", "management", _w("データ管理者", "Data manager"), _two("manager"), "individual", hint=_w("個人名より部署名を勧めます", "An office rather than a person")),
    Item(
        "contact", "management", _w("データ管理者の連絡先", "Contact of the data manager"),
        (
            Slot("contact_mail", label=_w("メールアドレス", "Mail address")),
            Slot("contact_organisation", label=_w("組織名", "Organisation")),
            Slot("contact_address", label=_w("住所", "Postal address")),
            Slot("contact_phone", label=_w("電話番号", "Telephone")),
        ),
        "always", ("contact_organisation", "contact_address", "contact_phone"),
        _w("メールアドレス、または組織名・住所・電話番号のすべて", "A mail address, or organisation, postal address and telephone together"),
    ),
    Item("remarks", "management", _w("備考", "Remarks"), _two("remarks"), is_long=True),
    Item("metadata_access", "management", _w("メタデータのアクセス権", "Access right of the metadata"), _one("metadata_access", standards.METADATA_ACCESS), "always"),
)  # fmt: skip
GROUPS: Mapping[Group, Words] = {
    "project": _w("プロジェクトに関する情報", "About the project"),
    "data": _w("データに関する情報", "About the data"),
    "management": _w("データの管理に関する情報", "About the management of the data"),
}
SLOTS: Mapping[str, Slot] = {slot.name: slot for item in ITEMS for slot in item.slots if slot.name}
_FORMS = {
    "hosting_institution_ror": re.compile(r"https://ror\.org/0[a-z0-9]{8}"),
    "manager_erad": re.compile(r"[0-9]{8}"),
    "programme_code": re.compile(r"[0-9A-Za-z]{1,5}"),
    "award_number": re.compile(r"JP[0-9A-Za-z-]{2,40}"),
    "contact_mail": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
}


def fits(slot: Slot, value: str) -> bool:
    """Whether somebody may write this into an input."""
    if slot.choices is not None:
        return value in slot.choices
    return slot.name not in _FORMS or bool(_FORMS[slot.name].fullmatch(value))


def labels(language: str) -> dict[str, str]:
    """The official names of the values that only this list knows, for pages that show a description."""
    own = set(standards.COMMON_NAMES)
    found = {}
    for item in ITEMS:
        for slot in item.slots:
            if slot.name in own:
                tail = f" ({slot.language})" if slot.language else ""
                tail = f" ({slot.label[language]})" if slot.label else tail
                found[slot.name] = item.label[language] + tail
    return found
