"""Arrivals are acknowledged once, receipts stay true, and a closed account ends a push midway."""

from __future__ import annotations

import hashlib

import pytest

from tsunagu.core.blobs import new_key
from tsunagu.core.errors import CapabilityRefusedError, NotFoundError
from tsunagu.core.ids import new_id
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.ledger import api as ledger
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs

pytestmark = pytest.mark.django_db


def arrival(opened, unit, files):
    rows = [(path, len(data), hashlib.sha256(data).hexdigest(), 0) for path, data in files.items()]
    return capture.Arrival(opened.run, opened.dataset_id, unit, new_key(), 10, "pack", rows)


def test_sending_a_unit_again_changes_nothing(dataset):
    owner, card = dataset
    opened = capture.open_push(owner, "lab", "data")
    unit = new_id()
    first = capture.commit_arrival(arrival(opened, unit, {"a": b"1"}))
    again = capture.commit_arrival(arrival(opened, unit, {"a": b"1"}))
    assert first == again
    assert capture.receipt(owner, opened.run)["count"] == 1
    assert datasets.get_dataset(owner, "lab", "data").file_count == 1
    assert card.file_count == 0


def test_a_receipt_stays_true_when_a_file_is_replaced(dataset, put):
    owner, card = dataset
    first = put(owner, card, {"a": b"old", "b": b"x"})
    put(owner, card, {"a": b"new"})
    receipt = capture.receipt(owner, first["run"])
    assert {f["path"]: f["sha256"] for f in receipt["files"]}["a"] == hashlib.sha256(b"old").hexdigest()
    assert receipt["ledger"]["root"]
    assert runs.get(first["run"]).outcome == "ok"
    assert not ledger.verify().problem


def test_a_plan_skips_and_links(dataset, put):
    owner, card = dataset
    put(owner, card, {"a": b"1", "b": b"2"})
    opened = capture.open_push(owner, "lab", "data")
    digest = {data: hashlib.sha256(data).hexdigest() for data in (b"1", b"2", b"3")}
    plan = capture.plan(
        owner, opened.run, [("a", 1, digest[b"1"]), ("moved/b", 1, digest[b"2"]), ("c", 1, digest[b"3"])]
    )
    assert (plan.same, plan.linked, plan.send) == (1, 1, (2,))
    card = datasets.get_dataset(owner, "lab", "data")
    assert [f.path for f in datasets.list_files(owner, card).files] == ["a", "b", "moved/b"]


def test_a_plan_is_no_oracle_for_other_peoples_files(dataset, put, person):
    owner, card = dataset
    put(owner, card, {"a": b"secret"})
    stranger = person("stranger")
    datasets.create_project(stranger, "other")
    opened = capture.open_push(stranger, "other", "d")
    plan = capture.plan(stranger, opened.run, [("x", 6, hashlib.sha256(b"secret").hexdigest())])
    assert plan.send == (0,)


def test_a_plan_links_nothing_out_of_a_dataset_that_a_rule_hides(dataset, put, person):
    owner, card = dataset
    put(owner, card, {"a": b"secret"})
    member = person("member")
    project = datasets.get_project(owner, "lab").resource
    policy.grant(owner, project, subject_kind="person", subject_id=member.id, role=policy.Role.EDITOR)
    opened = capture.open_push(member, "lab", "mine")
    file = ("x", 6, hashlib.sha256(b"secret").hexdigest())
    policy.write_text(
        owner, "project", f"""@id("hidden") @en("Not yet.") @ja("公開前です。")
        forbid(principal, action in [Action::"dataset.read", Action::"dataset.read_draft"], resource)
        when {{ resource.id == "{card.id}" }}
        unless {{ principal.owner_of.contains(resource.project) }};""", project_id=card.project_id,
    )  # fmt: skip
    assert capture.plan(member, opened.run, [file]).send == (0,)
    policy.write_text(owner, "project", "", project_id=card.project_id)
    assert capture.plan(member, opened.run, [file]).linked == 1


def test_somebody_elses_push_is_unknown(dataset, person):
    owner, _ = dataset
    opened = capture.open_push(owner, "lab", "data")
    with pytest.raises(capture.NoSuchPushError):
        capture.finish_push(person("stranger"), opened.run)


def test_a_role_taken_away_midway_ends_the_push(dataset, person):
    owner, _ = dataset
    helper = person("helper")
    scope = datasets.get_project(owner, "lab").resource
    policy.grant(owner, scope, subject_kind="person", subject_id=helper.id, role=policy.Role.EDITOR)
    opened = capture.open_push(helper, "lab", "data")
    policy.revoke(owner, scope, subject_kind="person", subject_id=helper.id)
    with pytest.raises(NotFoundError):
        capture.commit_arrival(arrival(opened, new_id(), {"a": b"1"}))


def test_a_closed_account_ends_the_push(dataset):
    from tsunagu.foundation.identity.models import Person

    owner, _ = dataset
    opened = capture.open_push(owner, "lab", "data")
    Person.objects.filter(uid=owner.id).update(is_active=False)
    with pytest.raises(CapabilityRefusedError):
        capture.commit_arrival(arrival(opened, new_id(), {"a": b"1"}))


def test_an_ended_push_takes_nothing_more(dataset):
    owner, _ = dataset
    opened = capture.open_push(owner, "lab", "data")
    capture.finish_push(owner, opened.run, outcome="aborted", reason="interrupted")
    with pytest.raises(capture.PushClosedError):
        capture.commit_arrival(arrival(opened, new_id(), {"a": b"1"}))
    assert runs.get(opened.run).outcome == "aborted"


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a//b", "a/./b", "", "a\nb", "a\x00b", "x" * 256, "\ud800"]
)
def test_a_bad_path_refuses_the_whole_unit(dataset, path):
    owner, _ = dataset
    opened = capture.open_push(owner, "lab", "data")
    with pytest.raises(datasets.BadPathError):
        capture.commit_arrival(arrival(opened, new_id(), {"good": b"1", path: b"2"}))
    assert datasets.get_dataset(owner, "lab", "data").file_count == 0


def test_names_are_kept_in_one_form(dataset, put):
    owner, card = dataset
    put(owner, card, {"か\u3099.txt": b"1"})
    card = datasets.get_dataset(owner, "lab", "data")
    assert [f.path for f in datasets.list_files(owner, card).files] == ["\u304c.txt"]


def test_the_longest_path_fits_every_index(dataset, put):
    import random

    letters = random.Random(1)  # text that no index can compress
    part = "".join(chr(letters.randrange(0x4E00, 0x9F00)) for _ in range(85))
    longest = "/".join([part] * 7 + ["x" * 255])[-2048:]
    while len(longest.encode()) > 2048:
        longest = longest[1:]
    longest = longest.lstrip("/")
    owner, card = dataset
    put(owner, card, {longest: b"1"})
    datasets.freeze_version(owner, card.id)
    card = datasets.get_dataset(owner, "lab", "data")
    assert datasets.get_file(owner, card, longest, version=1).byte_count == 1
