"""Agreements between nodes: who may make them, what may leave, and messages that are not what they say."""

from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import asdict, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functional.two_nodes import signed
from tsunagu.compute.hosting import api as hosting
from tsunagu.compute.hosting.models import Guest
from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.jobs import executors, hearing
from tsunagu.compute.partners import api as partners
from tsunagu.compute.partners.models import Heard
from tsunagu.compute.runner import api as runner
from tsunagu.compute.runner.line import Bounded, StrangeOriginError
from tsunagu.core import clock, egress
from tsunagu.core.ids import new_id
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.policy import api as policy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
ADDRESS = "https://93.184.215.14"


@pytest.fixture(autouse=True)
def walls(monkeypatch):
    """Nothing is run in these tests, so they need no bubblewrap."""
    monkeypatch.setattr(executors.runner, "problem", lambda: "")


@pytest.fixture(autouse=True)
def no_old_rules():
    """A rule book that a test compiled is not kept for the next one, whose database knows nothing of it."""
    yield
    policy.forget()


def public(key):
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def lend(officer, key, **more):
    wanted = partners.NewOffer("Minami", ADDRESS, f"{ADDRESS}:444", public(key), "2099-03-31")
    return partners.offer(officer, replace(wanted, **more), executors=("sandbox",))


def borrow(officer, **more):
    wanted = partners.NewSite("kita", "Kita", ADDRESS, public(Ed25519PrivateKey.generate()), "JP")
    return partners.add_site(officer, replace(wanted, **more), reserved=jobs.RESERVED)


def said(officer, key, do, **content):
    body = signed(key, partners.own_card(officer).public_key, do, **content)
    return hosting.answer(partners.hear(body))


def wish(**limits):
    given_limits = asdict(replace(jobs.Limits(), **limits))
    return {"run": new_id(), "secret": "ab" * 32, "asker": "Sato", "limits": given_limits, "lock": ""}


@pytest.fixture
def frozen(dataset, put):
    owner, card = dataset
    put(owner, card, {"a.csv": b"1\n"})
    datasets.freeze_version(owner, card.id)
    for name in ("personal", "export_control"):
        datasets.set_label(owner, card, name, "no")
    return owner, datasets.get_dataset(owner, "lab", "data")


def ask(owner):
    return jobs.submit(owner, jobs.Wanted(inputs=("lab/data",), command=("true",), executor="kita"))


# --- Agreements


def test_only_administrators_make_agreements(person, officer):
    key = Ed25519PrivateKey.generate()
    for act in (
        lambda: lend(person("a"), key),
        lambda: borrow(person("a")),
        lambda: partners.own_card(person("a")),
    ):
        with pytest.raises(policy.ActionDeniedError):
            act()
    made = lend(officer, key)
    with pytest.raises(partners.NameTakenError):
        lend(officer, key)
    with pytest.raises(policy.ActionDeniedError):
        partners.withdraw(person("a"), made.id)
    partners.withdraw(officer, made.id)
    assert lend(officer, key).is_open


def test_addresses_inside_the_network_are_no_partners(officer):
    key = Ed25519PrivateKey.generate()
    for address in ("https://127.0.0.1", "https://10.0.0.1", "http://93.184.215.14", "https://[::1]:8000"):
        with pytest.raises(egress.EgressRefusedError):
            lend(officer, key, address=address)
        with pytest.raises(egress.EgressRefusedError):
            lend(officer, key, bytes_address=address)
        with pytest.raises(egress.EgressRefusedError):
            borrow(officer, address=address)
    for address in ("file:///etc/passwd", "93.184.215.14", f"{ADDRESS}/path", "https://a@93.184.215.14"):
        with pytest.raises(partners.BadPartnerError):
            lend(officer, key, address=address)


@pytest.mark.parametrize(
    "wrong",
    [
        {"public_key": "x"},
        {"public_key": "AAAA"},
        {"until": "2001-01-01"},
        {"until": "soon"},
        {"executor": "mainframe"},
        {"slots": 0},
        {"cpu_s": -1.0},
        {"cpu_s": float("nan")},
        {"title": " "},
        {"limits": runner.Limits(cores=0)},
    ],
    ids=str,
)
def test_offers_that_cannot_be_are_refused(officer, wrong):
    with pytest.raises(partners.BadPartnerError):
        lend(officer, Ed25519PrivateKey.generate(), **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "sandbox"},
        {"name": "A b"},
        {"country": "Japan"},
        {"levels": {"personal": "5"}},
        {"levels": {"x": "no"}},
    ],
    ids=str,
)
def test_sites_that_cannot_be_are_refused(officer, wrong):
    with pytest.raises(partners.BadPartnerError):
        borrow(officer, **wrong)


# --- Messages


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_message_with_any_byte_changed_is_refused(officer, data):
    key = Ed25519PrivateKey.generate()
    offer = lend(officer, key)
    body = bytearray(signed(key, partners.own_card(officer).public_key, "look", runs=[]))
    place = data.draw(st.integers(0, len(body) - 1))
    changed = data.draw(st.integers(0, 255).filter(lambda value: value != body[place]))
    whole = bytes(body)
    body[place] = changed
    try:
        heard = partners.hear(bytes(body))
    except partners.ForgedRequestError:
        assert partners.hear(whole).do == "look", "what was refused does not use up the number"
    else:
        # Blanks around the envelope and the last bits of Base64 say the same.
        assert heard.do == "look"
        assert json.loads(bytes(body))["message"] == json.loads(whole)["message"]
    partners.withdraw(officer, offer.id)


def test_numbers_are_forgotten_when_their_time_is_over(officer, monkeypatch):
    key = Ed25519PrivateKey.generate()
    lend(officer, key)
    body = signed(key, partners.own_card(officer).public_key, "look", runs=[])
    partners.hear(body)
    later = clock.now() + dt.timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    monkeypatch.setattr(clock, "epoch_s", later.timestamp)
    with pytest.raises(partners.ForgedRequestError):
        partners.hear(body)
    partners.hear(signed(key, partners.own_card(officer).public_key, "look", runs=[], at=later.timestamp()))
    assert Heard.objects.count() == 1


def test_an_answer_of_somebody_else_is_no_answer(officer, monkeypatch):
    site = borrow(officer)
    for content in (
        b"",
        b"{}",
        b'{"message": "{}", "signature": "AAAA"}',
        signed(Ed25519PrivateKey.generate(), site.public_key, "x"),
    ):
        answer = egress.Answered(200, content, "application/json", "")
        monkeypatch.setattr(egress, "post", lambda *_, answer=answer, **__: answer)
        with pytest.raises(partners.SiteSilentError):
            partners.ask(site, "look", runs=[])


# --- Runs of partners


def test_asking_twice_makes_one_run_and_another_partner_sees_nothing_of_it(officer):
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    lend(officer, key)
    lend(officer, other)
    asked = wish()
    assert said(officer, key, "run", **asked) == said(officer, key, "run", **asked)
    assert said(officer, other, "look", runs=[asked["run"]])["runs"] == {asked["run"]: None}
    said(officer, other, "cancel", run=asked["run"])
    assert said(officer, key, "look", runs=[asked["run"]])["runs"][asked["run"]]["state"] == "queued"


def test_a_run_under_an_earlier_offer_is_still_the_partners(officer):
    key = Ed25519PrivateKey.generate()
    first = lend(officer, key)
    asked = wish()
    run = said(officer, key, "run", **asked)["run"]
    partners.withdraw(officer, first.id)
    assert said(officer, key, "look", runs=[asked["run"]])["runs"][asked["run"]]["run"] == run
    lend(officer, key)
    assert said(officer, key, "look", runs=[asked["run"]])["runs"][asked["run"]]["run"] == run
    hosting.Host().attend()
    found = said(officer, key, "look", runs=[asked["run"]])["runs"][asked["run"]]
    assert (found["is_over"], found["code"]) == (True, "withdrawn")


def test_the_secret_is_forgotten_when_the_run_is_over(officer):
    key = Ed25519PrivateKey.generate()
    lend(officer, key)
    asked = wish()
    run = said(officer, key, "run", **asked)["run"]
    assert Guest.objects.get(pk=run).secret
    hosting.end_guest(officer, run)
    guest = hosting.get_guest(officer, run)
    assert (guest.code, guest.cpu_s, Guest.objects.get(pk=run).secret) == ("withdrawn", 0, "")
    with pytest.raises(hosting.GuestOverError):
        hosting.end_guest(officer, run)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(durations=st.lists(st.integers(1, 500), min_size=1, max_size=6))
def test_what_is_reserved_never_exceeds_the_budget(officer, durations):
    key = Ed25519PrivateKey.generate()
    offer = lend(officer, key, cpu_s=900.0)
    taken = 0
    for duration in durations:
        fits = taken + duration <= 900
        if fits:
            said(officer, key, "run", **wish(duration_s=duration))
            taken += duration
        else:
            with pytest.raises(partners.NotOfferedError):
                said(officer, key, "run", **wish(duration_s=duration))
        (lent,) = [one for one in hosting.list_lent(officer) if one.offer.id == offer.id]
        assert (lent.reserved.cpu_s, lent.left.cpu_s) == (taken, 900 - taken)
    partners.withdraw(officer, offer.id)


def test_an_order_beyond_what_was_granted_is_refused():
    granted = runner.Limits(cores=1, memory_bytes=1 << 20)
    bounds = runner.Bounds(granted, 10, (ADDRESS,), new_id())
    order = runner.Order("r", ("true",), (runner.Input("a/b", 1),), "a/c", limits=granted)
    assert bounds.exceeded(order) == ""
    assert bounds.exceeded(replace(order, limits=replace(granted, memory_bytes=1 << 21))) == "memory_bytes"


def test_a_wrapper_of_a_partner_speaks_to_its_two_servers_alone():
    transport = Bounded((ADDRESS,), attempts=1)
    for url in (
        "http://127.0.0.1:1/",
        f"{ADDRESS}:8443/",
        "http://93.184.215.14/",
        "https://93.184.215.14@127.0.0.1/",
    ):
        with pytest.raises(StrangeOriginError):
            transport.request("GET", url)


# --- What may leave


def test_labels_of_the_site_decide_and_a_stricter_one_is_said(frozen, officer):
    owner, card = frozen
    borrow(officer)
    assert ask(owner).executor == "kita"
    for name, value, word in (
        ("personal", "yes", "Personal information"),
        ("export_control", "review", "Export control"),
        ("contract", "yes", "Bound by a contract"),
        ("sensitivity", "3", "Sensitivity"),
    ):
        datasets.set_label(owner, card, name, value)
        with pytest.raises(policy.ActionDeniedError, match=word):
            ask(owner)
        back = {"contract": "no", "sensitivity": "1"}.get(name, "no")
        datasets.set_label(owner, card, name, back, reason="checked")
    assert ask(owner).state == "queued"


def test_terms_that_name_countries_hold(frozen, officer):
    owner, card = frozen
    borrow(officer, country="US")
    ai_use.set_terms(owner, card, ai_use.parse({"uses": {"training": "allow"}, "countries": ["JP"]}))
    with pytest.raises(policy.ActionDeniedError, match="US"):
        ask(owner)
    places = {one.name: one for one in jobs.places_for(owner, card)}
    assert (places["sandbox"].may, places["kita"].may) == (True, False)


def test_a_rule_of_the_institution_may_forbid_it(frozen, officer):
    owner, _card = frozen
    borrow(officer)
    rule = (
        '@id("stay")\n@en("Data of this institution stay here.")\n@ja("データは機関の外に出せません。")\n'
        'forbid (principal, action == Action::"dataset.compute_elsewhere", resource);'
    )
    policy.write_text(officer, "institution", rule, note="x")
    with pytest.raises(policy.ActionDeniedError, match="stay here"):
        ask(owner)


def test_a_label_that_becomes_stricter_midway_keeps_the_order_back(frozen, officer):
    owner, card = frozen
    borrow(officer)
    job = ask(owner)
    body = json.dumps({"run": job.run, "number": 1, "do": "order"}).encode()
    heard = jobs.hear(job.run, body, runner.sign(hearing.secret_of(job.run), body))
    assert jobs.answer(heard)["run"] == job.run
    datasets.set_label(owner, card, "personal", "special")
    with pytest.raises(policy.ActionDeniedError):
        jobs.answer(heard)


def test_no_run_goes_to_a_site_that_was_closed(frozen, officer):
    owner, _card = frozen
    borrow(officer)
    partners.close_site(officer, "kita")
    with pytest.raises(jobs.BadJobError):
        ask(owner)
