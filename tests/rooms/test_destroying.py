"""Destroying a dataset: what goes, what stays, what forbids it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import pytest

from tests.rooms.clients import caller_of
from tests.rooms.plan_documents import document
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.models import BuriedVersion, Dataset, FileRow
from tsunagu.data.description import api as description
from tsunagu.data.description import clearing
from tsunagu.data.description.models import Value
from tsunagu.data.keeping import api as keeping
from tsunagu.data.keeping import destroying
from tsunagu.data.keeping.models import LegalHold, Retention
from tsunagu.data.plans import api as plans
from tsunagu.data.sharing import api as sharing
from tsunagu.data.sharing import tasks as sharing_tasks
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.policy.models import Hold
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

pytestmark = pytest.mark.django_db(transaction=True)


def sha(content):
    return hashlib.sha256(content).digest()


def again(owner, card):
    return datasets.get_dataset_by_id(owner, card.id)


def test_a_destroyed_dataset_leaves_every_list_and_a_tombstone_says_why(dataset, put, person):
    owner, card = dataset
    put(owner, card, {"a.txt": b"only here", "b/c.txt": b"and this"})
    description.set_value(owner, card.id, "title", "Films")
    version = datasets.freeze_version(owner, card.id)
    put(owner, card, {"a.txt": b"later"})
    keys = {place.key for place in storage.every_location()}
    assert len(keys) == 2
    stone = keeping.destroy(owner, again(owner, card), reason="sent by mistake")
    assert datasets.list_datasets(owner) == ([], "")
    with pytest.raises(datasets.DatasetRemovedError, match="sent by mistake"):
        datasets.get_dataset(owner, "lab", "data")
    with pytest.raises(datasets.DatasetRemovedError):
        datasets.get_dataset_by_id(owner, card.id)
    with pytest.raises(NotFoundError) as refused:
        datasets.get_dataset(person("stranger"), "lab", "data")
    assert not isinstance(refused.value, datasets.DatasetRemovedError)
    assert (stone.slug, stone.title, stone.reason, stone.is_gone) == (
        "lab/data",
        "Films",
        "sent by mistake",
        False,
    )
    assert [one.version_hash for one in stone.versions] == [version.version_hash]
    assert hashlib.sha256(stone.versions[0].record.encode()).hexdigest() == version.version_hash
    assert runs.of_dataset(card.id)[0].kind == "destroy"
    destroying.take_apart(card.id)
    clearing.clear(card.id)
    assert not Dataset.objects.exists()
    assert not FileRow.objects.exists()
    assert not Value.objects.filter(dataset_id=card.id).exists()
    assert not list(storage.every_location())
    assert keys.isdisjoint(found.key for found in storage.store().list())
    assert datasets.get_tombstone(owner, card.id).is_gone
    assert ledger.verify().problems == []


def test_bytes_that_another_dataset_needs_stay_and_the_rest_of_the_pack_goes(dataset, put):
    owner, card = dataset
    put(owner, card, {"shared.txt": b"in both", "secret.txt": b"only in the first"})
    other = datasets.create_dataset(owner, "lab", "other")
    put(owner, other, {"copy.txt": b"in both"})
    old = {place.key for place in storage.every_location()}
    keeping.destroy(owner, again(owner, card), reason="consent withdrawn")
    destroying.take_apart(card.id)
    assert {place.sha256 for place in storage.every_location()} == {sha(b"in both")}
    for place in storage.every_location():
        assert storage.check_content(place) == ""
        assert storage.store().size(place.key) == len(b"in both")
    assert old.isdisjoint(found.key for found in storage.store().list())
    assert datasets.verify(owner, again(owner, other)).problems == []


def test_a_removal_that_is_cut_off_goes_on_where_it_stopped(dataset, put, monkeypatch):
    owner, card = dataset
    put(owner, card, {f"{number}.txt": b"%d" % number for number in range(30)})
    keeping.destroy(owner, again(owner, card), reason="a test")
    part = datasets.take_apart
    monkeypatch.setattr(datasets, "take_apart", lambda uid: part(uid, limit=7))
    discard, left = storage.discard, [2]

    def dies(hashes):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return discard(hashes)

    monkeypatch.setattr(storage, "discard", dies)
    with pytest.raises(KeyboardInterrupt):
        destroying.take_apart(card.id)
    assert datasets.remains() == [card.id]
    left[0] = 1000
    destroying.take_apart(card.id)
    destroying.take_apart(card.id)
    assert datasets.remains() == []
    assert not list(storage.every_location())


def test_the_name_stays_taken_and_a_push_that_goes_on_is_refused(dataset, put):
    owner, card = dataset
    keeping.destroy(owner, card, reason="a test")
    with pytest.raises(datasets.DatasetRemovedError):
        datasets.create_dataset(owner, "lab", "data")
    with pytest.raises(NotFoundError):
        put(owner, card, {"late.txt": b"late"})
    with pytest.raises(NotFoundError):
        datasets.freeze_version(owner, card.id)


def test_only_an_owner_destroys_and_only_with_a_reason(dataset, person):
    owner, card = dataset
    editor, stranger = person("editor"), person("stranger", is_admin=True)
    sharing.share(owner, card, role="editor", email="editor@example.org")
    with pytest.raises(policy.ActionDeniedError):
        keeping.destroy(editor, card, reason="mine")
    with pytest.raises(NotFoundError):
        keeping.destroy(stranger, card, reason="mine")
    with pytest.raises(keeping.NoReasonError):
        keeping.destroy(owner, card, reason=" ")


def test_nobody_destroys_before_the_date_and_nobody_shortens(at, dataset, put, officer):
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})
    datasets.freeze_version(owner, card.id)
    card = again(owner, card)
    keeping.retain(owner, card, until="2037-03-31", reason="ten years after the paper")
    for actor in (owner, officer):
        with pytest.raises((policy.ActionDeniedError, NotFoundError)):
            keeping.destroy(actor, card, reason="too big")
    with pytest.raises(keeping.CannotShortenError):
        keeping.retain(owner, card, until="2030-01-01")
    with pytest.raises(InvalidInputError):
        keeping.retain(owner, card, until="9999-12-31")
    # The rows alone are enough, and so are the rules alone.
    Hold.objects.all().delete()
    with pytest.raises(keeping.RetainedError):
        keeping.destroy(owner, card, reason="too big")
    assert keeping.keeping_of(owner, card).keep_until.startswith("2037-03-31T15:00:00")
    keeping.retain(owner, card, until="2038-03-31")
    Retention.objects.all().delete()
    with pytest.raises(policy.ActionDeniedError, match="2038-03-31"):
        keeping.destroy(owner, card, reason="too big")
    told = sharing.explain(owner, card, "destroy").decision
    assert (told.effect, "2038-03-31" in told.reasons[0]) == ("deny", True)
    assert len(list(keeping.problems(card))) == 1
    at(dt.datetime(2038, 3, 31, 15, 0, tzinfo=dt.UTC))
    assert keeping.destroy(owner, card, reason="its time is over").reason == "its time is over"


def test_a_retention_that_somebody_changed_in_the_database_is_found(dataset):
    owner, card = dataset
    keeping.retain(owner, card, until="2060-01-01")
    assert list(keeping.problems(card)) == []
    Retention.objects.update(until=dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
    assert "is kept until 2060" in next(keeping.problems(card))


def test_a_retained_file_cannot_be_written(dataset, put):
    from tsunagu.data.keeping import retention

    if not storage.store().url.startswith("file:"):
        pytest.skip("test_object_lock.py looks at S3")
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})
    datasets.freeze_version(owner, card.id)
    keeping.retain(owner, again(owner, card), until="2060-01-01")
    assert retention.lock_objects(card.id) == 1
    assert retention.lock_objects(card.id) == 0
    (place,) = storage.every_location()
    assert storage.store().local_path(place.key).stat().st_mode & 0o222 == 0


def test_a_legal_hold_forbids_to_destroy_and_to_remove_files(english, dataset, put, officer):
    owner, card = dataset
    put(owner, card, {"a.txt": b"1", "b.txt": b"2"})
    with pytest.raises(policy.ActionDeniedError):
        keeping.place_hold(owner, "lab/data", reason="I say so")
    held = keeping.place_hold(officer, "lab/data", reason="inquiry 12")
    for act in (
        lambda: keeping.destroy(owner, card, reason="too big"),
        lambda: datasets.remove_files(owner, card.id, ["a.txt"]),
    ):
        with pytest.raises(policy.ActionDeniedError, match="legal hold"):
            act()
    put(owner, card, {"c.txt": b"3"})
    assert keeping.keeping_of(owner, card).holds[0].reason == "inquiry 12"
    with pytest.raises(keeping.NoReasonError):
        keeping.lift_hold(officer, held.id, reason="")
    Hold.objects.all().delete()
    with pytest.raises(keeping.HeldError):
        keeping.destroy(owner, card, reason="too big")
    LegalHold.objects.all().delete()
    assert "legal holds" in next(keeping.problems(card))


def test_a_hold_on_a_project_holds_what_comes_later_too(dataset, put, officer):
    owner, _ = dataset
    held = keeping.place_hold(officer, "lab", reason="inquiry 12")
    later = datasets.create_dataset(owner, "lab", "later")
    with pytest.raises(keeping.HeldError):
        keeping.destroy(owner, later, reason="too big")
    assert list(keeping.problems(later)) == []
    LegalHold.objects.update(lifted_at=dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
    assert "1 legal holds" in next(keeping.problems(later))
    LegalHold.objects.update(lifted_at=None)
    keeping.lift_hold(officer, held.id, reason="the inquiry is over")
    assert list(keeping.problems(later)) == []
    keeping.destroy(owner, later, reason="too big")


def test_over_rest(dataset, put, person, officer):
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})
    call, other, judge = caller_of(owner), caller_of(person("stranger")), caller_of(officer)
    url = "/api/v1/datasets/lab/data"

    def send(client, method, path, body):
        answer = client.generic(method, path, json.dumps(body), content_type="application/json")
        return answer.status_code, answer.json()

    assert send(other, "PUT", f"{url}/retention", {"until": "2060-01-01"})[0] == 404
    assert send(call, "PUT", f"{url}/retention", {"until": "2060-01-01"})[0] == 200
    assert send(call, "DELETE", url, {"reason": "x"})[0] == 403
    assert send(call, "POST", "/api/v1/holds", {"place": "lab", "reason": "x"})[0] == 403
    status, hold = send(judge, "POST", "/api/v1/holds", {"place": "lab", "reason": "inquiry"})
    assert status == 201
    assert call.get(f"{url}/keeping").json()["holds"][0]["reason"] == "inquiry"
    assert judge.get("/api/v1/holds").json()["holds"][0]["id"] == hold["id"]
    assert send(judge, "DELETE", f"/api/v1/holds/{hold['id']}", {"reason": "over"})[0] == 200
    later = datasets.create_dataset(owner, "lab", "later")
    assert send(call, "DELETE", f"/api/v1/datasets/lab/{later.name}", {"reason": "x"})[0] == 200
    gone = call.get("/api/v1/datasets/lab/later")
    assert (gone.status_code, gone.json()["code"]) == (410, "datasets.removed")
    assert other.get("/api/v1/datasets/lab/later").status_code == 404


def test_a_plan_keeps_what_is_frozen_and_a_shorter_plan_shortens_nothing(planned):
    owner, project, card = planned

    def keeps(until):
        plans.write_plan(owner, project, document(place={"available_until": until}))
        plans.check(owner, project)
        return [
            (one.source, one.until[:10]) for one in keeping.keeping_of(owner, again(owner, card)).retentions
        ]

    assert keeps("2060-03-31") == []
    datasets.freeze_version(owner, card.id)
    assert keeps("2060-03-31") == [("plan", "2060-03-31")]
    assert keeps("2050-03-31") == [("plan", "2060-03-31")]
    with pytest.raises(policy.ActionDeniedError):
        keeping.destroy(owner, again(owner, card), reason="too big")


def test_verify_looks_at_tombstones(dataset, put):
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})
    datasets.freeze_version(owner, card.id)
    keeping.destroy(owner, again(owner, card), reason="a test")
    asked = caller_of(owner).get("/api/v1/verify/ledger").json()
    assert (asked["ok"], asked["checked"]["tombstones"]) == (True, 1)
    BuriedVersion.objects.update(record="{}")
    asked = caller_of(owner).get("/api/v1/verify/ledger").json()
    assert not asked["ok"]
    assert "version 1" in asked["problems"][0]


def test_what_others_kept_about_it_holds_or_ends(dataset, put, person):
    """Requests end; what was derived stays bound by the terms of its removed source and still names it."""
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})
    ai_use.set_terms(owner, card, ai_use.parse({"uses": {"training": "deny"}}), reason="consent")
    opened = capture.open_push(owner, "lab", "derived", create=True, inputs=["lab/data"])
    capture.finish_push(owner, opened.run)
    derived = datasets.get_dataset(owner, "lab", "derived")
    before = ai_use.terms_of(derived).terms
    sharing.ask(person("asker"), "lab", "data", reason="to compare")
    keeping.destroy(owner, again(owner, card), reason="a test")
    sharing_tasks.end_requests.call(dataset_id=card.id)
    assert sharing.to_answer(owner) == []
    after = ai_use.terms_of(derived).terms
    assert (before.uses["training"], after.uses["training"]) == ("deny", "deny")
    assert after.uses["index"] != "allow"
    assert datasets.visible_names(owner, [card.id]) == {card.id: "lab/data"}
    assert datasets.visible_names(person("stranger"), [card.id]) == {}
    links = datasets.visible_links(person("stranger"), derived, runs.of_dataset(derived.id))
    assert all("lab/data" not in link.label for run in links for link in run.links if link.id == card.id)
