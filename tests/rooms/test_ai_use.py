"""The guard for use by AI: terms travel, facts end, people answer for the facts as they were."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace

import pytest
from django.utils import translation

from tests.rooms.ai_questions import CHECKED, PURPOSE, ask, opened, say, terms
from tests.rooms.clients import client_of
from tsunagu.core import clock
from tsunagu.core.errors import ConflictError, InvalidInputError, NotFoundError
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.ai_use import checklist
from tsunagu.data.ai_use.models import AiUseCheck, FrozenAiTerms
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.ledger.models import Entry
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

DEFAULT = checklist.parsed(checklist.default_text())
TODAY = dt.date(2027, 4, 1)


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
    second = datasets.get_dataset(owner, "lab", "second")
    assert found.inherited["training"] == (second.id,)
    assert ai_use.source_names(owner, third, found)["training"] == ["lab/second"]


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
