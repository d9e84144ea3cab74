"""Every fault of a repository ends in exactly one item in the right state, and nobody waits for it."""

from __future__ import annotations

import datetime as dt
import random
import threading
import time

import pytest

from tests.rooms.sword_stand_in import TOKEN
from tsunagu.core import clock, settings
from tsunagu.core.errors import NotFoundError, UnavailableError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.depositing import api as depositing
from tsunagu.data.depositing import delivering, payload, repositories, sword
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


class DiesError(Exception):
    """Stands for the end of a process: nothing after it is done."""


def test_a_process_that_dies_before_the_end_of_the_body_is_followed_by_another_within_minutes(
    deposits, monkeypatch
):
    deposits.deposit()

    def die(*_args, **_more):
        raise DiesError

    with monkeypatch.context() as broken:
        broken.setattr(sword, "send", die)
        with pytest.raises(DiesError):
            depositing.deliver_due()
    assert deposits.card.state == "sending"
    deposits.work(minutes=4)
    assert (deposits.card.state, deposits.weko.writes()) == ("sending", [])
    deposits.work(minutes=2)
    assert (deposits.card.state, list(deposits.weko.items)) == ("done", [1])


def test_a_process_that_dies_after_the_end_of_the_body_leaves_an_unknown(deposits, monkeypatch):
    deposits.deposit()

    def die(*_args):
        raise DiesError

    with monkeypatch.context() as broken:
        broken.setattr(delivering, "_take", die)
        with pytest.raises(DiesError):
            depositing.deliver_due()
    deposits.work(minutes=6)
    assert deposits.card.needs_person
    deposits.work(minutes=60, rounds=3)
    assert deposits.weko.writes() == ["POST /sword/service-document"], "never a second time"
    deposits.deposit(found_at=f"http://{deposits.weko.host}/sword/deposit/1")
    deposits.work()
    assert (deposits.card.state, list(deposits.weko.items)) == ("done", [1])


def test_what_is_known_not_to_be_there_may_break_off_and_begin_again(deposits, monkeypatch):
    """An earlier try that was refused whole must not make the next one unknown."""
    deposits.weko.fail("400")
    deposits.deposit()
    deposits.work()
    assert deposits.card.state == "refused"
    deposits.deposit()
    Deposit.objects.update(state="waiting")
    with monkeypatch.context() as broken:
        broken.setattr(delivering, "_limit", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            depositing.deliver_due()
    deposits.work(minutes=6)
    assert deposits.card.state == "done"


def test_a_process_that_dies_while_asking_leaves_the_question(deposits):
    deposits.weko.has_workflow = True
    deposits.deposit()
    deposits.work()
    assert deposits.card.state == "held"
    Deposit.objects.update(state="sending", sent_at=clock.now(), deposit_url="")
    deposits.work(minutes=6)
    assert deposits.card.state == "held"


def test_who_was_silent_for_too_long_neither_ends_its_body_nor_writes_over_the_next(deposits, monkeypatch):
    deposits.deposit()
    send = sword.send

    def overtaken(repository, made, body, *more):
        """The process stands still within the body, and another one takes the deposit up and ends it."""
        monkeypatch.setattr(sword, "send", send)
        deposits.work(minutes=6)
        assert deposits.card.state == "done"
        return send(repository, made, body, *more)

    monkeypatch.setattr(sword, "send", overtaken)
    deposits.work()
    assert (deposits.card.state, list(deposits.weko.items)) == ("done", [1])


@pytest.mark.parametrize("state", ["sending", "waiting"])
def test_nobody_names_the_address_of_what_is_being_sent(deposits, state):
    deposits.deposit()
    Deposit.objects.update(state=state, sent_at=clock.now())
    deposits.deposit(found_at=f"http://{deposits.weko.host}/sword/deposit/7")
    assert bool(Deposit.objects.get().deposit_url) is (state != "sending")


def test_two_deposits_of_a_repository_are_never_under_way_together(deposits, monkeypatch):
    """On PostgreSQL both would see that nothing is under way; so the repository's row is locked first."""
    deposits.deposit()
    locked = []
    monkeypatch.setattr(repositories, "lock", locked.append)
    deposits.work()
    assert locked == ["ir"]


@pytest.mark.django_db(transaction=True)
def test_who_sends_gives_signs_of_life(monkeypatch):
    monkeypatch.setattr(delivering, "_BEAT_EVERY_S", 0.01)
    long_ago = clock.now() - dt.timedelta(hours=1)
    row = Deposit.objects.create(
        repository="ir",
        number=1,
        state="sending",
        made_at=long_ago,
        next_try=long_ago,
        sent_at=long_ago,
    )

    def is_fresh():
        return Deposit.objects.get(pk=row.pk).sent_at > long_ago

    with delivering._alive(row.pk):
        until = time.monotonic() + 20
        while not is_fresh() and time.monotonic() < until:
            time.sleep(0.02)
    assert is_fresh()
    assert "deposit" not in {one.name for one in threading.enumerate()}


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


@pytest.mark.parametrize("why", ["paused", "busy"])
def test_what_cannot_go_now_does_not_keep_what_waits_for_another_repository(deposits, why):
    other = {**settings.current().repositories[0], "name": "other"}
    deposits.configure(repositories=(*settings.current().repositories, other))
    depositing.deposit(deposits.owner, deposits.id, "other")
    row = Deposit.objects.get()
    for number in range(2):
        Deposit.objects.create(
            repository="other",
            publication_id=f"x{number}",
            number=1,
            made_at=row.made_at,
            next_try=row.made_at,
        )
    if why == "paused":
        repositories.pause("other", dt.timedelta(hours=1), "down")
    else:
        Deposit.objects.filter(pk=row.pk).update(state="sending", sent_at=clock.now())
    deposits.deposit()
    depositing.deliver_due(limit=1)
    assert Deposit.objects.get(repository="ir").state == "done"


def test_a_repository_that_is_away_is_asked_less_and_less(deposits):
    deposits.row(address="http://localhost:9/sword")
    deposits.configure(egress_allowed=("localhost:9",))
    deposits.deposit()
    deposits.work(minutes=16, rounds=5)
    assert deposits.card.attempts == 5


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (OSError("No space left"), "waiting"),
        (UnavailableError(), "waiting"),
        (NotFoundError("Gone."), "refused"),
    ],
)
def test_a_node_that_cannot_build_the_payload_says_so_and_holds_up_nobody(
    deposits, monkeypatch, error, state
):
    def broken(*_args):
        raise error

    deposits.deposit()
    with monkeypatch.context() as now:
        now.setattr(payload, "_write", broken)
        deposits.work()
        assert (deposits.card.state, deposits.card.last_error) == (state, str(error))
    deposits.work(minutes=16)
    assert deposits.card.state == ("done" if state == "waiting" else state)


def test_two_who_ask_at_once_take_turns(deposits, monkeypatch):
    """On PostgreSQL both would find no row and make one; so the repository's row is locked first."""
    locked = []
    monkeypatch.setattr(repositories, "lock", locked.append)
    deposits.deposit()
    assert locked == ["ir"]
