"""COUNTER's rules, each with a case that was counted by hand."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsunagu.data.usage import agents
from tsunagu.data.usage.counting import (
    TOTAL_INVESTIGATIONS,
    TOTAL_REQUESTS,
    UNIQUE_INVESTIGATIONS,
    UNIQUE_REQUESTS,
    Hit,
    Key,
    count,
)

TEN = 10 * 3600


def hit(
    at_s, *, who="a", target="page", version=1, request=False, channel="web", method="regular", job=False
):
    return Hit(at_s, version, request, channel, method, target, who, job)


def numbers(*hits, version=0, method="regular"):
    found = count(hits)
    metrics = (TOTAL_INVESTIGATIONS, UNIQUE_INVESTIGATIONS, TOTAL_REQUESTS, UNIQUE_REQUESTS)
    return tuple(found[Key(version, metric, method, "")] for metric in metrics)


@pytest.mark.parametrize(("second", "total"), [(0, 1), (29, 1), (30, 1), (31, 2), (35, 2)])
def test_two_clicks_within_thirty_seconds_are_one(second, total):
    """The Code's own example: 10:01:00 and 10:01:29 are one, 10:01:00 and 10:01:35 are two."""
    assert numbers(hit(TEN + 60), hit(TEN + 60 + second)) == (total, 1, 0, 0)


def test_a_chain_of_clicks_ends_in_its_last():
    """10:59:40, 11:00:05, 11:00:30: one hit, and it belongs to the hour after eleven."""
    chain = [hit(TEN + 3580), hit(TEN + 3605), hit(TEN + 3630)]
    assert numbers(*chain) == (1, 1, 0, 0)
    # Had the first counted, these would be two sessions.
    assert numbers(*chain, hit(TEN + 3700, target="other")) == (2, 1, 0, 0)


def test_others_and_other_pages_are_no_double_click():
    assert numbers(hit(TEN), hit(TEN + 5, who="b")) == (2, 2, 0, 0)
    assert numbers(hit(TEN), hit(TEN + 5, target="preview")) == (2, 1, 0, 0)
    assert numbers(hit(TEN), hit(TEN + 5, request=True)) == (2, 1, 1, 1)


def test_a_session_is_a_user_and_an_hour():
    same_hour = [hit(TEN + minute * 60, target=f"file {minute}", request=True) for minute in (0, 20, 40)]
    assert numbers(*same_hour) == (3, 1, 3, 1)
    assert numbers(*same_hour, hit(TEN + 3600, target="file 60", request=True)) == (4, 2, 4, 2)


def test_a_request_is_an_investigation_too():
    assert numbers(hit(TEN, request=True)) == (1, 1, 1, 1)
    assert numbers(hit(TEN)) == (1, 1, 0, 0)


def test_the_pages_and_ranges_of_a_download_are_one_request_an_hour():
    parts = [hit(TEN + 60 * minute, request=True, channel="hub", job=True) for minute in range(0, 60, 5)]
    assert numbers(*parts) == (1, 1, 1, 1)
    assert numbers(*parts, hit(TEN + 3700, request=True, channel="hub", job=True)) == (2, 2, 2, 2)
    # The same file fetched twice by hand, ten minutes apart, was fetched twice.
    assert numbers(hit(TEN, request=True), hit(TEN + 600, request=True)) == (2, 1, 2, 1)


def test_versions_are_counted_alone_and_together():
    hits = [
        hit(TEN),
        hit(TEN + 100, version=2, target="page 2"),
        hit(TEN + 200, version=2, target="file", request=True),
    ]
    assert numbers(*hits, version=1) == (1, 1, 0, 0)
    assert numbers(*hits, version=2) == (2, 1, 1, 1)
    # One session saw both versions: unique numbers of versions do not add up to that of the dataset.
    assert numbers(*hits) == (3, 1, 1, 1)


def test_scripts_and_people_are_counted_apart_and_channels_by_requests():
    hits = [hit(TEN, request=True, channel="hub", method="machine"), hit(TEN, who="b", request=True)]
    assert numbers(*hits) == (1, 1, 1, 1)
    assert numbers(*hits, method="machine") == (1, 1, 1, 1)
    found = count(hits)
    assert found[Key(0, TOTAL_REQUESTS, "machine", "hub")] == 1
    assert found[Key(0, TOTAL_REQUESTS, "regular", "web")] == 1
    assert Key(0, TOTAL_REQUESTS, "regular", "hub") not in found


HITS = st.builds(
    Hit,
    at_s=st.integers(0, 4 * 3600),
    version=st.just(1),
    is_request=st.booleans(),
    channel=st.just("web"),
    method=st.just("regular"),
    target=st.sampled_from("xy"),
    who=st.sampled_from("ab"),
    is_job=st.booleans(),
)


@given(st.lists(HITS, max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing_and_unique_is_never_more_than_total(hits, chance):
    found = count(hits)
    moved = list(hits)
    chance.shuffle(moved)
    # Of two hits in the same second it does not matter which one counts.
    assert isinstance(chance, random.Random)
    assert count(moved) == found
    assert (
        found[Key(0, UNIQUE_INVESTIGATIONS, "regular", "")]
        <= found[Key(0, TOTAL_INVESTIGATIONS, "regular", "")]
    )
    assert found[Key(0, TOTAL_REQUESTS, "regular", "")] <= found[Key(0, TOTAL_INVESTIGATIONS, "regular", "")]
    assert found[Key(0, TOTAL_INVESTIGATIONS, "regular", "")] <= len(hits)
    assert not hits or Counter(found)[Key(0, TOTAL_INVESTIGATIONS, "regular", "")] >= 1


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "regular"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
            "regular",
        ),
        ("A program that nobody knows/1.0", "regular"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "robot"),
        ("Mozilla/5.0 (compatible; bingbot/2.0)", "robot"),
        ("GPTBot/1.2", "robot"),
        ("CCBot/2.0 (https://commoncrawl.org/faq/)", "robot"),
        ("PerplexityBot/1.0", "robot"),
        ("ClaudeBot/1.0", "robot"),
        ("Sickle/0.7.0 python-requests", "machine"),
        ("oaipmh-scythe/0.16", "robot"),
        ("kube-probe/1.30", "robot"),
        ("python-requests/2.32.3", "machine"),
        ("curl/8.5.0", "machine"),
        ("Wget/1.21.4", "machine"),
        ("Java/17.0.2", "machine"),
        ("rclone/v1.66.0", "machine"),
        ("unknown/None; hf_hub/0.24.5; python/3.11.9; datasets/2.20.0", "machine"),
        ("Tsunagu/0.1", "machine"),
        ("", "machine"),
    ],
)
def test_robots_are_out_and_scripts_are_in(agent, kind):
    assert agents.kind_of(agent) == kind


def test_whoever_has_a_token_is_a_program_of_a_person():
    assert agents.kind_of("Mozilla/5.0", has_token=True) == "machine"
    assert agents.kind_of("MyBot/1.0", has_token=True) == "machine"


def test_an_operator_adds_the_official_list(tmp_path):
    official = tmp_path / "robots.json"
    official.write_text('[{"pattern": "^Letsdothis", "last_changed": "2020-01-01"}]')
    assert agents.read_patterns(str(official)) == ["^Letsdothis"]
    lines = tmp_path / "robots.txt"
    lines.write_text("# ours\n\n^Letsdothat\n")
    assert agents.read_patterns(str(lines)) == ["^Letsdothat"]
    lines.write_text("(\n")
    with pytest.raises(agents.BadRobotsFileError, match=r"robots\.txt"):
        agents.read_patterns(str(lines))
    with pytest.raises(agents.BadRobotsFileError):
        agents.read_patterns(str(tmp_path / "nowhere"))
