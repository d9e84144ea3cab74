"""When a service is asked again."""

from __future__ import annotations

import datetime as dt

import pytest

from tsunagu.core import retrying

pytestmark = pytest.mark.usefixtures("at")  # 2027-03-31 09:00 UTC


def test_the_wait_grows_to_a_quarter_of_an_hour_and_no_further():
    longest = [max(retrying.wait_s(tries) for _ in range(200)) for tries in (0, 1, 4, 40)]
    assert longest[:2] == [5, 5]
    assert 20 < longest[2] <= 40
    assert 600 < longest[3] <= 900
    assert min(retrying.wait_s(40) for _ in range(200)) >= 5


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("120", 120),
        ("0", 1),
        ("99999999", dt.timedelta(days=1).total_seconds()),
        ("Wed, 31 Mar 2027 09:01:00 GMT", 60),
        ("Wed, 31 Mar 2027 08:00:00 GMT", 1),
    ],
)
def test_what_a_service_asks_for_is_kept_up_to_a_day(said, wait):
    assert retrying.wait_s(1, said) == wait


@pytest.mark.parametrize("said", ["soon", "-5", "\u00b2", "Wed, 31 Mar 2027 09:01:00", "1e9"])
def test_what_is_no_moment_counts_as_nothing_said(said):
    assert retrying.wait_s(1, said) == retrying.FIRST_S
