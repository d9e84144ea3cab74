"""How data are used, from the request of a visitor to the numbers of the owner: what counts, who sees it, what is kept."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from dataclasses import replace

import pytest
from django.db import DatabaseError
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rooms.ai_questions import settle, terms
from tests.rooms.clients import caller_of, client_of
from tests.rooms.publication_worlds import ready
from tsunagu.core import clock
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.data.harvesting.models import Harvested, Source
from tsunagu.data.publication import api as publication
from tsunagu.data.publication.models import Publication
from tsunagu.data.training import api as training
from tsunagu.data.usage import api as usage
from tsunagu.data.usage import citing, counts, gathering, tasks
from tsunagu.data.usage.models import Citation, UsageCount, UsageHit, UsageInstitution, UsageSalt
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import ANONYMOUS
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.standards import api as standards

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]
NOW = dt.datetime(2027, 3, 31, 9, tzinfo=dt.UTC)  # 18:00 where the node is
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture(autouse=True)
def nothing_waits():
    gathering._waiting.clear()
    yield
    gathering._waiting.clear()


@pytest.fixture
def opened(dataset, put):
    """An owner, and a dataset with one version that anybody may read."""
    owner, card = dataset
    card = ready(owner, card, put)
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    return owner, datasets.get_dataset(owner, "lab", "data")


def browser(address="192.0.2.1", agent=FIREFOX):
    headers = {"user-agent": agent, "accept-language": "en"}
    return Client(headers={**headers, "x-forwarded-for": f"10.0.0.9, {address}"})


def counted(owner, card, **asked):
    usage.flush()
    usage.count_new.call()
    return usage.use_of(owner, card, **asked)


def asked(
    place="lab/data", *, second=0, version=1, request=False, who="a", actor=ANONYMOUS, agent=FIREFOX, **more
):
    more = {"channel": "web", "target": "page", **more}
    moment = NOW + dt.timedelta(seconds=second)
    return usage.Asked(
        at=moment, place=place, version=version, is_request=request, actor=actor, who=who, agent=agent, **more
    )


def test_pages_and_downloads_of_strangers_count_and_no_one_is_known(opened, at):
    owner, card = opened
    one, other = browser(), browser("192.0.2.2")
    for client in (one, one, other):
        assert client.get("/d/lab/data").status_code == 200  # the second is a double click
    at(NOW + dt.timedelta(minutes=2))
    assert one.get("/d/lab/data/download/a.csv?version=1").status_code == 302
    assert one.get("/d/lab/data/file/a.csv?version=1").status_code == 200
    script = browser("192.0.2.1", "python-requests/2.32.3")
    assert (
        script.post("/api/v1/datasets/lab/data/pulls", {"version": 1}, "application/json").status_code == 200
    )
    assert browser(agent="GPTBot/1.2").get("/d/lab/data").status_code == 200
    assert not UsageHit.objects.exists(), "no row is written for a request"
    found = counted(owner, card)
    # Two pages, one preview, two requests; three sessions: two addresses, and one of them with two programs.
    assert found.total.counts == usage.Totals(5, 3, 2, 2, downloads=2, loads=0)
    assert found.total.machine == usage.Totals(1, 1, 1, 1, downloads=1)
    assert found.months[-1].month == "2027-03"
    assert len(found.months) == 12
    kept = " ".join(str(value) for row in UsageHit.objects.values() for value in row.values())
    assert "192.0.2" not in kept
    assert "Firefox" not in kept


def test_those_who_make_the_data_do_not_count_and_readers_do(opened, person):
    owner, card = opened
    reader = person("reader")
    policy.grant(owner, card.resource, subject_kind="person", subject_id=reader.id, role=policy.Role.READER)
    assert client_of(owner).get("/d/lab/data").status_code == 200
    assert counted(owner, card).total.counts.investigations == 0
    client = client_of(reader)
    client.defaults["HTTP_USER_AGENT"] = FIREFOX
    assert client.get("/d/lab/data?version=1").status_code == 200
    assert client.get("/d/lab/data").status_code == 200, "the draft is nobody's use"
    assert counted(owner, card).total.counts.investigations == 1


def test_what_the_rules_keep_back_is_not_counted(opened):
    owner, card = opened
    datasets.set_access(owner, card.id, policy.Access.CLOSED)
    assert browser().get("/d/lab/data/download/a.csv?version=1").status_code in {302, 404}
    assert browser().get("/api/v1/datasets/lab/data").status_code == 404
    assert counted(owner, card).total.counts == usage.Totals()


def test_loads_by_the_hub_are_one_a_file_and_hour(opened, at):
    owner, card = opened
    ai_use.set_terms(owner, card, terms(training="allow"))
    settle(owner, card, kind="training", purpose="read through the Hugging Face interface")
    loader = browser(agent="unknown/None; hf_hub/0.24.5; python/3.11.9")
    place = "/datasets/lab/data/resolve/main/a.csv"
    for minute in range(3):
        at(NOW + dt.timedelta(minutes=minute))
        assert loader.head(place).status_code == 302, "asking for its size is no load"
        assert loader.get(place).status_code == 302
    assert loader.get("/api/datasets/lab/data/revision/main").status_code == 200
    found = counted(owner, card).total
    assert (found.counts.loads, found.counts.downloads, found.counts.requests) == (1, 0, 1)
    assert found.counts.investigations == 2
    assert found.machine == found.counts
    assert loader.get("/api/datasets/lab/data").json()["downloads"] == 1
    assert [one["downloads"] for one in loader.get("/api/datasets").json()] == [1]
    assert found.ai_grants == 2, "the question that was settled, and the load"


def test_runs_trainings_and_models_come_from_their_own_records(opened, person):
    owner, card = opened
    stranger = person("stranger")
    version = datasets.get_version(card, 1).version_hash
    for more in ({}, {"site": {"title": "Other node"}}):
        links = [runs.Link("in", "dataset", card.id), runs.Link("in", "version", version, "lab/data@1")]
        runs.record(stranger, "compute", parameters=more, links=links)
    runs.record(owner, "describe", links=[runs.Link("in", "dataset", card.id)])
    ai_use.set_terms(owner, card, terms(training="allow"))
    settle(owner, card, kind="training", purpose="phases")
    training.open_use(stranger, card, training="net-1", purpose="phases")
    found = counted(owner, card)
    assert (found.total.runs, found.total.elsewhere, found.total.trainings) == (2, 1, 1)
    assert found.models == ("net-1",)
    assert found.ai_services["local"] == found.total.ai_grants >= 1
    assert found.months[-1].runs == 2
    assert counted(owner, card, version=1).total.runs == 2
    assert counted(owner, card, last="2027-02").total.runs == 0


def test_owners_see_it_readers_and_strangers_do_not(opened, person):
    owner, card = opened
    reader = person("reader")
    policy.grant(owner, card.resource, subject_kind="person", subject_id=reader.id, role=policy.Role.READER)
    for actor in (reader, person("stranger"), ANONYMOUS):
        with pytest.raises(policy.ActionDeniedError):
            usage.use_of(actor, card)
    assert client_of(reader).get("/d/lab/data/use").status_code == 403
    assert caller_of(reader).get("/api/v1/datasets/lab/data/usage").status_code == 403
    assert browser().get("/api/v1/datasets/lab/data/usage").status_code in {401, 403}
    assert caller_of(owner).get("/api/v1/datasets/lab/data/usage").json()["place"] == "lab/data"


def test_everybody_knows_only_of_what_everybody_may_read(opened):
    owner, card = opened
    browser().get("/d/lab/data")
    counted(owner, card)
    assert usage.public_use(card).views == 1
    datasets.set_access(owner, card.id, policy.Access.SHARED)
    assert usage.public_use(datasets.get_dataset(owner, "lab", "data")) is None


def test_nothing_of_sealed_data_is_told_to_everybody(person, put):
    owner = person()
    datasets.create_project(owner, "lab")
    card = datasets.create_dataset(owner, "lab", "sealed")
    datasets.seal(owner, card.id)
    ready(owner, datasets.get_dataset(owner, "lab", "sealed"), put)
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    card = datasets.get_dataset(owner, "lab", "sealed")
    usage.note(asked("lab/sealed"))
    assert counted(owner, card).total.counts.investigations == 1
    assert usage.public_use(card) is None


def test_institutions_are_named_from_enough_people_on(opened, person, configure, monkeypatch):
    owner, card = opened
    configure(usage_institution_from=2)
    one, two = person("one"), person("two")
    homes = {one.id: "https://idp.example.ac.jp/", two.id: "https://idp.example.ac.jp/"}
    monkeypatch.setattr(
        identity, "institutions_of", lambda ids: {key: homes[key] for key in ids if key in homes}
    )
    for target in ("a.csv", "b.csv"):
        usage.note(asked(request=True, actor=one, who=one.id, target=target))
    assert counted(owner, card).institutions == ()
    usage.note(asked(request=True, actor=two, who=two.id, second=3600))
    (named,) = counted(owner, card).institutions
    assert (named.institution, named.people, named.requests) == ("https://idp.example.ac.jp/", 2, 3)
    configure(usage_institution_from=3)
    assert counted(owner, card).institutions == ()


def test_salts_and_hits_go_and_numbers_stay(opened, at):
    owner, card = opened
    usage.note(asked())
    assert counted(owner, card).total.counts.investigations == 1
    assert UsageSalt.objects.filter(period="2027-03-31").exists()
    at(NOW + dt.timedelta(days=1))
    counts.close_months()
    assert not UsageSalt.objects.exists(), "March and its last day are over"
    assert UsageHit.objects.count() == 1, "March takes late hits for three days"
    at(NOW + dt.timedelta(days=4))
    counts.close_months()
    assert not UsageHit.objects.exists()
    assert counted(owner, card).total.counts.investigations == 1
    usage.note(asked())
    assert counted(owner, card).total.counts.investigations == 1, "a month that is closed takes no more"
    usage.rebuild()
    assert counted(owner, card).total.counts.investigations == 1


def test_a_database_that_is_away_loses_nothing(opened, monkeypatch):
    owner, card = opened
    usage.note(asked())
    usage.note(asked(who="b"))
    real = gathering.keep

    def away(_events):
        raise DatabaseError("away")

    monkeypatch.setattr(gathering, "keep", away)
    with pytest.raises(DatabaseError):
        usage.flush()
    monkeypatch.setattr(gathering, "keep", real)
    assert counted(owner, card).total.counts.investigations == 2


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 7200),
        st.sampled_from("ab"),
        st.sampled_from(["page", "file"]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=20,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(EVENTS, max_size=4))
def test_counted_bit_by_bit_is_counted_at_once(opened, parts):
    """However hits arrive and whenever they are counted, the numbers are those of all of them counted anew."""
    for table in (UsageHit, UsageCount, UsageInstitution):
        table.objects.all().delete()
    for part in parts:
        for second, who, target, request, is_job in part:
            usage.note(asked(second=second, who=who, target=target, request=request, is_job=is_job))
        usage.flush()
        counts.count_new()

    def numbers():
        columns = ("day", "version", "metric", "method", "channel", "count")
        return sorted(UsageCount.objects.values_list(*columns))

    bit_by_bit = numbers()
    usage.rebuild()
    assert numbers() == bit_by_bit


def _harvested(record, number=1):
    source, _ = Source.objects.get_or_create(
        name="other",
        defaults={
            "url": "https://other.example/oai", "prefix": "jpcoar_2.0", "title": "Other repository", "made_by": "x",
            "made_at": clock.now(), "due_at": clock.now(),
        },
    )  # fmt: skip
    kept = standards.to_kept(record)
    row, _ = Harvested.objects.update_or_create(
        source=source,
        identifier=f"oai:other:{number}",
        defaults={
            "datestamp": "2027-01-01",
            "content": b"",
            "kept": kept,
            "run_id": "",
            "changed_at": clock.now(),
        },
    )
    return row.pk


def _article(*relations, doi="10.5555/article", title="An article"):
    return standards.PublicRecord(
        id="x",
        url="https://other.example/1",
        resource_type="journal article",
        titles=(standards.Text(title, "en"),),
        access="open access",
        doi=doi,
        relations=tuple(standards.Relation(kind, "DOI", where) for kind, where in relations),
    )


@pytest.fixture
def published(registry, officer, dataset, put):
    """A dataset with a registered DOI, and its owner."""
    owner, card = dataset
    card = ready(owner, card, put)
    made = publication.request(owner, card, institution="kitamiyama")
    publication.approve(officer, made.id, "")
    registry.work(for_s=60, rounds=3)
    row = publication.of_dataset(owner, card)[0]
    assert row.is_doi_registered
    return owner, datasets.get_dataset(owner, "lab", "data"), row.doi


def test_articles_that_cite_a_dataset_are_found_and_lost_again(published):
    owner, card, doi = published
    key = _harvested(
        _article(("references", f"https://doi.org/{doi.upper()}"), ("isPartOf", f"https://doi.org/{doi}"))
    )
    assert citing.look([key]) == 1
    assert citing.look([key]) == 1, "twice is once"
    found = counted(owner, card)
    assert [(one.citing, one.relation, one.version, one.source) for one in found.citations] == [
        ("https://doi.org/10.5555/article", "references", 1, "Other repository")
    ]
    assert found.total.citations == found.months[-1].citations == 1
    _harvested(_article(("references", "https://doi.org/10.5555/other")))
    citing.look([key])
    assert not Citation.objects.exists()


def test_our_own_record_harvested_back_does_not_cite_itself(published):
    _owner, card, doi = published
    key = _harvested(_article(("isDerivedFrom", f"https://doi.org/{doi}"), doi=doi))
    assert citing.look([key]) == 0
    by_address = publication.targets(
        [f"http://localhost:8000/d/{card.slug}/v1", "https://other.example/d/lab/data"]
    )
    assert set(by_address.values()) <= {(card.id, 1)}
    assert "https://other.example/d/lab/data" not in by_address


def test_a_dataset_that_names_its_article_is_cited_by_it(published):
    owner, card, doi = published
    row = Publication.objects.get(doi=doi)
    record = standards.from_kept(json.dumps(row.record))
    named = standards.Relation(
        "isSupplementTo", "DOI", "https://doi.org/10.5555/ARTICLE", (standards.Text("Our article", "en"),)
    )
    other = standards.Relation("isSupplementTo", "ISSN", "1234-5678")
    row.record = json.loads(standards.to_kept(replace(record, relations=(*record.relations, named, other))))
    row.save()
    tasks.look_at_own.call(publication=row.uid, state="published", entry=1)
    (found,) = counted(owner, card).citations
    assert (found.citing, found.relation, found.title) == (
        "https://doi.org/10.5555/article",
        "isSupplementedBy",
        "Our article",
    )
    assert citing.look_at_all_own() == 1
    assert Citation.objects.count() == 1, "nothing new"
    # The article itself, harvested, says the same: one publication.
    citing.look([_harvested(_article(("isSupplementedBy", f"https://doi.org/{doi}")))])
    assert counted(owner, card).total.citations == 1
    assert usage.public_use(card).citations == 1
    Publication.objects.filter(pk=row.pk).update(state="withdrawn")
    tasks.look_at_own.call(publication=row.uid)
    assert [one.source for one in counted(owner, card).citations] == ["Other repository"]


def test_the_month_is_reported_as_datacite_takes_it(published, officer, at):
    owner, card, doi = published
    usage.note(asked())
    usage.note(asked(request=True, target="file", agent="curl/8.5.0", who="b"))
    counted(owner, card)
    with pytest.raises(policy.ActionDeniedError):
        usage.dataset_report(owner, "2027-03")
    report = usage.dataset_report(officer, "2027-03")
    header = report["report-header"]
    assert (header["report-id"], header["release"], header["exceptions"][0]["code"]) == ("DSR", "rd1", 3040)
    assert header["reporting-period"] == {"begin-date": "2027-03-01", "end-date": "2027-03-31"}
    by_doi = {one["dataset-id"][0]["value"]: one for one in report["report-datasets"]}
    assert doi in by_doi
    assert len(by_doi) == 2, "the version, and all versions together"
    one = by_doi[doi]
    assert (one["yop"], one["publisher"], one["data-type"]) == ("2027", "Kitamiyama University", "dataset")
    instances = {
        (i["access-method"], i["metric-type"]): i["count"] for i in one["performance"][0]["instance"]
    }
    assert instances == {
        ("regular", "total-dataset-investigations"): 1,
        ("regular", "unique-dataset-investigations"): 1,
        ("machine", "total-dataset-investigations"): 1,
        ("machine", "unique-dataset-investigations"): 1,
        ("machine", "total-dataset-requests"): 1,
        ("machine", "unique-dataset-requests"): 1,
    }
    at(NOW + dt.timedelta(days=4))
    assert usage.dataset_report(officer, "2027-03")["report-header"]["exceptions"] == []
    datasets.set_access(owner, card.id, policy.Access.CLOSED)
    assert usage.dataset_report(officer, "2027-03")["report-datasets"] == []
    with pytest.raises(usage.BadMonthError):
        usage.dataset_report(officer, "2027-13")
    with pytest.raises(usage.BadMonthError):
        usage.dataset_report(officer, "2027-05")


def test_the_page_shows_the_same_numbers_as_picture_and_table(opened):
    owner, card = opened
    usage.note(asked())
    usage.note(asked(request=True, target="file", who="b"))
    counted(owner, card)
    page = client_of(owner).get("/d/lab/data/use").content.decode()
    assert "<svg" in page
    assert "2027-03" in page
    japanese = client_of(owner, "ja").get("/d/lab/data/use").content.decode()
    assert "利用状況" in japanese
    answer = client_of(owner).get("/d/lab/data/use?form=csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert (rows[-1]["month"], rows[-1]["total_investigations"], rows[-1]["downloads"]) == (
        "2027-03",
        "2",
        "1",
    )
    assert client_of(owner).get("/d/lab/data/use?from=2027-13").status_code == 422
    assert client_of(owner).get("/d/lab/data/use?version=7").status_code == 404


def test_the_public_page_tells_what_everybody_may_know(published):
    owner, card, _doi = published
    for who in "abc":
        usage.note(asked(who=who))
    counted(owner, card)
    page = browser().get("/d/lab/data/v1").content.decode()
    assert "Views" in page
    assert ">3<" in page
    datasets.set_access(owner, card.id, policy.Access.CLOSED)
    assert ">3<" not in browser().get("/d/lab/data/v1").content.decode()


def test_rest_gives_the_numbers_and_the_report(opened, officer):
    owner, card = opened
    usage.note(asked())
    counted(owner, card)
    found = caller_of(owner).get("/api/v1/datasets/lab/data/usage?from=2027-02&to=2027-03").json()
    assert [one["month"] for one in found["months"]] == ["2027-02", "2027-03"]
    assert found["total"]["total_investigations"] == 1
    assert found["versions"] == [{"version": 1, **found["versions"][0]}]
    assert caller_of(owner).get("/api/v1/usage/reports/dsr?month=2027-03").status_code == 403
    report = caller_of(officer).get("/api/v1/usage/reports/dsr?month=2027-03")
    assert json.loads(report.content)["report-header"]["report-id"] == "DSR"
    assert caller_of(owner).get("/api/v1/datasets/lab/data/usage?from=yesterday").status_code == 422
