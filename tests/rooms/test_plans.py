"""Plans: versions, checks on every fixture, and what a broken check forbids."""

from __future__ import annotations

import datetime as dt
from copy import deepcopy

import pytest
from django.utils import translation

from tests.rooms.plan_documents import document, states
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.plans import api as plans
from tsunagu.data.sharing import api as sharing
from tsunagu.foundation.ledger.models import Entry
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]


def test_versions_are_only_added_and_each_is_a_run_in_the_ledger(planned):
    owner, project, _ = planned
    again = plans.write_plan(owner, project, document())
    assert again.number == 1, "the same content is no new version"
    changed = document()
    changed["dmp"]["title"] = "Second"
    made = plans.write_plan(owner, project, changed, note="after the review")
    assert [one.number for one in plans.list_plans(owner, project)] == [2, 1]
    assert plans.get_plan(owner, project, number=1).title == "薄膜の計画"
    run = runs.get(made.run_id)
    assert (run.kind, run.actor_id) == ("plan", owner.id)
    assert Entry.objects.filter(body__contains=made.run_id).exists()


def test_only_owners_write_and_strangers_see_nothing(planned, person):
    owner, project, _ = planned
    reader, stranger = person("reader"), person("stranger")
    sharing.share(owner, project, role="reader", email="reader@example.org")
    assert plans.get_plan(reader, project).number == 1
    with pytest.raises(policy.ActionDeniedError):
        plans.write_plan(reader, project, document(title="x"))
    for ask in (
        plans.get_plan,
        plans.list_plans,
        plans.findings,
        plans.export_plan,
        plans.check,
        plans.begin,
    ):
        with pytest.raises(NotFoundError):
            ask(stranger, project)
    datasets.freeze_version(owner, planned[2].id)
    datasets.set_access(owner, planned[2].id, policy.Access.OPEN)
    plans.check(owner, project)
    assert plans.findings_of(datasets.get_dataset_by_id(owner, planned[2].id))
    assert plans.findings_of(datasets.get_dataset_by_id(stranger, planned[2].id)) == []


def test_a_plan_that_holds_is_green(planned):
    owner = planned[0]
    found = states(owner)
    assert {one.state for one in found.values()} == {"green", "broken"}
    assert [key for key, one in found.items() if one.state == "broken"] == [("plan.publication", "lab/data")]
    datasets.freeze_version(owner, planned[2].id)
    datasets.set_access(owner, planned[2].id, policy.Access.OPEN)
    assert {one.state for one in states(owner).values()} == {"green"}
    assert {one.id for one in plans.checks()} == {key[0] for key in found} | {"plan.licence"}


FIXTURES = [
    ({"place": {"byte_size": 9}}, "plan.volume", "due", "near"),
    ({"place": {"byte_size": 7}}, "plan.volume", "broken", "over"),
    ({"place": {"byte_size": None}}, "plan.volume", "due", "unknown"),
    ({"place": {"byte_size": 0}}, "plan.volume", "broken", "over"),
    ({"place": {"format": ["image/tiff"]}}, "plan.formats", "due", "other"),
    ({"place": {"format": [".CSV"]}}, "plan.formats", "green", "ok"),
    ({"place": {"format": []}}, "plan.formats", "due", "unknown"),
    (
        {"place": {"host": {"title": "Z", "url": "https://store.example.org/x"}}},
        "plan.storage",
        "due",
        "elsewhere",
    ),
    ({"place": {"host": None}}, "plan.storage", "due", "unknown"),
    ({"place": {"available_until": None}}, "plan.retention", "due", "missing"),
    ({"place": {"available_until": "2028-01-01"}}, "plan.retention", "due", "ends"),
    ({"personal_data": "unknown"}, "plan.personal", "due", "unknown"),
    ({"personal_data": "yes"}, "plan.personal", "due", "label"),
    ({"jp": {"datasets": ["other-*"]}}, "plan.dataset", "due", "missing"),
    ({"jp": {"datasets": ["da*"]}}, "plan.dataset", "green", "ok"),
    ({"place": {"license": None, "issued": "2027-03-17"}}, "plan.publication", "broken", "overdue"),
    ({"place": {"license": None, "issued": "2027-03-18"}}, "plan.publication", "due", "due"),
    ({"place": {"license": None, "issued": "2027-05-30"}}, "plan.publication", "due", "due"),
    ({"place": {"license": None, "issued": "2027-05-31"}}, "plan.publication", "green", "later"),
]


@pytest.mark.parametrize(("row", "check", "state", "code"), FIXTURES)
def test_each_check_says_what_it_finds(planned, row, check, state, code):
    owner, project, _ = planned
    plans.write_plan(owner, project, document(**deepcopy(row)))
    (found,) = [
        one
        for (name, _), one in states(owner).items()
        if (name == check and one.place != "Spectra")
        or (name == check and check in {"plan.volume", "plan.retention"})
    ]
    assert found.state == state
    says = {one.id: one for one in plans.checks()}[check].says[code]
    assert set(found.says) == {"en", "ja"}
    assert found.says["en"].split(" ")[0] == says["en"].format_map(_Any()).split(" ")[0]
    assert "{" not in found.says["ja"] + found.todo.get("ja", "")
    assert bool(found.todo) == (state != "green"), "what is not green has a next step"


class _Any(dict):
    def __missing__(self, key):
        return "localhost" if key != "have" else "8 B"


def test_the_plan_itself_grows_old_and_its_contact_leaves(planned, at, person):
    owner, project, _ = planned
    assert states(owner)["plan.contact", "lab"].state == "green"
    at(dt.datetime(2028, 1, 11, 9, tzinfo=dt.UTC))
    assert states(owner)["plan.alive", "lab"].state == "due"
    at(dt.datetime(2028, 7, 12, 9, tzinfo=dt.UTC))
    assert states(owner)["plan.alive", "lab"].state == "broken"
    moved = document()
    moved["dmp"]["contact"]["mbox"] = "nobody@example.org"
    plans.write_plan(owner, project, moved)
    assert states(owner)["plan.contact", "lab"].state == "due"
    from tsunagu.foundation.identity.models import Person

    person("gone")
    Person.objects.filter(email="gone@example.org").update(is_active=False)
    moved["dmp"]["contact"]["mbox"] = "gone@example.org"
    plans.write_plan(owner, project, moved)
    assert states(owner)["plan.contact", "lab"].state == "broken"


def test_opening_wider_than_planned_is_denied_with_reason_basis_and_remedy(planned):
    owner, project, card = planned
    datasets.freeze_version(owner, card.id)
    plans.write_plan(owner, project, document(place={"data_access": "shared", "license": None}))
    plans.check(owner, project)
    datasets.set_access(owner, card.id, policy.Access.SHARED)
    with pytest.raises(policy.ActionDeniedError) as denied:
        datasets.set_access(owner, card.id, policy.Access.OPEN)
    assert "the plan says shared" in denied.value.message
    assert "2021-04-27" in denied.value.fields["basis"]
    assert "change the plan" in denied.value.remedy
    with translation.override("ja"):
        said = policy.decide(owner, "dataset.manage", card.resource, {"access": "open"})
    assert said.reasons == ("公開範囲が「公開」になり、計画の「共有」を超えます。",)
    assert datasets.get_dataset_by_id(owner, card.id).access == "shared"
    plans.write_plan(owner, project, document())
    plans.check(owner, project)
    datasets.set_access(owner, card.id, policy.Access.OPEN)


def test_a_planned_date_lets_an_embargo_until_then_through_and_nothing_earlier(planned):
    owner, project, card = planned
    datasets.freeze_version(owner, card.id)
    later = {
        "license": [
            {"license_ref": "https://creativecommons.org/licenses/by/4.0/", "start_date": "2027-09-01"}
        ]
    }
    plans.write_plan(owner, project, document(place=later))
    plans.check(owner, project)
    for embargo in ("", "2027-08-31"):
        with pytest.raises(policy.ActionDeniedError):
            datasets.set_access(owner, card.id, policy.Access.OPEN, embargo_until=embargo)
    datasets.set_access(owner, card.id, policy.Access.OPEN, embargo_until="2027-09-01")
    assert states(owner)["plan.access", "lab/data"].state == "green"


def test_personal_data_that_the_plan_excludes_stop_freezing_until_the_plan_or_the_label_changes(planned):
    owner, project, card = planned
    assert policy.decide(owner, "dataset.freeze", card.resource)
    datasets.set_label(owner, card, "personal", "yes")
    plans.check(owner, project)
    decision = policy.decide(owner, "dataset.freeze", card.resource)
    assert decision.effect == "deny"
    assert decision.remedy
    with pytest.raises(policy.ActionDeniedError):
        datasets.freeze_version(owner, card.id)
    assert policy.decide(owner, "dataset.push", card.resource), "only what the check names is forbidden"
    plans.write_plan(owner, project, document(personal_data="yes"))
    plans.check(owner, project)
    datasets.freeze_version(owner, card.id)
    with pytest.raises(policy.ActionDeniedError):
        datasets.set_access(owner, card.id, policy.Access.SHARED)


def test_a_hold_never_tells_a_stranger_and_never_hides_a_row(planned, person):
    owner, project, card = planned
    datasets.freeze_version(owner, card.id)
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    datasets.set_label(owner, card, "personal", "special")
    plans.check(owner, project)
    stranger = person("stranger")
    said = policy.decide(stranger, "dataset.freeze", card.resource)
    assert "personal" not in " ".join(said.reasons)
    assert [one.id for one in datasets.list_datasets(stranger)[0]] == [card.id]
    assert states(owner)["plan.personal", "lab/data"].state == "broken"


def test_open_data_without_a_licence_of_their_own_cannot_be_opened(dataset, put):
    owner, card = dataset
    put(owner, card, {"a.csv": b"1\n"})
    project = datasets.get_project(owner, "lab")
    plans.write_plan(owner, project, document())
    datasets.freeze_version(owner, card.id)
    plans.check(owner, project)
    with pytest.raises(policy.ActionDeniedError) as denied:
        datasets.set_access(owner, card.id, policy.Access.OPEN)
    assert "licence" in denied.value.message


def test_a_check_is_a_run_with_counts_and_reasons(planned):
    owner, project, _ = planned
    plans.write_plan(owner, project, document(place={"byte_size": 7}))
    run = runs.get(plans.check(owner, project))
    assert (run.kind, run.outcome, run.actor_id) == ("plan_check", "ok", owner.id)
    assert run.parameters["broken"] == 2
    assert "plan.volume over" in run.reason
    assert run.parameters["plan"] == 2


def test_news_and_the_night_check_every_project_with_a_plan(planned):
    from django_tasks_db.models import DBTaskResult

    from tsunagu.data.plans import tasks

    _, _, card = planned

    def waiting():
        rows = DBTaskResult.objects.filter(task_path__endswith="plans.tasks.check_project")
        return [row["kwargs"] for row in rows.values_list("args_kwargs", flat=True)]

    assert {"project": "lab"} in waiting(), "writing a plan asks for a check"
    DBTaskResult.objects.all().delete()
    tasks.check_all.call()
    tasks.after_freeze.call(dataset_id=card.id, number=1)
    tasks.after_access.call(dataset_id=card.id)
    assert [one["why"] for one in waiting()] == ["nightly", "freeze", "publish"]
    datasets.freeze_version(planned[0], card.id)
    datasets.set_access(planned[0], card.id, policy.Access.SHARED)
    paths = list(DBTaskResult.objects.values_list("task_path", flat=True))
    assert "tsunagu.data.plans.tasks.after_freeze" in paths
    assert "tsunagu.data.plans.tasks.after_access" in paths
    tasks.check_project.call(project="lab", why="nightly")
    run = runs.get(plans.findings(planned[0], planned[1])[0].run_id)
    assert (run.actor_kind, run.parameters["why"]) == ("service", "nightly")


def test_what_only_narrows_passes_and_puts_it_right(planned):
    owner, project, card = planned
    datasets.freeze_version(owner, card.id)
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    plans.write_plan(owner, project, document(place={"data_access": "closed", "license": None}))
    plans.check(owner, project)
    datasets.set_access(owner, card.id, policy.Access.OPEN, embargo_until="2027-09-01")
    with pytest.raises(policy.ActionDeniedError):
        datasets.set_access(owner, card.id, policy.Access.OPEN, embargo_until="2027-08-01")
    with pytest.raises(policy.ActionDeniedError):
        datasets.set_access(owner, card.id, policy.Access.OPEN, embargo_until="")
    assert states(owner)["plan.access", "lab/data"].due_on == "2027-09-01"
    datasets.set_access(owner, card.id, policy.Access.CLOSED)
    assert states(owner)["plan.access", "lab/data"].state == "green"


def test_findings_of_a_dataset_that_a_rule_hides_are_hidden_too(planned, monkeypatch):
    owner, project, card = planned
    plans.check(owner, project)
    assert any(one.dataset_id == card.id for one in plans.findings(owner, project))
    before = plans.standing(owner, project).counts["green"]
    from tsunagu.data.datasets import selectors

    monkeypatch.setattr(selectors.policy, "visible", lambda *_args: policy.Visibility())
    assert not any(one.dataset_id for one in plans.findings(owner, project))
    assert plans.standing(owner, project).counts["green"] < before


def test_a_new_dataset_is_held_before_its_first_version(planned):
    from django_tasks_db.models import DBTaskResult

    from tsunagu.data.plans import tasks

    owner, project, _ = planned
    plans.write_plan(owner, project, document(place={"data_access": "closed"}, jp={"datasets": ["*"]}))
    made = datasets.create_dataset(owner, "lab", "next")
    row = DBTaskResult.objects.get(
        task_path__endswith="plans.tasks.after_creation", args_kwargs__kwargs__dataset_id=made.id
    )
    tasks.after_creation.call(**row.args_kwargs["kwargs"])
    tasks.check_project.call(project="lab", why="created")
    with pytest.raises(policy.ActionDeniedError):
        datasets.set_access(owner, made.id, policy.Access.OPEN)
