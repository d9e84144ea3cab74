"""Searching: what is found, what people type, and that nobody finds what lists do not show them."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace

import pytest

from tests.rooms import rule_worlds
from tsunagu.core import clock
from tsunagu.core import settings as node_settings
from tsunagu.core.ids import new_id
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.models import Dataset
from tsunagu.data.description import api as description
from tsunagu.data.description.extraction import files_of, pool, read_files
from tsunagu.data.discovery import api as discovery
from tsunagu.data.discovery import indexing, selectors
from tsunagu.data.discovery.clauses import FACETS, Measured, Question, Seen
from tsunagu.data.discovery.documents import Document, documents
from tsunagu.data.discovery.embedded import Tantivy
from tsunagu.data.discovery.grown import PostgreSQL
from tsunagu.data.discovery.saved import ask_all_again
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.policy import api as policy


@pytest.fixture
def index(tmp_path, monkeypatch):
    """An empty index of this test's own, of the kind that the node is set to."""
    grown = node_settings.current().search_engine == "postgresql"
    made = PostgreSQL() if grown else Tantivy(tmp_path / "search")
    for module in ("engines", "indexing", "selectors"):
        monkeypatch.setattr(f"tsunagu.data.discovery.{module}.engine", lambda: made)
    return made


@pytest.fixture
def library(dataset, put, index):
    """Three datasets of one owner, described in both languages."""
    owner, first = dataset
    description.set_value(owner, first.id, "title", "LiCoO2 正極材料の充放電サイクル")
    description.set_value(owner, first.id, "title_en", "Cycling of LiCoO2 cathodes")
    description.set_value(
        owner, first.id, "description", "リチウムイオン電池の劣化をＸ線回折で測定した。研究。究明"
    )
    description.set_value(owner, first.id, "keywords", "電池, cathode")
    description.set_value(owner, first.id, "creators", "山田 花子, Taro Suzuki")
    description.set_value(owner, first.id, "licence", "cc-by-4.0")
    put(owner, first, {"a.csv": b"x,y\n1,2\n", "README.md": "# はじめに\n恒温槽は25℃に保った。\n".encode()})
    second = datasets.create_dataset(owner, "lab", "second", title="東京都の気温 Café")
    third = datasets.create_dataset(owner, "lab", "third", title="Si wafer 🔬 مرحبا")
    discovery.catch_up()
    return owner, first, second, third


def names(actor, text="", **more):
    return {hit.name for hit in discovery.search(actor, text, **more).hits}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("電池", {"data"}),
        ("正極", {"data"}),
        ("リチウムイオン", {"data"}),
        ("ﾘﾁｳﾑｲｵﾝ", {"data"}),
        ("ｌｉｃｏｏ２", {"data"}),
        ("LICOO2 cathodes", {"data"}),
        ("cathode -cycling", set()),
        ('"cycling of licoo2"', {"data"}),
        ('"licoo2 of cycling"', set()),
        ("「充放電サイクル」", {"data"}),
        ("X線", {"data"}),
        ("線", {"data"}),
        ("研究明", set()),
        ("cafe", {"second"}),
        ("cath*", {"data"}),
        ("cathode", {"data"}),
        ("wafers", {"third"}),
        ("🔬", {"third"}),
        ("مرحبا", {"third"}),
        ("creator:山田", {"data"}),
        ("作成者：鈴木", set()),
        ("creator:suzuki", {"data"}),
        ("licence:CC-BY-4.0", {"data"}),
        ("project:lab", {"data", "second", "third"}),
        ("project:other", set()),
        ("access:closed", {"data", "second", "third"}),
        ("公開範囲:公開", set()),
        ("after:2020 before:2999", {"data", "second", "third"}),
        ("before:2020-01", set()),
        ('"licoo2', {"data"}),
        ("タイトル:気温", {"second"}),
        ("-気温", {"data", "third"}),
        ("", {"data", "second", "third"}),
    ],
)
def test_what_is_typed_finds_what_is_meant(library, typed, expected):
    owner, *_ = library
    found = discovery.search(owner, typed)
    assert ({hit.name for hit in found.hits} if not found.is_loosened else set()) == expected
    assert found.total == len(found.hits)


@pytest.mark.parametrize(
    "typed", ['""', '"', "::", "-", "の", "!!!", "\x00\u202e", "a:b:c", "voltage:>", "((", "x" * 10_000]
)
def test_nothing_that_is_typed_is_an_error(library, typed):
    found = discovery.search(library[0], typed)
    assert found.cut == max(0, len(typed) - 1000)
    assert {row.text for row in discovery.suggest(library[0], typed[:100])} <= {"電池", "cathode"}


def test_two_hundred_random_questions_are_no_errors(library):
    dice = random.Random(8)
    signs = [
        *list("\"'-:*<>=.~()[]{}^$|\\/+ \u3000・。ー線電x1é٣🔬\u200f\x07ﾞ"),
        "voltage:",
        "temperature:",
        "year:",
        "..",
        "kV",
        "before:",
    ]
    for _ in range(200):
        typed = "".join(dice.choices(signs, k=dice.randrange(1, 25)))
        found = discovery.search(
            library[0], typed, chosen={"year": [typed], "creator": [typed], "project": [typed]}
        )
        assert found.total >= 0, typed
        discovery.search(library[0], typed)
        discovery.suggest(library[0], typed)


def test_where_no_record_has_all_words_some_are_enough(library):
    found = discovery.search(library[0], "正極材料における放電容量の劣化")
    assert found.is_loosened
    assert found.hits[0].name == "data"


def test_hits_say_where_the_words_stand(library):
    hit = discovery.search(library[0], "ﾘﾁｳﾑ").hits[0]
    assert [piece.text for piece in hit.why if piece.is_match] == ["リチウム"]
    hit = discovery.search(library[0], "cathode").hits[0]
    assert [piece.text for piece in hit.titles[1] if piece.is_match] == ["cathodes"]
    hit = discovery.search(library[0], "licoo2").hits[0]
    assert [piece.text for piece in hit.titles[0] if piece.is_match] == ["LiCoO2"]


def test_a_change_is_found_after_the_next_look(library):
    owner, first, *_ = library
    description.set_value(owner, first.id, "title", "全固体")
    assert names(owner, "全固体") == set()
    assert discovery.catch_up() == 1
    assert names(owner, "全固体") == {"data"}
    assert discovery.catch_up() == 0


def test_an_index_that_was_deleted_is_made_anew(library, index, tmp_path):
    owner, *_ = library
    if not isinstance(index, Tantivy):
        pytest.skip("the index stands in the database")
    shutil.rmtree(tmp_path / "search")
    fresh = Tantivy(tmp_path / "search")
    assert not fresh.is_whole()
    assert discovery.search(owner, "電池").is_building
    index.close()
    discovery.catch_up()
    assert names(owner, "電池") == {"data"}


def test_a_writer_that_is_killed_loses_nothing(library, index, monkeypatch):
    """After the index has a change and before its row is gone; and while documents go in."""
    owner, first, second, _third = library
    description.set_value(owner, first.id, "title", "全固体")
    with monkeypatch.context() as patched:
        patched.setattr(indexing.Pending.objects, "filter", _killed)
        with pytest.raises(KeyboardInterrupt):
            indexing.apply_pending()
    assert discovery.catch_up() == 1
    description.set_value(owner, second.id, "title", "半固体")
    with monkeypatch.context() as patched:
        patched.setattr(indexing, "documents", lambda ids: _half(documents(ids)))
        with pytest.raises(KeyboardInterrupt):
            indexing.apply_pending()
    assert names(owner, "気温") == {"second"}  # neither half of it is there
    if isinstance(index, Tantivy):
        index.close()
    assert discovery.catch_up() == 1
    assert (names(owner, "全固体"), names(owner, "半固体"), names(owner, "気温")) == (
        {"data"},
        {"second"},
        set(),
    )


def _killed(**_of):
    raise KeyboardInterrupt


def _half(several):
    yield several[0]
    raise KeyboardInterrupt


def test_an_index_of_another_database_is_made_anew(library):
    owner, first, *_ = library
    assert indexing.settle() == 0
    Dataset.objects.exclude(uid=first.id).delete()  # as if an older copy of the database had been put back
    assert names(owner) == {"data"}
    assert discovery.search(owner).total == 3
    indexing.settle()
    assert discovery.search(owner).total == 1


def test_others_find_the_last_version_and_never_the_draft(library, person):
    owner, first, *_ = library
    datasets.freeze_version(owner, first.id)
    datasets.set_access(owner, first.id, policy.Access.OPEN)
    description.set_value(owner, first.id, "title", "秘密の下書き")
    discovery.catch_up()
    stranger = person("stranger")
    assert names(owner, "秘密の下書き") == {"data"}
    assert names(stranger, "秘密の下書き") == set()
    assert names(stranger, "充放電") == {"data"}
    assert names(owner, "充放電サイクル") == set() or discovery.search(owner, "充放電サイクル").is_loosened
    assert {row.text for row in discovery.suggest(stranger, "秘")} == set()
    assert [row.count for row in discovery.suggest(stranger, "cath")] == [1]


def test_what_was_just_closed_is_not_found_before_the_index_knows(library, person):
    owner, first, *_ = library
    datasets.freeze_version(owner, first.id)
    datasets.set_access(owner, first.id, policy.Access.OPEN)
    discovery.catch_up()
    stranger = person("stranger")
    assert names(stranger, "電池") == {"data"}
    datasets.set_access(owner, first.id, policy.Access.CLOSED)
    found = discovery.search(stranger, "電池")
    assert (found.total, found.hits) == (0, ())
    assert not any(found.facets.values())


SPECTRUM = b"""##TITLE=x
##JCAMP-DX=5.01
##DATA TYPE=INFRARED SPECTRUM
##XUNITS=1/CM
##YUNITS=ABSORBANCE
##FIRSTX=400
##LASTX=402
##DELTAX=1
##NPOINTS=3
##TEMPERATURE=26.85
##XYDATA=(X++(Y..Y))
400 1 2 3
##END=
"""


@pytest.fixture
def read():
    """Reads the files of a dataset as the worker does."""
    yield lambda card: read_files(identity.SYSTEM, new_id(), card.id, files_of(card.id))
    pool().close()
    pool.cache_clear()


def test_values_of_files_are_found_by_range_with_units(dataset, put, read, index):
    owner, card = dataset
    put(owner, card, {"a.jdx": SPECTRUM})
    read(card)
    discovery.catch_up()
    for typed in (
        "temperature:>290K",
        "温度:20℃..30℃",
        "temperature:300K",
        "temperature:..310K",
        "format:jcamp",
    ):
        assert names(owner, typed) == {"data"}, typed
    for typed in ("temperature:> 310 K", "temperature:<26℃", "temperature:310K..400K", "voltage:>40kV"):
        assert names(owner, typed) == set(), typed
    assert names(owner, "technique:infrared") == names(owner, "format:jcamp -technique:nmr")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-6, None, {"a", "b", "c"}),
        (None, -5.5, {"a"}),
        (-6.0, -5.0, {"a"}),
        (-1, 1e-6, {"b"}),
        (0, 0.5, {"b"}),
        (-1.25, 7, {"b"}),
        (1, 0.5, set()),
        (1e29, 1e300, {"c"}),
        (1e300, None, set()),
    ],
)
@pytest.mark.django_db
def test_numbers_of_every_size_and_sign_are_compared(index, low, high, expected):
    index.begin_anew()
    index.add(replace(_RECORD, id=key, numbers={"t": (number,)}) for key, number in _NUMBERS.items())
    index.finish()
    seen = Seen(policy.Every(), policy.Every(), frozenset(), 0)
    assert set(index.answer(Question((Measured(("t",), low, high),)), seen).ids) == expected


_NUMBERS = {"a": -5.5, "b": 1e-9, "c": 1e30}
_RECORD = Document(
    id="",
    face="both",
    project_id="p",
    project="p",
    access="open",
    embargo_until_s=0,
    has_frozen=True,
    labels={},
    origins=(),
    titles=("x",),
    slug="p/d",
)


def test_hits_page_without_gap_or_repeat(person, index):
    owner = person()
    datasets.create_project(owner, "many")
    for number in range(45):
        datasets.create_dataset(owner, "many", f"d{number:02}", title="同じ題名")
    discovery.catch_up()
    seen, after = [], ""
    while True:
        found = discovery.search(owner, "題名", after=after, limit=20)
        seen += [hit.name for hit in found.hits]
        after = found.after
        if not after:
            break
    assert sorted(seen) == [f"d{number:02}" for number in range(45)]
    assert found.total == 45
    assert discovery.search(owner, "題名", after="nonsense").hits


def test_facets_count_and_narrow(library):
    owner, *_ = library
    found = discovery.search(owner)
    assert [(one.value, one.count) for one in found.facets["licence"] if one.value != "none"] == [
        ("CC-BY-4.0", 1)
    ]
    assert {(one.value, one.count) for one in found.facets["creator"]} == {
        ("山田 花子", 1),
        ("Taro Suzuki", 1),
    }
    narrowed = discovery.search(owner, chosen={"creator": ["taro suzuki"]})
    assert [hit.name for hit in narrowed.hits] == ["data"]
    assert [one.is_chosen for one in narrowed.facets["creator"] if one.value == "Taro Suzuki"] == [True]


def test_the_index_of_a_sealed_dataset_holds_only_what_people_wrote(library, read):
    owner, first, *_ = library
    assert names(owner, "恒温槽") == set()  # not read yet
    read(first)
    discovery.catch_up()
    assert names(owner, "恒温槽") == {"data"}
    datasets.seal(owner, first.id)
    discovery.catch_up()
    assert names(owner, "恒温槽") == set()
    assert names(owner, "充放電") == {"data"}


@pytest.mark.parametrize("seed", range(6))
def test_hits_counts_and_facets_are_those_that_lists_show(person, index, seed):
    """For people of every kind and random rules the index answers as the database does."""
    dice = random.Random(seed)
    owner = person()
    people = [person(f"p{number}", is_admin=number == 0) for number in range(3)]
    world = rule_worlds.make_world(dice, owner, people, 24)
    discovery.catch_up()
    for _ in range(6):
        book = rule_worlds.book(rule_worlds.random_texts(dice, world))
        for actor in world.actors:
            shown = rule_worlds.listed(actor, "dataset.read", book)
            seen = selectors.seen_by(actor, book=book)
            answer = index.answer(Question((), limit=100, sort="newest", facets=FACETS), seen)
            assert set(answer.ids) == shown
            assert len(answer.ids) == answer.total == len(shown)
            assert dict(answer.counts()["access"]) == _access_of(shown)
            assert dict(answer.counts()["project"]) == _projects_of(shown)


def _access_of(ids):
    now_s = clock.now().timestamp()
    counts = {}
    for row in Dataset.objects.filter(uid__in=ids):
        access = "closed" if row.embargo_until_s > now_s else row.access
        counts[access] = counts.get(access, 0) + 1
    return counts


def _projects_of(ids):
    counts = {}
    for row in Dataset.objects.filter(uid__in=ids).select_related("project"):
        counts[row.project.name] = counts.get(row.project.name, 0) + 1
    return counts


def test_saved_searches_tell_what_is_new_and_forget_what_was_closed(library, person):
    owner, _first, second, _third = library
    reader = person("reader")
    saved = discovery.save(reader, "気温")
    assert discovery.list_saved(reader)[0].fresh_count == 0
    description.set_value(owner, second.id, "title", "東京都の気温")
    datasets.freeze_version(owner, second.id)
    datasets.set_access(owner, second.id, policy.Access.SHARED)
    discovery.catch_up()
    assert ask_all_again() == 1
    assert discovery.list_saved(reader)[0].fresh_count == 1
    datasets.set_access(owner, second.id, policy.Access.CLOSED)
    assert discovery.list_saved(reader)[0].fresh_count == 0
    datasets.set_access(owner, second.id, policy.Access.SHARED)
    assert discovery.open_saved(reader, saved.id).query == "気温"
    assert discovery.list_saved(reader)[0].fresh_count == 0
    with pytest.raises(discovery.NoSuchSearchError):
        discovery.open_saved(owner, saved.id)
    discovery.forget(reader, saved.id)
    assert discovery.list_saved(reader) == []
