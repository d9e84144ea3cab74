"""The guard for use by AI: terms travel, facts end, people answer for the facts as they were."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace

import pytest
from django.test import Client
from django.utils import translation
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tests.rooms.test_sharing import client_of
from tsunagu.core import clock
from tsunagu.core.errors import ConflictError, InvalidInputError, NotFoundError
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.ai_use import checklist, rules
from tsunagu.data.ai_use.models import AiUseCheck, FrozenAiTerms
from tsunagu.data.ai_use.types import Facts, PersonAnswer
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.ledger.models import Entry
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

DEFAULT = checklist.parsed(checklist.default_text())
TODAY = dt.date(2027, 4, 1)
CHECKED = {
    "operator": "Example", "countries": ["JP"], "law": "Japan", "keeps": "no", "trains": "no",
    "human_review": "no", "sub_processors": "none", "contract": "C-1", "erasable": "yes",
}  # fmt: skip
PURPOSE = "summarise the spectra"


@pytest.fixture
def static_files(settings):
    settings.STATIC_ROOT.mkdir(exist_ok=True)


@pytest.fixture
def closed(dataset, put):
    """A dataset whose labels are all decided to be harmless, so that only its being closed matters."""
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})
    for name in ("personal", "export_control", "contract"):
        datasets.set_label(owner, card, name, "no")
    datasets.freeze_version(owner, card.id)
    return owner, datasets.get_dataset(owner, "lab", "data")


@pytest.fixture
def officer(person):
    return person("officer", is_admin=True)


@pytest.fixture
def outside(officer):
    return ai_use.write_service(officer, "outside", CHECKED, valid_until="2099-12-31")


def ask(actor, card, service="local", kind="inference", purpose=PURPOSE):
    card = datasets.get_dataset_by_id(actor, card.id)
    return ai_use.check_use(actor, card, service=service, purpose=purpose, kind=kind)


def say(actor, card, item, *, is_yes=True, service="local", kind="inference", purpose=PURPOSE):
    card = datasets.get_dataset_by_id(actor, card.id)
    ai_use.answer_item(
        actor, card, service=service, purpose=purpose, kind=kind, item=item, is_yes=is_yes, note="looked at"
    )


def terms(**uses):
    return ai_use.parse({"uses": uses})


def opened(owner, card):
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    return datasets.get_dataset(owner, card.project, card.name)


# --- Terms


@pytest.mark.django_db
def test_what_is_not_open_asks_and_what_is_open_allows(closed):
    owner, card = closed
    assert set(ai_use.terms_of(card).terms.uses.values()) == {"ask"}
    assert set(ai_use.terms_of(opened(owner, card)).terms.uses.values()) == {"allow"}


@pytest.mark.django_db
def test_terms_of_a_source_hold_for_what_is_derived_at_once_and_through_two_steps(closed):
    owner, card = closed
    ai_use.set_terms(owner, card, terms(training="allow", index="allow", local_inference="allow"))
    capture.open_push(owner, "lab", "second", inputs=["lab/data"])
    capture.open_push(owner, "lab", "third", inputs=["lab/second@"])
    third = datasets.get_dataset(owner, "lab", "third")
    assert ai_use.terms_of(third).terms.uses["training"] == "ask"
    strict = replace(terms(training="deny", index="allow"), limits=("NCU",), countries=("JP",), until=TODAY)
    ai_use.set_terms(owner, card, strict)
    found = ai_use.terms_of(third)
    assert found.terms.uses["training"] == "deny"
    assert (found.terms.limits, found.terms.countries, found.terms.until) == (("NCU",), ("JP",), TODAY)
    assert found.inherited["training"] == ("lab/second",)


@pytest.mark.django_db
def test_looser_than_a_source_is_a_release_with_a_reason(closed):
    owner, card = closed
    ai_use.set_terms(owner, card, terms(training="deny"))
    capture.open_push(owner, "lab", "derived", inputs=["lab/data"])
    derived = datasets.get_dataset(owner, "lab", "derived")
    with pytest.raises(ai_use.NoReasonError):
        ai_use.set_terms(owner, derived, terms(training="allow"))
    assert ai_use.terms_of(derived).terms.uses["training"] == "deny"
    ai_use.set_terms(owner, derived, terms(training="allow"), reason="statistics only")
    assert ai_use.terms_of(derived).terms.uses["training"] == "allow"
    assert runs.of_dataset(derived.id, limit=1)[0].kind == "release_ai_terms"
    ai_use.set_terms(owner, card, terms(training="deny", index="deny"))
    ai_use.set_terms(owner, derived, terms(training="allow"))
    assert ai_use.terms_of(derived).terms.uses["index"] == "deny", "what stays as it was is no release"
    ai_use.set_terms(owner, derived, terms(training="allow"), reason="the same", release=["index"])
    assert ai_use.terms_of(derived).terms.uses["index"] == "ask"
    datasets.create_dataset(owner, "lab", "other")
    other = datasets.get_dataset(owner, "lab", "other")
    ai_use.set_terms(owner, other, terms(training="deny"))
    capture.open_push(owner, "lab", "derived", inputs=["lab/other"])
    assert ai_use.terms_of(derived).terms.uses["training"] == "deny", "a new source is not released"


@pytest.mark.django_db
def test_two_datasets_derived_from_each_other_end(closed):
    owner, card = closed
    ai_use.set_terms(owner, card, terms(training="deny"))
    capture.open_push(owner, "lab", "derived", inputs=["lab/data"])
    capture.open_push(owner, "lab", "data", inputs=["lab/derived"])
    for name in ("data", "derived"):
        assert ai_use.terms_of(datasets.get_dataset(owner, "lab", name)).terms.uses["training"] == "deny"


@pytest.mark.django_db
def test_only_who_manages_sets_terms_and_they_must_make_sense(closed, person):
    owner, card = closed
    editor = person("editor")
    policy.grant(owner, card.resource, subject_kind="person", subject_id=editor.id, role=policy.Role.EDITOR)
    with pytest.raises(policy.ActionDeniedError):
        ai_use.set_terms(editor, card, terms())
    with pytest.raises(NotFoundError):
        ai_use.set_terms(person("stranger"), card, terms())
    for wrong in ({"uses": {"training": "perhaps"}}, {"uses": {"eating": "deny"}}, {"limits": ["XYZ"]},
                  {"countries": ["Japan"]}, {"until": "soon"}):  # fmt: skip
        with pytest.raises(InvalidInputError):
            ai_use.parse(wrong)


@pytest.mark.django_db
def test_a_version_remembers_the_terms_that_stood(closed):
    from tsunagu.data.ai_use.tasks import remember_terms

    owner, card = closed
    ai_use.set_terms(owner, card, terms(training="deny"))
    assert ai_use.terms_of_version(card, 1).uses["training"] == "ask", "not kept yet, and not what came later"
    remember_terms.call(dataset_id=card.id, number=1)
    assert FrozenAiTerms.objects.get().terms["uses"]["training"] == "ask"
    assert ai_use.terms_of_version(card, 1).uses["training"] == "ask"


# --- Services and checklist


@pytest.mark.django_db
def test_officers_keep_the_register_and_every_change_is_a_revision(outside, officer, person):
    assert outside.revision == 1
    again = ai_use.write_service(officer, "outside", CHECKED | {"keeps": "yes"}, valid_until="2099-01-01")
    assert (again.revision, ai_use.get_service("outside").keeps) == (2, "yes")
    assert [one.name for one in ai_use.services()] == ["local", "outside"]
    with pytest.raises(policy.ActionDeniedError):
        ai_use.write_service(person("other"), "mine", CHECKED, valid_until="2099-01-01")
    for name, facts, until in (
        ("local", CHECKED, "2099-01-01"), ("a b", CHECKED, "2099-01-01"), ("x", CHECKED, "soon"),
        ("x", {"keeps": "perhaps"}, "2099-01-01"), ("x", {"countries": ["Japan"]}, "2099-01-01"),
        ("x", {"retention_days": -1}, "2099-01-01"),
    ):  # fmt: skip
        with pytest.raises(InvalidInputError):
            ai_use.write_service(officer, name, facts, valid_until=until)
    with pytest.raises(ai_use.NoSuchServiceError):
        ai_use.get_service("x")
    assert not issubclass(ai_use.NoSuchServiceError, ConflictError)


@pytest.mark.django_db
def test_another_checklist_can_be_put_in_force_by_officers_alone(officer, person, closed):
    owner, card = closed
    shorter = "\n".join(itertools.takewhile(lambda line: "ai.D1\n" not in f"{line}\n", checklist.default_text().splitlines()))  # fmt: skip
    assert len(checklist.parsed(shorter).items) == 1
    with pytest.raises(policy.ActionDeniedError):
        ai_use.write_checklist(person("other"), shorter)
    assert len(ask(owner, card).items) > 1
    made = ai_use.write_checklist(officer, shorter, note="trial")
    verdict = ask(owner, card)
    assert (verdict.checklist, [one.item.id for one in verdict.items]) == (made.version, ["ai.T1"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rule: class", "rule: magic"), ("id: ai.D1\n", "id: ai.T1\n"), ("who: [steward]", "who: [nobody]"),
        ("asks_when: [external]", "asks_when: [full_moon]"), ("unknown: needs", "unknown: allow"),
        ("rule: terms", "rule: class"), ("valid_days: 180", "valid_days: 0"), ("items:", "things:"),
        ("    ask:\n      ja:", "    ask:\n      fr:"), ("title:", "\ttitle:"),
    ],
)  # fmt: skip
def test_a_checklist_that_cannot_hold_is_refused(old, new):
    assert old in checklist.default_text()
    with pytest.raises(ai_use.BadChecklistError):
        checklist.parsed(checklist.default_text().replace(old, new, 1))


# --- The guard


@pytest.mark.django_db
def test_open_data_and_a_local_model_ask_nothing(closed):
    owner, card = closed
    assert ask(owner, opened(owner, card)).answer == "allow"
    policy_run = runs.of_dataset(card.id, limit=1)[0]
    assert (policy_run.kind, policy_run.parameters["answer"]) == ("check_ai_use", "allow")


@pytest.mark.django_db
@pytest.mark.usefixtures("static_files")
def test_the_draft_of_an_open_dataset_is_not_open(closed, put, outside):
    owner, card = closed
    card = opened(owner, card)
    assert ask(owner, card, outside.name).answer == "allow"
    put(owner, card, {"new.txt": b"2"})
    assert ask(owner, card, outside.name).answer == "needs"
    card = datasets.get_dataset(owner, "lab", "data")
    use = {"service": "outside", "purpose": PURPOSE, "kind": "inference"}
    assert ai_use.check_use(owner, card, version=1, **use).answer == "allow"
    with pytest.raises(datasets.NoSuchVersionError):
        ai_use.check_use(owner, card, version=2, **use)
    browser_page = client_of(owner).post("/d/lab/data/ai-use?version=1", use).content.decode()
    assert "ai.D1=yes" not in browser_page


@pytest.fixture
def rules_of_this_test_alone():
    policy.forget()
    yield
    policy.forget()


@pytest.mark.django_db
@pytest.mark.usefixtures("rules_of_this_test_alone")
def test_a_rule_of_an_officer_about_reading_or_about_ai_holds_for_the_guard(closed, officer):
    owner, card = closed
    ai_use.set_terms(owner, card, terms(local_inference="allow"))
    assert ask(owner, card).answer == "allow"
    for action in ("dataset.read", "dataset.ai_use"):
        rule = (
            f'@id("no-{action}")\n@en("Not before the audit.")\n@ja("監査の前は使えません。")\n'
            f'forbid (principal, action == Action::"{action}", resource is Dataset);'
        )
        policy.write_text(officer, "institution", rule, note="audit")
        verdict = ai_use.check_use(owner, card, service="local", purpose=PURPOSE, kind="inference")
        assert verdict.answer == "deny"
        assert any("audit" in reason or "監査" in reason for reason in verdict.reasons)


@pytest.mark.django_db
def test_people_answer_until_a_fact_changes_or_their_answer_ends(closed, outside, officer, monkeypatch):
    owner, card = closed
    first = ask(owner, card, "outside")
    wanted = {one.item.id for one in first.items if one.answer == "needs"}
    assert first.answer == "needs"
    assert wanted == {"ai.T1", "ai.D1", "ai.D8"}
    assert all(first.reasons)
    assert len(first.remedies) == 3
    for item in wanted:
        say(owner, card, item, service="outside")
    assert ask(owner, card, "outside").answer == "allow"
    assert ask(owner, card, "outside", purpose="something else").answer == "needs"
    # New facts about the service: the same answers count no more.
    ai_use.write_service(officer, "outside", CHECKED, valid_until="2098-12-31")
    assert ask(owner, card, "outside").answer == "needs"
    for item in wanted:
        say(owner, card, item, service="outside")
    assert ask(owner, card, "outside").answer == "allow"
    later = clock.now() + dt.timedelta(days=181)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert ask(owner, card, "outside").answer == "needs"


@pytest.mark.django_db
def test_a_no_of_a_person_is_a_deny_and_can_be_taken_back(closed):
    owner, card = closed
    say(owner, card, "ai.T1", is_yes=False)
    assert ask(owner, card).answer == "deny"
    say(owner, card, "ai.T1")
    assert ask(owner, card).answer == "allow"


@pytest.mark.django_db
def test_only_who_the_item_names_may_answer_and_only_what_is_open(closed, outside, person, officer):
    owner, card = closed
    reader = person("reader")
    policy.grant(owner, card.resource, subject_kind="person", subject_id=reader.id, role=policy.Role.READER)
    verdict = ask(reader, card, "outside")
    assert {one.item.id for one in verdict.items if one.may_answer} == {"ai.D8"}
    with pytest.raises(policy.ActionDeniedError):
        say(reader, card, "ai.T1", service="outside")
    with pytest.raises(NotFoundError):
        say(owner, card, "ai.S2", service="outside")
    datasets.set_label(owner, card, "export_control", "review")
    with pytest.raises(policy.ActionDeniedError):
        say(owner, card, "ai.D4", service="outside")


@pytest.mark.django_db
def test_a_deny_of_the_terms_cannot_be_answered_away(closed):
    owner, card = closed
    ai_use.set_terms(owner, card, terms(local_inference="deny"))
    with translation.override("en"):
        verdict = ask(owner, card)
    assert (verdict.answer, verdict.basis) == ("deny", "terms of the dataset")
    with translation.override("ja"):
        assert ask(owner, card).basis == "データセットのAI利用条件"
    assert not [one for one in verdict.items if one.may_answer]
    with pytest.raises(NotFoundError):
        say(owner, card, "ai.T1")
    with pytest.raises(ai_use.AiUseRefusedError) as caught:
        ai_use.require_use(owner, card, service="local", purpose=PURPOSE, kind="inference")
    kept = AiUseCheck.objects.get(run_id=caught.value.fields["run"])
    assert (kept.answer, kept.evidence["outcomes"]["ai.T1"]) == ("deny", ["no", "deny", "machine"])


@pytest.mark.django_db
def test_a_stranger_learns_nothing_and_purposes_stay_out_of_the_ledger(closed, person):
    owner, card = closed
    ask(owner, card, purpose="a secret plan of ours")
    assert not [row for row in Entry.objects.all() if "secret plan" in str(row.__dict__)]
    assert ai_use.history(card)[0].purpose == "a secret plan of ours"
    stranger = person("stranger")
    denied = ai_use.check_use(stranger, card, service="local", purpose=PURPOSE, kind="inference")
    assert (denied.answer, denied.items) == ("deny", ())
    with pytest.raises(InvalidInputError):
        ask(owner, card, purpose=" ")
    with pytest.raises(InvalidInputError):
        ask(owner, card, kind="eating")


# --- The rules, without a database

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


# --- REST


def caller(actor):
    return Client(headers={"authorization": f"Bearer {identity.issue_token(actor.id, label='test')}"})


@pytest.mark.django_db
@pytest.mark.usefixtures("static_files")
def test_the_whole_way_over_rest(closed, outside, person):
    owner, _card = closed
    client = caller(owner)
    place = "/api/v1/datasets/lab/data"
    json = {"content_type": "application/json"}
    use = {"service": "outside", "purpose": PURPOSE, "kind": "inference"}
    found = client.post(f"{place}/ai-use", use, **json).json()
    assert found["answer"] == "needs"
    for item in [one["id"] for one in found["items"] if one["may_answer"]]:
        found = client.post(f"{place}/ai-use/answers", {**use, "item": item, "answer": "yes"}, **json).json()
    assert found["answer"] == "allow"
    assert len(client.get(f"{place}/ai-use").json()["checks"]) == 4
    put = client.put(f"{place}/ai-terms", {"uses": {"training": "deny"}, "limits": ["NCU"]}, **json).json()
    assert (put["uses"]["training"], put["uses"]["index"]) == ("deny", "ask")
    assert client.get(f"{place}/ai-terms?version=1").json()["uses"]["training"] == "ask"
    fragment = client.get(f"{place}/ai-terms/croissant").json()
    back = client.put(f"{place}/ai-terms/croissant", {"croissant": fragment}, **json).json()
    assert (back["uses"], back["limits"]) == (put["uses"], put["limits"])
    names = [one["name"] for one in client.get("/api/v1/ai-services").json()["services"]]
    assert names == ["local", "outside"]
    assert client.put("/api/v1/ai-services/x", {"valid_until": "2099-01-01"}, **json).status_code == 403
    assert client.put("/api/v1/ai-checklist", {"text": "x"}, **json).status_code == 403
    assert client.get("/api/v1/ai-checklist").json()["items"][0] == "ai.T1"
    other = caller(person("stranger"))
    for path in ("ai-use", "ai-terms", "ai-terms/croissant"):
        assert other.get(f"{place}/{path}").status_code == 404
    assert other.post(f"{place}/ai-use", use, **json).status_code == 404


# --- Pages


@pytest.mark.django_db
@pytest.mark.usefixtures("static_files")
@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_asks_answers_and_keeps(closed, outside, language):
    owner, card = closed
    browser = client_of(owner)
    browser.cookies["django_language"] = language
    place = "/d/lab/data/ai-use"
    words = {"en": ("questions open", "allowed"), "ja": ("未回答あり", "利用可")}[language]
    assert browser.get(place).status_code == 200
    use = {"service": "outside", "kind": "inference", "purpose": PURPOSE}
    page = browser.post(place, use).content.decode()
    assert words[0] in page
    assert "ai.D8=yes" in page
    for item in ("ai.T1", "ai.D1", "ai.D8"):
        page = browser.post(
            place, {**use, "item": f"{item}=yes", f"note-{item}": "looked <b>up</b>"}
        ).content.decode()
    assert words[1] in page
    assert "looked &lt;b&gt;up&lt;/b&gt;" in page
    form = {
        "terms": "1",
        "use-training": "deny",
        "limits": "ncu, hmb",
        "countries": "JP",
        "until": "2099-01-01",
    }
    assert browser.post(place, form).status_code == 302
    found = ai_use.terms_of(card).terms
    assert (found.uses["training"], found.limits, found.countries) == ("deny", ("HMB", "NCU"), ("JP",))
    page = browser.post(place, {**use, "kind": "training"}).content.decode()
    run = runs.of_dataset(card.id, limit=1)[0]
    assert browser.get(f"/d/lab/data/runs/{run.id}").status_code == 200
    assert browser.get("/d/lab/data/provenance").status_code == 200
    assert ai_use.history(card)[0].answer == "deny"


@pytest.mark.django_db
@pytest.mark.usefixtures("static_files")
def test_officers_keep_services_and_checklist_on_their_page(officer, closed):
    owner, _card = closed
    browser, other = client_of(officer), client_of(owner)
    facts = {"name": "llm", "title": "LLM", "countries": "JP", "keeps": "yes", "retention_days": "30",
             "valid_until": "2099-12-31", "trains": "no"}  # fmt: skip
    assert other.post("/ai-services", facts).status_code == 403
    assert browser.post("/ai-services", facts).status_code == 302
    assert ai_use.get_service("llm").retention_days == 30
    assert 'value="30"' in browser.get("/ai-services?service=llm").content.decode()
    assert browser.post("/ai-services", facts | {"retention_days": "many"}).status_code == 422
    wrong = browser.post("/ai-services", {"checklist": "items: [kept by me]"})
    assert wrong.status_code == 422
    assert "kept by me" in wrong.content.decode()
    text = checklist.default_text().replace("dated:", "dated: # again\n ")
    assert browser.post("/ai-services", {"checklist": text.replace("\n", "\r\n")}).status_code == 302
    assert ai_use.current_text() == text
    page = other.get("/ai-services").content.decode()
    assert "readonly" in page
    assert "/ai-services?service=" not in page
