"""What this node sends to services, as the notifications' own library of COAR Notify judges it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.rooms.notice_worlds import notice, take
from tests.rooms.publication_worlds import ready
from tsunagu.data.datasets import api as datasets
from tsunagu.data.notices import api as notices
from tsunagu.data.publication import api as publication

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]
JUDGES = Path(__file__).resolve().parents[2] / ".judges" / "bin" / "python"
JUDGE = """
import json, sys
from coarnotify.exceptions import NotifyException
from coarnotify.factory import COARNotifyFactory
said = []
for body in json.load(sys.stdin):
    try:
        found = COARNotifyFactory.get_by_object(body)
        found.validate()
        said.append(type(found).__name__)
    except NotifyException as error:
        said.append(f"{type(error).__name__}: {getattr(error, 'errors', error)}")
json.dump(said, sys.stdout)
"""


def judged(bodies):
    done = subprocess.run(
        [JUDGES, "-c", JUDGE], input=json.dumps(bodies), capture_output=True, text=True, check=False, timeout=120
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.skipif(
    not JUDGES.exists(), reason="the judges' environment is not built; tests/run.py builds it"
)
def test_every_pattern_that_goes_out_is_valid(service, told, published, put):
    owner, made = published
    origin = {"id": service.url, "inbox": f"{service.url}/inbox", "type": "Service"}
    for kind in ("review", "endorsement"):
        notices.offer(owner, made.id, told.name, kind)
    for word in ("accept", "reject", "tentative_accept", "tentative_reject"):
        thing = {"id": "http://localhost:8000/d/lab/data/v1"}
        row = take(notice(["Offer", "coar-notify:ReviewAction"], thing, origin=origin))
        notices.answer(owner, row.uid, word)
    paper = ready(owner, datasets.create_dataset(owner, "lab", "paper"), put)
    text = publication.request(
        owner,
        paper,
        institution="kitamiyama",
        resource_type="journal article",
        article={"text_version": "AM", "data": [f"{service.url}/d/lab/films/v1"]},
    )
    assert notices.announce(text.id) == 1
    while notices.deliver_due():
        pass
    assert sorted(judged(service.bodies)) == sorted(
        [
            "RequestReview",
            "RequestEndorsement",
            "Accept",
            "Reject",
            "TentativelyAccept",
            "TentativelyReject",
            "AnnounceRelationship",
        ]
    )
    # A judge that cannot refuse is none.
    (broken,) = judged([{**service.bodies[0], "origin": {"id": "no address"}}])
    assert broken.startswith("ValidationError")
