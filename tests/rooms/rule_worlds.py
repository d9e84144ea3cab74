"""Random people, datasets and policies for the tests that compare decisions with lists."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, replace
from typing import Any

from tsunagu.core import clock
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.models import Dataset
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.policy.models import LabelSet

_HEADS = ("principal", "principal is Person", "principal is Anonymous", "principal is Machine")
_ACTIONS = (
    'action == Action::"dataset.read"',
    'action in [Action::"dataset.read", Action::"dataset.push"]',
    'action == Action::"dataset.freeze"',
    'action in [Action::"dataset.read", Action::"dataset.manage"]',
)
_LEVELS = ("sensitivity", "personal", "export_control", "contract", "consent")


@dataclass
class World:
    """Everybody and everything that rules are asked about."""

    actors: list[identity.Actor]
    projects: list[str]
    datasets: list[str]


def make_world(dice: random.Random, owner: identity.Actor, people: list[identity.Actor], count: int) -> World:
    """Datasets of every kind in a few projects; people and a machine with roles here and there."""
    now = clock.now()
    projects = [datasets.create_project(owner, f"w{new_id().lower()}") for _ in range(4)]
    machine = identity.Actor("instrument", new_id(), "m")
    made = []
    for number in range(count):
        card = datasets.create_dataset(owner, dice.choice(projects).name, f"d{number}")
        made.append(card)
        Dataset.objects.filter(uid=card.id).update(
            access=dice.choice(list(policy.Access)),
            has_frozen=dice.random() < 0.7,
            embargo_until_s=dice.choice([0, 0, int(now.timestamp()) - 60, int(now.timestamp()) + 3600]),
        )
        if dice.random() < 0.6:
            codes = sorted(dice.sample(["JP", "US", "DE"], dice.randrange(3)))
            levels = {name: dice.randrange(len(policy.LEVELS[name])) for name in _LEVELS}
            origins = "".join(f",{code}" for code in codes) + ","
            LabelSet.objects.create(entity_id=card.id, updated_at=now, origins=origins, **levels)
    for actor in (*people, machine):
        for scope in (*(card.resource for card in projects), *(card.resource for card in made)):
            if dice.random() < 0.25:
                role = dice.choice(list(policy.Role))
                ends = now + dt.timedelta(hours=dice.choice([-1, 1]))
                policy.place(
                    scope,
                    subject_kind=actor.kind,
                    subject_id=actor.id,
                    role=role,
                    by=owner.id,
                    expires_at=ends,
                )
    return World(
        [*people, *_others_of(people[0], projects), owner, machine, identity.ANONYMOUS],
        [card.id for card in projects],
        [card.id for card in made],
    )


def _others_of(person, projects):
    """The same person by other ways in: two factors, a stand-in, a program with a narrow token."""
    strong = identity.Assurance(ial=2, aal=2, mfa=True, phishing_resistant=True)
    scope = identity.TokenScope(("read", "write"), tuple(card.id for card in projects[:2]))
    return [
        replace(person, assurance=strong),
        replace(person, assurance=replace(strong, stand_in_for="https://idp.example.ac.jp")),
        replace(person, scope=scope, agent="Agent X"),
    ]


def rule(dice: random.Random, world: World, number: int) -> str:
    """A random forbid of the part of Cedar that compiles."""
    resource = (
        "resource is Dataset"
        if dice.random() < 0.8
        else f'resource == Dataset::"{dice.choice(world.datasets)}"'
    )
    head = f"{dice.choice(_HEADS)}, {dice.choice(_ACTIONS)}, {resource}"
    if dice.random() < 0.1:
        person = dice.choice([actor for actor in world.actors if actor.kind == "person"])
        head = f'principal == Person::"{person.id}", {dice.choice(_ACTIONS)}, {resource}'
    text = f'@id("r{number}") @en("no") @ja("否") forbid({head})'
    text += f" when {{ {_condition(dice, world, 3, rises=True)} }}"
    if dice.random() < 0.3:
        text += f" unless {{ {_condition(dice, world, 2, rises=False)} }}"
    return text + ";"


def _condition(dice: random.Random, world: World, depth: int, *, rises: bool) -> str:
    shape = dice.random()
    if depth and shape < 0.4:
        sign = dice.choice(["&&", "||"])
        left, right = (_condition(dice, world, depth - 1, rises=rises) for _ in range(2))
        return f"({left} {sign} {right})"
    if depth and shape < 0.55:
        return f"!({_condition(dice, world, depth - 1, rises=not rises)})"
    return _atom(dice, world, rises=rises)


def _atom(dice: random.Random, world: World, *, rises: bool) -> str:
    level, number = dice.choice(_LEVELS), dice.randrange(-1, 7)
    role = dice.choice(["owner", "editor", "reader", "instrument"])
    upward = dice.choice(
        [
            f"resource.{level} {'>=' if rises else '<'} {number}",
            f"{number} {'<' if rises else '>='} resource.{level}",
        ]
    )
    choices = [
        upward,
        upward,
        f'resource.access {dice.choice(["==", "!="])} "{dice.choice(["open", "shared", "closed", "x"])}"',
        "resource.has_frozen",
        f"resource.has_frozen == {dice.choice(['true', 'false'])}",
        f"resource.embargo_until {dice.choice(['<', '<=', '>', '>='])} context.now",
        f"context.now {dice.choice(['<', '<=', '>', '>='])} resource.embargo_until",
        f"principal.{role}_of.contains(resource.{dice.choice(['project', 'id'])})",
        '["open", "closed"].contains(resource.access)',
        f'["{dice.choice(world.projects)}", "{dice.choice(world.projects)}"].contains(resource.project)',
        f'resource.project == "{dice.choice(world.projects)}"',
        "principal.is_admin",
        f"principal.{dice.choice(['mfa', 'phishing_resistant', 'stand_in', 'by_program'])}",
        f"principal.{dice.choice(['aal', 'ial'])} {dice.choice(['<', '>='])} {dice.randrange(3)}",
        "principal is Person",
        "resource is Dataset",
        dice.choice(["true", "false"]),
    ]
    if rises:
        choices.append(f'resource.origins.contains("{dice.choice(["JP", "US", "jp", "X"])}")')
    return dice.choice(choices)


def book(texts: dict[tuple[str, str], str]) -> policy.Book:
    """Rules that are in force for one question."""
    return policy.compile_book(texts)


def random_texts(dice: random.Random, world: World) -> dict[tuple[str, str], str]:
    """One to three layers of one to three rules."""
    layers: list[tuple[str, str]] = [
        ("law", ""),
        ("funder", ""),
        ("institution", ""),
        ("project", dice.choice(world.projects)),
    ]
    chosen = dice.sample(layers, dice.randrange(1, 4))
    return {
        key: "\n".join(rule(dice, world, number) for number in range(dice.randrange(1, 4))) for key in chosen
    }


def listed(actor: identity.Actor, action: str, rules: policy.Book) -> set[str]:
    """What the filter shows; its branches together show the same."""
    seen = policy.visible(actor, "dataset", action, book=rules)
    whole = set(Dataset.objects.filter(seen.q).values_list("uid", flat=True))
    parts: set[str] = set()
    for branch in seen.branches:
        parts.update(Dataset.objects.filter(branch).values_list("uid", flat=True))
    assert parts == whole
    return whole


def decided(actor: identity.Actor, action: str, rules: policy.Book, resources: list[Any]) -> set[str]:
    """What Cedar allows, one thing at a time."""
    return {one.id for one in resources if policy.decide(actor, action, one, book=rules)}


def resources_of(world: World) -> list[policy.Resource]:
    """The datasets as rules see them."""
    from tsunagu.data.datasets.resources import resource_of

    return [resource_of(row) for row in Dataset.objects.filter(uid__in=world.datasets)]
