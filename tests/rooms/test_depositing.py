"""Deposits in a repository: what is sent, who decides, what follows from the record."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile

import bagit
import pytest

from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.depositing import api as depositing
from tsunagu.data.depositing import payload, repositories, sword
from tsunagu.data.publication import api as publication
from tsunagu.foundation.policy import api as policy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]


def test_a_published_version_becomes_an_item(deposits):
    assert deposits.deposit().state == "waiting"
    assert deposits.weko.asked == [], "nothing is sent in a person's request"
    deposits.work()
    assert (deposits.card.state, deposits.card.has_files) == ("done", True)
    assert deposits.card.item_url == f"http://{deposits.weko.host}/records/1"
    assert deposits.weko.writes() == ["POST /sword/service-document"]
    root = deposits.weko.crate(1)
    assert (root["wk:publishStatus"], root["wk:index"], root["wk:editMode"]) == (
        "public",
        [1623632832836],
        "Keep",
    )
    assert root["name"] == "薄膜のX線回折"
    assert "wk:grant" not in root, "it has no DOI"
    assert deposits.steps() == ["deposit", "deposited"]
    deposits.work(minutes=24 * 60, rounds=3)
    assert len(deposits.weko.writes()) == 1, "what is done is not repeated"
    sent = deposits.weko.headers[0]
    assert "Tsunagu/" in sent["User-Agent"]
    assert sent["On-Behalf-Of"] == "hanako@example.ac.jp"


def test_the_payload_is_a_bag_with_an_acyclic_crate(deposits, tmp_path):
    deposits.deposit()
    deposits.work()
    with zipfile.ZipFile(io.BytesIO(deposits.weko.zips[0])) as archive:
        archive.extractall(tmp_path)
    bagit.Bag(str(tmp_path)).validate()
    crate = json.loads((tmp_path / "data" / "ro-crate-metadata.json").read_bytes())
    assert crate["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    entities = {one["@id"]: one for one in crate["@graph"]}
    _walk(entities, "ro-crate-metadata.json", ())
    files = [entities[one["@id"]] for one in entities["./"]["hasPart"]]
    assert {one["name"] for one in files} == {one.name for one in (tmp_path / "data").iterdir()} - {
        "ro-crate-metadata.json"
    }
    listed = json.loads((tmp_path / "data" / "file-manifest.json").read_bytes())["files"]
    assert {one["path"] for one in listed} == {"a.csv", "raw/b.txt"}
    (nested,) = [one["name"] for one in listed if one["path"] == "raw/b.txt"]
    assert "/" not in nested
    assert (tmp_path / "data" / nested).read_bytes() == b"two"


def _walk(entities, key, above):
    """Follow every link as WEKO does; a cycle would never end there."""
    assert key not in above, f"{key} points back to itself"
    for value in entities.get(key, {}).values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                _walk(entities, one["@id"], (*above, key))


def test_two_builds_give_the_same_bytes(deposits):
    sums = []
    for _ in range(2):
        with payload.built(repositories.named("ir"), "lab/data", 1, most_bytes=1 << 30) as made:
            sums.append(made.sha256)
        deposits.at(clock.now() + dt.timedelta(days=1))
    assert sums[0] == sums[1]


# --- A person of the repository decides


@pytest.mark.parametrize("says_state", [True, False])
def test_what_waits_for_approval_is_asked_for_and_done_only_then(deposits, says_state):
    deposits.weko.has_workflow, deposits.weko.says_state = True, says_state
    deposits.deposit()
    deposits.work()
    card = deposits.card
    assert (card.state, card.activity_url) == (
        "held",
        f"http://{deposits.weko.host}/workflow/activity/detail/A-1",
    )
    since = card.held_since
    asked = []
    for minutes in (1, 5, 15, 60, 24 * 60, 24 * 60):
        before = len(deposits.weko.asked)
        deposits.work(minutes=minutes)
        asked.append(
            len([one for one in deposits.weko.asked[before:] if one[1] != "/sword/service-document"])
        )
    assert asked == [1, 1, 1, 1, 1, 1]
    assert (deposits.card.state, deposits.card.held_since) == ("held", since), (
        "WEKO says ingested of what waits"
    )
    deposits.weko.approve(1)
    deposits.work(minutes=24 * 60)
    assert deposits.card.state == "done"
    assert deposits.card.item_url == f"http://{deposits.weko.host}/records/1"
    assert deposits.steps() == ["deposit", "deposit_held", "deposited"]
    assert deposits.weko.writes() == ["POST /sword/service-document"]


def test_a_deposit_without_an_address_waits_for_a_person_to_name_it(deposits):
    deposits.weko.has_workflow = deposits.weko.hides_deposit = True
    deposits.deposit()
    deposits.work()
    deposits.work(minutes=24 * 60, rounds=2)
    assert (deposits.card.state, deposits.card.deposit_url) == ("held", "")
    deposits.weko.approve(1)
    deposits.weko.has_workflow = False
    deposits.deposit(found_at=f"http://{deposits.weko.host}/sword/deposit/1")
    deposits.work()
    assert (deposits.card.state, list(deposits.weko.items)) == ("done", [1])


def test_a_rejection_comes_back_with_its_words(deposits):
    deposits.weko.has_workflow = True
    deposits.deposit()
    deposits.work()
    deposits.weko.reject(1)
    deposits.work(minutes=5)
    assert (deposits.card.state, deposits.card.last_error) == ("refused", "Not in scope.")


# --- What happens to the record


def test_a_correction_replaces_the_item(deposits):
    deposits.deposit()
    deposits.work()
    deposits.correct("Films of titanium dioxide")
    deposits.work()
    assert deposits.weko.writes() == ["POST /sword/service-document", "PUT /sword/deposit/1"]
    assert deposits.weko.crate(1)["alternateName"] == ["Films of titanium dioxide"]
    deposits.deposit()
    deposits.work()
    assert len(deposits.weko.writes()) == 2, "what is there already is not sent again"
    assert deposits.card.state == "done"


def test_a_correction_while_a_person_decides_is_sent_afterwards(deposits):
    deposits.weko.has_workflow = True
    deposits.deposit()
    deposits.work()
    deposits.correct("Films of titanium dioxide")
    deposits.work(minutes=1)
    assert deposits.weko.writes() == ["POST /sword/service-document"]
    deposits.weko.approve(1)
    deposits.weko.has_workflow = False
    deposits.work(minutes=5, rounds=2)
    assert deposits.weko.writes("PUT") == ["PUT /sword/deposit/1"]
    assert deposits.card.state == "done"


def test_a_withdrawal_takes_the_item_out(deposits):
    deposits.deposit()
    deposits.work()
    publication.withdraw(deposits.owner, deposits.id, "A wrong sample.")
    deposits.follow()
    deposits.work()
    assert (deposits.card.state, deposits.weko.items) == ("withdrawn", {})
    publication.restore(deposits.owner, deposits.id)
    deposits.follow()
    deposits.work()
    assert deposits.card.state == "withdrawn", "somebody has to wish it anew"
    deposits.deposit()
    deposits.work()
    assert (deposits.card.state, list(deposits.weko.items)) == ("done", [1])


@pytest.mark.parametrize("when", ["before", "while"])
def test_what_is_refused_while_the_record_is_withdrawn_ends_and_comes_back_with_it(
    deposits, when, monkeypatch
):
    send = sword.send

    def withdrawn_meanwhile(*args):
        publication.withdraw(deposits.owner, deposits.id, "A wrong sample.")
        deposits.follow()
        return send(*args)

    deposits.weko.fail("400")
    if when == "while":
        monkeypatch.setattr(sword, "send", withdrawn_meanwhile)
    deposits.deposit()
    deposits.work()
    monkeypatch.setattr(sword, "send", send)
    if when == "before":
        assert deposits.card.state == "refused"
        publication.withdraw(deposits.owner, deposits.id, "A wrong sample.")
        deposits.follow()
    deposits.work()
    assert (deposits.card.state, deposits.card.last_error) == (
        "withdrawn",
        "The record was withdrawn before it came into the repository.",
    )
    publication.restore(deposits.owner, deposits.id)
    deposits.follow()
    deposits.work()
    assert (deposits.card.state, list(deposits.weko.items)) == ("done", [1])


def test_a_replacement_that_is_refused_while_the_record_is_withdrawn_is_taken_out(deposits, monkeypatch):
    deposits.deposit()
    deposits.work()
    send = sword.send

    def withdrawn_meanwhile(*args):
        publication.withdraw(deposits.owner, deposits.id, "A wrong sample.")
        deposits.follow()
        return send(*args)

    deposits.correct("Films of titanium dioxide")
    deposits.weko.fail("400")
    monkeypatch.setattr(sword, "send", withdrawn_meanwhile)
    deposits.work(rounds=2)
    assert (deposits.card.state, deposits.weko.items) == ("withdrawn", {})


@pytest.mark.parametrize("was_in", [False, True])
def test_what_people_refuse_after_the_withdrawal_ends(deposits, was_in):
    if was_in:
        deposits.deposit()
        deposits.work()
        deposits.correct("Films of titanium dioxide")
    else:
        deposits.deposit()
    deposits.weko.has_workflow = True
    deposits.work()
    assert deposits.card.state == "held"
    publication.withdraw(deposits.owner, deposits.id, "A wrong sample.")
    deposits.follow()
    deposits.weko.has_workflow = False
    deposits.weko.reject(1)
    deposits.work(minutes=1, rounds=2)
    assert (deposits.card.state, len(deposits.weko.writes("DELETE"))) == ("withdrawn", int(was_in))
    publication.restore(deposits.owner, deposits.id)
    deposits.follow()
    deposits.work()
    assert deposits.card.state == ("withdrawn" if was_in else "done")


def test_what_was_deleted_there_is_deposited_anew_on_demand(deposits):
    deposits.deposit()
    deposits.work()
    del deposits.weko.items[1]
    deposits.correct("Films of titanium dioxide")
    deposits.work()
    assert (deposits.card.state, deposits.card.last_status, deposits.card.item_url) == ("refused", 404, "")
    deposits.work(minutes=24 * 60, rounds=2)
    assert deposits.weko.items == {}, "nobody wished it"
    deposits.deposit()
    deposits.work()
    assert (deposits.card.state, len(deposits.weko.items)) == ("done", 1)


def test_a_record_that_is_restored_while_its_removal_waits_comes_back(deposits):
    deposits.deposit()
    deposits.work()
    deposits.weko.has_workflow = True
    publication.withdraw(deposits.owner, deposits.id, "A wrong sample.")
    deposits.follow()
    deposits.work()
    assert deposits.card.state == "held"
    publication.restore(deposits.owner, deposits.id)
    deposits.correct("Films of titanium dioxide")
    deposits.weko.reject(1)
    deposits.weko.items[1]["is_leaving"] = False
    deposits.work(minutes=1, rounds=2)
    assert deposits.weko.writes()[-1] == "PUT /sword/deposit/1"
    deposits.weko.approve(1)
    deposits.work(minutes=24 * 60, rounds=2)
    assert (deposits.card.state, list(deposits.weko.items)) == ("done", [1])


def test_what_was_withdrawn_a_moment_ago_is_not_sent_any_more(deposits):
    deposits.deposit()
    publication.withdraw(deposits.owner, deposits.id, "A wrong sample.")
    deposits.work()
    assert deposits.weko.writes() == []
    deposits.follow()
    deposits.work()
    assert deposits.card.state == "withdrawn"


def test_a_withdrawal_whose_answer_is_lost_is_looked_up(deposits):
    deposits.deposit()
    deposits.work()
    deposits.weko.fail("after")
    publication.withdraw(deposits.owner, deposits.id, "A wrong sample.")
    deposits.follow()
    deposits.work()
    assert deposits.card.state == "unknown"
    deposits.work(minutes=16)
    assert deposits.card.state == "withdrawn"
    assert len(deposits.weko.writes("DELETE")) == 1


def test_a_removal_waits_for_the_approval_too(deposits):
    deposits.deposit()
    deposits.work()
    deposits.weko.has_workflow = True
    publication.withdraw(deposits.owner, deposits.id, "A wrong sample.")
    deposits.follow()
    deposits.work()
    assert (deposits.card.state, deposits.card.is_removal) == ("held", True)
    deposits.work(minutes=5, rounds=3)
    assert deposits.card.state == "held"
    deposits.weko.approve(1)
    deposits.work(minutes=24 * 60)
    assert deposits.card.state == "withdrawn"
    assert len(deposits.weko.writes("DELETE")) == 1


def test_what_was_never_sent_is_withdrawn_without_a_word(deposits):
    deposits.weko.fail("down", times=-1)
    deposits.deposit()
    publication.withdraw(deposits.owner, deposits.id, "A wrong sample.")
    deposits.follow()
    deposits.work()
    assert deposits.card.state == "withdrawn"
    assert deposits.weko.writes() == []


# --- What may leave


def test_files_that_not_everybody_may_have_stay(deposits):
    card = datasets.get_dataset(deposits.owner, "lab", "data")
    datasets.set_access(deposits.owner, card.id, policy.Access.SHARED, embargo_until="")
    deposits.deposit()
    deposits.work()
    assert (deposits.card.state, deposits.card.has_files) == ("done", False)
    root = deposits.weko.crate(1)
    assert root["hasPart"] == []
    assert root["distribution"] == [{"@id": "http://localhost:8000/d/lab/data/v1"}]
    assert b"x,y" not in deposits.weko.zips[0]


def test_files_follow_when_they_open(deposits):
    card = datasets.get_dataset(deposits.owner, "lab", "data")
    datasets.set_access(deposits.owner, card.id, policy.Access.SHARED, embargo_until="")
    deposits.deposit()
    deposits.work()
    datasets.set_access(deposits.owner, card.id, policy.Access.OPEN, embargo_until="")
    deposits.follow()
    deposits.work()
    assert (deposits.card.state, deposits.card.has_files) == ("done", True)
    assert deposits.weko.writes() == ["POST /sword/service-document", "PUT /sword/deposit/1"]


def test_what_is_too_large_goes_as_a_description(deposits):
    deposits.weko.most_bytes = 20_000
    deposits.deposit()
    deposits.work()
    assert (deposits.card.state, deposits.card.has_files) == ("done", False)
    assert len(deposits.weko.writes()) == 1, "the service document says what it takes"


def test_a_413_is_answered_with_the_description_alone(deposits):
    deposits.weko.fail("413")
    deposits.deposit()
    deposits.work(rounds=2)
    assert (deposits.card.state, deposits.card.has_files, len(deposits.weko.writes())) == ("done", False, 2)


def test_a_broken_file_is_not_sent(deposits, monkeypatch):
    monkeypatch.setattr(payload.storage, "read_pieces", lambda _place: iter([b"other"]))
    deposits.deposit()
    deposits.work()
    assert deposits.card.state == "refused"
    assert "as it was frozen" in deposits.card.last_error
    assert deposits.weko.writes() == []


def test_the_token_goes_to_no_other_host(deposits):
    found = repositories.named("ir")
    assert found.own("https://elsewhere.example.org/sword/deposit/1") == ""
    assert found.own(f"https://{deposits.weko.host}/sword/deposit/1") == "", "another scheme is another place"
    assert found.own("/sword/deposit/1") == f"http://{deposits.weko.host}/sword/deposit/1"


def test_names_become_flat_and_stay_apart():
    paths = ["a.csv", "raw/a.csv", "測定 1.csv", "測定_1.csv", "A.CSV", payload.CRATE, ".hidden", "x" * 300]
    found = payload.flat_names(paths)
    assert found["a.csv"] == "a.csv"
    assert len({one.lower() for one in found.values()} | {payload.CRATE}) == len(paths) + 1
    assert all(one.isascii() and "/" not in one and len(one) < 160 for one in found.values())


# --- Who


def test_only_who_may_publish_deposits_and_only_what_is_public(deposits, person):
    stranger = person("stranger")
    with pytest.raises(publication.NoPublicationError):
        depositing.deposit(stranger, deposits.id, "ir")
    with pytest.raises(publication.NoPublicationError):
        depositing.deposits_of(stranger, deposits.id)
    with pytest.raises(depositing.NoRepositoryError):
        depositing.deposit(deposits.owner, deposits.id, "elsewhere")
    deposits.row(institution="another")
    with pytest.raises(depositing.NoRepositoryError):
        deposits.deposit()
    assert depositing.repositories_for(deposits.owner, deposits.id) == []
    deposits.row(institution="")
    publication.withdraw(deposits.owner, deposits.id, "A wrong sample.")
    with pytest.raises(depositing.NotPublishedError):
        deposits.deposit()


def test_a_registered_doi_goes_along_and_keeps_the_item_there(registry, deposits, officer, put):
    wish = {"members_may_publish": True, "doi_prefix": "10.12345", "doi_agency": "DataCite"}
    publication.write_institution(officer, "kitamiyama", wish)
    publication.correct(deposits.owner, deposits.id, "With a name.")
    card = datasets.get_dataset(deposits.owner, "lab", "data")
    put(deposits.owner, card, {"z": b"z"})
    datasets.freeze_version(deposits.owner, card.id)
    card = datasets.get_dataset(deposits.owner, "lab", "data")
    made = publication.request(deposits.owner, card, institution="kitamiyama")
    registry.work(rounds=3)
    deposits.id = made.id
    deposits.deposit()
    deposits.work()
    assert deposits.card.state == "done"
    assert deposits.weko.crate(1)["wk:grant"] == [{"@id": made.doi}]
    entities = {one["@id"]: one for one in deposits.weko.items[1]["crate"]["@graph"]}
    assert entities[made.doi]["jpcoar:identifierRegistration"] == "DataCite"
    publication.withdraw(deposits.owner, deposits.id, "A wrong sample.")
    deposits.follow()
    deposits.work()
    assert deposits.card.state == "refused"
    assert "has a DOI" in deposits.card.last_error
