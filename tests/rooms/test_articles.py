"""Articles and the data behind them: records that name each other, and open access that is followed, not enforced."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from tests.rooms.clients import client_of
from tests.rooms.publication_worlds import PREFIX, ready
from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.publication import api as publication
from tsunagu.data.publication import articles, behind, selectors
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.standards import api as standards
from tsunagu.standards.tests.official import STANDARDS, faults, jpcoar_schema

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]
SAID = {
    "text_version": "AM",
    "doi": "https://doi.org/10.5555/ARTICLE.7",
    "journal": "Journal of Films",
    "issn": "1234-567x",
    "volume": "7",
    "first_page": "12",
    "published_on": "2027-03-20",
    "data": ["lab/data@1", "10.5555/elsewhere", "https://example.org/raw"],
}
HOME = {"name_ja": "北見山大学", "name_en": "Kitamiyama University", "members_may_publish": True}


@pytest.fixture
def paper(dataset, put, officer):
    """Data and the manuscript about them; publishes the one or the other."""
    owner, card = dataset
    publication.write_institution(officer, "kitamiyama", HOME)
    data = ready(owner, card, put)
    text = ready(owner, datasets.create_dataset(owner, "lab", "paper"), put)

    def publish(what="paper", **wish):
        if what == "data":
            return publication.request(owner, data, institution="kitamiyama", **wish)
        said = {**SAID, **wish.pop("said", {})}
        kind = wish.pop("resource_type", "journal article")
        return publication.request(
            owner, text, institution="kitamiyama", resource_type=kind, article=said, **wish
        )

    publish.owner = owner
    return publish


def record_of(place):
    return publication.find_record(place, 1)


def pairs(place):
    return {(one.type, one.identifier) for one in record_of(place).relations}


def test_the_records_name_each_other_whichever_comes_first(paper):
    made = paper()
    page = record_of("lab/paper").url
    assert pairs("lab/paper") == {
        ("isVersionOf", "https://doi.org/10.5555/article.7"),
        ("isSupplementedBy", "https://doi.org/10.5555/elsewhere"),
        ("isSupplementedBy", "https://example.org/raw"),
    }, "data that are not public are not named"
    data = paper("data")
    data_page = record_of("lab/data").url
    assert ("isSupplementTo", page) in pairs("lab/data")
    assert ("isSupplementedBy", data_page) in pairs("lab/paper")
    publication.withdraw(paper.owner, data.id, "wrong")
    assert ("isSupplementedBy", data_page) not in pairs("lab/paper")
    publication.restore(paper.owner, data.id)
    publication.write_article(paper.owner, made.id, {**SAID, "data": [], "no_data": "A proof on paper."})
    assert ("isSupplementTo", page) not in pairs("lab/data")


def test_the_record_of_an_article_is_what_libraries_expect(paper):
    paper("data")
    paper()
    record = record_of("lab/paper")
    assert (record.resource_type, record.text_version, record.volume) == ("journal article", "AM", "7")
    assert [one.value for one in record.source_titles] == ["Journal of Films"]
    assert {one.type for one in record.files} == {"fulltext"}
    assert ("2027-03-20", "Issued") in {(one.value, one.type) for one in record.dates}
    rules = {one.id for one in standards.check(standards.to_jpcoar(record, "2.0"))}
    assert not {rule for rule in rules if "version" in rule or "vor" in rule}
    assert standards.recommended_citation(record).count("2027") == 1
    found = json.loads(json.dumps(standards.to_csl(record)))
    assert found["type"] == "article-journal"


@pytest.mark.skipif(not STANDARDS.exists(), reason="the official schemas are not here")
@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_the_record_of_an_article_is_valid(paper, version):
    paper("data")
    paper()
    assert faults(jpcoar_schema(version), standards.to_jpcoar(record_of("lab/paper"), version)) == []


def test_the_same_at_the_publisher_is_no_version(paper):
    paper(said={"text_version": "VoR"})
    assert ("isIdenticalTo", "https://doi.org/10.5555/article.7") in pairs("lab/paper")


@pytest.mark.parametrize(
    "said",
    [
        {"text_version": ""},
        {"text_version": "final"},
        {"doi": "10.x"},
        {"issn": "12"},
        {"published_on": "last week"},
        {"duty": "perhaps"},
        {"reason_code": "lazy"},
        {"data": ["nothing here"]},
        {"data": ["lab/unknown@1"]},
        {"data": ["lab/data@2"]},
        {"data": ["lab/data@0"]},
        {"data": [f"https://example.org/{number}" for number in range(101)]},
    ],
)
def test_what_an_article_cannot_be(paper, said):
    with pytest.raises(publication.BadRequestError):
        paper(said=said)


def test_data_that_one_may_not_see_are_named_as_if_there_were_none(paper, person):
    with pytest.raises(publication.BadRequestError) as refused:
        paper(said={"data": ["lab/unknown@1"]})
    other = person("other")
    project = datasets.create_project(other, "theirs")
    assert project
    datasets.create_dataset(other, "theirs", "hidden")
    with pytest.raises(publication.BadRequestError) as hidden:
        paper(said={"data": ["theirs/hidden@1"]})
    assert hidden.value.message.replace("theirs/hidden", "lab/unknown") == refused.value.message


def status_of(paper, made):
    return publication.article_of(paper.owner, made.id).open_access.status


def test_how_far_open_access_is(paper, at):
    made = paper(access="metadata")
    assert status_of(paper, made) == "due"
    at(clock.now() + dt.timedelta(days=100))
    assert status_of(paper, made) == "overdue"
    later = (clock.now() + dt.timedelta(days=30)).date().isoformat()
    said = {**SAID, "reason_code": "publisher_embargo", "reason": "6 months", "planned_on": later}
    assert publication.write_article(paper.owner, made.id, said).status == "delayed"
    at(clock.now() + dt.timedelta(days=31))
    assert status_of(paper, made) == "due", "the reason has ended"
    assert publication.write_article(paper.owner, made.id, {**SAID, "duty": "no"}).status == "exempt"


def test_an_open_article_is_open(paper):
    assert status_of(paper, paper()) == "open"


def test_checks_advise_and_do_not_forbid(paper, officer):
    publication.write_institution(officer, "kitamiyama", {"members_may_publish": False})
    made = paper(access="metadata", said={"doi": "", "data": []})
    codes = {one.code for one in publication.findings_of(paper.owner, made.id) if one.severity == "warn"}
    assert {"no_publisher_doi", "no_oa_reason", "no_data_behind"} <= codes
    assert publication.approve(officer, made.id).state == "published"


def test_curators_see_those_that_need_somebody_first(paper, officer, person, at):
    assert publication.list_articles(officer) == []
    paper("data")
    made = paper(access="metadata")
    found = publication.list_articles(officer)
    assert [(one.card.id, one.open_access.status, one.data_count) for one in found] == [(made.id, "due", 3)]
    assert publication.list_articles(officer, status="open") == []
    assert publication.list_articles(person("stranger")) == []
    with pytest.raises(publication.NoPublicationError):
        publication.write_article(person("other"), made.id, SAID)
    (data,) = publication.of_dataset(paper.owner, datasets.get_dataset(paper.owner, "lab", "data"))
    with pytest.raises(publication.WrongStateError):
        publication.write_article(paper.owner, data.id, SAID)


def test_dois_and_addresses_of_ours_become_our_data_in_few_questions(
    paper, registry, officer, django_assert_max_num_queries
):
    publication.write_institution(officer, "kitamiyama", {"doi_prefix": PREFIX, "doi_agency": "DataCite"})
    data = paper("data")
    page = "http://localhost:8000/d/lab/data"
    named = [
        data.doi,
        f"https://doi.org/{data.doi.upper()}",
        data.doi.removesuffix(".v1"),
        page,
        f"{page}/v1",
    ]
    elsewhere = [f"10.5555/{number}" for number in range(50)]
    wish = {**SAID, "data": [*named, *elsewhere, f"{page}/v2", "https://example.org/raw"]}
    with django_assert_max_num_queries(5):
        _, rows = articles.read(paper.owner, wish)
    assert (rows[0].place, rows[0].number) == ("lab/data", 1)
    assert rows[1].address == "https://doi.org/10.5555/0", (
        "one version is named once, however often it is said"
    )
    assert [one.address for one in rows[-2:]] == [f"{page}/v2", "https://example.org/raw"]
    publication.withdraw(officer, data.id, "Wrong sample.")
    _, rows = articles.read(paper.owner, wish)
    assert rows[0].address == f"https://doi.org/{data.doi}", "what was withdrawn is a name and no data"


def test_what_is_overdue_comes_first_however_many_changed_since(paper, officer, monkeypatch, put, at):
    paper(access="metadata")
    for number in range(3):
        text = ready(paper.owner, datasets.create_dataset(paper.owner, "lab", f"text-{number}"), put)
        at(clock.now() + dt.timedelta(days=1))
        said = {**SAID, "published_on": "2027-03-30", "duty": "no" if number else ""}
        publication.request(
            paper.owner,
            text,
            institution="kitamiyama",
            access="metadata",
            resource_type="journal article",
            article=said,
        )
    monkeypatch.setattr(articles, "_LISTED", 1)
    at(dt.datetime(2027, 6, 25, tzinfo=dt.UTC))
    (line,) = publication.list_articles(officer)
    assert (line.card.place, line.open_access.status, line.data_count) == ("lab/paper", "overdue", 3)
    (line,) = publication.list_articles(officer, status="due")
    assert line.card.place == "lab/text-0"
    assert publication.follow_articles(officer)[1] == {"overdue": 1, "due": 1, "exempt": 2}
    page = client_of(officer, "en").get("/publishing/articles").content.decode()
    assert "All 4<" in page
    assert "overdue 1<" in page


def test_a_withdrawal_that_comes_while_neighbours_are_written_stays(paper, officer, monkeypatch):
    data = paper("data")
    made = paper()
    found = behind.neighbours

    def withdrawn_meanwhile(row):
        rows = found(row)
        if row.pk == made.id and publication.state_of(data.id) == "published":
            publication.withdraw(officer, data.id, "Wrong sample.")
        return rows

    monkeypatch.setattr(behind, "neighbours", withdrawn_meanwhile)
    publication.write_article(paper.owner, made.id, {**SAID, "journal": "Another journal"})
    assert publication.state_of(data.id) == "withdrawn"
    assert publication.find_record("lab/data", 1).withdrawn_on == "2027-03-31"
    assert not any("/d/lab/data" in address for _, address in pairs("lab/paper"))


def test_all_that_lock_a_publication_take_turns_before_it(paper, officer, monkeypatch):
    data = paper("data")
    made = paper()
    order = []
    take, sees = selectors.take_turn, selectors.sees
    monkeypatch.setattr(selectors, "take_turn", lambda: (order.append("turn"), take()))
    monkeypatch.setattr(selectors, "sees", lambda *a: (order.append("row"), sees(*a))[1])
    for step in (
        lambda: publication.comment(officer, data.id, "Which sample?"),
        lambda: publication.write_article(paper.owner, made.id, SAID),
        lambda: publication.relate(officer, data.id, "isCitedBy", "https://example.org/1", "me"),
        lambda: publication.unrelate(officer, data.id, "isCitedBy", "https://example.org/1"),
        lambda: publication.correct(officer, data.id, "A word."),
        lambda: publication.withdraw(officer, data.id, "Wrong sample."),
        lambda: publication.restore(officer, data.id),
    ):
        order.clear()
        step()
        assert order[:2] == ["turn", "row"]


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("Journal article", "Data behind it", "due")), ("ja", ("学術雑誌論文", "根拠データ", "要対応"))],
)
def test_all_of_it_by_form(paper, officer, language, words):
    owner = client_of(paper.owner, language)
    page = owner.get("/d/lab/paper/publication").content.decode()
    assert words[0] in page
    form = {f"article-{name}": value for name, value in SAID.items() if name != "data"}
    form |= {"article-data": "lab/data@1\n10.5555/elsewhere", "article-duty": "yes"}
    sent = {
        "version": "1",
        "institution": "kitamiyama",
        "access": "metadata",
        "resource_type": "journal article",
    }
    bad = owner.post("/d/lab/paper/publication", {**sent, **form, "article-issn": "12"})
    assert bad.status_code == 422
    assert "Journal of Films" in bad.content.decode(), "what was typed stays"
    assert owner.post("/d/lab/paper/publication", {**sent, **form}).status_code == 302
    (made,) = publication.of_dataset(SYSTEM, datasets.get_dataset(SYSTEM, "lab", "paper"))
    listed = client_of(officer, language).get("/publishing/articles").content.decode()
    assert words[1] in listed
    assert words[2] in listed
    place = f"/publishing/requests/{made.id}"
    assert "Journal of Films" in owner.get(place).content.decode()
    form["article-journal"] = "別の雑誌"
    assert owner.post(place, {"step": "article", **form}).status_code == 302
    assert "別の雑誌" in owner.get(place).content.decode()
    assert "別の雑誌" in client_of(officer, language).get("/publishing/articles?status=due").content.decode()
