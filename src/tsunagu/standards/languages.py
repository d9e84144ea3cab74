"""Codes of languages: two letters (ISO 639-1) and three (ISO 639-3), for the languages that research is written in."""

from __future__ import annotations

import re

_PAIRS = (
    "af afr ar ara az aze be bel bg bul bn ben bo bod bs bos ca cat cs ces cy cym da dan de deu el ell "
    "en eng eo epo es spa et est eu eus fa fas fi fin fr fra ga gle gl glg gu guj he heb hi hin hr hrv "
    "hu hun hy hye id ind is isl it ita ja jpn ka kat kk kaz km khm kn kan ko kor ky kir la lat lo lao "
    "lt lit lv lav mg mlg mi mri mk mkd ml mal mn mon mr mar ms msa mt mlt my mya nb nob ne nep nl nld "
    "nn nno no nor pa pan pl pol ps pus pt por ro ron ru rus sa san si sin sk slk sl slv sq sqi sr srp "
    "sv swe sw swa ta tam te tel tg tgk th tha tk tuk tl tgl tr tur ug uig uk ukr ur urd uz uzb vi vie "
    "xh xho yi yid yo yor zh zho zu zul "
)
_TO_THREE = dict(zip(_PAIRS.split()[::2], _PAIRS.split()[1::2], strict=True))
_TO_TWO = {three: two for two, three in _TO_THREE.items()}

_JAPANESE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def language_of(text: str) -> str:
    """``ja`` for words with Japanese signs, else ``en``."""
    return "ja" if _JAPANESE.search(text) else "en"


def to_three(language: str) -> str:
    """``ja`` or ``ja-JP`` -> ``jpn``; what is unknown stays as it is."""
    return _TO_THREE.get(language.partition("-")[0].lower(), language)


def to_two(language: str) -> str:
    """``jpn`` -> ``ja``; what is unknown stays as it is."""
    return _TO_TWO.get(language, language)
