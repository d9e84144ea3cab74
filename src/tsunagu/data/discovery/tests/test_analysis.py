"""Words as an index holds them."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tsunagu.data.discovery import analysis

LETTERS = st.sampled_from("azAZ09sS_-'. \t\n\x1f") | st.characters(max_codepoint=127)


@given(st.text(LETTERS, max_size=150) | st.text("sSxy", min_size=90, max_size=120))
def test_plain_english_is_cut_as_it_is_beside_japanese(text):
    """The short way for ASCII finds what the way for all alphabets finds."""
    assert analysis.tokens(text) == analysis.tokens(f"{text} 図")[:-1]


@given(st.text(st.sampled_from("あいア漢字々ー髙a1 。"), max_size=40))
def test_runs_of_japanese_become_their_pairs_and_their_last_sign(text):
    found = analysis.tokens(text)
    for pair in (one for one in found if len(one) == 2 and not one.isascii()):
        assert pair in analysis.fold(text)
    letters = [sign for sign in analysis.fold(text) if sign not in " 。" and not sign.isascii()]
    assert [one[0] for one in found if not one.isascii()] == letters


def test_the_variants_of_names_are_one():
    assert analysis.fold("髙﨑ヶ丘ヵ") == "高崎ケ丘カ"
    assert analysis.tokens("山﨑") == analysis.tokens("山崎") == ["山崎", "崎"]


def test_a_plural_and_its_singular_are_one_and_codes_stay():
    assert analysis.tokens("Batteries of glasses, SiO2 and is") == [
        "battery",
        "of",
        "glasse",
        "sio2",
        "and",
        "is",
    ]
    assert analysis.tokens("class status axis") == ["class", "status", "axis"]


def test_no_text_is_longer_than_an_index_can_hold():
    assert (
        max(
            map(
                len,
                analysis.tokens(
                    "s" * 400 + " " + unicodedata.lookup("LATIN SMALL LETTER O WITH STROKE") * 400
                ),
            )
        )
        == 100
    )
