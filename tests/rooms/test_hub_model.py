"""Any sequence of commits leaves what a dictionary would hold, and repeating one leaves it as it is."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rooms.hub_clients import EMPTY, Repository, file, gone, named
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets

pytestmark = pytest.mark.django_db

PATHS = st.sampled_from(("a", "d/a", "d/b", "d/e/f", "g/a"))
KNOWN = {hashlib.sha256(content).digest(): content for content in (b"0", b"1" * 10, b"2")}
CONTENTS = st.sampled_from(tuple(KNOWN.values()))
CHANGES = st.one_of(
    st.tuples(st.just("file"), PATHS, CONTENTS),
    st.tuples(st.just("named"), PATHS, CONTENTS),
    st.tuples(st.just("remove"), PATHS, st.none()),
    st.tuples(st.just("folder"), st.sampled_from(("d", "d/e", "g")), st.none()),
)
COMMITS = st.lists(
    st.lists(CHANGES, max_size=5, unique_by=lambda one: (one[0] in {"file", "named"}, one[1])), max_size=6
)


def after(model, commit):
    """What the commit makes of the files; None: something that is to go is not there, or a path is named twice."""
    left = dict(model)
    written = {path: content for kind, path, content in commit if kind in {"file", "named"}}
    for kind, path, _ in commit:
        if kind == "remove" and path not in written:
            if path not in model:
                return None
            left.pop(path, None)
        elif kind == "folder":
            inside = [one for one in model if one.startswith(f"{path}/")]
            if not inside:
                return None
            for one in inside:
                left.pop(one, None)
    return {**left, **written}


def as_change(kind, path, content):
    if kind == "file":
        return file(path, content)
    if kind == "named":
        return named(path, content)
    return gone(path, "deletedFolder" if kind == "folder" else "deletedFile")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commits=COMMITS, says_parent=st.booleans())
def test_commits_do_what_a_dictionary_does(dataset, commits, says_parent):
    owner, _ = dataset
    name = new_id().lower()
    datasets.create_dataset(owner, "lab", name)
    repository, model, head = Repository(owner, f"lab/{name}"), {}, EMPTY
    for content in KNOWN.values():
        repository.arrive(content)
    for commit in commits:
        wanted, before = after(model, commit), repository.card.last_version
        changes, parent = [as_change(*one) for one in commit], head if says_parent else None
        answer = repository.commit(*changes, parent=parent)
        if wanted is None:
            # Unless what is missing went with the newest version and nothing else is to change: then it came before.
            assert answer.status_code == 404 or answer.json()["commitOid"] == head
            assert repository.card.last_version == before
            continue
        assert answer.status_code == 200, answer.content
        assert answer.json()["commitOid"] == head if wanted == model and before else True
        assert repository.card.last_version == before + (wanted != model or not before)
        model, head = wanted, answer.json()["commitOid"]
        assert held(repository) == model
        assert repository.commit(*changes, parent=parent).json()["commitOid"] == head, "the same again"
        assert held(repository) == model


def held(repository):
    card = repository.card
    page = datasets.list_files(repository.actor, card, version=card.last_version, limit=100)
    return {one.path: KNOWN[one.sha256] for one in page.files}
