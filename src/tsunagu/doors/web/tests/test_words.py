"""The words of the pages: one word per thing, both languages whole, numbers and times in one form."""

from __future__ import annotations

import re
from pathlib import Path

import polib
import pytest
from django.utils import translation

from tsunagu.doors.web import formatting, words

WEB = Path(__file__).resolve().parents[1]
CATALOGUE = polib.pofile(str(WEB / "locale" / "ja" / "LC_MESSAGES" / "django.po"))
# Words that the glossary replaces: the word, and where it may stand after all.
NOT_OURS = {
    "仮登録": "下書き", "凍結": "確定", "リリース": "公開", "バージョン": "版", "リビジョン": "版", "系譜": "来歴",
    "プロビナンス": "来歴", "ジョブ": "実行", "フォルダ(?!ー)": "フォルダー", "制限公開": "共有", "計画書": "データ管理計画",
    "査読(?!付き論文)": "キュレーション", "審査": "キュレーション", "却下": "不採用", "自動入力": "提案", "機器": "装置", "サンプル": "試料",
    "リザーブ": "予約", "権限エラー": "できない理由", "ポリシー": "規則", "再認証エラー": "本人確認の強化",
    "させていただ": "しました", "ご利用いただけ": "できます", "することができ": "できます", "ください!|！": "。",
    "ユーザー?": "人、メンバー", "アップロード": "送信",
}  # fmt: skip


def shown(entry: polib.POEntry) -> str:
    return entry.msgstr_plural.get(0, "") if entry.msgid_plural else entry.msgstr


@pytest.mark.parametrize("word", NOT_OURS)
def test_the_glossarys_word_is_used(word):
    wrong = [shown(entry) for entry in CATALOGUE if re.search(word, shown(entry))]
    assert not wrong, f"say {NOT_OURS[word]}"


def test_every_message_is_translated_and_none_is_a_guess():
    assert not [entry.msgid for entry in CATALOGUE if not shown(entry)]
    assert not [entry.msgid for entry in CATALOGUE if "fuzzy" in entry.flags]
    same = [e.msgid for e in CATALOGUE if shown(e) == e.msgid and re.search("[a-z]{3} [a-z]{3}", e.msgid)]
    assert not same


def test_templates_hold_no_words_of_their_own():
    """Text between tags stands in translate; names of formats and programs are the same everywhere."""
    allowed = {"API", "SHA-256", "AI", "English", "日本語", "import tsunagu", "FOLDER", "tsunagu"}
    allowed |= {
        "Croissant",
        "CSV",
        "JSON",
        "XML",
        "RO-Crate",
        "Frictionless",
        "schema.org",
        "DOI",
        "ROR",
        "ORCID",
        "ISSN",
        "JSON-LD",
        "Enter",
        "URL",
        "https://doi.org/",
    }
    wrong = []
    for file in sorted((WEB / "templates" / "web").rglob("*.html")):
        if file.name in {"instrument.html", "patterns.html"}:
            continue
        text = re.sub(
            r"{#.*?#}|{% blocktranslate.*?endblocktranslate %}|{%.*?%}|{{.*?}}",
            " ",
            file.read_text("utf-8"),
            flags=re.DOTALL,
        )
        text = re.sub(r"<(pre|svg|script)\b.*?</\1>|<[^>]*>|&\w+;", "\n", text, flags=re.DOTALL)
        lines = filter(None, (part.strip() for part in text.splitlines()))
        wrong += [
            f"{file.name}: {line}"
            for line in lines
            if re.search(r"[^\W\d_]{2}", line) and line not in allowed
        ]
    assert not wrong  # fmt: skip


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_500_000, "1.5 MB"), (88_000_000_000, "88.0 GB"), (None, ""), ("", "")],
)  # fmt: skip
def test_bytes_are_decimal(count, text):
    assert formatting.bytes_text(count).replace("\u202f", " ") == text


def test_numbers_keep_their_digits():
    assert formatting.number_text(1_204_567) == "1,204,567"
    assert formatting.number_text(1.5406) == "1.5406"
    assert formatting.number_text(None) == ""


def test_times_are_in_the_zone_and_keep_the_exact_one():
    html = formatting.moment_html("2026-04-01T05:05:00+00:00")
    assert 'datetime="2026-04-01T05:05:00+00:00"' in html
    assert "2026-04-01" in html


class Said:
    def __init__(self, value):
        self.value = value


def test_titles_in_two_languages():
    both = {"title": Said("正極の測定"), "title_en": Said("Cathodes")}
    assert words.in_both(both, "title", "x", "ja") == ("正極の測定", "Cathodes")
    assert words.in_both(both, "title", "x", "en") == ("Cathodes", "正極の測定")
    assert words.in_both({"title": Said("Cathodes")}, "title", "x", "ja") == ("Cathodes", "")
    assert words.in_both({}, "title", "licoo2", "en") == ("licoo2", "")


@pytest.mark.parametrize("name", ["髙橋", "﨑山", "𠮷田", "コバルト", "さくら"])
def test_japanese_is_recognised(name):
    assert words.language_of(name) == "ja"


def test_names_have_words_in_both_languages():
    with translation.override("ja"):
        assert words.name_word({}, "creators") == "作成者"
        assert words.name_word({"wavelength": "波長"}, "wavelength") == "波長"
    with translation.override("en"):
        assert words.name_word({}, "unheard-of") == "unheard-of"
