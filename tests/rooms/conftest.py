"""What several rooms' tests stand on."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from django.utils import translation

from tests.authority import running_authority
from tests.federation import Idp, Signer, aggregate
from tests.rooms import notice_worlds, publication_worlds
from tests.rooms.ai_questions import CHECKED
from tests.rooms.datacite_stand_in import account_at, running_datacite
from tests.rooms.deposit_worlds import World as DepositWorld
from tests.rooms.hub_clients import Repository
from tests.rooms.plan_documents import document
from tests.rooms.program_calls import BACK
from tests.rooms.publication_worlds import PREFIX, Registry, ready
from tests.rooms.saml_worlds import World
from tests.rooms.sword_stand_in import TOKEN, running_weko
from tests.rooms.unsorted_worlds import old_disk
from tsunagu.core import clock, egress
from tsunagu.core import settings as node_settings
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.description.extraction import pool
from tsunagu.data.notices import api as notices
from tsunagu.data.plans import api as plans
from tsunagu.data.publication import api as publication
from tsunagu.foundation.identity import api as identity


@pytest.fixture(autouse=True)
def static_files(settings):
    """The folder that a node fills when it starts; pages look for it."""
    settings.STATIC_ROOT.mkdir(exist_ok=True)


@pytest.fixture
def english():
    """What is said is said in English."""
    with translation.override("en"):
        yield


@pytest.fixture
def at(monkeypatch):
    """The node's clock, which stands still at 2027-03-31 until it is moved."""

    def move(moment):
        monkeypatch.setattr(clock, "now", lambda: moment)

    move(dt.datetime(2027, 3, 31, 9, tzinfo=dt.UTC))
    return move


@pytest.fixture
def configure(monkeypatch):
    """Changes settings of the node."""

    def change(**more):
        node = node_settings.current()
        monkeypatch.setattr(node_settings, "current", lambda: replace(node, values={**node.values, **more}))

    return change


@pytest.fixture
def officer(person):
    return person("officer", is_admin=True)


# --- Evidence


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_authority(tmp_path_factory.mktemp("authority")) as found:
        yield found


@pytest.fixture
def authority(running, configure):
    """A time-stamping authority (RFC 3161) that the node is told to use."""
    running.fault = ""
    configure(timestamp_url=running.url, timestamp_ca=str(running.ca_file), egress_allowed=(running.host,))
    return running


# --- Federation


@pytest.fixture(scope="module")
def parties(tmp_path_factory):
    """Who signs the feed, and two identity providers."""
    folder = tmp_path_factory.mktemp("parties")
    return Signer(folder), Idp(folder, 1), Idp(folder, 2, ("b.example.ac.jp",))


@pytest.fixture
def federation(parties, tmp_path, configure):
    """The two identity providers, which the node knows from a signed feed."""
    signer, one, two = parties
    (tmp_path / "feed.xml").write_text(signer.sign(aggregate([one.metadata(), two.metadata()])))
    row = {"name": "test", "file": str(tmp_path / "feed.xml"), "certificate": str(signer.certificate)}
    configure(federation_feeds=(row,))
    assert identity.refresh_feeds()[0].state == "good"
    return one, two


@pytest.fixture
def world(federation):
    """One sign-in under way at one of the two providers."""
    return World(*federation)


# --- Plans


@pytest.fixture
def planned(dataset, put):
    """An owner, the project and its dataset with a plan that holds."""
    owner, card = dataset
    put(owner, card, {"a.csv": b"x,y\n1,2\n"})
    project = datasets.get_project(owner, "lab")
    description.set_value(owner, card.id, "licence", "CC BY 4.0")
    plans.write_plan(owner, project, document())
    return owner, project, card


# --- Publication


@pytest.fixture(scope="module")
def datacite():
    with running_datacite() as found:
        yield found


@pytest.fixture
def registry(datacite, configure, officer, at):
    """DataCite on loopback, an account there, and an institution with its prefix."""
    service, host = datacite
    service.__init__()
    account = account_at(host)
    configure(doi_accounts=(account,), egress_allowed=(host,), doi_resolver=f"http://{host}")
    wish = {"name_ja": "北見山大学", "name_en": "Kitamiyama University", "doi_prefix": PREFIX}
    publication.write_institution(
        officer, "kitamiyama", {**wish, "doi_agency": "DataCite", "ror": "https://ror.org/00hhkn466"}
    )
    return Registry(service, at)


# --- Repositories


@pytest.fixture(scope="module")
def weko_server():
    with running_weko() as found:
        yield found


@pytest.fixture
def deposits(weko_server, configure, officer, at, dataset, put):
    host = weko_server.host
    weko_server.__init__()
    weko_server.host = host
    owner, card = dataset
    row = {
        "name": "ir",
        "title": "Kitamiyama IR",
        "address": f"http://{host}/sword/service-document",
        "token": TOKEN,
        "index": [1623632832836],
        "on_behalf_of": "hanako@example.ac.jp",
    }
    configure(repositories=(row,), egress_allowed=(*node_settings.current().egress_allowed, host))
    names = {"name_ja": "北見山大学", "name_en": "Kitamiyama University"}
    publication.write_institution(officer, "kitamiyama", {**names, "members_may_publish": True})
    made = DepositWorld(weko_server, at, owner, configure)
    card = ready(owner, card, put)
    made.id = publication.request(owner, card, institution="kitamiyama").id
    return made


# --- The wire of the Hub


@pytest.fixture
def repository(dataset):
    """The owner's client of the Hub, and an empty dataset."""
    return Repository(dataset[0])


# --- Use by AI


@pytest.fixture
def closed(dataset, put):
    """A dataset whose labels are all decided to be harmless, so that only its being closed matters."""
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})
    for name in ("personal", "export_control", "contract"):
        datasets.set_label(owner, card, name, "no")
    datasets.freeze_version(owner, card.id)
    return owner, datasets.get_dataset(owner, "lab", "data")


@pytest.fixture
def outside(officer):
    """A service of another organisation that officers have looked at."""
    return ai_use.write_service(officer, "outside", CHECKED, valid_until="2099-12-31")


# --- Programs


@pytest.fixture
def register(officer):
    def make(name="Notebook", **more):
        more.setdefault("redirect_uris", (BACK,))
        more.setdefault("verbs", ("read", "write", "share"))
        return identity.register_program(officer, name, **more)

    return make


@pytest.fixture
def program(register):
    return register()[0]


# --- Notices


@pytest.fixture
def open_way(monkeypatch):
    """Names of the examples lead nowhere here, so only whether they may be spoken to is left out."""
    monkeypatch.setattr(egress, "check", lambda _url: None)


@pytest.fixture
def partner(officer, open_way):
    return notices.write(
        officer,
        "reviews",
        title="Example Reviews",
        origin_id=notice_worlds.ORIGIN,
        inbox=notice_worlds.INBOX,
        may=notice_worlds.ALL,
    )


@pytest.fixture
def published(dataset, put, officer):
    owner, card = dataset
    publication.write_institution(officer, "kitamiyama", notice_worlds.HOME)
    return owner, publication.request(
        owner, publication_worlds.ready(owner, card, put), institution="kitamiyama"
    )


@pytest.fixture
def service():
    with notice_worlds.running_service() as found:
        yield found


@pytest.fixture
def told(service, officer, configure):
    """The service as a partner that may be sent to."""
    configure(egress_allowed=(service.url.removeprefix("http://"),))
    return notices.write(
        officer,
        "service",
        title="Service",
        origin_id=service.url,
        inbox=f"{service.url}/inbox",
        may=notice_worlds.ALL,
        token="sesame",
    )


# --- Reading


@pytest.fixture
def stop_pool():
    """Files are read in this process: its sandbox ends with the test."""
    yield
    pool().close()
    pool.cache_clear()


@pytest.fixture
def disk(dataset, put, tmp_path, stop_pool):
    return old_disk(*dataset, put, tmp_path)
