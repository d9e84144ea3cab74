"""The page of what lies unsorted: open an inbox, look at groups, accept proposals, decide; all without JavaScript."""

from __future__ import annotations

import pytest

from tests.rooms.clients import caller_of, client_of
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description.extraction import files_of, read_files
from tsunagu.data.sharing import api as sharing
from tsunagu.data.unsorted import api as unsorted
from tsunagu.data.unsorted import carrying
from tsunagu.data.unsorted.models import Decision
from tsunagu.foundation.identity.api import SYSTEM

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english", "stop_pool")]
PLACE = "/projects/lab/unsorted"


@pytest.fixture
def disk(dataset, put):
    owner, _ = dataset
    browser = client_of(owner)
    answer = browser.post(PLACE, {"open": "1", "name": "old-disk"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/d/lab/unsorted-old-disk/upload"
    card = datasets.get_dataset(owner, "lab", "unsorted-old-disk")
    put(owner, card, {"a/one.csv": b"x,y\n1,2\n", "a/two.csv": b"x,y\n3,4\n", "b/<i>.csv": b"x,y\n5,6\n"})
    read_files(SYSTEM, new_id(), card.id, files_of(card.id))
    return owner, browser


def carry_out_all():
    for uid in Decision.objects.filter(state="open").values_list("uid", flat=True):
        carrying.carry_out.call(decision=uid)


def test_groups_can_be_narrowed_and_decided_about(disk):
    owner, browser = disk
    page = browser.get(PLACE).content.decode()
    assert "3 files" in page
    assert "The node proposes these datasets" in page
    page = browser.get(f"{PLACE}?by=format&folder=b").content.decode()
    assert "1 file," in page
    assert "b/&lt;i&gt;.csv" in page
    assert "<i>.csv" not in page
    answer = browser.post(
        f"{PLACE}?by=format&folder=a",
        {
            "decide": "1",
            "by": "format",
            "group": "unsorted-old-disk/csv",
            "verdict": "make",
            "target": "series",
        },
        follow=True,
    )
    assert "under way" in answer.content.decode()
    carry_out_all()
    card = datasets.get_dataset(owner, "lab", "series")
    # Only what the narrowed list showed went there.
    assert {file.path for file in datasets.all_files(card, card.draft_number)} == {"a/one.csv", "a/two.csv"}
    assert "done" in browser.get(PLACE).content.decode()
    assert "Files lie unsorted here." in browser.get("/d/lab/unsorted-old-disk").content.decode()


def test_proposals_are_accepted_under_other_names(disk):
    owner, browser = disk
    offered = unsorted.proposals(unsorted.pile(owner, "lab").items)
    form = {"accept": "1", "proposal": [one.key for one in offered], f"name-{offered[0].key}": "mine"}
    assert browser.post(PLACE, form).status_code == 302
    carry_out_all()
    assert datasets.get_dataset(owner, "lab", "mine").file_count == 2
    assert "Nothing lies unsorted here." in browser.get(PLACE).content.decode()
    again = browser.post(PLACE, form)
    assert again.status_code == 404
    assert "does not hold any more" in again.content.decode()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"accept": "1"}, "Tick at least one proposal."),
        ({"decide": "1", "verdict": "make", "target": "x"}, "Nothing was picked."),
        ({"decide": "1", "verdict": "leave", "file": "unsorted-old-disk/a/one.csv"}, "Write a sentence"),
        ({"decide": "1", "verdict": "shred", "file": "unsorted-old-disk/a/one.csv"}, "Name one of make"),
        (
            {"decide": "1", "verdict": "make", "target": "No Name", "file": "unsorted-old-disk/a/one.csv"},
            "No Name",
        ),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_stays(disk, form, said):
    _, browser = disk
    answer = browser.post(PLACE, form)
    assert 400 <= answer.status_code < 500
    page = answer.content.decode()
    assert said in page
    assert not form.get("target") or f'value="{form["target"]}"' in page


def test_what_a_decision_came_to_is_said_in_the_language_of_the_page(disk):
    owner, _ = disk
    for number, verdict in enumerate(("make", "make", "duplicate")):
        path = "b/<i>.csv" if verdict == "duplicate" else "a/one.csv"
        unsorted.decide(owner, "lab", "unsorted-old-disk", [path], unsorted.Wish(verdict, f"d{number}"))
    carry_out_all()
    page = client_of(owner).get(PLACE, headers={"accept-language": "ja"}).content.decode()
    assert "対象のファイルは、すでにその場所にありませんでした。" in page
    assert "1件のファイルは、ほかに同じ内容がないため残しました。" in page


def test_a_reader_looks_and_cannot_decide(disk, person):
    owner, _ = disk
    reader = person("reader")
    sharing.share(owner, datasets.get_project(owner, "lab"), role="reader", email="reader@example.org")
    browser = client_of(reader)
    page = browser.get(PLACE).content.decode()
    assert "3 files" in page
    assert "Open an inbox" not in page
    form = {"decide": "1", "verdict": "remove", "file": "unsorted-old-disk/a/one.csv"}
    assert browser.post(PLACE, form).status_code == 403
    assert client_of(person("stranger")).get(PLACE).status_code == 404


def test_rest_pages_go_through_every_inbox(disk, put):
    owner, _ = disk
    put(owner, unsorted.open_inbox(owner, "lab"), {"z/one.csv": b"1", "z/two.csv": b"2"})
    put(owner, unsorted.open_inbox(owner, "lab", "zip"), {"one.csv": b"3"})
    caller, seen, query = caller_of(owner), [], {"limit": 2}
    while query:
        page = caller.get("/api/v1/projects/lab/unsorted/files", query).json()
        seen += [f"{one['inbox']}/{one['path']}" for one in page["files"]]
        query = {"limit": 2, "after": page["next"]} if page["next"] else {}
    assert seen == [
        "unsorted/z/one.csv",
        "unsorted/z/two.csv",
        "unsorted-old-disk/a/one.csv",
        "unsorted-old-disk/a/two.csv",
        "unsorted-old-disk/b/<i>.csv",
        "unsorted-zip/one.csv",
    ]


def test_rest_lists_every_decision(disk):
    owner, _ = disk
    caller, place = caller_of(owner), "/api/v1/projects/lab/unsorted/decisions"
    wish = unsorted.Wish("leave", note="ask Ito")
    paths = ["a/one.csv", "a/two.csv", "b/<i>.csv"]
    made = [unsorted.decide(owner, "lab", "unsorted-old-disk", [path], wish).id for path in paths]
    first = caller.get(place, {"limit": 2}).json()
    second = caller.get(place, {"limit": 2, "after": first["next"]}).json()
    listed = [one["id"] for one in [*first["decisions"], *second["decisions"]]]
    assert (listed, second["next"]) == (sorted(made, reverse=True), None)


def test_rest_lists_page_by_page(disk):
    owner, _ = disk
    caller = caller_of(owner)
    place = "/api/v1/projects/lab/unsorted"
    assert caller.get(f"{place}?by=nothing").status_code == 422
    found = caller.get(f"{place}?by=folder&kind=data").json()
    assert {group["value"]: group["file_count"] for group in found["groups"]} == {"a": 2, "b": 1}
    first = caller.get(f"{place}/files?limit=2").json()
    second = caller.get(f"{place}/files", {"limit": 2, "after": first["next"]}).json()
    assert [len(first["files"]), len(second["files"]), second["next"]] == [2, 1, None]
