"""Pages cost the same for any size, and say what the rooms know."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tsunagu.core import jobs
from tsunagu.data.datasets import api as datasets
from tsunagu.data.description import api as description
from tsunagu.data.description.tasks import read_again, read_batch

pytestmark = pytest.mark.django_db
PAGES = ("", "/files", "/metadata", "/provenance", "/versions", "/access", "/freeze", "/progress")


@pytest.fixture
def browser(dataset: Any) -> Client:
    from tsunagu.foundation.identity.models import Person

    client = Client()
    client.force_login(
        Person.objects.get(email="owner@example.org"),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    return client


def queries(browser: Client, page: str) -> list[str]:
    browser.get(f"/d/lab/data{page}")  # fills caches
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert browser.get(f"/d/lab/data{page}").status_code == 200
    return [query["sql"] for query in seen.captured_queries]


def test_pages_ask_as_often_for_ten_thousand_files_as_for_ten(dataset, put, browser, monkeypatch):
    # Once a second, whatever is asked, a process looks whether the rules changed: not a cost of these pages.
    monkeypatch.setattr("tsunagu.foundation.policy.rulebook._LOOK_AGAIN_S", 3600)
    owner, card = dataset
    put(owner, card, {"b.txt": b"b", **{f"a/f{n:05}.txt": b"%d" % n for n in range(10)}})
    few = {page: queries(browser, page) for page in PAGES}
    put(owner, card, {f"a/f{n:05}.txt": b"%d" % n for n in range(10_000)})
    put(owner, card, {f"b{n}.txt": b"b%d" % n for n in range(100)})
    many = {page: queries(browser, page) for page in PAGES}
    assert {page: len(asked) for page, asked in many.items()} == {
        page: len(asked) for page, asked in few.items()
    }
    assert not [sql for asked in many.values() for sql in asked if " OFFSET " in sql.upper()]
    assert max(map(len, many.values())) <= 38


def test_a_list_says_that_a_frozen_dataset_has_changed(dataset, put):
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})

    def state() -> str:
        return datasets.list_datasets(owner)[0][0].state

    assert state() == "draft"
    datasets.freeze_version(owner, card.id)
    assert state() == "frozen"
    put(owner, card, {"b.txt": b"2"})
    assert state() == "changed"
    datasets.freeze_version(owner, card.id)
    assert state() == "frozen"
    datasets.remove_files(owner, card.id, ["b.txt"])
    assert state() == datasets.get_dataset(owner, "lab", "data").state == "changed"
    datasets.freeze_version(owner, card.id)
    description.set_value(owner, card.id, "title", "Other")
    assert state() == "changed"


def test_lists_show_titles_in_both_languages_and_strangers_only_frozen_ones(dataset, put, person, browser):
    owner, card = dataset
    stranger = person("stranger")
    put(owner, card, {"a.txt": b"1"})
    description.set_value(owner, card.id, "title", "正極の測定")
    description.set_value(owner, card.id, "title_en", "Cathodes")
    page = browser.get("/datasets", headers={"Accept-Language": "en"}).content.decode()
    assert page.index("Cathodes") < page.index("正極の測定")
    page = browser.get("/datasets", headers={"Accept-Language": "ja"}).content.decode()
    assert page.index("正極の測定") < page.index("Cathodes")
    datasets.set_access(owner, card.id, datasets_access("open"))
    datasets.freeze_version(owner, card.id)
    description.set_value(owner, card.id, "title", "秘密の題")
    description.set_value(owner, card.id, "title_en", "Secret title")
    put(owner, card, {"b.txt": b"2"})
    (seen,), _more = datasets.list_datasets(stranger)
    assert (seen.title, seen.described["title_en"]["value"]) == ("正極の測定", "Cathodes")
    assert (seen.state, seen.file_count) == ("frozen", 1)


def datasets_access(name: str) -> Any:
    from tsunagu.foundation.policy import api as policy

    return policy.Access(name)


def test_progress_follows_the_queue(dataset, put):
    owner, card = dataset
    put(owner, card, {f"{n}.txt": b"%d" % n for n in range(30)})

    def progress() -> description.ReadingProgress:
        return description.progress(datasets.get_dataset(owner, "lab", "data"))

    assert progress().is_running  # the unit waits to be split into batches
    assert progress().done == 0
    jobs.DBTaskResult.objects.all().delete()
    assert progress() == description.ReadingProgress(is_running=False, is_again=False, done=30, total=30)
    read_batch.enqueue(dataset_id=card.id, unit="u", start=0, run_id="r")
    assert progress().is_running
    read_batch.enqueue(dataset_id="another", unit="u", start=0, run_id="r")
    jobs.DBTaskResult.objects.filter(args_kwargs__kwargs__dataset_id=card.id).delete()
    assert not progress().is_running
    read_again.enqueue(dataset_id=card.id, actor_id="p", actor_name="p", after=20, run_id="r")
    assert progress() == description.ReadingProgress(is_running=True, is_again=True, done=20, total=30)


def test_the_fragment_asks_again_only_while_work_waits(dataset, put, browser):
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})
    running = browser.get("/d/lab/data/progress?watched=30").content.decode()
    assert 'hx-trigger="load delay:2s, wake"' in running
    assert "watched=32" in running
    jobs.DBTaskResult.objects.all().delete()
    ended = browser.get("/d/lab/data/progress?watched=30").content.decode()
    assert "hx-trigger" not in ended
    assert "hx-get" not in ended


def test_looking_at_the_upload_page_writes_nothing(dataset, browser):
    from tsunagu.foundation.runs import api as runs

    _owner, card = dataset
    before = len(runs.of_dataset(card.id))
    assert browser.get("/d/lab/data/upload").status_code == 200
    assert len(runs.of_dataset(card.id)) == before
    assert browser.post("/d/lab/data/upload", {"plain": "1"}).status_code == 200
    assert len(runs.of_dataset(card.id)) == before + 1


def test_saved_receipts_name_every_file(dataset, put, browser):
    owner, card = dataset
    run = put(owner, card, {"a.txt": b"1", "b\\n.txt": b"2"})["run"]
    text = browser.get(f"/receipts/{run}.txt").content.decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(lines) == 2
    assert any(line.startswith("\\") and line.endswith("b\\\\n.txt") for line in lines)
    saved = browser.get(f"/receipts/{run}.json")
    assert {file["path"] for file in saved.json()["files"]} == {"a.txt", "b\\n.txt"}
    assert browser.get("/receipts/01ARZ3NDEKTSV4RRFFQ69G5FAV.txt").status_code == 404


def test_a_forged_form_gets_a_page_that_says_what_to_do(dataset):
    from tsunagu.foundation.identity.models import Person

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(
        Person.objects.get(email="owner@example.org"),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    answer = strict.post("/projects", {"name": "forged"}, headers={"Accept-Language": "ja"})
    assert answer.status_code == 403
    assert "web.page_stale" in answer.content.decode()
    assert "ページを開き直して" in answer.content.decode()


def test_a_description_tells_what_a_version_changed(dataset, put, browser):
    owner, card = dataset
    put(owner, card, {"a.txt": b"1"})
    description.set_value(owner, card.id, "title", "First")
    datasets.freeze_version(owner, card.id)
    description.set_value(owner, card.id, "title", "Second")
    page = browser.get("/d/lab/data/versions?from=1&to=2").content.decode()
    assert "First" in page
    assert "Second" in page


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/d/lab/nothing", "データセット lab/nothing は存在しないか、閲覧できません。"),
        ("/projects/none", "プロジェクト none は存在しないか、閲覧できません。"),
        ("/d/lab/data/file/a%20%25s.csv", "ファイル a %s.csv は、この版にはありません。"),
    ],
)
def test_what_is_not_there_is_said_in_the_readers_language(browser, address, said):
    answer = browser.get(address, headers={"Accept-Language": "ja"})
    assert answer.status_code == 404
    assert said in answer.content.decode()
    assert "There is no" not in answer.content.decode()
