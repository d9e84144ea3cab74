"""A-1, A-2: every operation of REST, asked by everybody, about things that are not theirs (generated from OpenAPI)."""

from __future__ import annotations

import json
from typing import NamedTuple
from unittest import mock

import pytest
from django.db import transaction

from tests.threats.requests import ABOUT_A_LINE, ANSWERS, BODIES, KNOWS, NEEDS, allowed, operations, send

pytestmark = pytest.mark.django_db

_REFUSED = {401, 403, 404}
_FORBIDDEN = 403
_NO_NAMES = {"1", "law", "accept"}


class Answer(NamedTuple):
    """What came back."""

    status_code: int
    content: bytes


def _ask(world, who, operation, names):
    """The answer; nothing of it stays."""
    with transaction.atomic():
        answer = send(world.clients[who], operation, names, world.query)
        transaction.set_rollback(True)
    content = answer.getvalue()
    answer.close()
    return Answer(answer.status_code, content)


def _told(answer, names):
    """What the answer says, without the names that were asked about."""
    text = json.dumps(json.loads(answer.content), sort_keys=True)
    for value in sorted(names.values(), key=len, reverse=True):
        if value not in _NO_NAMES:
            text = text.replace(value, "?")
    return answer.status_code, text


def test_every_operation_has_a_row():
    assert {one.name for one in operations()} == set(NEEDS)
    assert {one.name for one in operations() if one.takes_body} == set(BODIES)


def test_only_the_right_people_get_an_answer(world):
    wrong = []
    for operation in operations():
        for who in world.clients:
            status = _ask(world, who, operation, world.victim).status_code
            if who in allowed(operation.name):
                good = ANSWERS.get(operation.name)
                is_right = status == good if good else status < 300
            else:
                is_right = status in _REFUSED
            if not is_right:
                wrong.append((operation.name, who, status))
    assert not wrong


def test_who_may_not_know_hears_what_they_hear_of_nothing(world):
    """The answer about a hidden thing is the answer about no thing, word for word."""
    told = []
    for operation in operations():
        if not operation.parameters and operation.name not in ABOUT_A_LINE:
            continue
        for who in set(world.clients) - set(KNOWS) - set(allowed(operation.name)):
            hidden = _told(_ask(world, who, operation, world.victim), world.victim)
            nothing = _told(_ask(world, who, operation, world.nowhere), world.nowhere)
            if hidden != nothing:
                told.append((operation.name, who, hidden, nothing))
    assert not told


def test_a_push_that_may_make_its_dataset_tells_nothing(world):
    opening = next(one for one in operations() if one.name == "POST /datasets/{project}/{dataset}/pushes")
    making = {**BODIES, opening.name: {"create": True}}
    for who in ("stranger", "other", "machine", "admin"):
        told = []
        for names in (world.victim, {**world.victim, "dataset": "no-spectra"}, world.nowhere):
            with mock.patch.dict(BODIES, making):
                told.append(_told(_ask(world, who, opening, names), names))
        assert told[0] == told[1] == told[2], who


def test_lists_of_a_hidden_project_are_those_of_none(world):
    for who in ("anonymous", "stranger", "admin"):
        answers = [
            world.clients[who].get("/api/v1/datasets", {"project": name}).content
            for name in (world.victim["project"], "no-such-project")
        ]
        assert answers[0] == answers[1], who


def test_knowing_readers_are_told_why(world):
    """Who may see a thing and not change it hears the reason, and what to do."""
    for operation in operations():
        if NEEDS[operation.name] not in {"editor", "owner"} or not operation.parameters:
            continue
        answer = _ask(world, "reader", operation, world.victim)
        problem = json.loads(answer.content)
        assert answer.status_code == _FORBIDDEN, operation.name
        assert problem["code"] == "policy.denied", operation.name
        assert problem["remedy"], operation.name


@pytest.mark.parametrize("part", ["proposal", "member", "number", "choice"])
def test_parts_of_another_dataset_are_not_reached_through_ones_own(world, part):
    """The owner of one project names a part of another project's dataset under an address of their own."""
    names = {**world.own, part: world.victim[part] if part != "number" else "999999"}
    found = [one for one in operations() if {"project", part} <= set(one.parameters)]
    assert found
    for operation in found:
        if NEEDS[operation.name] == "owner" and part == "member" and operation.method == "DELETE":
            assert _ask(world, "other", operation, names).status_code in {404, 409}, operation.name
        else:
            assert _ask(world, "other", operation, names).status_code == 404, operation.name


def test_nobody_ends_somebody_elses_token(world):
    """Ending a token that is not one's own says the same as ending none, and changes nothing."""
    answers = [
        world.clients["stranger"].delete(f"/api/v1/tokens/{names['token']}").status_code
        for names in (world.victim, world.nowhere)
    ]
    assert answers[0] == answers[1]
    left = world.clients["owner"].get("/api/v1/tokens").json()["tokens"]
    assert world.victim["token"] in {row["id"] for row in left}


def test_fields_that_nobody_knows_are_refused(world):
    """W-7: "is_admin" in a body is no wish that is quietly granted, and a slip of the pen is no silent loss."""
    free = {"PUT /projects/{project}/plan", "PUT /instruments/{name}/config", "POST /agent/heartbeat"}
    free |= {"POST /datasets/{project}/{dataset}/proposals/{proposal}/{verdict}"}
    for operation in operations():
        if not operation.takes_body or operation.name in free:
            continue
        more = {**BODIES, operation.name: {**BODIES[operation.name], "is_admin": True}}
        who = "admin" if NEEDS[operation.name] == "admin" else "owner"
        with mock.patch.dict(BODIES, more):
            assert _ask(world, who, operation, world.victim).status_code == 422, operation.name


def test_an_answer_for_one_is_not_kept_for_another(world):
    """A-4: the same address asked by the owner, a stranger and the owner again."""
    address = f"/api/v1/datasets/{world.victim['project']}/spectra"
    seen = [world.clients[who].get(address) for who in ("owner", "stranger", "anonymous", "owner")]
    assert [answer.status_code for answer in seen] == [200, 404, 404, 200]


def test_lists_and_counts_say_nothing_of_hidden_things(world):
    for operation in operations():
        if operation.method != "GET" or operation.parameters or operation.queries:
            continue
        for who in ("anonymous", "stranger", "ended", "machine"):
            text = _ask(world, who, operation, world.victim).content.decode()
            assert "undisclosed" not in text, (operation.name, who)
            assert world.victim["member"] not in text, (operation.name, who)
