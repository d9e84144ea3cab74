"""``visible`` says exactly what ``decide`` says, on random worlds; roles end by themselves."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.models import Dataset
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.policy import api as policy

ROLES = list(policy.Role)


@pytest.mark.django_db
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    world=st.lists(
        st.tuples(
            st.sampled_from(list(policy.Access)),
            st.booleans(),
            st.sampled_from([None, *ROLES]),
            st.sampled_from([None, *ROLES]),
            st.booleans(),
            st.sampled_from([0, 1, 3600, 7200]),
        ),
        max_size=6,
    ),
    later_s=st.sampled_from([0, 1, 3599, 3600, 3601, 7200]),
    verbs=st.sets(st.sampled_from(identity.VERBS)),
    reached=st.sets(st.integers(0, 5)),
)
def test_lists_show_what_decisions_allow(person, world, later_s, verbs, reached):
    # The clock stands while the world is made, then jumps: to a second before an embargo ends, onto it, beyond.
    start = dt.datetime.now(dt.UTC).replace(microsecond=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: start)
        _make_and_compare(
            person,
            world,
            start,
            lambda: patch.setattr(clock, "now", lambda: start + dt.timedelta(seconds=later_s)),
            (verbs, reached),
        )


def _make_and_compare(person, world, start, jump, token):
    from tsunagu.core.ids import new_id

    projects: list[str] = []

    owner, asker = person("owner"), person("asker")
    for access, has_frozen, project_role, dataset_role, is_over, embargo_s in world:
        name = f"p{new_id().lower()}"
        project = datasets.create_project(owner, name)
        projects.append(project.id)
        card = datasets.create_dataset(owner, name, "d")
        Dataset.objects.filter(uid=card.id).update(
            access=access,
            has_frozen=has_frozen,
            embargo_until_s=int(start.timestamp()) + embargo_s if embargo_s else 0,
        )
        end = clock.now() + dt.timedelta(hours=-1 if is_over else 1)
        for scope, role in ((project.resource, project_role), (card.resource, dataset_role)):
            if role:
                policy.grant(
                    owner, scope, subject_kind="person", subject_id=asker.id, role=role, expires_at=end
                )
    jump()
    verbs, reached = token
    within = tuple(key for number, key in enumerate(projects) if number in reached)
    scope = identity.TokenScope(tuple(sorted(verbs)), within)
    people = (asker, owner)
    _compare_verbs(people, scope)
    for actor in (
        *people,
        *(replace(actor, scope=scope) for actor in people),
        identity.ANONYMOUS,
        identity.SYSTEM,
    ):
        shown = set(Dataset.objects.filter(policy.visible(actor, "dataset").q).values_list("uid", flat=True))
        allowed = set()
        for row in Dataset.objects.all():
            if policy.decide(actor, "dataset.read", _resource(row)):
                allowed.add(row.uid)
        assert shown == allowed
        if actor.kind != "service":
            found, after = [], ""
            while True:
                page, after = datasets.list_datasets(actor, after=after, limit=2)
                found += [card.id for card in page]
                if not after:
                    break
            assert sorted(found) == sorted(allowed)


def _resource(row):
    return policy.Resource(
        "dataset",
        row.uid,
        project_id=row.project_id,
        access=policy.Access(row.access),
        has_frozen=row.has_frozen,
        embargo_until_s=row.embargo_until_s,
    )


def _compare_verbs(people, scope):
    """For every action on datasets: the list agrees with the decision, and a token never adds to its person."""
    for actor in people:
        limited = replace(actor, scope=scope)
        for action in sorted(name for name in policy.ACTIONS if name.startswith("dataset.")):
            shown = set(
                Dataset.objects.filter(policy.visible(limited, "dataset", action).q).values_list(
                    "uid", flat=True
                )
            )
            rows = list(Dataset.objects.all())
            if action != "dataset.read_draft":  # decided together with reading, and never listed by itself
                assert shown == {row.uid for row in rows if policy.decide(limited, action, _resource(row))}
            for row in rows:
                if policy.decide(limited, action, _resource(row)):
                    assert policy.decide(actor, action, _resource(row))
                    assert policy.VERB_OF[action] in scope.verbs
                    assert not scope.projects or row.project_id in scope.projects


def test_every_action_has_a_verb():
    assert set(policy.VERB_OF) == policy.ACTIONS
    assert set(policy.VERB_OF.values()) == set(identity.VERBS)


@pytest.mark.django_db
def test_a_token_is_told_that_it_is_the_token(dataset, english):
    owner, card = dataset
    reader = replace(owner, scope=identity.TokenScope(("read",)))
    decision = policy.decide(reader, "dataset.write", card.resource)
    assert (decision.effect, decision.basis) == ("deny", "token")
    assert "not made for this" in decision.reasons[0]
    elsewhere = replace(owner, scope=identity.TokenScope(identity.VERBS, ("01OTHER",)))
    assert policy.decide(elsewhere, "dataset.read", card.resource).basis == "token"
    with pytest.raises(NotFoundError):
        policy.require(elsewhere, "dataset.write", card.resource)
    assert not policy.decide(elsewhere, "project.create", policy.NODE)
    project = datasets.get_project(owner, "lab")
    with pytest.raises(policy.ActionDeniedError):  # not even one's own role
        policy.revoke(reader, project.resource, subject_kind="person", subject_id=owner.id)


@pytest.mark.django_db
def test_a_stranger_does_not_learn_that_it_exists(dataset, person):
    _, card = dataset
    stranger = person("stranger")
    with pytest.raises(NotFoundError):
        datasets.get_dataset(stranger, "lab", "data")
    with pytest.raises(NotFoundError):
        policy.require(stranger, "dataset.write", card.resource)


@pytest.mark.django_db
def test_a_reader_may_not_write_and_is_told_why(dataset, person):
    owner, card = dataset
    reader = person("reader")
    project = datasets.get_project(owner, "lab")
    policy.grant(
        owner, project.resource, subject_kind="person", subject_id=reader.id, role=policy.Role.READER
    )
    with pytest.raises(policy.ActionDeniedError) as caught:
        policy.require(reader, "dataset.write", card.resource)
    assert "reader" in caught.value.message or "閲覧者" in caught.value.message
    assert caught.value.remedy


@pytest.mark.django_db
def test_the_last_owner_stays(dataset):
    owner, _ = dataset
    project = datasets.get_project(owner, "lab")
    with pytest.raises(policy.LastOwnerError):
        policy.revoke(owner, project.resource, subject_kind="person", subject_id=owner.id)


@pytest.mark.django_db
def test_strangers_see_counts_of_frozen_versions_only(dataset, person):
    from tests.rooms.test_versions import commit

    owner, card = dataset
    commit(owner, card, {"a": b"1"})
    datasets.freeze_version(owner, card.id)
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    commit(owner, card, {"secret": b"2"})
    cards, _ = datasets.list_datasets(identity.ANONYMOUS)
    assert [c.file_count for c in cards] == [1]
    seen = datasets.get_dataset(identity.ANONYMOUS, "lab", "data")
    assert [f.path for f in datasets.list_files(identity.ANONYMOUS, seen).files] == ["a"]
    with pytest.raises(datasets.NoSuchVersionError):
        datasets.list_files(identity.ANONYMOUS, seen, version=2)


def test_an_unknown_action_is_a_mistake_of_the_program():
    with pytest.raises(ValueError, match="unknown action"):
        policy.decide(identity.ANONYMOUS, "dataset.fly", policy.NODE)
