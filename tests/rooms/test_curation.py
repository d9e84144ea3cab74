"""How an institution reviews: who gets what, what has to be confirmed, by when, and never one's own."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core import mail

from tests.rooms.clients import client_of
from tests.rooms.publication_worlds import describe, ready, run_queued
from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.publication import api as publication
from tsunagu.data.publication import assigning, promises, selectors
from tsunagu.data.sharing import api as sharing
from tsunagu.foundation.policy import api as policy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]
HOME = {"name_ja": "北見山大学", "name_en": "Kitamiyama University"}
CHECKS = [
    {"ja": "題名で内容が分かりますか", "en": "Does the title say what it is?"},
    {"ja": "試料の提供元の許諾がありますか", "en": "Did who gave the samples agree?", "project": "lab"},
    {"ja": "他の集合の項目", "en": "Of another collection", "project": "elsewhere"},
]


def mail_of(name):
    return f"{name}@example.org"


@pytest.fixture
def home(officer, person):
    """An institution with curators of these names; what it wishes comes on top."""

    def make(*names, **wish):
        people = {name: person(name) for name in names}
        publication.write_institution(
            officer, "kitamiyama", {**HOME, "curators": [mail_of(name) for name in names], **wish}
        )
        return people

    return make


@pytest.fixture
def ask(dataset, put):
    """Requests for new versions of datasets of one owner, each ready to be published."""
    owner, card = dataset
    made = []

    def request(**more):
        name = "data" if not made else f"data-{len(made)}"
        one = card if not made else datasets.create_dataset(owner, "lab", name)
        made.append(one)
        return publication.request(owner, ready(owner, one, put, **more), institution="kitamiyama")

    request.owner = owner
    return request


def names(candidates):
    return [one.person.name for one in candidates]


def test_field_language_and_load_say_who_fits(home, ask):
    skills = {
        mail_of("kudo"): {"fields": ["XRD", "ceramics"], "languages": ["ja"]},
        mail_of("lee"): {"fields": ["genomics"], "languages": ["en"]},
        mail_of("mori"): {"languages": ["de"]},
    }
    people = home("mori", "lee", "kudo", skills=skills)
    first = ask()
    found = publication.candidates_of(people["lee"], first.id)
    assert names(found) == ["kudo", "lee", "mori"]
    assert (found[0].fields, found[0].speaks, found[2].speaks) == (("XRD",), True, False)
    assert {one.load for one in found} == {0}
    publication.assign(people["lee"], first.id, mail_of("kudo"))
    second = ask(keywords=["genomics", "xrd"])
    found = publication.candidates_of(people["kudo"], second.id)
    assert [(one.person.name, one.load) for one in found] == [("lee", 0), ("kudo", 1), ("mori", 0)]
    with pytest.raises(policy.ActionDeniedError):
        publication.candidates_of(ask.owner, second.id)


def test_new_ones_are_handed_out_where_the_institution_wants_that(home, ask):
    home("lee", "kudo", hands_out=True, skills={mail_of("kudo"): {"fields": ["薄膜"]}})
    first = ask()
    second = ask(keywords=["else"], title="別の題名", title_en="Another", description="別の説明です。")
    assert (first.assigned_to.name, first.state) == ("kudo", "in_review")
    assert second.assigned_to.name == "lee", "who has none open"
    assert [one.step for one in publication.entries_of(ask.owner, first.id)] == ["request", "assign"]


def test_two_who_take_the_next_one_get_different_ones_and_late_ones_come_first(home, ask, at):
    people = home(
        "lee", "kudo", answer_days=7, skills={mail_of("kudo"): {"fields": ["genomics"], "languages": ["en"]}}
    )
    old, new, fitting = ask(), ask(), ask(keywords=["genomics"])
    assert publication.take_next(people["kudo"]).id == fitting.id
    assert publication.take_next(people["lee"]).id == old.id
    assert publication.take_next(people["lee"]).id == new.id
    assert publication.take_next(people["lee"]) is None
    counts = publication.queue_counts(people["lee"])
    assert (counts.mine, counts.free, counts.late, counts.all, counts.is_more) == (2, 0, 0, 3, False)
    at(clock.now() + dt.timedelta(days=8))
    assert publication.queue_counts(people["lee"]).late == 3
    assert all(one.is_late for one in publication.queue(people["lee"]))


def test_late_ones_are_taken_before_those_that_fit(home, ask, at):
    people = home("kudo", answer_days=7, skills={mail_of("kudo"): {"fields": ["genomics"]}})
    old = ask()
    at(clock.now() + dt.timedelta(days=8))
    fitting = ask(keywords=["genomics"])
    assert [publication.take_next(people["kudo"]).id for _ in range(2)] == [old.id, fitting.id]


def test_late_ones_come_first_however_many_are_older(home, ask, at, officer, monkeypatch):
    home("kudo", answer_days=7)
    publication.write_institution(officer, "unhurried", HOME)
    for _ in range(2):
        made = ask()
        card = datasets.get_dataset(ask.owner, "lab", made.place.partition("/")[2])
        publication.request(ask.owner, card, institution="unhurried")
    late = ask()
    at(clock.now() + dt.timedelta(days=8))
    monkeypatch.setattr(assigning, "_LOOKED_AT", 1)
    monkeypatch.setattr(selectors, "_MOST_COUNTED", 1)
    assert publication.queue_counts(officer).late == 1
    assert publication.take_next(officer).id == late.id


def test_a_request_that_moves_to_another_institution_is_nobodys_there(home, ask, officer):
    people = home("kudo")
    made = ask()
    publication.assign(people["kudo"], made.id)
    publication.write_institution(officer, "another", {**HOME, "curators": [mail_of("kudo")]})
    card = datasets.get_dataset(ask.owner, "lab", "data")
    again = publication.request(ask.owner, card, institution="kitamiyama")
    assert again.assigned_to.name == "kudo", "who looked at it looks at it again"
    moved = publication.request(ask.owner, card, institution="another")
    assert (moved.id, moved.assigned_to) == (made.id, None)


def test_nobody_decides_about_their_own_wish_where_somebody_else_can(home, ask, officer):
    people = home("kudo")
    publication.write_institution(officer, "kitamiyama", {"curators": ["owner@example.org", mail_of("kudo")]})
    made = ask()
    assert made.state == "requested", "and not published at once, as a curator could"
    assert names(publication.candidates_of(people["kudo"], made.id)) == ["kudo"]
    for step in (publication.approve, publication.assign):
        with pytest.raises(publication.OwnRequestError):
            step(ask.owner, made.id)
    assert publication.queue(ask.owner) == []
    publication.comment(ask.owner, made.id, "Please look at the units.")
    assert publication.approve(people["kudo"], made.id).state == "published"
    with pytest.raises(policy.ActionDeniedError):
        publication.correct(ask.owner, made.id, "another title")


def test_a_page_of_the_queue_is_full_although_ones_own_are_not_in_it(home, ask, officer, put):
    """Whoever goes on behind the last of a short page would miss the rest."""
    kudo = home("kudo")["kudo"]
    publication.write_institution(officer, "kitamiyama", {"curators": ["owner@example.org", mail_of("kudo")]})
    own = ask()
    project = datasets.get_project(ask.owner, "lab")
    sharing.share(ask.owner, project, role="owner", email=mail_of("kudo"))
    other = publication.request(
        kudo, ready(kudo, datasets.create_dataset(kudo, "lab", "theirs"), put), institution="kitamiyama"
    )
    assert [one.id for one in publication.queue(ask.owner, limit=1)] == [other.id]
    assert [one.id for one in publication.queue(kudo, limit=1)] == [own.id]
    assert publication.queue_counts(ask.owner).all == 1


def test_the_only_curator_may(ask, officer):
    publication.write_institution(officer, "kitamiyama", {**HOME, "curators": ["owner@example.org"]})
    assert ask().state == "published"


def test_every_item_of_the_checklist_is_answered_before_approval(home, ask):
    kudo = home("kudo", checklist=CHECKS)["kudo"]
    made = ask()
    lines = publication.checklist_of(ask.owner, made.id)
    assert [one.item.says["en"] for one in lines] == [CHECKS[0]["en"], CHECKS[1]["en"]]
    with pytest.raises(publication.NotReadyError) as refused:
        publication.approve(kudo, made.id)
    found = refused.value.fields["findings"]
    assert [one["code"] for one in found] == ["checklist", "checklist"]
    assert CHECKS[0]["ja"] in found[0]["says"]["ja"]
    first, second = (one.item.id for one in lines)
    publication.answer(kudo, made.id, {first: "yes", second: "no"}, "no letter among the files")
    with pytest.raises(publication.NotReadyError) as refused:
        publication.approve(kudo, made.id)
    assert "Answered with no" in refused.value.fields["findings"][0]["says"]["en"]
    publication.answer(kudo, made.id, {first: "yes", second: "none"})
    entries = publication.entries_of(ask.owner, made.id)
    assert [one.step for one in entries] == ["request", "check_yes", "check_no", "check_none"]
    assert CHECKS[1]["ja"] in entries[2].text
    assert "no letter" in entries[2].text
    assert [(one.answer, one.author) for one in publication.checklist_of(kudo, made.id)] == [
        ("yes", "kudo"),
        ("none", "kudo"),
    ]
    assert publication.approve(kudo, made.id).state == "published"


def test_what_the_checklist_refuses(home, ask):
    kudo = home("kudo", checklist=CHECKS)["kudo"]
    made = ask()
    known = publication.checklist_of(kudo, made.id)[0].item.id
    for answers in ({"nothing": "yes"}, {known: "perhaps"}):
        with pytest.raises(publication.BadRequestError):
            publication.answer(kudo, made.id, answers)
    with pytest.raises(policy.ActionDeniedError):
        publication.answer(ask.owner, made.id, {known: "yes"})
    assert [one.step for one in publication.entries_of(kudo, made.id)] == ["request"]


def test_another_version_and_other_words_are_answered_anew(home, ask, officer, put):
    kudo = home("kudo", checklist=CHECKS[:1])["kudo"]
    made = ask()
    item = publication.checklist_of(kudo, made.id)[0].item.id
    publication.answer(kudo, made.id, {item: "yes"})
    publication.ask_changes(kudo, made.id, "Name the instrument.")
    card = datasets.get_dataset(ask.owner, "lab", "data")
    describe(ask.owner, card, description="装置名を書き足しました。")
    put(ask.owner, card, {"c.csv": b"3"})
    datasets.freeze_version(ask.owner, card.id)
    again = publication.request(
        ask.owner, datasets.get_dataset(ask.owner, "lab", "data"), institution="kitamiyama"
    )
    assert (again.id, again.number) == (made.id, 2)
    assert [one.answer for one in publication.checklist_of(kudo, made.id)] == [""]
    publication.answer(kudo, made.id, {item: "yes"})
    publication.write_institution(officer, "kitamiyama", {"checklist": [{"ja": "別の問い"}]})
    line = publication.checklist_of(kudo, made.id)[0]
    assert (line.answer, line.item.says["en"]) == ("", "別の問い")


def test_curators_are_reminded_once_a_day_before_the_promise(home, ask, at, configure):
    configure(mail_url="smtp://mail.example.ac.jp:25")
    people = home("kudo", "lee", answer_days=5)
    made = ask()
    assert made.due_at == clock.isoformat(clock.now() + dt.timedelta(days=5))
    run_queued()
    mail.outbox.clear()
    assert promises.remind() == 0
    at(clock.now() + dt.timedelta(days=4))
    assert (promises.remind(), promises.remind()) == (1, 0)
    run_queued()
    assert {one.to[0] for one in mail.outbox} == {mail_of("kudo"), mail_of("lee")}
    assert publication.entries_of(people["lee"], made.id)[-1].step == "remind"
    mail.outbox.clear()
    publication.ask_changes(people["lee"], made.id, "Name the instrument.")
    at(clock.now() + dt.timedelta(days=30))
    assert promises.remind() == 0, "others are to act"
    assert publication.get_publication(ask.owner, made.id).due_at == ""


@pytest.mark.parametrize(
    "wish",
    [
        {"answer_days": -1},
        {"answer_days": "soon"},
        {"checklist": [{"ja": str(number)} for number in range(101)]},
        {"skills": {"nobody@example.org": {"fields": ["XRD"]}}},
        {"skills": {"officer@example.org": {"languages": ["Japanese please"]}}},
    ],
)
def test_what_an_institution_cannot_be(officer, wish):
    with pytest.raises(publication.BadInstitutionError):
        publication.write_institution(officer, "kitamiyama", {**HOME, **wish})


@pytest.mark.parametrize(("language", "yes"), [("en", "Yes"), ("ja", "はい")])
def test_all_of_it_by_form(home, ask, officer, language, yes):
    office = client_of(officer, language)
    people = home("kudo")
    sent = {
        "name": "kitamiyama",
        **HOME,
        "curators": "kudo@example.org | XRD、薄膜 | ja en",
        "checklist": "題名で内容が分かりますか | Does the title say what it is?\n\n許諾がありますか｜Agreed?｜lab",
        "answer_days": "7",
        "hands_out": "on",
    }
    assert office.post("/publishing/institutions", sent).status_code == 302
    card = publication.institution_card("kitamiyama")
    assert card.skills[people["kudo"].id] == publication.Skill(("XRD", "薄膜"), ("ja", "en"))
    assert [one.project for one in card.checklist] == ["", "lab"]
    page = office.get("/publishing/institutions?name=kitamiyama").content.decode()
    assert "kudo@example.org | XRD, 薄膜 | ja en" in page
    assert "許諾がありますか | Agreed? | lab" in page
    publication.write_institution(officer, "kitamiyama", {"hands_out": False})
    made = ask()
    curator = client_of(people["kudo"], language)
    assert 'data-key="t"' in curator.get("/publishing").content.decode()
    taken = curator.post("/publishing", {})
    place = f"/publishing/requests/{made.id}"
    assert taken["Location"].endswith(place)
    page = curator.get(place).content.decode()
    assert page.count(yes) >= 2
    answers = {f"check-{one.item.id}": "yes" for one in publication.checklist_of(people["kudo"], made.id)}
    assert curator.post(place, {"step": "approve"}).status_code == 409
    assert curator.post(place, {"step": "check", **answers}).status_code == 302
    assert curator.post(place, {"step": "approve"}).status_code == 302
    nothing = curator.post("/publishing", {}, follow=True).content.decode()
    assert {"en": "Nothing waits for a curator.", "ja": "担当者のいない申請はありません。"}[
        language
    ] in nothing
