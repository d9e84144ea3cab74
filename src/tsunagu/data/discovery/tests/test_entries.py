"""Terms of columns: what is compared stands first, and what is shown comes back letter by letter."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tsunagu.data.discovery.documents import column_key
from tsunagu.data.discovery.entries import SHOWN, column, columns, shown_of

printed = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=260)


@given(printed)
@example("Raman Spectra of LiCoO2")
@example("ラマン分光　LiCoO₂")  # folded to another width, as long as it was
@example("ﬁlm")  # folded to more letters than it has
@example(" edges ")
@example("İstanbul")
@example("A" * 300)
def test_what_is_shown_comes_back_whole(value):
    key, shown = shown_of(column(value))
    assert shown == value[:200]
    assert key == column_key(value)


@given(printed)
def test_a_term_begins_with_what_is_compared(value):
    assert column(value).startswith(f"{column_key(value)}{SHOWN}")


@pytest.mark.parametrize(
    ("title", "most"),
    [
        ("磁性薄膜のラマン分光", 1),
        ("Raman spectra of cathode materials at high pressure", 2),
    ],
)
def test_a_title_is_not_said_twice(title, most):
    assert len(column(title)) - len(column_key(title)) <= most


def test_spellings_of_one_value_are_one_term():
    assert columns(["CSV", "csv", "ＣＳＶ"]) == [column("ＣＳＶ")]


@pytest.mark.parametrize("other", ["closed", "2026", ""])
def test_terms_of_other_columns_are_shown_as_they_are(other):
    assert shown_of(other) == ("", other)
