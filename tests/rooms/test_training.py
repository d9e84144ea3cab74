"""Data read for training: who may, what is kept, who sees it, how it ends."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.rooms.ai_questions import settle, terms
from tests.rooms.clients import caller_of
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.data.training import api as training
from tsunagu.foundation.ledger.models import Entry
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.runs.api import Outcome

pytestmark = pytest.mark.django_db
WHY = "to tell phases apart"
SECRET = "find Hanako Yamada again"


@pytest.fixture
def readable(closed, person):
    """A frozen dataset that may be trained on, its owner, and a reader."""
    owner, card = closed
    ai_use.set_terms(owner, card, terms(training="allow"))
    for purpose in (WHY, SECRET):
        settle(owner, card, kind="training", purpose=purpose)
    reader = person("reader")
    policy.grant(owner, card.resource, subject_kind="person", subject_id=reader.id, role=policy.Role.READER)
    return owner, card, reader


def _note(actor, use, reader="aaaaaaaa", **read):
    report = training.Report(reader, **{"epochs": 1, "rows": 0, "bytes": 0, **read})
    training.note(actor, use.id, opening=use.opening, report=report)


def test_processes_of_one_training_are_one_run_that_ends_with_the_last(readable):
    _owner, card, reader = readable
    first = training.open_use(reader, card, training="net-1", purpose=WHY)
    second = training.open_use(reader, card, training="net-1", purpose=WHY)
    assert first.id == second.id
    assert first.opening != second.opening
    _note(reader, first, rows=5, bytes=50)
    _note(reader, first, rows=3, bytes=70)  # late: figures never fall
    _note(reader, first, reader="bbbbbbbb", rows=2, epochs=2)
    _note(reader, second, rows=10)
    assert not training.end_use(reader, first.id, opening=first.opening, outcome=Outcome.OK)
    assert runs.get(first.id).is_running
    assert training.end_use(reader, second.id, opening=second.opening, outcome=Outcome.ABORTED)
    assert not training.end_use(reader, second.id, opening=second.opening, outcome=Outcome.OK), "once"
    run = runs.get(first.id)
    assert (run.outcome, run.parameters["rows"], run.parameters["bytes"]) == ("aborted", 17, 70)
    assert [(link.direction, link.label) for link in run.links] == [("in", "lab/data@1")]
    with pytest.raises(training.UseEndedError):
        _note(reader, first, rows=99)
    again = training.open_use(reader, card, training="net-1", purpose=WHY)
    assert again.id != first.id, "a training that goes on after its end is another run under its name"


def test_streams_without_a_name_are_trainings_of_their_own(readable):
    _owner, card, reader = readable
    one, two = (training.open_use(reader, card, purpose=WHY) for _ in range(2))
    assert one.id != two.id
    assert one.training != two.training


def test_the_provider_sees_every_use_and_a_reader_only_the_own(readable, person):
    owner, card, reader = readable
    other = person("other")
    policy.grant(owner, card.resource, subject_kind="person", subject_id=other.id, role=policy.Role.READER)
    training.open_use(reader, card, training="net-1", purpose=WHY)
    training.open_use(other, card, training="net-2", purpose=WHY)
    assert [(one.person, one.training) for one in training.uses_of(owner, card)] == [
        ("other", "net-2"),
        ("reader", "net-1"),
    ]
    assert [one.training for one in training.uses_of(reader, card)] == ["net-1"]
    assert [one.name for one in training.trainings(reader)] == ["net-1"]
    with pytest.raises(training.NoSuchTrainingError):
        training.training(reader, "net-2")


def test_the_guard_is_asked_when_a_stream_opens_and_whenever_it_asks_for_addresses(readable):
    owner, card, reader = readable
    use = training.open_use(reader, card, training="net-1", purpose=WHY)
    assert training.permit(reader, use.id)[1] == 1
    ai_use.set_terms(owner, card, terms(training="deny"))
    with pytest.raises(ai_use.AiUseRefusedError):
        training.permit(reader, use.id)
    with pytest.raises(ai_use.AiUseRefusedError):
        training.open_use(reader, card, training="net-2", purpose=WHY)
    assert len(training.uses_of(owner, card)) == 1, "what was refused is no use"


def test_a_reader_whose_role_was_taken_away_gets_no_more_addresses(readable):
    owner, card, reader = readable
    use = training.open_use(reader, card, training="net-1", purpose=WHY)
    policy.revoke(owner, card.resource, subject_kind="person", subject_id=reader.id)
    with pytest.raises(NotFoundError):
        training.permit(reader, use.id)
    assert training.trainings(reader)[0].uses == ()
    assert training.trainings(reader)[0].hidden == 1, "that something was read is not forgotten, its name is"


def test_nobody_moves_the_use_of_somebody_else(readable):
    owner, card, reader = readable
    use = training.open_use(reader, card, training="net-1", purpose=WHY)
    with pytest.raises(training.NoSuchUseError):
        _note(owner, use, rows=1)
    with pytest.raises(training.NoSuchUseError):
        training.permit(owner, use.id)
    with pytest.raises(training.NoSuchUseError):
        training.end_use(owner, use.id, opening=use.opening, outcome=Outcome.OK)
    joined = training.open_use(owner, card, training="net-1", purpose=WHY)
    assert joined.id != use.id, "two people may call their trainings the same"


def test_a_draft_is_never_streamed(readable, put):
    owner, card, _reader = readable
    put(owner, card, {"b.txt": b"2"})
    card = datasets.get_dataset(owner, "lab", "data")
    assert training.open_use(owner, card, training="net-1", purpose=WHY).version == 1
    with pytest.raises(datasets.NoSuchVersionError):
        training.open_use(owner, card, version=2, purpose=WHY)
    datasets.create_dataset(owner, "lab", "fresh")
    with pytest.raises(datasets.NoSuchVersionError):
        training.open_use(owner, datasets.get_dataset(owner, "lab", "fresh"), purpose=WHY)


def test_silence_ends_a_use_as_uncertain_with_what_is_known(readable):
    _owner, card, reader = readable
    use = training.open_use(reader, card, training="net-1", purpose=WHY)
    _note(reader, use, rows=7)
    assert training.settle_silent() == 0
    assert training.settle_silent(dt.timedelta(0)) == 1
    run = runs.get(use.id)
    assert (run.outcome, run.parameters["rows"]) == ("uncertain", 7)
    assert training.training(reader, "net-1").uses[0].outcome == "uncertain"


def test_the_purpose_never_enters_the_ledger(readable):
    _owner, card, reader = readable
    use = training.open_use(reader, card, training="net-1", purpose=SECRET)
    training.end_use(reader, use.id, opening=use.opening, outcome=Outcome.OK)
    kept = [str(vars(entry)) for entry in Entry.objects.all()]
    assert any("net-1" in one for one in kept)
    assert not any("Yamada" in one for one in kept)


@pytest.mark.parametrize("name", ["a b", "../x", "-x", "x" * 101, "学習"])
def test_names_of_trainings_can_stand_in_addresses(readable, name):
    _owner, card, reader = readable
    with pytest.raises(InvalidInputError):
        training.open_use(reader, card, training=name, purpose=WHY)


def test_rest_opens_hands_out_files_and_ends(readable):
    _owner, card, reader = readable
    client = caller_of(reader)
    place = f"/api/v1/datasets/{card.slug}/uses"
    send = {"content_type": "application/json"}
    use = client.post(place, {"training": "net-1", "purpose": WHY}, **send).json()
    page = client.post(f"/api/v1/uses/{use['id']}/files", {}, **send).json()
    assert [one["path"] for one in page["files"]] == ["a.txt"]
    assert page["version_hash"] == use["version_hash"]
    said = {"opening": use["opening"], "reader": "r" * 12, "epochs": 1, "rows": 1, "bytes": 1}
    assert client.post(f"/api/v1/uses/{use['id']}/progress", said, **send).status_code == 204
    assert (
        client.post(f"/api/v1/uses/{use['id']}/end", {"opening": use["opening"]}, **send).status_code == 204
    )
    found = client.get("/api/v1/trainings/net-1").json()["uses"][0]
    assert (found["rows"], found["outcome"], found["dataset"]) == (1, "ok", "lab/data")
    assert client.post(f"/api/v1/uses/{use['id']}/files", {}, **send).status_code == 409


def test_the_end_brings_what_was_read_and_may_come_twice(readable):
    _owner, card, reader = readable
    client, send = caller_of(reader), {"content_type": "application/json"}
    use = client.post(f"/api/v1/datasets/{card.slug}/uses", {"purpose": WHY}, **send).json()
    read = {"reader": "r" * 12, "epochs": 2, "rows": 7, "bytes": 9}
    said = {"opening": use["opening"], "progress": read}
    for rows in (7, 70):  # an answer that got lost is asked for again; what has ended does not grow
        said["progress"] = {**read, "rows": rows}
        assert client.post(f"/api/v1/uses/{use['id']}/end", said, **send).status_code == 204
    (found,) = training.training(reader, use["training"]).uses
    assert (found.epochs, found.rows, found.bytes, found.outcome) == (2, 7, 9, "ok")


def test_a_token_is_looked_up_once_a_call(readable):
    _owner, card, reader = readable
    client, send = caller_of(reader), {"content_type": "application/json"}
    with CaptureQueriesContext(connection) as asked:
        assert client.post(f"/api/v1/datasets/{card.slug}/uses", {"purpose": WHY}, **send).status_code == 201
    looked = [
        one for one in asked if one["sql"].startswith("SELECT") and "identity_accesstoken" in one["sql"]
    ]
    assert len(looked) == 1


def test_the_opening_brings_the_first_page_of_files(readable):
    _owner, card, reader = readable
    client = caller_of(reader)
    place, send = f"/api/v1/datasets/{card.slug}/uses", {"content_type": "application/json"}
    use = client.post(place, {"purpose": WHY, "files": {"suffix": ".txt"}}, **send).json()
    page = client.post(f"/api/v1/uses/{use['id']}/files", {"suffix": ".txt"}, **send).json()
    assert [one["path"] for one in use["files"]["files"]] == ["a.txt"]
    unsigned = [
        {**one, "files": [{**file, "capability": ""} for file in one["files"]]}
        for one in (use["files"], page)
    ]
    assert unsigned[0] == unsigned[1]
    assert client.post(place, {"purpose": WHY}, **send).json()["files"] is None
    refused = client.post(place, {"purpose": "something nobody was asked about", "files": {}}, **send)
    assert refused.status_code == 403, "the guard stands before the addresses"


def test_a_use_whose_files_cannot_be_read_can_still_be_ended(readable, monkeypatch):
    """What is wrong with them is said when they are asked for: by then the reader knows the use."""
    _owner, card, reader = readable
    client = caller_of(reader)
    monkeypatch.setattr("tsunagu.foundation.storage.api.locate", lambda _names, _domains: {})
    place, send = f"/api/v1/datasets/{card.slug}/uses", {"content_type": "application/json"}
    use = client.post(place, {"purpose": WHY, "training": "net-2", "files": {}}, **send)
    assert (use.status_code, use.json()["files"]) == (201, None)
    asked = client.post(f"/api/v1/uses/{use.json()['id']}/files", {}, **send)
    assert (asked.status_code, "a.txt" in asked.json()["title"] + asked.json().get("detail", "")) == (
        404,
        True,
    )
    ended = {"opening": use.json()["opening"], "outcome": "failed"}
    assert client.post(f"/api/v1/uses/{use.json()['id']}/end", ended, **send).status_code == 204


def test_the_page_of_the_opening_and_a_fresh_address_count_once(readable, monkeypatch):
    _owner, card, reader = readable
    noted = []
    monkeypatch.setattr("tsunagu.data.usage.api.note", noted.append)
    client = caller_of(reader)
    place, send = f"/api/v1/datasets/{card.slug}/uses", {"content_type": "application/json"}
    uses = [client.post(place, {"purpose": WHY, "files": {}}, **send).json() for _ in range(2)]
    client.post(f"/api/v1/uses/{uses[0]['id']}/files", {}, **send)
    targets = [one.target for one in noted if one.is_request]
    assert targets[0] == targets[2] != targets[1], "two uses are two downloads, their pages are none"


def test_addresses_of_files_with_an_ending_come_page_by_page(dataset, put):
    owner, card = dataset
    names = ["a.csv", "b.parquet", "x/c.parquet", "x/d.txt", "x/e.parquet", "y.parquet"]
    put(owner, card, {name: name.encode() for name in names})
    caller = caller_of(owner)

    def ask(**wanted):
        address = "/api/v1/datasets/lab/data/pulls"
        return caller.post(address, {"suffix": ".parquet", **wanted}, "application/json").json()

    found, after = [], ""
    while after is not None:
        page = ask(after=after, limit=2)
        found += [one["path"] for one in page["files"]]
        after = page["next"]
    assert found == ["b.parquet", "x/c.parquet", "x/e.parquet", "y.parquet"]
    assert [one["path"] for one in ask(prefix="x/")["files"]] == ["x/c.parquet", "x/e.parquet"]
