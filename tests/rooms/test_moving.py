"""Moving what is published to another node: who may, what goes along, what is refused, what stays."""

from __future__ import annotations

import dataclasses

import pytest

from tests.rooms.publication_worlds import PREFIX, describe, ready
from tsunagu.core import egress
from tsunagu.core.errors import NotFoundError
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.publication import api as publication
from tsunagu.data.publication import moving
from tsunagu.data.publication.models import Concept, OutsideEffect, Publication, ReviewEntry
from tsunagu.foundation.identity.api import ANONYMOUS
from tsunagu.foundation.policy import api as policy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]
THERE = "https://data.example.ac.jp/d/lab/data"
SOURCE = "https://old.example.ac.jp/d/lab/data"


@pytest.fixture
def standing(registry, officer, dataset, put):
    """Two published versions; somebody administers the node and may read them."""
    owner, card = dataset
    publication.write_institution(officer, "kitamiyama", {"members_may_publish": True})
    card = ready(owner, card, put)
    first = publication.request(owner, card, institution="kitamiyama", note="初めての公開です。")
    put(owner, card, {"c.txt": b"three"})
    datasets.freeze_version(owner, card.id, note="点を追加")
    card = datasets.get_dataset(owner, "lab", "data")
    second = publication.request(owner, card, institution="kitamiyama")
    registry.work()
    return officer, owner, card, (first.id, second.id)


@pytest.fixture
def answers(monkeypatch):
    """What the other node says of records: those named stand there, with whether they are deleted."""
    found: dict[str, bool] = {}

    def exchange(_method, url, *_, **__):
        key = url.rpartition("%3A")[2]
        if key not in found:
            return egress.Answered(200, b'<error code="idDoesNotExist"/>', "text/xml", "")
        status = ' status="deleted"' if found[key] else ""
        text = f"<header{status}><identifier>oai:data.example.ac.jp:{key}</identifier></header>"
        return egress.Answered(200, text.encode(), "text/xml", "")

    monkeypatch.setattr(moving.egress, "exchange", exchange)
    return found


def forget():
    """What another node knows of these publications: nothing."""
    ReviewEntry.objects.all().delete()
    OutsideEffect.objects.all().delete()
    Publication.objects.all().delete()
    Concept.objects.all().delete()


@pytest.fixture
def arrived(standing, officer, put):
    """The same at another node, as far as its files: a dataset of another name, with none of its publications."""
    admin, owner, card, _ = standing
    packed = publication.pack(admin, card)
    forget()
    made = datasets.create_dataset(owner, "lab", "copy")
    scope = datasets.get_project(owner, "lab").resource
    policy.grant(owner, scope, subject_kind="person", subject_id=admin.id, role=policy.Role.OWNER)
    return admin, datasets.get_dataset(admin, "lab", made.name), packed, put


def carry(admin, card, packed, put):
    files = [{"a.csv": b"x,y\n1,2\n", "raw/b.txt": b"two"}, {"c.txt": b"three"}]
    datasets.set_label(admin, card, "personal", "no")
    for version, new in zip(packed.versions, files, strict=True):
        put(admin, datasets.get_dataset(admin, "lab", "copy"), new)
        publication.take_version(admin, card, SOURCE, version)
    return datasets.get_dataset(admin, "lab", "copy")


def take(admin, card, packed, **more):
    several = more.pop("several", packed.publications)
    return publication.take_publications(
        admin, card, SOURCE, packed.concept, several, institution="kitamiyama", **more
    )


def test_only_administrators_move_and_only_what_they_may_read(standing, answers):
    admin, owner, card, ids = standing
    answers.update(dict.fromkeys(ids, False))
    for person in (owner, ANONYMOUS):
        with pytest.raises(policy.ActionDeniedError):
            publication.pack(person, card)
        with pytest.raises(policy.ActionDeniedError):
            publication.leave(person, card, THERE)
    assert publication.pack(admin, card).place == "lab/data"
    datasets.set_access(owner, card.id, policy.Access.CLOSED, embargo_until="")
    with pytest.raises(NotFoundError):
        publication.pack(admin, datasets.get_dataset_by_id(owner, card.id))


def test_what_goes_along(standing):
    admin, _owner, _card, ids = standing
    packed = publication.pack(admin, datasets.get_dataset(admin, "lab", "data"))
    assert [one.number for one in packed.versions] == [1, 2]
    assert packed.versions[1].note == "点を追加"
    assert [one.id for one in packed.publications] == list(ids)
    assert packed.publications[0].name.doi == f"{packed.concept.doi}.v1"
    assert packed.publications[0].name.is_registered
    assert [step.step for step in packed.publications[0].history] == ["request", "publish"]
    # What strangers do not see of a description does not go along with somebody who is one.
    assert all("id" not in value["origin"] for value in packed.versions[0].described.values())
    assert publication.collection("kitamiyama") == ["lab/data"]


def test_an_open_request_and_a_sealed_dataset_stay(standing, put):
    admin, owner, card, _ = standing
    publication.write_institution(admin, "kitamiyama", {"members_may_publish": False})
    put(owner, card, {"d.txt": b"four"})
    datasets.freeze_version(owner, card.id)
    card = datasets.get_dataset(owner, "lab", "data")
    asked = publication.request(owner, card, institution="kitamiyama")
    with pytest.raises(publication.CannotMoveError, match="still open"):
        publication.pack(admin, card)
    publication.reject(admin, asked.id, "Not now.")
    assert publication.pack(admin, card)
    with pytest.raises(publication.CannotMoveError, match="sealed"):
        publication.pack(admin, dataclasses.replace(card, key_domain=new_id()))


def test_it_stands_under_the_same_names(arrived):
    admin, card, packed, put = arrived
    card = carry(admin, card, packed, put)
    done = take(admin, card, packed)
    assert done == take(admin, card, packed), "doing it twice changes nothing"
    assert done.ids == tuple(one.id for one in packed.publications)
    assert (done.differing, done.foreign_dois) == ((), ())
    row = Publication.objects.get(pk=packed.publications[1].id)
    assert (row.doi, row.state, row.is_doi_registered) == (packed.publications[1].name.doi, "published", True)
    assert row.record["url"].endswith("/d/lab/copy/v2")
    assert [one.step for one in row.entries.order_by("pk")] == ["request", "publish", "arrive"]
    assert row.entries.order_by("pk").first().written_at.isoformat()
    assert datasets.get_dataset(ANONYMOUS, "lab", "copy").access == policy.Access.OPEN
    # The agency is told of the new address of every name.
    wanted = set(OutsideEffect.objects.filter(operation="publish").values_list("external_id", flat=True))
    assert wanted == {packed.concept.doi, *(one.name.doi for one in packed.publications)}
    # Where a value comes from is kept behind the move.
    value = {one.name: one for one in description.values(admin, card)}["licence"]
    assert value.origin["source"] == SOURCE
    assert value.origin["was"]["kind"] == "person"


def test_other_files_are_not_the_version(arrived):
    admin, card, packed, put = arrived
    put(admin, card, {"a.csv": b"x,y\n1,3\n", "raw/b.txt": b"two"})
    with pytest.raises(publication.CannotMoveError, match="is not version 1"):
        publication.take_version(admin, card, SOURCE, packed.versions[0])
    assert not datasets.get_dataset(admin, "lab", "copy").has_frozen
    with pytest.raises(publication.CannotMoveError, match="is not version 2"):
        publication.take_version(admin, card, SOURCE, packed.versions[1])


def test_names_that_stand_for_something_else_are_refused(arrived):
    admin, card, packed, put = arrived
    card = carry(admin, card, packed, put)
    first, second = packed.publications
    with pytest.raises(datasets.NoSuchVersionError):
        take(admin, card, packed, several=(first, dataclasses.replace(second, number=7)))
    bad = dataclasses.replace(second, name=dataclasses.replace(second.name, doi="not a DOI"))
    with pytest.raises(publication.CannotMoveError, match="no DOI"):
        take(admin, card, packed, several=(first, bad))
    with pytest.raises(publication.CannotMoveError, match="no moment"):
        take(admin, card, packed, several=(dataclasses.replace(first, published_at="yesterday"),))
    assert not Publication.objects.exists(), "all or nothing"
    take(admin, card, packed)
    other = datasets.create_dataset(admin, "lab", "other")
    put(admin, other, {"a.csv": b"x,y\n1,2\n", "raw/b.txt": b"two"})
    publication.take_version(admin, other, SOURCE, packed.versions[0])
    other = datasets.get_dataset(admin, "lab", "other")
    with pytest.raises(publication.CannotMoveError, match="do not belong together"):
        take(admin, other, packed, several=(first,))
    with pytest.raises(publication.CannotMoveError, match="stands here for"):
        publication.take_publications(admin, other, SOURCE, None, (first,))
    again = dataclasses.replace(first, id=new_id())
    with pytest.raises(publication.CannotMoveError, match="for something else"):
        publication.take_publications(admin, other, SOURCE, None, (again,))


def test_checks_of_the_new_node_hold(arrived):
    admin, card, packed, put = arrived
    card = carry(admin, card, packed, put)
    datasets.set_label(admin, card, "personal", "yes")
    with pytest.raises(publication.NotReadyError):
        take(admin, card, packed)
    assert not Publication.objects.exists()


def test_an_account_that_is_missing_is_said(arrived, configure):
    admin, card, packed, put = arrived
    configure(doi_accounts=())
    done = take(admin, carry(admin, card, packed, put), packed)
    assert all(doi.startswith(f"{PREFIX}/") for doi in done.foreign_dois)
    assert len(done.foreign_dois) == 3


@pytest.mark.parametrize(
    "to",
    ["https://data.example.ac.jp/", "data.example.ac.jp/d/a/b", "https://x.example/d/a", "javascript:/d/a/b"],
)
def test_it_leads_only_to_pages_of_datasets(standing, answers, to):
    admin, _owner, card, _ids = standing
    with pytest.raises(publication.CannotMoveError, match="no page"):
        publication.leave(admin, card, to)


def test_it_leaves_only_when_every_record_stands_there(standing, answers):
    admin, _owner, card, ids = standing
    answers[ids[0]] = False
    with pytest.raises(publication.NotThereError, match="Version 2"):
        publication.leave(admin, card, THERE)
    answers[ids[1]] = True  # taken back there, and not here
    with pytest.raises(publication.NotThereError, match="Version 2"):
        publication.leave(admin, card, THERE)
    assert publication.landing("lab/data").moved_to == ""


def test_what_stays(standing, answers, client, registry):
    admin, owner, card, ids = standing
    answers.update(dict.fromkeys(ids, False))
    before = {row.uid: row.harvest_at for row in Publication.objects.all()}
    asked = OutsideEffect.objects.count()
    assert publication.leave(admin, card, THERE) == 2
    assert client.get("/d/lab/data")["Location"] == THERE
    for number in (1, 2):
        answer = client.get(f"/d/lab/data/v{number}")
        assert (answer.status_code, answer["Location"]) == (301, f"{THERE}/v{number}")
    answer = client.get("/d/lab/data/v2/record/citation.txt?style=apa")
    assert (answer.status_code, answer["Location"]) == (301, f"{THERE}/v2/record/citation.txt?style=apa")
    entries = publication.harvest(since=None, until=None, after=None, limit=10)
    assert all(one.is_deleted and one.changed_at > before[one.id] for one in entries)
    registry.work()
    assert OutsideEffect.objects.count() == asked, "the agency hears of it from the other node"
    # Its people keep what they work on, nobody else, and they may remove it now.
    assert datasets.get_dataset(owner, "lab", "data").access == policy.Access.CLOSED
    assert policy.decide(owner, "dataset.destroy", card.resource)
    assert publication.collection("kitamiyama") == []
    with pytest.raises(publication.AlreadyPublishedError) as refused:
        publication.request(owner, datasets.get_dataset(owner, "lab", "data"), institution="kitamiyama")
    assert THERE in refused.value.remedy
    scope = datasets.get_project(owner, "lab").resource
    policy.grant(owner, scope, subject_kind="person", subject_id=admin.id, role=policy.Role.READER)
    with pytest.raises(publication.AlreadyMovedError, match=f"{THERE} already"):
        publication.leave(admin, datasets.get_dataset(owner, "lab", "data"), THERE)


def test_an_article_that_stays_names_its_data_where_they_stand(standing, answers, put):
    admin, owner, card, ids = standing
    answers.update(dict.fromkeys(ids, False))
    Publication.objects.update(is_doi_registered=False)
    paper = datasets.create_dataset(owner, "lab", "paper")
    describe(owner, paper)
    put(owner, paper, {"paper.pdf": b"%PDF"})
    datasets.set_label(owner, paper, "personal", "no")
    datasets.freeze_version(owner, paper.id)
    text = publication.request(
        owner,
        datasets.get_dataset(owner, "lab", "paper"),
        institution="kitamiyama",
        resource_type="journal article",
        article={"text_version": "AM", "data": ["lab/data@2"]},
    )
    publication.leave(admin, card, THERE)
    record = publication.find_record("lab/paper", 1)
    assert [one.identifier for one in record.relations if one.type == "isSupplementedBy"] == [f"{THERE}/v2"]
    assert text.state == "published"
