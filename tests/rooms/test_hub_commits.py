"""Commits by the Hub's wire: one version each or nothing, under the rules of every push; and what hostile ones get."""

from __future__ import annotations

import hashlib
import time

import pytest
from django.test import Client

from tests.rooms.clients import caller_of, client_of
from tests.rooms.hub_clients import EMPTY, Repository, file, gone, named, sha256
from tsunagu.core import clock
from tsunagu.core.blobs import new_key
from tsunagu.core.errors import CapabilityRefusedError, NotFoundError
from tsunagu.core.ids import new_id
from tsunagu.data.capture import api as capture
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

pytestmark = pytest.mark.django_db


def test_a_commit_is_a_version_and_a_run(repository):
    answer = repository.commit(file("a/b.txt", b"1"), file("c.txt", b""), summary="最初\n\n二行目")
    assert answer.status_code == 200
    version = datasets.get_version(repository.card, 1)
    assert answer.json()["commitOid"] == version.version_hash[:40]
    assert version.note == "最初\n\n二行目"
    assert repository.paths == ["a/b.txt", "c.txt"]
    (push,) = [run for run in runs.of_dataset(repository.card.id) if run.kind == "capture"]
    assert (push.outcome, push.parameters["way"], push.parameters["file_count"]) == ("ok", "push", 2)
    assert ("out", "version", version.version_hash) in {
        (one.direction, one.kind, one.id) for one in push.links
    }
    receipt = capture.receipt(repository.actor, push.id)
    assert {one["path"] for one in receipt["files"]} == {"a/b.txt", "c.txt"}
    assert receipt["ledger"]


def test_what_is_to_go_goes_first(repository):
    repository.commit(file("a/x", b"1"), file("a/y", b"2"), file("b", b"3"))
    assert repository.commit(gone("a/", "deletedFolder"), file("a/z", b"4"), gone("b")).status_code == 200
    assert repository.paths == ["a/z"]
    answer = repository.commit(gone("nothing"), file("new", b"5"))
    assert (answer.status_code, answer["X-Error-Code"]) == (404, "EntryNotFound")
    assert repository.paths == ["a/z"], "all of it or nothing"


def test_a_card_that_the_node_made_may_be_removed(repository):
    """Clients remove whatever they see in a list; there is nothing behind this name."""
    repository.commit(file("a", b"1"))
    assert repository.commit(gone("README.md"), file("a", b"2")).status_code == 200
    repository.commit(file("README.md", b"# mine"))
    assert repository.commit(gone("README.md")).status_code == 200
    assert repository.paths == ["a"]


def test_a_commit_again_changes_nothing(repository):
    first = repository.commit(file("a", b"1"), file("b", b"2"), parent=EMPTY).json()
    assert repository.commit(file("a", b"1"), file("b", b"2"), parent=EMPTY).json() == first
    second = repository.commit(gone("b"), file("a", b"3"), parent=first["commitOid"]).json()
    assert second != first
    assert repository.commit(gone("b"), file("a", b"3"), parent=first["commitOid"]).json() == second
    assert repository.card.last_version == 2


def test_a_folder_is_replaced(repository):
    """What is in the folder before and after stays, also when the commit comes again."""
    first = repository.commit(file("d/a", b"1"), file("d/b", b"2"), file("e", b"3")).json()["commitOid"]
    change = (gone("d", "deletedFolder"), file("d/a", b"1"), file("d/c", b"4"))
    second = repository.commit(*change, parent=first)
    assert second.status_code == 200
    assert repository.paths == ["d/a", "d/c", "e"]
    for parent in (first, second.json()["commitOid"], None):
        assert repository.commit(*change, parent=parent).json() == second.json()
    assert repository.card.last_version == 2
    captures = [run for run in runs.of_dataset(repository.card.id) if run.kind == "capture"]
    assert len(captures) == 2, "what changed nothing did not happen"
    answer = repository.commit(gone("d", "deletedFolder"), file("d/a", b"9"), parent=first)
    assert answer.status_code == 412
    assert repository.paths == ["d/a", "d/c", "e"]


def test_a_commit_again_whose_folders_lay_in_each_other(repository):
    repository.commit(file("d/e/f", b"1"))
    change = (gone("d", "deletedFolder"), gone("d/e", "deletedFolder"), file("d/a", b"2"))
    second = repository.commit(*change).json()
    assert repository.commit(*change).json() == second
    answer = repository.commit(gone("d/e", "deletedFolder"), file("d/a", b"3"))
    assert answer.status_code == 404, "something else, so what is missing counts"
    assert repository.paths == ["d/a"]


def test_sealed_while_a_commit_comes(repository, monkeypatch):
    """Small files that were written plain, before the dataset was sealed, are not named in it."""
    from tsunagu.data.capture import commits

    read = commits._read

    def slow(changes, domain):
        wish = read(changes, domain)
        datasets.seal(repository.actor, repository.card.id)
        return wish

    monkeypatch.setattr(commits, "_read", slow)
    before = {found.key for found in storage.store().list()}
    assert repository.commit(file("a", b"secret")).status_code == 401
    assert {found.key for found in storage.store().list()} == before
    assert not repository.card.has_frozen


def test_a_newer_version_is_not_overwritten(repository):
    first = repository.commit(file("a", b"1")).json()["commitOid"]
    repository.commit(file("a", b"2"))
    answer = repository.commit(file("a", b"3"), parent=first)
    assert answer.status_code == 412
    assert "newer version" in answer["X-Error-Message"]
    assert repository.card.last_version == 2


@pytest.mark.parametrize("action", ["push", "write", "freeze"])
def test_rules_are_asked_as_for_every_push(repository, action):
    """A rule of the project that forbids one step of a commit forbids all of it, in its own words."""
    repository.commit(file("a", b"1"))
    policy.write_text(
        repository.actor, "project", f"""@id("audit") @en("The audit is on.") @ja("監査中です。")
        forbid(principal, action == Action::"dataset.{action}", resource);""",
        project_id=repository.card.project_id,
    )  # fmt: skip
    before = {found.key for found in storage.store().list()}
    answer = repository.commit(gone("a"), file("b", b"2"))
    assert answer.status_code == 403
    assert "監査中です。" in answer.json()["error"]
    assert answer["X-Error-Message"].isascii()
    assert repository.paths == ["a"]
    assert {found.key for found in storage.store().list()} == before
    assert not datasets.has_unfrozen_files(repository.card)


def test_drafts_of_others_are_not_swept_along(repository, put):
    repository.commit(file("a", b"1"))
    put(repository.actor, repository.card, {"half": b"of a measurement"})
    answer = repository.commit(file("b", b"2"))
    assert (answer.status_code, "tsunagu freeze" in answer["X-Error-Message"]) == (409, True)
    datasets.freeze_version(repository.actor, repository.card.id)
    assert repository.commit(file("b", b"2")).status_code == 200
    assert repository.paths == ["a", "b", "half"]


def test_bytes_that_came_ahead(repository):
    big = b"b" * 100_000
    (row,) = repository.batch(big).json()["objects"]
    assert row["actions"]["upload"]["href"].startswith("http")
    asked = {"oid": sha256(big), "size": len(big)}
    assert repository.post("/datasets/ID.git/info/lfs/objects/verify", asked).status_code == 404
    assert repository.commit(named("big", big)).status_code == 422, "nothing came yet"
    repository.arrive(big)
    assert repository.post("/datasets/ID.git/info/lfs/objects/verify", asked).status_code == 200
    assert "actions" not in repository.batch(big).json()["objects"][0]
    assert repository.commit(named("big", big, size=5)).status_code == 422, "another size"
    assert repository.commit(named("big", big)).status_code == 200
    assert repository.commit(named("copy", big, size=None)).status_code == 200
    assert repository.paths == ["big", "copy"]


def test_the_same_unit_again_keeps_the_first_object(repository):
    unit = new_id()
    first, kept = repository.arrive(b"x" * 10, unit=unit)
    again, kept_again = repository.arrive(b"x" * 10, unit=unit)
    assert first == kept == kept_again != again
    assert storage.named([first, again]) == {first}, "the other one is left to the byte server and the sweep"


def test_large_files_go_in_parts(repository):
    size = (300 << 20) + 1
    objects = [{"oid": "ab" * 32, "size": size}]
    found = repository.batch(objects=objects).json()
    header = found["objects"][0]["actions"]["upload"]["header"]
    assert found["transfer"] == "multipart"
    assert len(header) - 1 == -(-size // int(header["chunk_size"]))
    basic = repository.batch(objects=objects, transfers=["basic"]).json()
    assert "header" not in basic["objects"][0]["actions"]["upload"]


def test_nobody_names_what_another_sent(repository, person):
    """Neither by batch, nor by verify, nor by a commit: not what waits for another, not what another may read."""
    secret, waiting = b"s" * 100_000, b"w" * 100_000
    repository.arrive(secret)
    repository.commit(named("secret", secret))
    repository.arrive(waiting)
    stranger = person("stranger")
    datasets.create_project(stranger, "other")
    datasets.create_dataset(stranger, "other", "d")
    theirs = Repository(stranger, "other/d")
    for content in (secret, waiting):
        (row,) = theirs.batch(content).json()["objects"]
        assert "actions" in row, "they have to send it"
        asked = {"oid": sha256(content), "size": len(content)}
        assert theirs.post("/datasets/ID.git/info/lfs/objects/verify", asked).status_code == 404
        assert theirs.commit(named("x", content)).status_code == 422
    member = person("member")
    project = datasets.get_project(repository.actor, "lab").resource
    policy.grant(
        repository.actor, project, subject_kind="person", subject_id=member.id, role=policy.Role.EDITOR
    )
    same = Repository(member)
    assert "actions" in same.batch(waiting).json()["objects"][0], "what waits belongs to its sender"
    assert "actions" not in same.batch(secret).json()["objects"][0], "what a member may read"


def test_contents_stay_in_their_key_domain(repository):
    content = b"k" * 100_000
    repository.arrive(content)
    repository.commit(named("plain", content))
    datasets.create_dataset(repository.actor, "lab", "shut")
    shut = Repository(repository.actor, "lab/shut")
    datasets.seal(repository.actor, shut.card.id)
    assert "actions" in shut.batch(content).json()["objects"][0]
    assert shut.commit(named("x", content)).status_code == 422
    shut.arrive(content)
    assert shut.commit(named("x", content), file("small", b"small secret")).status_code == 200
    for place in storage.locate([hashlib.sha256(content).digest()], shut.card.domains).values():
        assert place.domain == shut.card.id


def test_sealing_leaves_no_plain_bytes_behind(repository, django_capture_on_commit_callbacks):
    key, _ = repository.arrive(b"p" * 1000)
    with django_capture_on_commit_callbacks(execute=True):
        datasets.seal(repository.actor, repository.card.id)
    assert storage.missing([storage.Location(b"", key, 0, 1)]) == {key}
    with pytest.raises(datasets.SealedMeanwhileError):
        repository.arrive(b"q" * 1000, domain="")


def test_what_nobody_names_is_forgotten(repository, monkeypatch):
    key, _ = repository.arrive(b"n" * 1000)
    assert storage.named([key]) == {key}
    assert storage.forget_waiting() == 0
    later = clock.now() + storage.KEPT_WAITING
    monkeypatch.setattr(clock, "now", lambda: later)
    assert storage.forget_waiting() == 1
    assert storage.named([key]) == set()
    monkeypatch.undo()  # an S3 store refuses whoever's clock is weeks away from its own
    assert storage.drop_unnamed([key]) == 1


def test_a_refused_commit_leaves_no_object(repository):
    before = {found.key for found in storage.store().list()}
    for changes in (
        [file("a", b"1"), named("b", b"never sent")],
        [file("a", b"1"), file("a", b"2")],
        [file("a", b"1"), gone("../x")],
        [file("a", b"1"), file("b\x00", b"2")],
    ):
        assert repository.commit(*changes).status_code in {400, 404, 422}
    assert {found.key for found in storage.store().list()} == before
    assert repository.card.file_count == 0


@pytest.mark.parametrize(
    "path", ["../up", "a/../../b", "/root", "a//b", "./a", "tab\there", "nul\0", "", "x" * 300, "\ud800"]
)
@pytest.mark.parametrize("kind", ["file", "lfsFile", "deletedFile", "deletedFolder"])
def test_paths_that_lead_elsewhere(repository, path, kind):
    repository.arrive(b"content")
    changes = {"file": file(path, b"1"), "lfsFile": named(path, b"content")}
    if kind == "deletedFolder" and path == "":
        path = "/"
    answer = repository.commit(changes.get(kind, gone(path, kind)))
    assert answer.status_code in {400, 422}
    assert not repository.card.has_frozen


def test_names_are_kept_in_one_form(repository):
    repository.commit(file("データ/が.txt".replace("が", "か\u3099"), b"1"))
    assert repository.paths == ["データ/が.txt"]
    answer = repository.commit(file("データ/が.txt", b"2"), file("データ/か\u3099.txt", b"3"))
    assert answer.status_code == 422, "one path, twice"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n",
        b"{}",
        b"[1]\n",
        b"\xff\xfe",
        b'{"key":"file","value":{"path":"a","content":""}}\n',
        b'{"key":"header","value":{"summary":1}}\n',
        b'{"key":"header","value":{"summary":"s","parentCommit":"main"}}\n',
        b'{"key":"header","value":{"summary":"s"}}\n{"key":"file","value":{"path":"a","content":"%","encoding":"base64"}}\n',
        b'{"key":"header","value":{"summary":"s"}}\n{"key":"lfsFile","value":{"path":"a","oid":"zz","size":1}}\n',
        b'{"key":"header","value":{"summary":"s"}}\n{"key":"lfsFile","value":{"path":"a","oid":"' + b"a" * 64 + b'","size":true}}\n',
        b'{"key":"header","value":{"summary":"s"}}\n{"key":"sudo","value":{}}\n',
        b'{"key":"header","value":{"summary":"s"}}\n' + b"[" * 10_000 + b"\n",
        b'{"key":"header","value":{"summary":"s"}}\n{"key":"file","value":{"path":"a","content":"' + b"A" * (25 << 20),
    ],
)  # fmt: skip
def test_lines_that_are_none(repository, raw):
    answer = repository.commit(raw=raw)
    assert answer.status_code == 400
    assert answer["X-Error-Message"]
    assert not repository.card.has_frozen


def test_a_commit_of_very_many_changes(repository):
    """A hundred thousand at once pass in seconds; one more is refused before anything is done."""
    content = b"the same bytes"
    repository.arrive(content)
    many = [named(f"f/{number:06}", content) for number in range(100_000)]
    started = time.monotonic()
    assert repository.commit(*many).status_code == 200
    assert time.monotonic() - started < 60
    assert repository.card.file_count == 100_000
    assert repository.commit(*many, gone("f/000000")).status_code == 422
    assert repository.commit(gone("f", "deletedFolder")).status_code == 200
    assert repository.card.file_count == 0


def test_one_line_of_versions(repository):
    for revision in ("dev", "v1", "refs%2Fpr%2F1"):
        answer = repository.commit(file("a", b"1"), revision=revision)
        assert (answer.status_code, "branches" in answer["X-Error-Message"]) == (400, True)
    body = {"files": [{"path": "a", "size": 1, "sample": ""}]}
    assert repository.post("/api/datasets/ID/preupload/main?create_pr=1", body).status_code == 400
    assert repository.client.get("/api/datasets/lab/data/xet-write-token/None?create_pr=1").status_code == 400


def test_roles_and_tokens(repository, person):
    """Who may not push hears nothing; a reader is told; a browser's session alone writes nothing."""
    reader, stranger = person("reader"), person("stranger")
    project = datasets.get_project(repository.actor, "lab").resource
    policy.grant(
        repository.actor, project, subject_kind="person", subject_id=reader.id, role=policy.Role.READER
    )
    places = {
        "/api/datasets/lab/data/commit/main": b'{"key":"header","value":{"summary":"s"}}\n',
        "/api/datasets/lab/data/preupload/main": b'{"files":[]}',
        "/datasets/lab/data.git/info/lfs/objects/batch": b'{"operation":"upload","objects":[]}',
        "/datasets/lab/data.git/info/lfs/objects/verify": b'{"oid":"","size":0}',
        "/api/repos/create": b'{"type":"dataset","organization":"lab","name":"new"}',
    }
    for place, body in places.items():
        for client, status in (
            (caller_of(stranger), 404),
            (caller_of(reader), 403),
            (client_of(repository.actor), 401),
            (Client(), 401),
            (Client(headers={"authorization": "Bearer hf_wrong"}), 401),
        ):
            assert client.post(place, body, content_type="application/json").status_code == status, place
    for client, status in (
        (caller_of(stranger), 404),
        (caller_of(reader), 403),
        (client_of(repository.actor), 401),
    ):
        assert client.get("/api/datasets/lab/data/xet-write-token/main").status_code == status
    assert not repository.card.has_frozen


def test_a_role_taken_away_midway(repository, person):
    member = person("member")
    project = datasets.get_project(repository.actor, "lab").resource
    policy.grant(
        repository.actor, project, subject_kind="person", subject_id=member.id, role=policy.Role.EDITOR
    )
    theirs = Repository(member)
    card = theirs.card
    policy.revoke(repository.actor, project, subject_kind="person", subject_id=member.id)
    new = storage.NewObject(new_key(), 1, "file", new_id(), "")
    arrival = capture.StagedArrival(card.id, ("person", member.id, ""), new, b"\0" * 32, 1)
    with pytest.raises(NotFoundError):
        capture.stage_arrival(arrival)


def test_a_closed_account_midway(repository):
    from tsunagu.foundation.identity.models import Person

    Person.objects.filter(uid=repository.actor.id).update(is_active=False)
    with pytest.raises(CapabilityRefusedError):
        repository.arrive(b"x")


def test_a_waiting_object_that_was_lost_is_asked_for_again(repository):
    content = b"lost" * 1000
    key, _ = repository.arrive(content)
    storage.store().delete(key)
    assert "actions" in repository.batch(content).json()["objects"][0]
    assert repository.commit(named("x", content)).status_code == 422
