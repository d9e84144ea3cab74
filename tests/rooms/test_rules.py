"""Rules as texts: lists say what Cedar says, later layers only take away, and what cannot compile is refused."""

from __future__ import annotations

import random

import pytest
from django.db import connection
from django.utils import translation

from tests.rooms import rule_worlds as worlds
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.models import Dataset
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.policy.models import LabelSet

pytestmark = pytest.mark.django_db
ACTIONS = ("dataset.read", "dataset.push", "dataset.manage")


@pytest.fixture(autouse=True)
def rules_of_this_test_alone():
    policy.forget()
    yield
    policy.forget()


@pytest.fixture
def world(person):
    people = [person("a"), person("b"), person("c", is_admin=True)]
    return worlds.make_world(random.Random(1), person("owner"), people, 24)


def compare(dice, world, policies):
    resources, triples = worlds.resources_of(world), 0
    for _ in range(policies):
        texts = worlds.random_texts(dice, world)
        rules = worlds.book(texts)
        for actor in world.actors:
            for action in ACTIONS:
                shown = worlds.listed(actor, action, rules)
                assert shown == worlds.decided(actor, action, rules, resources), (texts, actor, action)
                triples += len(resources)
    return triples


def test_lists_say_what_cedar_says_for_random_policies(world):
    assert compare(random.Random(2), world, 8) >= 3000


@pytest.mark.crash
@pytest.mark.timeout(1800)
def test_lists_say_what_cedar_says_a_hundred_thousand_times(world):
    assert compare(random.Random(3), world, 240) >= 100_000


def test_one_more_forbid_or_a_stricter_label_shows_nobody_more(world):
    dice = random.Random(4)
    for _ in range(40):
        texts = worlds.random_texts(dice, world)
        more = dict(texts)
        key = dice.choice([*texts, ("law", ""), ("institution", "")])
        more[key] = more.get(key, "") + worlds.rule(dice, world, 99)
        actor, action = dice.choice(world.actors), dice.choice(ACTIONS)
        before = worlds.listed(actor, action, worlds.book(texts))
        assert worlds.listed(actor, action, worlds.book(more)) <= before
        row = dice.choice(list(LabelSet.objects.all()))
        name = dice.choice(list(policy.LEVELS))
        setattr(row, name, min(getattr(row, name) + 1, len(policy.LEVELS[name]) - 1))
        row.origins = row.origins if ",US," in row.origins else row.origins + "US,"
        row.save()
        assert worlds.listed(actor, action, worlds.book(texts)) <= before


REFUSED = {
    "permits": "permit(principal, action, resource);",
    "is not Cedar": "forbid(principal, action",
    "no @en and no @ja": '@id("x") forbid(principal, action, resource);',
    "not found": 'forbid(principal, action == Action::"dataset.read", resource) when { resource.colour == "red" };',
    "compatible": 'forbid(principal, action == Action::"dataset.read", resource) when { resource.sensitivity == "3" };',
    "unrecognized action": 'forbid(principal, action == Action::"dataset.fly", resource);',
    "'like'": 'forbid(principal, action == Action::"dataset.read", resource) when { resource.access like "o*" };',
    "'if-then-else'": "forbid(principal, action, resource is Dataset) when { if resource.has_frozen then true else false };",
    r"'\+'": "forbid(principal, action, resource is Dataset) when { resource.sensitivity + 1 > 3 };",
    "'has'": "forbid(principal, action, resource is Dataset) when { resource has access };",
    "two attributes": "forbid(principal, action, resource is Dataset) when { resource.access == resource.project };",
    "stricter label would open": "forbid(principal, action, resource is Dataset) when { resource.sensitivity < 2 };",
    "would open": "forbid(principal, action, resource is Dataset) unless { resource.personal >= 2 };",
    "label would open something": "forbid(principal, action, resource is Dataset) when { !(resource.consent > 1) };",
    "set of roles": 'forbid(principal, action, resource is Dataset) when { principal.owner_of.contains("01J") };',
    "'Var'": 'forbid(principal, action, resource is Dataset) when { principal == Person::"x" };',
    "head": 'forbid(principal in Person::"x", action, resource is Dataset);',
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_used_is_refused_by_name(why):
    text = REFUSED[why]
    if not text.startswith("@"):
        text = f'@id("odd") @en("no") @ja("否") {text}'
    with pytest.raises(policy.BadPolicyError, match=why) as caught:
        policy.compile_book({("institution", ""): text})
    assert "odd" in caught.value.message or why in {"is not Cedar", "no @en and no @ja"}


NO_SECRETS = """
@id("no-secrets") @en("Level 4 data leaves its project for nobody.") @ja("機微度4以上のデータはプロジェクト外に出せません。")
@basis("Security rules, article 3") @remedy_en("Ask the security officer.") @remedy_ja("管理責任者に相談してください。")
forbid(principal, action == Action::"dataset.read", resource is Dataset)
when { resource.sensitivity >= 4 }
unless { principal.owner_of.contains(resource.project) };
"""


def test_a_rule_of_the_institution_reaches_lists_pages_drafts_and_reasons(dataset, person, put):
    from django.test import Client

    owner, card = dataset
    reader, officer = person("reader"), person("officer", is_admin=True)
    put(owner, card, {"a": b"1"})
    datasets.freeze_version(owner, card.id)
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    policy.grant(owner, card.resource, subject_kind="person", subject_id=reader.id, role=policy.Role.READER)
    assert Client().get("/d/lab/data").status_code == 200
    with pytest.raises(policy.ActionDeniedError):
        policy.write_text(owner, "institution", NO_SECRETS)
    policy.write_text(officer, "institution", NO_SECRETS, note="after the audit")
    assert datasets.get_dataset(reader, "lab", "data")
    datasets.set_label(owner, card, "sensitivity", "4")
    assert Client().get("/d/lab/data").status_code == 404
    assert datasets.list_datasets(reader) == ([], "")
    with pytest.raises(NotFoundError):
        datasets.get_dataset(reader, "lab", "data")
    with translation.override("ja"):
        said = policy.decide(reader, "dataset.read_draft", card.resource)
    assert said.reasons == ("機微度4以上のデータはプロジェクト外に出せません。",)
    with translation.override("en"):
        said = policy.decide(reader, "dataset.read_draft", card.resource)
    assert said.reasons == ("Level 4 data leaves its project for nobody.",)
    assert (said.basis, said.remedy) == ("Security rules, article 3", "Ask the security officer.")
    assert datasets.get_dataset(owner, "lab", "data")
    policy.write_text(officer, "institution", "", note="mistake")
    assert datasets.get_dataset(reader, "lab", "data")
    assert [one.note for one in policy.history("institution")] == ["mistake", "after the audit"]


def test_a_list_shows_the_draft_of_those_datasets_alone_whose_draft_one_may_see(dataset, person, put):
    owner, card = dataset
    put(owner, card, {"a": b"1"})
    datasets.freeze_version(owner, card.id)
    put(owner, card, {"b": b"22"})
    guest, member = person("guest"), person("member")
    policy.grant(owner, card.resource, subject_kind="person", subject_id=guest.id, role=policy.Role.READER)
    project = datasets.get_project(owner, "lab").resource
    policy.grant(owner, project, subject_kind="person", subject_id=member.id, role=policy.Role.READER)

    def listed(actor):
        (row,), _ = datasets.list_datasets(actor)
        assert row.sees_draft == bool(policy.decide(actor, "dataset.read_draft", card.resource))
        return row.sees_draft, row.state, row.file_count, row.byte_count

    for actor in (owner, guest, member):
        assert listed(actor) == (True, "changed", 2, 3)
    closing = """@id("drafts") @en("Drafts are the owners'.") @ja("下書きは所有者のものです。")
        forbid(principal, action == Action::"dataset.read_draft", resource)
        unless { principal.owner_of.contains(resource.project) };"""
    policy.write_text(owner, "project", closing, project_id=card.project_id)
    assert listed(owner) == (True, "changed", 2, 3)
    for actor in (guest, member):
        assert listed(actor) == (False, "frozen", 1, 1)


def test_a_project_forbids_for_itself_alone_and_nobody_locks_rules_away(dataset, person):
    owner, card = dataset
    officer = person("officer", is_admin=True)
    datasets.create_project(owner, "other")
    other = datasets.create_dataset(owner, "other", "d")
    closing = '@id("pause") @en("We count.") @ja("棚卸し中です。") forbid(principal, action == Action::"dataset.push", resource);'
    policy.write_text(owner, "project", closing, project_id=card.project_id)
    assert not policy.decide(owner, "dataset.push", card.resource)
    assert policy.decide(owner, "dataset.push", other.resource)
    pushable = policy.visible(owner, "dataset", "dataset.push")
    assert set(Dataset.objects.filter(pushable.q).values_list("uid", flat=True)) == {other.id}
    with pytest.raises(NotFoundError):
        policy.write_text(officer, "project", "", project_id=card.project_id)
    everything = '@id("all") @en("x") @ja("x") forbid(principal, action, resource);'
    with pytest.raises(policy.BadPolicyError, match="could not edit rules"):
        policy.write_text(officer, "law", everything)
    assert policy.decide(officer, "policy.edit", policy.NODE)


def test_ids_are_never_read_as_policy_text():
    nasty = identity.Actor("person", 'x" } || true || { "', "n")
    resource = policy.Resource("dataset", '"); permit(principal,action,resource); //', project_id='"')
    assert not policy.decide(nasty, "dataset.read", resource)


def test_every_branch_of_a_list_walks_an_index_in_list_order(world):
    """Also with rules about labels on top: a list must cost what it shows, not what the node holds."""
    if connection.vendor != "sqlite":
        pytest.skip("reads the plans of SQLite")
    rules = worlds.book({("institution", ""): NO_SECRETS})
    for actor in world.actors:
        for branch in policy.visible(actor, "dataset", book=rules).branches:
            rows = Dataset.objects.filter(branch).order_by("-updated_at", "-id")[:50]
            plan = rows.explain()
            assert "TEMP B-TREE" not in plan or "uid" in str(branch), plan
            assert "SCAN datasets_dataset\n" not in f"{plan}\n", plan
