"""A project with something of everything in it, and people who may and may not see it."""

from __future__ import annotations

import base64
import datetime as dt
import io
import zlib
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client

from tests.rooms.ai_questions import settle
from tests.rooms.clients import caller_of
from tests.rooms.notice_worlds import relationship
from tests.rooms.plan_documents import document
from tests.threats.requests import TRAINED_FOR
from tsunagu.compute.hosting import api as hosting
from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.jobs import executors
from tsunagu.compute.notebooks import api as notebooks
from tsunagu.compute.notebooks import selectors
from tsunagu.compute.partners import api as partners
from tsunagu.core import clock
from tsunagu.core.ids import new_id
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.description.extraction import files_of, pool, read_files
from tsunagu.data.description.models import Proposal
from tsunagu.data.discovery import api as discovery
from tsunagu.data.graph import api as graph
from tsunagu.data.graph import records, writing
from tsunagu.data.graph.models import Merge
from tsunagu.data.harvesting.models import Source
from tsunagu.data.keeping import api as keeping
from tsunagu.data.notices.models import Partner, Received, Sent
from tsunagu.data.plans import api as plans
from tsunagu.data.publication import api as publication
from tsunagu.data.readiness import api as readiness
from tsunagu.data.scans.models import Scan
from tsunagu.data.sharing import api as sharing
from tsunagu.data.tables import api as tables
from tsunagu.data.training import api as training
from tsunagu.data.unsorted import api as unsorted
from tsunagu.experiment.instruments import api as instruments
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.identity.models import Person
from tsunagu.foundation.policy import api as policy
from tsunagu.standards import api as standards


def _parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"x": [1]}), sink)
    return sink.getvalue()


_PARQUET = _parquet()


@dataclass
class World:
    """Everybody's client, and the names that stand in paths."""

    clients: dict[str, Client]
    victim: dict[str, str]  # the project of "owner"
    own: dict[str, str]  # the project of "other"
    nowhere: dict[str, str]  # names of the same form that nothing bears
    query: dict[str, str]


@pytest.fixture
def plain_static(settings):
    """Pages without collected files."""
    settings.STATIC_ROOT.mkdir(exist_ok=True)


@pytest.fixture(autouse=True)
def walls(monkeypatch):
    """Jobs are asked for and never run here, so no bubblewrap is needed."""
    monkeypatch.setattr(executors.runner, "problem", lambda: "")
    monkeypatch.setattr(selectors, "problem", lambda: "")


@pytest.fixture(autouse=True)
def stop_pool():
    yield
    pool().close()
    pool.cache_clear()
    tables.stop()


@pytest.fixture
def world(person, put, plain_static):
    """The victim's project, another one, and everybody who may try."""
    people = {
        name: person(name) for name in ("owner", "editor", "reader", "stranger", "ended", "other", "mallory")
    }
    people["admin"] = person("admin", is_admin=True)
    victim = _project(people["owner"], put, "undisclosed", person)
    own = _project(people["other"], put, "plain", person)
    for names, who in ((victim, "owner"), (own, "other")):
        datasets.create_dataset(people[who], names["project"], "held")
        names["hold"] = keeping.place_hold(people["admin"], f"{names['project']}/held", reason="inquiry").id
        names.update(_shared(people["admin"]))
        names.update(_noticed(people["admin"], names["publication"]))
    project = datasets.get_project(people["owner"], victim["project"]).resource
    for name in ("editor", "reader"):
        policy.grant(
            people["owner"],
            project,
            subject_kind="person",
            subject_id=people[name].id,
            role=policy.Role(name),
        )
    policy.place(
        project,
        subject_kind="person",
        subject_id=people["ended"].id,
        role=policy.Role.OWNER,
        by="test",
        expires_at=clock.now() - dt.timedelta(seconds=1),
    )
    graph.catch_up()
    for names, who in ((victim, "owner"), (own, "other")):
        card = datasets.get_dataset(people[who], names["project"], names["dataset"])
        names["thing"] = graph.thing_for(people[who], "local", f"dataset:{card.id}")
        names.update(_merge(people["admin"]))
    clients = {name: caller_of(actor) for name, actor in people.items() if name != "mallory"}
    clients["anonymous"] = Client()
    token = instruments.new_token(people["other"], own["name"])
    clients["machine"] = Client(headers={"authorization": f"Bearer {token}"})
    nowhere = {name: _like(value) for name, value in victim.items()}
    return World(clients, victim, own, nowhere, _query())


def _shared(admin: Any) -> dict[str, str]:
    """An offer to a node, a site of it, and a run of it here."""
    keys = [
        base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
        for _ in range(2)
    ]
    there = {"title": "Kita", "address": "https://93.184.215.14", "public_key": keys[0]}
    offer = partners.offer(
        admin,
        partners.NewOffer(**there, bytes_address="https://93.184.215.14:444", until="2099-03-31"),
        executors=jobs.LENDABLE,
    )
    site = partners.add_site(
        admin, partners.NewSite(f"site-{new_id().lower()}", country="JP", **there), reserved=()
    )
    wish = {
        "run": new_id(),
        "secret": "ab" * 32,
        "asker": "Sato",
        "limits": asdict(jobs.Limits()),
        "lock": "",
    }
    guest = hosting.answer(partners.Request(offer, "run", wish, new_id()))["run"]
    return {"offer": offer.id, "site": site.name, "guest": guest, "public_key": keys[1], **_harvested(admin)}


def _harvested(admin: Any) -> dict[str, str]:
    """A repository that is harvested, and a record of it."""
    source = Source.objects.create(
        name=f"source-{new_id().lower()}", url=f"https://93.184.215.14/{new_id()}", prefix="oai_dc",
        made_by=admin.id, made_at=clock.now(), due_at=clock.now(), state="paused",
    )  # fmt: skip
    record = source.harvested_set.create(
        identifier="oai:x:1", content=zlib.compress(b"<x/>"), changed_at=clock.now(), datestamp="2027-01-01"
    )
    return {"source": source.name, "record": str(record.pk)}


def _noticed(admin: Any, publication_id: str) -> dict[str, str]:
    """A service, what was refused by it, and a notice of a stranger about a publication."""
    there = f"https://93.184.215.14/{new_id()}"
    service = Partner.objects.create(
        name=f"service-{new_id().lower()}", title="x", origin_id=there, inbox=f"{there}/inbox", may=["reviews"],
        made_by=admin.id, made_at=clock.now(),
    )  # fmt: skip
    body = relationship(origin={"id": "https://new.example.org", "inbox": "https://new.example.org/inbox"})
    notice = Received.objects.create(
        key=new_id(), notice_id=body["id"], origin_id=body["origin"]["id"], origin_inbox=body["origin"]["inbox"],
        pattern="announce-relationship", state="quarantined", body=body, received_at=clock.now(),
        publication_id=publication_id,
    )  # fmt: skip
    sent = Sent.objects.create(
        notice_id=f"urn:uuid:{new_id()}", partner=service, pattern="accept", body=body, state="refused",
        made_at=clock.now(), next_try=clock.now(),
    )  # fmt: skip
    return {"service": service.name, "notice": notice.uid, "sent": sent.uid}


def _merge(admin: Any) -> dict[str, str]:
    """Two things of the graph that may be one."""
    keys = [f"record:{new_id()}" for _ in range(2)]
    for key in keys:
        nothing = standards.PublicRecord(new_id(), "", "", (), "")
        writing.replace({key: [records.said(nothing, key, label="x")]})
    left, right = (graph.thing_for(admin, "local", key) for key in keys)
    merge = Merge.objects.create(left=left, right=right, made_at=clock.now())
    return {"merge": str(merge.pk), "decision": "accept"}


def _token(owner: Any) -> str:
    """The id of one of somebody's tokens."""
    identity.issue_token(owner.id, label="at home")
    return identity.tokens_of(owner.id)[0].id


def _query() -> dict[str, str]:
    numbers = {"index": "0", "size": "1", "old": "1", "new": "2", "from": "1", "to": "1"}
    return {
        "month": "2026-01",
        **numbers,
        "action": "dataset.read",
        "place": "{project}/{dataset}",
        "path": "a.csv",
    }


def _like(value: str) -> str:
    if value.isdigit():
        return "999999"
    known = {"law", "accept", "title", "local", "comment", "tsunagu"}
    return value if value in known else new_id() if len(value) == 26 else f"no-{value}"


def _project(owner: Any, put: Any, name: str, person: Any) -> dict[str, str]:
    """A project with a frozen dataset and one thing of every kind; the names that paths need."""
    datasets.create_project(owner, name)
    card = datasets.create_dataset(owner, name, "spectra")
    put(owner, card, {"a.csv": b"x,y\n1,2\n", "notes.txt": name.encode(), "t.parquet": _PARQUET})
    read_files(SYSTEM, new_id(), card.id, files_of(card.id))
    datasets.freeze_version(owner, card.id)
    put(owner, card, {"draft.txt": b"not yet", "p.pdf": b"%PDF-"})
    _dark(owner, card, put)
    helper = person(f"helper-{name}")
    for scope in (datasets.get_project(owner, name).resource, card.resource):
        policy.grant(owner, scope, subject_kind="person", subject_id=helper.id, role=policy.Role.READER)
    plans.write_plan(owner, datasets.get_project(owner, name), document())
    asker = person(f"asker-{name}")
    sharing.ask(asker, name, "spectra", reason="to compare")
    asked = sharing.to_answer(owner)[0]
    instruments.create_instrument(owner, f"xrd-{name}")
    use = _training(owner, name)
    push = capture.open_push(owner, name, "spectra")
    proposal = Proposal.objects.create(
        dataset_id=card.id, name="title", value="t", confidence=0.9, rule="test", made_at=clock.now()
    )
    return {
        "project": name,
        "dataset": "spectra",
        "number": "1",
        "member": helper.id,
        "asked": asked.id,
        "layer": "law",
        "name": f"xrd-{name}",
        "proposal": proposal.uid,
        "choice": _choice(owner, name),
        "verdict": "accept",
        "run": push.run,
        "use": use.id,
        "opening": use.opening,
        "token": _token(owner),
        "institution": "tsunagu",
        "publication": _publication(owner, name),
        "step": "comment",
        "search": discovery.save(owner, "x").id,
        "job": jobs.submit(owner, _wanted(name)).run,
        "notebook": notebooks.open_notebook(owner, notebooks.Asked(f"{name}/spectra@1", f"{name}/kept")).run,
        "array": jobs.submit_each(owner, _wanted(name), "n", [1, 2])[0].run,
    }


def _dark(owner: Any, card: datasets.DatasetCard, put: Any) -> None:
    """A file that lies unsorted, and a page of a file that was read."""
    put(owner, unsorted.open_inbox(owner, card.project), {"old/x.csv": b"1"})
    file = datasets.get_file(owner, datasets.get_dataset_by_id(owner, card.id), "a.csv")
    scan = Scan.objects.create(
        dataset_id=card.id, sha256=file.sha256, path="a.csv", byte_count=1, state="done", page_count=1, done_count=1,
        run_id=new_id(), asked_by=owner.id, asked_at=clock.now(), changed_at=clock.now(),
    )  # fmt: skip
    content = zlib.compress(b'["x", []]')
    scan.pages.create(number=1, status="recognised", content=content)


def _publication(owner: Any, name: str) -> str:
    """A version whose metadata are to be published, while they wait for review."""
    card = datasets.create_dataset(owner, name, "waiting")
    for key, value in (("title", f"{name} waiting"), ("creators", ["Hanako Yamada"])):
        description.set_value(owner, card.id, key, value)
    datasets.freeze_version(owner, card.id)
    card = datasets.get_dataset(owner, name, "waiting")
    return publication.request(owner, card, access="metadata").id


def _choice(owner: Any, name: str) -> str:
    card = datasets.get_dataset(owner, name, "spectra")
    readiness.start(owner, card)
    readiness.repair(owner, card, "leave_out", column="a.csv")
    return readiness.card(owner, card).choices[0].id


def _wanted(name: str) -> jobs.Wanted:
    return jobs.Wanted(inputs=(f"{name}/spectra",), command=("true",))


def _training(owner: Any, name: str) -> training.OpenUse:
    """Somebody trains on the frozen version; the training bears the instrument's name, as paths have one ``name``."""
    card = datasets.get_dataset(owner, name, "spectra")
    for label in ("personal", "export_control", "contract"):
        datasets.set_label(owner, card, label, "no")
    ai_use.set_terms(owner, card, ai_use.parse({"uses": {"training": "allow"}}))
    settle(owner, card, kind="training", purpose=TRAINED_FOR)
    return training.open_use(owner, card, training=f"xrd-{name}", purpose=TRAINED_FOR)


@pytest.fixture
def people(world):
    """Browsers of those in the world, by name; None: nobody is signed in."""
    kept: dict[str | None, Client] = {None: Client(headers={"accept-language": "en"})}

    def browser(name: str | None) -> Client:
        if name not in kept:
            row = Person.objects.get(email=f"{name}@example.org")
            kept[name] = Client(headers={"accept-language": "en"})
            kept[name].force_login(row, backend="allauth.account.auth_backends.AuthenticationBackend")
        return kept[name]

    return browser
