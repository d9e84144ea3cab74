"""From a frozen version to a public record: checks, review, rights, access, withdrawal, what harvesters see."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from tests.rooms.publication_worlds import describe, ready, run_queued, states
from tsunagu.core import clock
from tsunagu.core.errors import NotFoundError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.keeping import api as keeping
from tsunagu.data.plans import api as plans
from tsunagu.data.publication import api as publication
from tsunagu.data.publication import ready as ready_form
from tsunagu.data.publication import record, tasks
from tsunagu.data.publication.models import Publication
from tsunagu.data.sharing import api as sharing
from tsunagu.foundation.identity.api import ANONYMOUS
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.standards import api as standards

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]


@pytest.fixture
def asked(dataset, put):
    """A version that the node's own institution is asked to publish."""
    owner, card = dataset
    card = ready(owner, card, put)
    return owner, card, publication.request(owner, card)


@pytest.fixture
def own_rules():
    """Rules that a test writes go with it."""
    yield
    policy.forget()


def everything():
    return publication.harvest(since=None, until=None, after=None, limit=100)


def test_checks_name_what_is_missing_in_both_languages_and_nothing_is_asked(dataset, put):
    owner, card = dataset
    put(owner, card, {"a.csv": b"1"})
    datasets.freeze_version(owner, card.id)
    card = datasets.get_dataset(owner, "lab", "data")
    with pytest.raises(publication.NotReadyError) as refused:
        publication.request(owner, card)
    found = {one["code"]: one for one in refused.value.fields["findings"]}
    assert set(found) == {"no_title", "no_creators", "no_licence", "personal_undecided"}
    assert all(one["says"]["ja"] and one["todo"]["en"] for one in found.values())
    assert publication.of_dataset(owner, card) == []
    assert publication.queue(owner) == []


@pytest.mark.parametrize(
    ("label", "value", "code"), [("personal", "yes", "personal"), ("export_control", "review", "controlled")]
)
def test_labels_keep_data_closed_and_let_the_metadata_out(dataset, put, label, value, code):
    owner, card = dataset
    card = ready(owner, card, put)
    datasets.set_label(owner, card, label, value)
    with pytest.raises(publication.NotReadyError) as refused:
        publication.request(owner, card)
    assert [one["code"] for one in refused.value.fields["findings"]] == [code]
    assert publication.request(owner, card, access="metadata").state == "requested"


def test_what_the_plan_promised_is_asked_too(planned, put):
    owner, project, card = planned
    card = ready(owner, card, put, licence="CC BY 4.0")
    datasets.set_label(owner, card, "personal", "anonymised")
    plans.check(owner, project)
    plan = plans.find_plan(project.id).body
    plan["dmp"]["dataset"][0]["distribution"][0]["data_access"] = "closed"
    plans.write_plan(owner, project, plan)
    plans.check(owner, project)
    with pytest.raises(publication.NotReadyError) as refused:
        publication.request(owner, card)
    (found,) = refused.value.fields["findings"]
    assert found["code"] == "rules"
    assert "plan" in found["says"]["en"]
    assert found["says"]["ja"] != found["says"]["en"]


def test_review_goes_back_and_forth_and_keeps_every_word(asked, officer, put):
    owner, card, card_of_it = asked
    key = card_of_it.id
    assert [one.id for one in publication.queue(officer)] == [key]
    assert publication.queue(officer, assigned="me") == []
    assert publication.assign(officer, key).state == "in_review"
    assert [one.id for one in publication.queue(officer, assigned="me")] == [key]
    publication.comment(officer, key, "Which column is the angle?", path="a.csv")
    with pytest.raises(datasets.NoSuchFileError):
        publication.comment(officer, key, "?", path="nothing.csv")
    assert (
        publication.ask_changes(officer, key, "Name the instrument.", field="description").state
        == "changes_asked"
    )
    describe(owner, card, description="Rigakuの装置で測定しました。")
    put(owner, card, {"readme.txt": b"angle: x"})
    datasets.freeze_version(owner, card.id)
    card = datasets.get_dataset(owner, "lab", "data")
    again = publication.request(owner, card, note="done")
    assert (again.id, again.number, again.state) == (key, 2, "requested")
    content = publication.reviewed(officer, key)
    assert (content.before, content.changed) == (1, {"description"})
    assert content.diff == {"added": 1, "removed": 0, "changed": 0}
    assert publication.approve(officer, key, "Thank you.").state == "published"
    told = [
        (one.step, one.number, one.field or one.path, one.author)
        for one in publication.entries_of(owner, key)
    ]
    assert told == [
        ("request", 1, "", "owner"),
        ("assign", 1, "", "officer"),
        ("comment", 1, "a.csv", "officer"),
        ("ask_changes", 1, "description", "officer"),
        ("request", 2, "", "owner"),
        ("approve", 2, "", "officer"),
        ("publish", 2, "", "officer"),
    ]
    kinds = [run.kind for run in runs.of_dataset(card.id, limit=50) if run.kind.startswith("publication_")]
    assert len(kinds) == len(told)
    assert datasets.get_dataset(ANONYMOUS, "lab", "data").last_version == 2


def test_who_may_do_what(asked, person, officer):
    owner, card, found = asked
    reader, stranger, curator = person("reader"), person("stranger"), person("curator")
    sharing.share(owner, datasets.get_project(owner, "lab"), role="reader", email="reader@example.org")
    with pytest.raises(policy.ActionDeniedError):
        publication.request(reader, card)
    for act in (publication.approve, publication.assign, publication.withdraw):
        words = ("why",) if act is publication.withdraw else ()
        with pytest.raises(policy.ActionDeniedError):
            act(reader, found.id, *words)
        with pytest.raises(publication.NoPublicationError):
            act(stranger, found.id, *words)
        with pytest.raises(publication.NoPublicationError):
            act(curator, found.id, *words)
    with pytest.raises(policy.ActionDeniedError):
        publication.approve(owner, found.id)
    with pytest.raises(policy.ActionDeniedError):
        publication.write_institution(owner, "tsunagu", {"members_may_publish": True})
    assert publication.queue(stranger) == []
    publication.write_institution(officer, "tsunagu", {"curators": ["curator@example.org"]})
    assert [one.id for one in publication.queue(curator)] == [found.id]
    assert publication.approve(curator, found.id).state == "published"


def test_where_members_may_publish_nobody_waits(dataset, put, officer):
    owner, card = dataset
    publication.write_institution(officer, "tsunagu", {"members_may_publish": True})
    found = publication.request(owner, ready(owner, card, put))
    assert found.state == "published"
    assert [one.step for one in publication.entries_of(owner, found.id)] == ["request", "publish"]
    with pytest.raises(publication.AlreadyPublishedError):
        publication.request(owner, datasets.get_dataset(owner, "lab", "data"))


def test_a_promise_that_came_after_the_approval_is_kept(asked, officer):
    owner, card, found = asked
    datasets.set_label(owner, card, "personal", "special")
    with pytest.raises(publication.NotReadyError):
        publication.approve(officer, found.id)
    assert publication.get_publication(owner, found.id).state == "approved"
    assert datasets.get_dataset(owner, "lab", "data").access == "closed"
    assert everything() == []


def test_the_record_says_what_libraries_ask_for(dataset, put, officer):
    owner, card = dataset
    wish = {"name_ja": "北見山大学", "name_en": "Kitamiyama University", "ror": "https://ror.org/00hhkn466"}
    publication.write_institution(officer, "kitamiyama", {**wish, "members_may_publish": True})
    found = publication.request(
        owner, ready(owner, card, put), institution="kitamiyama", resource_type="measurement and test data"
    )
    (entry,) = everything()
    made = entry.record
    assert (made.id, made.url) == (found.id, "http://localhost:8000/d/lab/data/v1")
    assert [(one.value, one.language) for one in made.titles] == [
        ("薄膜のX線回折", "ja"),
        ("X-ray diffraction of thin films", "en"),
    ]
    assert [one.names[0].value for one in made.creators] == ["山田, 花子", "Suzuki, Taro"]
    assert made.creators[0].ids[0].value == "0000-0002-1825-0097"
    assert made.rights[0].uri == "https://creativecommons.org/licenses/by/4.0/"
    assert made.access == "open access"
    assert [one.names[0].value for one in made.publishers] == ["北見山大学"]
    assert made.resource_type == "measurement and test data"
    assert {one.type: one.value for one in made.dates}["Issued"] == "2027-03-31"
    assert [one.byte_count for one in made.files] == [8, 3]
    assert entry.sets == ("institution:kitamiyama",)
    assert [one.spec for one in publication.list_sets()] == ["institution:kitamiyama"]


def test_an_embargo_shows_metadata_only_and_lifts_itself(dataset, put, officer, at, registry):
    owner, card = dataset
    publication.write_institution(officer, "kitamiyama", {"members_may_publish": True})
    found = publication.request(
        owner, ready(owner, card, put), institution="kitamiyama", access="embargoed", opens_on="2027-10-01"
    )
    registry.work(rounds=3)
    page = publication.landing("lab/data", 1)
    assert (page.is_free, page.opens_on, page.files) == (False, "2027-10-01", ())
    (entry,) = everything()
    assert entry.record.access == "embargoed access"
    assert [one.available_on for one in entry.record.files] == ["2027-10-01"]
    with pytest.raises(NotFoundError):
        datasets.get_dataset(ANONYMOUS, "lab", "data")
    assert "embargoed access" in str(registry.service.dois[found.doi]["rightsList"])
    at(dt.datetime(2027, 9, 30, 15, tzinfo=dt.UTC))  # midnight in Tokyo
    assert publication.landing("lab/data", 1).is_free
    tasks.lift_embargoes.call()
    (entry,) = everything()
    assert entry.record.access == "open access"
    assert entry.changed_at == clock.now()
    registry.work(rounds=3)
    assert "open access" in str(registry.service.dois[found.doi]["rightsList"])


@pytest.mark.usefixtures("own_rules")
def test_shared_data_show_their_metadata_and_a_rule_that_hides_is_asked(dataset, put, officer):
    owner, card = dataset
    publication.write_institution(officer, "tsunagu", {"members_may_publish": True})
    publication.request(owner, ready(owner, card, put), access="restricted")
    assert publication.landing("lab/data").record.access == "restricted access"
    assert everything()[0].record.formats == ()
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    run_queued()
    assert everything()[0].record.access == "open access"
    policy.write_text(
        officer,
        "law",
        '@id("x") @en("No.") @ja("不可。") forbid (principal, action == Action::"dataset.read", resource is Dataset)'
        ' when { resource.access == "open" && principal.aal < 1 };',
    )
    assert publication.landing("lab/data").record.access == "restricted access"
    assert publication.landing("lab/data").files == ()


def test_withdrawal_leaves_a_stone_closes_the_data_and_can_be_undone(asked, officer, registry):
    owner, _, found = asked
    publication.approve(officer, found.id)
    with pytest.raises(policy.ActionDeniedError, match="published"):
        keeping.destroy(owner, datasets.get_dataset(owner, "lab", "data"), reason="tidy")
    with pytest.raises(publication.NoWordsError):
        publication.withdraw(owner, found.id, " ")
    publication.withdraw(owner, found.id, "A calibration was wrong.")
    with pytest.raises(NotFoundError):
        datasets.get_dataset(ANONYMOUS, "lab", "data")
    (entry,) = everything()
    assert (entry.is_deleted, entry.record.withdrawn_on) == (True, "2027-03-31")
    page = publication.landing("lab/data", 1)
    assert (page.is_withdrawn, page.reason, page.files) == (True, "A calibration was wrong.", ())
    # An owner may take back; to publish again is the institution's decision.
    with pytest.raises(policy.ActionDeniedError):
        publication.restore(owner, found.id)
    assert publication.restore(officer, found.id).state == "published"
    (again,) = everything()
    assert not again.is_deleted
    assert again.changed_at > entry.changed_at
    assert publication.landing("lab/data", 1).is_free


def test_a_dataset_that_is_destroyed_after_withdrawal_keeps_its_page(asked, officer):
    owner, _, found = asked
    publication.approve(officer, found.id)
    publication.withdraw(owner, found.id, "no consent")
    keeping.destroy(owner, datasets.get_dataset(owner, "lab", "data"), reason="no consent")
    page = publication.landing("lab/data", 1)
    assert page.is_withdrawn
    assert page.record.titles[0].value == "薄膜のX線回折"


def test_a_correction_reaches_the_record_and_not_the_version(asked, officer):
    owner, card, found = asked
    publication.approve(officer, found.id)
    before = datasets.get_version(card, 1).version_hash
    description.set_value(owner, card.id, "title_en", "X-ray diffraction of thin oxide films")
    description.set_value(owner, card.id, "creators", [])
    with pytest.raises(policy.ActionDeniedError):
        publication.correct(owner, found.id, "title")
    publication.correct(officer, found.id, "The title was imprecise.")
    (entry,) = everything()
    assert entry.record.titles[1].value == "X-ray diffraction of thin oxide films"
    assert entry.record.creators, "an empty value takes nothing away"
    assert datasets.get_version(card, 1).version_hash == before
    assert publication.entries_of(owner, found.id)[-1].step == "correct"


def test_versions_point_at_each_other(asked, officer, put):
    owner, card, found = asked
    publication.approve(officer, found.id)
    put(owner, card, {"c.csv": b"3"})
    datasets.freeze_version(owner, card.id)
    second = publication.request(owner, datasets.get_dataset(owner, "lab", "data"))
    publication.approve(officer, second.id)
    told = {
        one.record.version: [(r.type, r.identifier) for r in one.record.relations] for one in everything()
    }
    base = "http://localhost:8000/d/lab/data"
    assert told == {"1": [("isReplacedBy", f"{base}/v2")], "2": [("replaces", f"{base}/v1")]}
    assert publication.landing("lab/data").number == 2
    assert [one.number for one in publication.landing("lab/data", 1).versions] == [2, 1]


def test_harvesters_walk_in_order_and_miss_nothing(person, put, officer, at):
    owner = person()
    datasets.create_project(owner, "lab")
    publication.write_institution(officer, "tsunagu", {"members_may_publish": True})
    for number in range(5):
        card = datasets.create_dataset(owner, "lab", f"d{number}")
        publication.request(owner, ready(owner, card, put))
    assert publication.count(since=None, until=None) == 5
    walked, after = [], None
    while page := publication.harvest(since=None, until=None, after=after, limit=2):
        walked += [one.record.id for one in page]
        after = (page[-1].changed_at, page[-1].record.id)
    assert walked == sorted(walked)
    queued, last = [], ""
    while page := publication.queue(officer, state="published", after=last, limit=2):
        queued += [one.id for one in page]
        last = page[-1].id
    assert queued == walked
    assert len(set(walked)) == 5
    first = publication.earliest()
    assert first == dt.datetime(2027, 3, 31, 9, tzinfo=dt.UTC)
    at(first + dt.timedelta(hours=1))
    publication.withdraw(owner, walked[0], "double")
    late = publication.harvest(since=first + dt.timedelta(seconds=1), until=None, after=None, limit=9)
    assert [(one.record.id, one.is_deleted) for one in late] == [(walked[0], True)]
    assert publication.find_entry(walked[1]).record.id == walked[1]
    assert publication.find_entry(walked[1], "elsewhere") is None
    assert publication.harvest(set_spec="year:2027", since=None, until=None, after=None, limit=9) == []


@pytest.mark.parametrize(
    "wish",
    [
        {"doi_prefix": "12345"}, {"doi_prefix": "10.1234"}, {"ror": "https://example.org"}, {"colour": "red"},
        {"curators": ["nobody@example.org"]}, {"contact": "me"}, {"name_ja": ""},
        {"doi_agency": "Crossref", "doi_prefix": "10.1234"},
    ],
)  # fmt: skip
def test_an_institution_that_cannot_be_is_not_kept(officer, wish):
    kept = publication.list_institutions()
    with pytest.raises(publication.BadInstitutionError):
        publication.write_institution(officer, "tsunagu", wish)
    assert publication.list_institutions() == kept


@pytest.mark.parametrize(
    "wish",
    [
        {"access": "secret"}, {"access": "embargoed"}, {"opens_on": "2099-01-01"}, {"resource_type": "poem"},
        {"access": "embargoed", "opens_on": "1.4.2099"}, {"access": "embargoed", "opens_on": "2027-03-31"},
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_meant_is_refused(dataset, put, wish):
    owner, card = dataset
    card = ready(owner, card, put)
    with pytest.raises(publication.BadRequestError):
        publication.request(owner, card, **wish)
    with pytest.raises(publication.NoInstitutionError):
        publication.request(owner, card, institution="nowhere")
    assert states() == {}


def test_a_record_comes_back_from_its_row_as_it_went_in():
    """Whatever stands in it: half a place, an empty relation, an affiliation inside a person."""
    lab = standards.Party((standards.Text("北見山大学", "ja"),), is_organization=True)
    whole = standards.PublicRecord(
        id="1",
        url="https://example.org/d/a/b/v1",
        resource_type="dataset",
        titles=(standards.Text("題"),),
        access="open access",
        creators=(
            standards.Party(
                (standards.Text("山田, 花子", "ja"),),
                ids=(standards.PartyId("ORCID", "0000-0002-1825-0097"),),
                affiliations=(lab,),
            ),
        ),
        relations=(standards.Relation(""),),
        places=(standards.Place(point=(139.7, 35.6)), standards.Place("札幌")),
        fundings=(standards.Funding((standards.Text("JSPS", "en"),), standards.PartyId("ROR", "x")),),
        files=(standards.PublicFile("https://example.org/f", byte_count=0),),
        is_doi_registered=True,
    )
    kept = json.loads(json.dumps(record.to_json(whole)))
    assert record.from_json(kept) == whole
    assert record.from_json({**kept, "of_a_later_release": 1}) == whole


def test_the_plan_says_who_paid_and_the_page_too(planned, put, officer):
    owner, project, card = planned
    body = plans.find_plan(project.id).body
    body["dmp"]["project"][0]["funding"][0]["funder_name"] = "日本学術振興会"
    plans.write_plan(owner, project, body)
    plans.check(owner, project)
    publication.write_institution(officer, "tsunagu", {"members_may_publish": True})
    publication.request(owner, ready(owner, card, put))
    (funding,) = everything()[0].record.fundings
    assert funding.funder_names[0].value == "日本学術振興会"
    assert funding.funder_id.value == "https://ror.org/00hhkn466"
    assert (funding.award_number, funding.award_titles[0].value) == ("JP24K00366", "Thin films")
    assert "dmp" not in json.dumps(record.to_json(everything()[0].record)), (
        "the plan itself stays where it is"
    )


def test_the_aggregators_form_is_written_with_the_change_and_says_the_same(asked, officer):
    owner, _card, made = asked
    assert ready_form.renew() == 0, "what was only asked for has no record"
    publication.approve(officer, made.id)
    (entry,) = everything()
    assert entry.jpcoar == standards.jpcoar_element(entry.record, "2.0")
    Publication.objects.update(ready="")
    (stale,) = everything()
    assert stale.jpcoar is None, "what stands in no form of ours is written when it is asked for"
    assert (ready_form.renew(), ready_form.renew()) == (1, 0)
    assert everything()[0].jpcoar == entry.jpcoar
    publication.withdraw(owner, made.id, "wrong")
    (gone,) = everything()
    assert (gone.is_deleted, gone.jpcoar) == (True, "")
