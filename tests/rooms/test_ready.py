"""A frozen version becomes tables: one for 200 files, labelled as its source, the same again when asked again."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from django_tasks_db.models import DBTaskResult

from tests.rooms.clients import client_of
from tsunagu.core.ids import new_id
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.api import NoSuchVersionError
from tsunagu.data.description import api as description
from tsunagu.data.description.extraction import files_of, read_files
from tsunagu.data.readiness import api as readiness
from tsunagu.data.readiness import judging, rulebook
from tsunagu.data.readiness.conversion import claim, run
from tsunagu.data.readiness.errors import NothingFrozenError
from tsunagu.data.readiness.models import Preparation
from tsunagu.data.readiness.tasks import forget, settle
from tsunagu.foundation.identity.api import SYSTEM
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage
from tsunagu.foundation.storage.stores import store

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stop_pool")]


@pytest.fixture
def ready(dataset, put):
    """Freezes files and makes them AI-ready; returns the preparation."""
    owner, card = dataset

    def make(files):
        put(owner, card, files)
        read_files(SYSTEM, new_id(), card.id, files_of(card.id))
        datasets.freeze_version(owner, card.id)
        return again()

    def again(version=None):
        held = datasets.get_dataset(owner, "lab", "data")
        asked = readiness.start(owner, held, version=version)
        row = Preparation.objects.get(run_id=asked.run_id)
        if row.state == "waiting" and claim(row):
            run(row)
        return readiness.card(owner, held, version=asked.number).preparation

    make.again = again
    return make


def tables_of(owner, done):
    """Every table of what was made, by name."""
    project, _, name = done.derived.partition("/")
    card = datasets.get_dataset(owner, project, name)
    page = datasets.list_files(owner, card, version=done.derived_number, prefix="data/")
    places = storage.locate([file.sha256 for file in page.files], card.domains)
    return {
        file.name.removesuffix(".parquet"): pq.read_table(
            io.BytesIO(b"".join(storage.read_pieces(places[file.sha256])))
        )
        for file in page.files
    }


def csv(number, unit="°C"):
    return f"time (s),Temp ({unit})\n0,{number}\n1,{number + 0.5}\n".encode()


def test_many_files_of_one_kind_become_one_table(dataset, ready):
    owner, _ = dataset
    done = ready({f"runs/run_{n:03}.csv": csv(n) for n in range(200)})
    assert (done.state, done.derived) == ("done", "lab/data-ready"), done.reason
    ((name, table),) = tables_of(owner, done).items()
    assert name == "run"
    assert table.num_rows == 400
    assert table.column("source_file").to_pylist()[:3] == ["runs/run_000.csv"] * 2 + ["runs/run_001.csv"]
    assert table.column("Temp").to_pylist()[-2:] == [199, 199.5]
    assert table.schema.field("Temp").metadata[b"unit"] == "°C".encode()


def test_the_card_says_what_is_met_and_what_is_not(dataset, ready):
    owner, _ = dataset
    ready({"a.csv": csv(1)})
    card = readiness.card(owner, datasets.get_dataset(owner, "lab", "data"))
    found = {one.rule.id: one for group in card.groups for one in group.results}
    assert found["tables"].verdict == "pass"
    assert found["licence"].verdict == "fail"
    assert found["ethics"].verdict == "unknown"
    assert found["leakage"].verdict == "not_applicable"
    assert 0 < card.score < 100


def results(card):
    return {one.rule.id: one for group in card.groups for one in group.results}


def test_labels_terms_words_and_access_follow_the_source(dataset, ready):
    owner, card = dataset
    datasets.set_label(owner, card, "personal", "pseudonymised")
    description.set_value(owner, card.id, "licence", "CC BY 4.0")
    description.set_value(owner, card.id, "title", "薄膜の測定")
    ai_use.set_terms(
        owner, card, ai_use.parse({"uses": {**dict.fromkeys(ai_use.USES, "ask"), "training": "deny"}})
    )
    done = ready({"a.csv": csv(1)})
    made = datasets.get_dataset(owner, "lab", "data-ready")
    assert made.access == policy.Access.CLOSED
    assert {one.name: one.value for one in datasets.labels(made)}["personal"] == "pseudonymised"
    assert ai_use.terms_of(made).terms.uses["training"] == "deny"
    values = {value.name: value for value in description.values(owner, made)}
    assert values["licence"].value == "CC BY 4.0"
    assert values["licence"].origin["kind"] == "derived"
    assert made.title == "薄膜の測定"
    run_card = runs.get(done.run_id)
    assert (run_card.kind, run_card.outcome) == ("derive", "ok")
    source = datasets.get_version(datasets.get_dataset(owner, "lab", "data"), 1)
    assert ("in", "version", source.version_hash) in {(x.direction, x.kind, x.id) for x in run_card.links}
    version = datasets.get_version(made, 1)
    assert ("out", "version", version.version_hash) in {(x.direction, x.kind, x.id) for x in run_card.links}


def test_what_a_person_says_of_the_derived_dataset_stays(dataset, ready):
    owner, card = dataset
    description.set_value(owner, card.id, "licence", "CC BY 4.0")
    ready({"a.csv": csv(1)})
    made = datasets.get_dataset(owner, "lab", "data-ready")
    description.set_value(owner, made.id, "licence", "CC0")
    description.set_value(owner, card.id, "licence", "CC BY-SA 4.0")
    ready({"b.csv": csv(2)})
    assert {v.name: v.value for v in description.values(owner, made)}["licence"] == "CC0"


def test_a_newer_version_becomes_a_newer_version_and_nothing_old_stays(dataset, ready):
    owner, card = dataset
    first = ready({"a.csv": csv(1), "b.csv": b"p,q\n1,2\n3,4\n"})
    assert set(tables_of(owner, first)) == {"a", "b"}
    datasets.remove_files(owner, card.id, ["b.csv"])
    second = ready({"c.csv": csv(2)})
    assert (first.derived_number, second.derived_number) == (1, 2)
    assert set(tables_of(owner, second)) == {"csv"}
    assert set(tables_of(owner, first)) == {"a", "b"}


def test_tables_are_read_while_others_are_made(dataset, ready, monkeypatch):
    from tsunagu.data.readiness import conversion

    owner, _ = dataset
    read, made = [], []

    def reading(actor, run_id, dataset_id, files, **more):
        read.append((len(made), [path for path, _, _ in files]))
        return read_files(actor, run_id, dataset_id, files, **more)

    def making(self, plan, *rest, **more):
        made.append(plan.path)
        return make(self, plan, *rest, **more)

    make = conversion.making.Here.make
    monkeypatch.setattr(conversion.making.Here, "make", making)
    monkeypatch.setattr(conversion.description, "read_files", reading)
    done = ready({f"{name}.csv": f"{name}x,{name}y\n1,2\n".encode() for name in "abcdefghijk"})
    assert len(made) == 11
    # Ever larger groups, and what is left at the end, where the others have a reading already.
    assert [(at, len(paths)) for at, paths in read[:-1]] == [(4, 4), (8, 4)]
    assert [path for _, paths in read[:-1] for path in paths] == made[:8]
    assert set(made) < set(read[-1][1])
    card = datasets.get_dataset(owner, "lab", "data-ready")
    files = datasets.list_files(owner, card, version=done.derived_number, prefix="data/").files
    found = description.outcomes(card, [file.sha256 for file in files])
    assert {one["status"] for one in found.values()} == {"read"}
    assert len(found) == 11
    extracts = [one for one in runs.of_dataset(done.derived_id) if one.kind == "extract"]
    assert sorted(one.parameters["file_count"] for one in extracts)[:2] == [4, 4]


def test_who_waits_asks_how_far_it_is(dataset, ready):
    owner, _card = dataset
    held = datasets.get_dataset(owner, "lab", "data")
    with pytest.raises(NothingFrozenError):
        readiness.preparation(owner, held)
    done = ready({"a.csv": csv(1)})
    held = datasets.get_dataset(owner, "lab", "data")
    assert readiness.preparation(owner, held) == readiness.preparation(owner, held, version=1) == done
    assert done.done_bytes == done.total_bytes > 0
    with pytest.raises(NoSuchVersionError):
        readiness.preparation(owner, held, version=2)


def test_asked_again_nothing_happens(ready):
    done = ready({"a.csv": csv(1)})
    before = len(runs.of_dataset(done.derived_id))
    assert ready.again() == done
    assert len(runs.of_dataset(done.derived_id)) == before
    assert Preparation.objects.count() == 1


def test_after_a_kill_in_the_middle_the_same_comes_out(dataset, ready, put, monkeypatch):
    """The worker dies when the first of two tables is in the draft; another takes the job up."""
    from tsunagu.data.readiness import making

    owner, _ = dataset

    class KilledError(BaseException):
        pass

    made = []

    def dying(self, plan, *rest, **more):
        if made:
            raise KilledError
        made.append(plan.name)
        return make(self, plan, *rest, **more)

    make = making.Here.make
    with monkeypatch.context() as patch:
        patch.setattr(making.Here, "make", dying)
        with pytest.raises(KilledError):
            ready({"a.csv": csv(1), "b.csv": b"p,q\n1,2\n3,4\n"})
    row = Preparation.objects.get()
    assert row.state == "working"
    assert datasets.get_dataset(owner, "lab", "data-ready").last_version == 0
    run(row)
    done = readiness.card(owner, datasets.get_dataset(owner, "lab", "data")).preparation
    assert (done.state, done.derived_number) == ("done", 1)
    assert set(tables_of(owner, done)) == {"a", "b"}
    kinds = [one.kind for one in runs.of_dataset(done.derived_id)]
    assert kinds.count("derive") == 1


def test_a_dataset_that_people_made_is_never_touched(dataset, ready, put):
    owner, _ = dataset
    mine = datasets.create_dataset(owner, "lab", "data-ready")
    put(owner, mine, {"mine.txt": b"1"})
    with pytest.raises(readiness.ForeignDatasetError):
        ready({"a.csv": csv(1)})
    assert [f.path for f in datasets.all_files(mine, 1)] == ["mine.txt"]


def test_who_may_not_write_there_is_refused_before_anything_is_made(dataset, ready, person):
    owner, _ = dataset
    ready({"a.csv": csv(1)})
    reader = person("reader")
    home = datasets.get_project(owner, "lab").resource
    policy.place(home, subject_kind="person", subject_id=reader.id, role=policy.Role.READER, by=owner.id)
    held = datasets.get_dataset(reader, "lab", "data")
    assert readiness.card(reader, held).is_prepared
    with pytest.raises(policy.ActionDeniedError):
        readiness.start(reader, held)
    with pytest.raises(policy.ActionDeniedError):
        readiness.attest(reader, held, "ethics", "yes")


def test_a_draft_is_not_made_ready(dataset, put):
    owner, card = dataset
    put(owner, card, {"a.csv": csv(1)})
    with pytest.raises(readiness.NothingFrozenError):
        readiness.start(owner, datasets.get_dataset(owner, "lab", "data"))


def test_what_is_made_of_sealed_bytes_is_sealed(dataset, ready):
    owner, card = dataset
    datasets.seal(owner, card.id)
    done = ready({"a.csv": b"name,v\nvery-secret-word,1\nother,2\n"})
    made = datasets.get_dataset(owner, "lab", "data-ready")
    assert made.seal_state == "sealed"
    assert made.key_domain != card.key_domain
    assert tables_of(owner, done)["a"].column("name").to_pylist()[0] == "very-secret-word"
    for item in store().list():
        with store().open(item.key) as found:
            assert b"very-secret-word" not in b"".join(found.pieces())
    assert "very-secret-word" not in str(list(Preparation.objects.values()))


def test_a_broken_file_is_named_on_the_card(dataset, ready):
    owner, _ = dataset
    broken = ("name,v\n" + "測定,1\n" * 9000).encode() + "測定,2\n".encode("cp932")
    done = ready({"a.csv": b"name,v\nx,1\ny,2\n", "b.csv": broken})
    card = readiness.card(owner, datasets.get_dataset(owner, "lab", "data"))
    assert done.state == "done"
    readable = results(card)["readable"]
    assert readable.verdict == "fail"
    assert readable.evidence["example"] == "b.csv"
    assert "b.csv" in readable.says["ja"]


def test_units_that_disagree_are_kept_apart_and_said(dataset, ready):
    owner, _ = dataset
    done = ready({"a.csv": csv(1), "b.csv": csv(300, unit="K")})
    assert len(tables_of(owner, done)) == 2
    found = results(readiness.card(owner, datasets.get_dataset(owner, "lab", "data")))["units_agree"]
    assert found.verdict == "fail"
    assert found.evidence["column"] == "Temp"


def test_nothing_to_make_is_an_answer_too(dataset, ready):
    owner, _ = dataset
    done = ready({"note.txt": b"pump started\npump stopped\n"})
    assert done.state == "done"
    assert (
        results(readiness.card(owner, datasets.get_dataset(owner, "lab", "data")))["tables"].verdict == "fail"
    )


def test_people_attest_and_it_counts(dataset, ready):
    owner, _ = dataset
    ready({"a.csv": b"name,v\n" + "佐藤 花子,1\n鈴木 一郎,2\n".encode()})
    held = datasets.get_dataset(owner, "lab", "data")
    before = readiness.card(owner, held)
    assert results(before)["personal"].verdict == "fail"
    assert results(before)["personal"].evidence["kinds"] == {"name": 2}
    assert "佐藤" not in str(before)
    readiness.attest(owner, held, "personal", "yes", note="names of instruments")
    readiness.attest(owner, held, "ethics", "yes", note="approval 12")
    after = readiness.card(owner, held)
    assert results(after)["personal"].verdict == results(after)["ethics"].verdict == "pass"
    assert after.score > before.score
    assert runs.get(results(after)["ethics"].attested["run"]).kind == "attest_readiness"
    readiness.attest(owner, held, "ethics", "no")
    assert results(readiness.card(owner, held))["ethics"].verdict == "fail"
    with pytest.raises(readiness.NotAttestedError):
        readiness.attest(owner, held, "licence", "yes")


def test_a_destroyed_result_leaves_an_honest_card(dataset, ready):
    owner, _ = dataset
    done = ready({"a.csv": csv(1)})
    datasets.remove_dataset(owner, datasets.get_dataset(owner, "lab", "data-ready"), reason="by mistake")
    forget.call(dataset_id=done.derived_id)
    card = readiness.card(owner, datasets.get_dataset(owner, "lab", "data"))
    assert not card.is_prepared
    assert results(card)["tables"].verdict == "unknown"
    with pytest.raises(datasets.DatasetRemovedError):
        ready.again()


def test_two_versions_do_not_mix_in_the_draft_that_they_share(dataset, ready):
    owner, _ = dataset
    ready({"a.csv": csv(1)})
    held = datasets.get_dataset(owner, "lab", "data")
    Preparation.objects.update(state="working")
    other = Preparation.objects.get()
    other.pk, other.run_id, other.version_hash, other.state = None, new_id(), "f" * 64, "waiting"
    other.save()
    assert not claim(other)
    Preparation.objects.exclude(pk=other.pk).update(state="done")
    assert claim(other)
    assert readiness.card(owner, held).is_prepared


def test_what_no_worker_takes_up_ends_and_may_be_asked_again(dataset, ready):
    owner, _ = dataset
    done = ready({"a.csv": csv(1)})
    Preparation.objects.update(state="working")
    settle.call()
    assert Preparation.objects.get().state == "working", "its job waits"
    DBTaskResult.objects.all().delete()
    settle.call()
    lost = readiness.card(owner, datasets.get_dataset(owner, "lab", "data")).preparation
    assert lost.state == "failed"
    again = ready.again()
    assert (again.state, again.derived_number) == ("done", done.derived_number)
    assert again.run_id != done.run_id


def test_what_was_made_ready_has_a_card_and_is_not_made_again(dataset, ready):
    owner, _ = dataset
    ready({"a.csv": csv(1)})
    made = datasets.get_dataset(owner, "lab", "data-ready")
    assert results(readiness.card(owner, made))["tables"].verdict == "pass"
    with pytest.raises(readiness.ReadyAlreadyError):
        readiness.start(owner, made)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_page_leads_from_a_draft_to_a_card(dataset, put, language):
    owner, card = dataset
    browser = client_of(owner, language)
    put(owner, card, {"z.csv": csv(9)})
    assert b"/d/lab/data/freeze" in browser.get("/d/lab/data/ready").content
    datasets.freeze_version(owner, card.id)
    first = browser.get("/d/lab/data/ready")
    assert {"ja": "AI-Ready にする", "en": "Make it AI-ready"}[language] in first.content.decode()
    assert browser.post("/d/lab/data/ready").status_code == 302
    waiting = browser.get("/d/lab/data/ready").content.decode()
    assert 'hx-get="/d/lab/data/ready/progress?version=1&watched=0"' in waiting.replace("&amp;", "&")
    row = Preparation.objects.get()
    assert claim(row)
    run(row)
    assert b"hx-get" not in browser.get("/d/lab/data/ready/progress?version=1").content
    shown = browser.get("/d/lab/data/ready").content.decode()
    assert "/d/lab/data-ready?version=1" in shown
    answered = browser.post("/d/lab/data/ready", {"rule": "ethics", "answer": "yes", "note": "承認 12"})
    assert answered.status_code == 302
    assert "承認 12" in browser.get("/d/lab/data/ready").content.decode()


def test_every_rule_says_something_for_every_verdict_in_both_languages():
    rules = rulebook.current()
    for rule in rules.rules:
        for verdict in ("pass", "fail", "unknown", "not_applicable"):
            assert set(rule.says[verdict]) == {"ja", "en"}, rule.id
    assert {rule.group for rule in rules.rules} == set(rules.groups)
    used = {rule.check for rule in rules.rules if rule.check}
    assert used == set(judging.CHECKS), "a check that no rule asks for, or the other way round"


@pytest.mark.parametrize(
    "change",
    [
        ("group: structure", "group: nowhere"),
        ("decided_by: machine", "decided_by: nobody"),
        ("- id: readable", "- id: tables"),
        ("- id: readable", "- id: unheard-of"),
        ("page: metadata", "page: elsewhere"),
        ("rules:", "rulez:"),
    ],
)
def test_a_broken_rule_set_is_refused_by_name(change):
    text = (Path(rulebook.__file__).parent / "rules" / "ai-ready.yaml").read_text("utf-8")
    with pytest.raises(readiness.BadRulesError):
        rulebook.parsed(text.replace(*change, 1))


def test_people_say_what_columns_mean_where_the_files_do_not(dataset, ready):
    owner, card = dataset
    description.set_value(owner, card.id, "column:I", "current through the cell", unit="mA")
    description.set_value(owner, card.id, "column:T", "never mind", unit="K")
    done = ready({"a.csv": b"I,T (degC)\n1.5,20.5\n2.5,21.5\n"})
    schema = tables_of(owner, done)["a"].schema
    assert schema.field("I").metadata[b"unit"] == b"mA"
    assert schema.field("I").metadata[b"description"] == b"current through the cell"
    assert schema.field("T").metadata[b"unit"] == b"degC", "the file is believed"
    found = results(readiness.card(owner, datasets.get_dataset(owner, "lab", "data")))
    assert found["units"].verdict == found["column_words"].verdict == "pass"
