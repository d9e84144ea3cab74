"""Every fault of a repository ends in exactly one item in the right state, and nobody waits for it."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from tests.rooms.sword_stand_in import TOKEN
from tsunagu.core import clock, settings
from tsunagu.data.datasets import api as datasets
from tsunagu.data.depositing import api as depositing
from tsunagu.data.depositing.models import Deposit, RepositoryState
from tsunagu.data.publication import api as publication

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]


@pytest.mark.parametrize("fault", ["408", "425", "429", "500", "503"])
def test_what_did_not_happen_is_sent_again(deposits, fault):
    deposits.weko.fail(fault, times=3)
    deposits.deposit()
    deposits.work()
    assert deposits.card.state == "waiting"
    deposits.work(minutes=16, rounds=6)
    assert (deposits.card.state, list(deposits.weko.items)) == ("done", [1])


def test_a_connection_that_breaks_within_the_body_did_nothing(deposits, put):
    card = datasets.get_dataset(deposits.owner, "lab", "data")
    put(deposits.owner, card, {"large.bin": random.Random(1).randbytes(24 << 20)})
    datasets.freeze_version(deposits.owner, card.id)
    card = datasets.get_dataset(deposits.owner, "lab", "data")
    deposits.id = publication.request(deposits.owner, card, institution="kitamiyama").id
    deposits.weko.fail("before")
    deposits.deposit()
    deposits.work()
    assert deposits.card.state == "waiting", "what lacks its end cannot have been taken"
    deposits.work(minutes=16)
    assert (deposits.card.state, list(deposits.weko.items)) == ("done", [1])


def test_a_pause_that_is_asked_for_is_kept(deposits):
    deposits.weko.fail("429")
    deposits.deposit()
    deposits.work()
    begun = len(deposits.weko.asked)
    deposits.at(clock.now() + dt.timedelta(seconds=60))
    depositing.deliver_due()
    assert len(deposits.weko.asked) == begun, "it asked for 70 seconds"
    deposits.at(clock.now() + dt.timedelta(seconds=20))
    depositing.deliver_due()
    assert deposits.card.state == "done"


@pytest.mark.parametrize("fault", ["after", "html", "gateway"])
def test_a_lost_answer_never_makes_a_second_item(deposits, fault):
    deposits.weko.fail(fault)
    deposits.deposit()
    deposits.work()
    assert deposits.card.state == "unknown"
    deposits.work(minutes=24 * 60, rounds=3)
    assert deposits.weko.writes() == ["POST /sword/service-document"]
    assert deposits.card.needs_person
    with pytest.raises(depositing.UndecidedError):
        deposits.deposit()
    with pytest.raises(depositing.StrangeAddressError):
        deposits.deposit(found_at="https://elsewhere.example.org/sword/deposit/1")
    if fault == "gateway":
        deposits.deposit(is_absent=True)
    else:
        deposits.deposit(found_at=f"http://{deposits.weko.host}/sword/deposit/1")
    deposits.work()
    assert (deposits.card.state, list(deposits.weko.items)) == ("done", [1])


def test_where_the_repository_finds_duplicates_a_lost_deposit_is_sent_again(deposits):
    deposits.row(finds_duplicates=True)
    deposits.weko.finds_duplicates = True
    deposits.weko.fail("after")
    deposits.deposit()
    deposits.work()
    deposits.work(minutes=16)
    assert deposits.card.state == "refused"
    assert "exists already" in deposits.card.last_error
    assert list(deposits.weko.items) == [1]
    deposits.deposit(found_at=f"http://{deposits.weko.host}/sword/deposit/1")
    deposits.work()
    assert (deposits.card.state, list(deposits.weko.items)) == ("done", [1])


def test_a_lost_replacement_is_asked_for_and_then_repeated(deposits):
    deposits.deposit()
    deposits.work()
    deposits.weko.fail("after")
    deposits.correct("Films of titanium dioxide")
    deposits.work()
    assert deposits.card.state == "unknown"
    deposits.work(minutes=16)
    assert deposits.weko.asked[-2:] == [("GET", "/sword/deposit/1"), ("PUT", "/sword/deposit/1")]
    assert (deposits.card.state, list(deposits.weko.items)) == ("done", [1])


def test_a_process_that_dies_while_sending_leaves_an_unknown(deposits):
    deposits.deposit()
    Deposit.objects.update(state="sending", sent_at=clock.now())
    deposits.work(minutes=60)
    assert deposits.card.state == "sending"
    deposits.work(minutes=6 * 60)
    assert deposits.card.needs_person
    assert deposits.weko.writes() == []


@pytest.mark.parametrize(("status", "said"), [("400", "no"), ("405", "no"), ("412", "no"), ("415", "no")])
def test_a_refusal_is_shown_and_not_repeated(deposits, status, said):
    deposits.weko.fail(status)
    deposits.deposit()
    deposits.work()
    deposits.work(minutes=24 * 60, rounds=2)
    assert (deposits.card.state, deposits.card.last_status, len(deposits.weko.writes())) == (
        "refused",
        int(status),
        1,
    )
    assert said in deposits.card.last_error
    assert deposits.steps() == ["deposit", "deposit_refuse"]
    deposits.deposit()
    deposits.work()
    assert deposits.card.state == "done"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"digest": "base64"}, "DigestMismatch"),
        ({"packaging": "http://purl.org/net/sword/3.0/package/Binary"}, "PackagingFormatNotAcceptable"),
        ({"on_behalf_of": "nobody@example.ac.jp"}, "OnBehalfOfNotAllowed"),
        ({"index": []}, "wk:index"),
    ],
)
def test_what_the_settings_say_wrong_comes_back_in_words(deposits, row, said):
    deposits.row(**row)
    deposits.deposit()
    deposits.work()
    assert deposits.card.state == "refused"
    assert said in deposits.card.last_error


def test_a_bad_token_stops_everything_for_the_repository_once(deposits):
    deposits.row(token="another")
    deposits.deposit()
    deposits.work()
    assert deposits.card.state == "refused"
    asked = len(deposits.weko.asked)
    deposits.deposit()
    deposits.work(minutes=30)
    assert len(deposits.weko.asked) == asked, "the token is left alone for an hour"
    (repository,) = depositing.repositories_for(deposits.owner, deposits.id)
    assert "403" in repository.problem
    deposits.row(token=TOKEN)
    deposits.work(minutes=31)
    assert deposits.card.state == "done"


def test_a_repository_that_is_down_for_days_blocks_nothing(deposits):
    deposits.row()
    other = {**settings.current().repositories[0], "name": "other", "address": "http://localhost:9/sword"}
    deposits.configure(
        repositories=(*settings.current().repositories, other),
        egress_allowed=(*settings.current().egress_allowed, "localhost:9"),
    )
    depositing.deposit(deposits.owner, deposits.id, "other")
    deposits.deposit()
    deposits.work()
    found = {one.repository: one.state for one in depositing.deposits_of(deposits.owner, deposits.id)}
    assert found == {"ir": "done", "other": "waiting"}
    assert publication.landing("lab/data", 1).published_on, "the publication stands all the same"
    deposits.work(minutes=16, rounds=5)
    deposits.work(minutes=24 * 60, rounds=4)
    row = Deposit.objects.get(repository="other")
    assert row.state == "waiting", "it is never given up"
    assert row.next_try - clock.now() == dt.timedelta(days=1)


def test_a_day_without_the_repository_ends_in_one_item(deposits):
    deposits.weko.fail("down", times=-1)
    deposits.deposit()
    deposits.work(minutes=16, rounds=12)
    assert deposits.card.state == "waiting"
    assert RepositoryState.objects.get().problem
    deposits.weko.times = 0
    deposits.work(minutes=24 * 60)
    assert (deposits.card.state, list(deposits.weko.items)) == ("done", [1])
    assert RepositoryState.objects.get().problem == ""
