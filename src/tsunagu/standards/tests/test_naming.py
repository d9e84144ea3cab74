"""Names in documents: of files, nobody's twice; of people, with an iD only where it is right."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu.standards.api import agent_named
from tsunagu.standards.naming import names_of

_UNSAFE = re.compile(r"[^a-z0-9.-]+")
_PATHS = st.lists(st.text("aA_2/試é. ", min_size=1, max_size=6), unique=True)


@given(_PATHS)
def test_every_path_gets_a_name_of_its_own(paths):
    found = names_of(paths, _UNSAFE, is_lower=True)
    assert list(found) == paths
    assert len(set(found.values())) == len(paths)
    assert all(re.fullmatch(r"[a-z0-9._-]+", name) for name in found.values())
    assert names_of(paths, _UNSAFE, is_lower=True) == found


@pytest.mark.parametrize(
    "text",
    [
        "山田 花子 (0000-0002-1825-0097)",
        "山田 花子 https://orcid.org/0000-0002-1825-0097",
        "山田 花子, ORCID: 0000-0002-1825-0097",
        "  山田 花子 [0000-0002-1825-0097] ",
    ],
)
def test_a_person_is_told_from_the_orcid_id(text):
    agent = agent_named(text)
    assert (agent.name, agent.id) == ("山田 花子", "https://orcid.org/0000-0002-1825-0097")


@pytest.mark.parametrize(
    "text",
    [
        "山田 花子",
        "山田 花子 (0000-0002-1825-0096)",
        "0000-0002-1825-0097",
        "Lot 1234-5678-9012-345",
        "A (1)",
    ],
)
def test_what_is_no_right_orcid_id_stays_in_the_name(text):
    assert (agent_named(text).name, agent_named(text).id) == (text, "")


@given(st.integers(0, 10**15 - 1), st.integers(0, 14), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(number, place, by):
    digits = f"{number:015d}"
    (right,) = [
        f"{digits}{check}" for check in "0123456789X" if agent_named(f"A ({_dashed(digits + check)})").id
    ]
    wrong = right[:place] + str((int(right[place]) + by) % 10) + right[place + 1 :]
    assert not agent_named(f"A ({_dashed(wrong)})").id


def _dashed(digits):
    return "-".join(digits[start : start + 4] for start in range(0, 16, 4))
