"""What looks like personal information in Japanese and English texts: numbers, addresses, names.

Each recogniser is a cheap vectorised pattern; those whose pattern fits too much ask further. Counts come out, never a
value. Sources: check digit of the individual number, ordinance of the Ministry of Internal Affairs and Communications
no. 85 of 2014, article 5; forms of telephone numbers and postal codes as the ministry and Japan Post publish them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LOOKED_AT = 20_000
_FEW, _MORE_THAN_CHANCE = 10, 0.3
_FIRST_OF_WEIGHTS = 6
_DIGITS = 12
_PREFECTURES = (
    "北海道|東京都|京都府|大阪府|(?:青森|岩手|宮城|秋田|山形|福島|茨城|栃木|群馬|埼玉|千葉|神奈川|新潟|富山|石川|福井|山梨|長野|岐阜|静岡"
    "|愛知|三重|滋賀|兵庫|奈良|和歌山|鳥取|島根|岡山|広島|山口|徳島|香川|愛媛|高知|福岡|佐賀|長崎|熊本|大分|宮崎|鹿児島|沖縄)県"
)
_SURNAMES = (
    "佐藤|鈴木|高橋|田中|伊藤|渡辺|渡邊|渡邉|山本|中村|小林|加藤|吉田|山田|佐々木|山口|松本|井上|木村|林|斎藤|齋藤|斉藤|清水|山崎"
    "|森|池田|橋本|阿部|石川|山下|中島|石井|小川|前田|岡田|長谷川|藤田|後藤|近藤|村上|遠藤|青木|坂本|福田|太田|西村|藤井|金子|岡本"
    "|藤原|三浦|中野|中川|原田|松田|竹内|小野|田村|中山|和田|石田|森田|上田|原|内田|柴田|酒井|宮崎|横山|高木|安藤|宮本|大野|小島"
    "|谷口|工藤|今井|高田|増田|丸山|杉山|村田|大塚|新井|小山|藤本|平野|河野|上野|野口|武田|松井|千葉|菅原|岩崎|久保|木下|佐野|野村"
)
_EMAIL = r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+"
_PHONE = r"(?:^|[^\d-])(?:0[5789]0[- ]?\d{4}[- ]?\d{4}|0\d{1,4}[-(（]\d{1,4}[-)）]\d{4}|\+81[- ]?\d{1,4}[- ]\d{1,4}[- ]\d{4})(?:[^\d-]|$)"
_POSTAL = r"〒\s*\d{3}-?\d{4}"
_ADDRESS = rf"(?:{_PREFECTURES})\s*[^\s,、]{{1,12}}?[市区町村郡]"
_NAME = rf"^(?:{_SURNAMES})[ 　][\p{{Han}}\p{{Hiragana}}\p{{Katakana}}]{{1,4}}(?:さん|様|氏)?$"
_TWELVE = r"(?:^|\D)\d{4}[- ]?\d{4}[- ]?\d{4}(?:\D|$)"
_PATTERNS: Mapping[str, str] = {
    "email": _EMAIL,
    "phone": _PHONE,
    "postal_code": _POSTAL,
    "address": _ADDRESS,
    "name": _NAME,
    "individual_number": _TWELVE,
}
# What the title of a column makes of forms that mean nothing without it.
_BY_TITLE: Mapping[str, tuple[re.Pattern[str], str]] = {
    "postal_code": (re.compile(r"郵便|〒|\b(?:zip|postal)", re.IGNORECASE), r"^\d{3}-?\d{4}$"),
    "passport": (re.compile(r"旅券|パスポート|passport", re.IGNORECASE), r"^[A-Z]{2}\d{7}$"),
    "name": (
        re.compile(r"氏名|患者名|被験者名|お名前|フリガナ|担当者?$|測定者|実験者|作業者|記録者|\b(?:full|patient|subject|last|family)[ _]?name", re.IGNORECASE),
        r"^[\p{Han}\p{Hiragana}\p{Katakana}A-Za-z][\p{Han}\p{Hiragana}\p{Katakana}A-Za-z .・　ー'-]{1,40}$",
    ),
    "phone": (re.compile(r"電話|携帯|\b(?:tel|phone|mobile)\b", re.IGNORECASE), r"^\+?\d[\d -]{8,14}$"),
    "birth_date": (re.compile(r"生年月日|誕生日|birth", re.IGNORECASE), r"."),
}  # fmt: skip


def find(title: str, values: Any, counts: Any = None) -> dict[str, int]:
    """How many values of a text column look like what, by recogniser.

    Args:
        title: The column's name, which makes some forms mean more.
        values: An Arrow string array.
        counts: How often each of the values stands in the column; once each without it.
    """
    if values.null_count == len(values):
        return {}
    found: dict[str, int] = {}
    for name, pattern in _patterns(title):
        hits = pc.match_substring_regex(values, pattern)
        count = int(pc.sum(counts.filter(hits) if counts is not None else hits).as_py() or 0)
        if count and (further := _FURTHER.get(name)):
            candidates = values.filter(hits)[:_LOOKED_AT].to_pylist()
            share = sum(map(further, candidates)) / len(candidates)
            # One of eleven random numbers passes by chance: many candidates and few that pass are no people.
            is_chance = len(candidates) > _FEW and share < _MORE_THAN_CHANCE
            count = 0 if is_chance else round(share * count)
        if count:
            found[name] = found.get(name, 0) + count
    return found


def find_in_numbers(title: str, values: Any) -> dict[str, int]:
    """The same for a column of whole numbers: twelve digits may be individual numbers."""
    extent = pc.min_max(values).as_py()
    if extent["max"] is None or not 10 ** (_DIGITS - 2) <= extent["max"] < 10**_DIGITS:
        return {}
    padded = pc.utf8_lpad(pc.cast(values, pa.string()), _DIGITS, padding="0")
    return {name: n for name, n in find(title, padded).items() if name == "individual_number"}


def _patterns(title: str) -> list[tuple[str, str]]:
    by_title = [(name, pattern) for name, (wanted, pattern) in _BY_TITLE.items() if wanted.search(title)]
    named = {name for name, _ in by_title}
    return [*((name, pattern) for name, pattern in _PATTERNS.items() if name not in named), *by_title]


def is_individual_number(text: str) -> bool:
    """Whether twelve digits end in the right check digit; one of eleven random numbers does."""
    digits = [int(one) for one in re.sub(r"\D", "", text)]
    if len(digits) != _DIGITS or len(set(digits)) == 1:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits[:-1]), 1):
        total += digit * (place + 1 if place <= _FIRST_OF_WEIGHTS else place - 5)
    rest = total % 11
    return digits[-1] == (0 if rest <= 1 else 11 - rest)


_FURTHER: Mapping[str, Callable[[str], bool]] = {"individual_number": is_individual_number}
