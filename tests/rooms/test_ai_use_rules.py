"""The rules of the guard without a database: nothing stricter permits more, and terms survive Croissant."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tsunagu.core.errors import InvalidInputError
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.ai_use import checklist, rules
from tsunagu.data.ai_use.types import Facts, PersonAnswer
from tsunagu.foundation.policy import api as policy

DEFAULT = checklist.parsed(checklist.default_text())
TODAY = dt.date(2027, 4, 1)


LOCAL = ai_use.Service("local", "here", is_local=True, keeps="no", trains="no", human_review="no",
                       sub_processors="none", erasable="yes")  # fmt: skip
SERVICES = st.one_of(
    st.just(LOCAL),
    st.builds(
        ai_use.Service, st.just("x"), st.just("x"), countries=st.sampled_from([(), ("JP",), ("JP", "US")]),
        keeps=st.sampled_from(["yes", "no", "unknown"]), trains=st.sampled_from(["yes", "no", "unknown"]),
        human_review=st.sampled_from(["yes", "no", "unknown"]), contract=st.sampled_from(["", "C-1"]),
        sub_processors=st.sampled_from(["unknown", "none"]), erasable=st.sampled_from(["yes", "unknown"]),
        valid_until=st.dates(TODAY - dt.timedelta(2), TODAY + dt.timedelta(2)),
    ),
)  # fmt: skip
TERMS = st.builds(
    ai_use.Terms,
    st.fixed_dictionaries({use: st.sampled_from(ai_use.TERM_ANSWERS) for use in ai_use.USES}),
    st.lists(st.sampled_from(ai_use.LIMITS), unique=True, max_size=3).map(tuple),
    st.none() | st.lists(st.sampled_from(["JP", "US"]), unique=True).map(tuple),
    st.none() | st.dates(TODAY - dt.timedelta(2), TODAY + dt.timedelta(2)),
)
FACTS = st.builds(
    Facts, st.sampled_from(ai_use.KINDS), SERVICES, TERMS,
    st.fixed_dictionaries({name: st.integers(0, len(steps) - 1) for name, steps in policy.LEVELS.items()}),
    st.booleans(), st.booleans(), st.just(TODAY),
)  # fmt: skip
SAID = st.dictionaries(
    st.sampled_from([item.id for item in DEFAULT.items]),
    st.booleans().map(lambda yes: PersonAnswer("", yes, "", "", "", "")),
)


def verdict_of(facts, said):
    return rules.RANK[rules.judge(facts, DEFAULT, said)[0]]


@effort(max_examples=600)
@given(FACTS, SAID, st.data())
def test_nothing_stricter_ever_permits_more(facts, said, data):
    before = verdict_of(facts, said)
    use = data.draw(st.sampled_from(ai_use.USES))
    denied = replace(facts, terms=replace(facts.terms, uses=facts.terms.uses | {use: "deny"}))
    assert verdict_of(denied, said) >= before
    name = data.draw(st.sampled_from(list(policy.LEVELS)))
    # From "nobody decided" to "harmless" is an all-clear, which only owners give, and no raise.
    steps = [level for level in range(facts.levels[name] + 1, len(policy.LEVELS[name])) if level > 1]
    if steps or facts.levels[name] == 1:
        level = data.draw(st.sampled_from(steps or [0]))
        raised = replace(facts, levels=facts.levels | {name: level})
        # An answer was given for the facts of before: the guard forgets it (facts_hash), so must the comparison.
        assert verdict_of(raised, {}) >= verdict_of(facts, {})
    shorter = replace(facts.terms, until=TODAY - dt.timedelta(1))
    assert verdict_of(replace(facts, terms=shorter), said) >= before
    if not facts.service.is_local:
        ended = replace(facts.service, valid_until=TODAY - dt.timedelta(1))
        assert verdict_of(replace(facts, service=ended), said) >= before


@effort(max_examples=300)
@given(FACTS, SAID)
def test_an_answer_that_ends_never_permits_more_and_yes_alone_overrules_no_machine(facts, said):
    fewer = {item: one for item, one in said.items() if not one.is_yes}
    assert verdict_of(facts, fewer) >= verdict_of(facts, said)
    machine_denies = rules.judge(facts, DEFAULT, {})[0] == "deny"
    assert not machine_denies or verdict_of(facts, said) == rules.RANK["deny"]


@effort(max_examples=300)
@given(FACTS)
def test_only_questions_that_change_the_outcome_are_asked(facts):
    answer, results = rules.judge(facts, DEFAULT, {})
    asked = rules.open_items(answer, results)
    yes, no = (PersonAnswer("", is_yes, "", "", "", "") for is_yes in (True, False))
    all_yes = {one.item.id: yes for one in asked}
    assert len(asked) < len(DEFAULT.items)
    if asked:
        assert verdict_of(facts, all_yes) == rules.RANK["allow"]
    for one in asked:
        assert verdict_of(facts, all_yes | {one.item.id: no}) == rules.RANK["deny"]


@given(st.lists(TERMS, min_size=1, max_size=4), TERMS)
def test_one_source_more_loosens_no_term(several, more):
    merged, wider = ai_use.strictest(several), ai_use.strictest([*several, more])
    rank = ai_use.TERM_ANSWERS.index
    assert all(rank(wider.uses[use]) >= rank(merged.uses[use]) for use in ai_use.USES)
    assert set(wider.limits) >= set(merged.limits)
    assert merged.countries is None or set(wider.countries or ()) <= set(merged.countries)
    assert merged.until is None or (wider.until or dt.date.max) <= merged.until


# --- DUO and ODRL


@given(TERMS)
def test_terms_come_back_from_croissant_as_they_went(terms):
    fragment = ai_use.to_croissant(terms)
    back = ai_use.from_croissant(fragment)
    implied = ({"TS"} if terms.until else set()) | ({"GS"} if terms.countries is not None else set())
    # Bounds stand on permissions; where every use is forbidden there is nothing left to bound.
    if set(terms.uses.values()) != {"deny"}:
        assert back.until == terms.until
        assert back.countries == (None if terms.countries is None else tuple(sorted(terms.countries)))
        assert set(back.limits) == set(terms.limits) - implied
    assert back.uses == terms.uses
    codes = [one for one in fragment["usageInfo"] if one["@type"] == "DefinedTerm"]
    assert all(one["@id"].startswith("http://purl.obolibrary.org/obo/DUO_00000") for one in codes)
    offers = [one for one in fragment["usageInfo"] if one["@type"] == "odrl:Offer"]
    assert len(offers) == 1
    actions = [
        rule["odrl:action"]["@id"] for rule in offers[0]["odrl:permission"] + offers[0]["odrl:prohibition"]
    ]
    assert sorted(actions) == sorted(f"tsunagu:{use}" for use in ai_use.USES)
    for rule in offers[0]["odrl:permission"]:
        for bound in rule.get("odrl:constraint", ()):
            assert set(bound) == {"odrl:leftOperand", "odrl:operator", "odrl:rightOperand"}


def test_a_code_that_is_written_by_others_is_read():
    term = {"@type": "DefinedTerm", "termCode": "DUO:0000046"}
    found = ai_use.from_croissant({"usageInfo": term})
    assert found.limits == ("NCU",)
    assert set(found.uses.values()) == {"ask"}


@pytest.mark.parametrize(
    "content",
    [
        {}, {"usageInfo": "free text"}, {"usageInfo": {"@type": "DefinedTerm", "termCode": "DUO:9999999"}},
        {"usageInfo": {"@type": "odrl:Offer", "odrl:permission": [{"odrl:action": "odrl:sell"}]}},
        {"usageInfo": {"@type": "odrl:Offer", "odrl:permission": ["all"]}},
        {"usageInfo": {"@type": "odrl:Offer", "odrl:permission": [
            {"odrl:action": {"@id": "tsunagu:training"}, "odrl:constraint": ["cheap"]}]}},
        {"usageInfo": {"@type": "odrl:Offer", "odrl:permission": [
            {"odrl:action": {"@id": "tsunagu:training"},
             "odrl:constraint": [{"odrl:leftOperand": "odrl:payAmount", "odrl:operator": "odrl:eq"}]}]}},
    ],
)  # fmt: skip
def test_rules_that_cannot_be_kept_are_refused(content):
    with pytest.raises(InvalidInputError):
        ai_use.from_croissant(content)
