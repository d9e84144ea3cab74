"""Both indexes find the same records: random records in two languages, random questions, random askers."""

from __future__ import annotations

import random

import pytest
from django.db import connection

from tsunagu.data.discovery.asking import understood
from tsunagu.data.discovery.clauses import FACETS, Question, Seen
from tsunagu.data.discovery.documents import BOTH, DRAFT, FROZEN, Document
from tsunagu.data.discovery.embedded import Tantivy
from tsunagu.data.discovery.grown import PostgreSQL
from tsunagu.formats.api import default_mapping
from tsunagu.foundation.policy import api as policy

_NOW = 1_800_000_000
_WORDS = [
    "電池",
    "正極材料",
    "X線回折",
    "測定",
    "研究",
    "究明",
    "の",
    "リチウム",
    "線",
    "battery",
    "catalyst",
    "Li2O",
    "café",
    "🔬",
    "ж",
]
_QUESTIONS = [
    "電池", "線", "X線", "研究明", '"正極材料 battery"', "cat*", "battery -電池", "リチウム 測定", "creator:山田", "format:csv", "licence:none",
    "year:2025", "temperature:>300K", "temperature:20℃..40℃", "temperature:=300", "project:p1", "access:open", "cafe", "🔬", "ж*",
    "kind:negative", "outcome:failed", "電池 -kind:negative", "結果:失敗", "kind:dataset", "keyword:電池", "title:研究", "technique:xrd", "temperature:cold", "", "temperature:<0K",
    "temperature:-10..-1", "temperature:>1e-6", "temperature:<=-5.5", "temperature:<1e300", "year:99999999999999999999",
]  # fmt: skip


def _documents(dice):
    for number in range(300):
        said = [" ".join(dice.choices(_WORDS, k=dice.randrange(1, 6))) for _ in range(4)]
        glued = "".join(dice.choices(_WORDS, k=3))
        for face in (BOTH,) if dice.random() < 0.6 else (DRAFT, FROZEN):
            yield Document(
                id=f"id{number:03}",
                face=face,
                project_id=f"P{number % 4}",
                project=f"p{number % 4}",
                project_title="計画" if number % 2 else "",
                access=dice.choice(["open", "shared", "closed"]),
                embargo_until_s=dice.choice([0, 0, _NOW - 5, _NOW + 5]),
                has_frozen=dice.random() < 0.7,
                labels={"personal": dice.randrange(6), "consent": dice.randrange(5)},
                origins=tuple(sorted(dice.sample(["JP", "US"], dice.randrange(3)))),
                titles=(said[0], glued),
                slug=f"p{number % 4}/d{number}",
                texts=(said[1], said[2]),
                creators=tuple(
                    dice.sample(["山田 花子", "Taro Suzuki", "ＴＡＲＯ Suzuki"], dice.randrange(3))
                ),
                keywords=(said[3],),
                formats=tuple(sorted(dice.sample(["csv", "hdf5", "jcamp"], dice.randrange(3)))),
                licence=dice.choice(["none", "CC-BY-4.0"]),
                outcomes=tuple(
                    sorted(dice.sample(["negative", "failed", "aborted"], dice.choice([0, 0, 1, 2])))
                ),
                pages=(dice.choice(_WORDS),),
                values=(("technique", dice.choice(["xrd", "nmr"])), ("temperature", "cold")),
                numbers={
                    "temperature": tuple(
                        dice.choice([250.0, 300.0, 310.0, 4.2, -5.5, 1e-9]) for _ in range(2)
                    )
                },
                updated_s=_NOW - number,
                year=2020 + number % 7,
                byte_count=number,
                file_count=number,
            )


def _condition(dice, depth=2):
    shape = dice.random()
    if depth and shape < 0.5:
        parts = tuple(_condition(dice, depth - 1) for _ in range(2))
        return dice.choice([policy.Both, policy.Either])(parts)
    if depth and shape < 0.65:
        return policy.negated(_condition(dice, depth - 1))
    signs = ["<", "<=", ">", ">=", "==", "!="]
    return dice.choice(
        [
            policy.Every(),
            policy.OneOf("access", ("open",)),
            policy.OneOf("access", ("open", "shared")),
            policy.OneOf("has_frozen", (True,)),
            policy.OneOf("project_id", (f"P{dice.randrange(4)}",)),
            policy.OneOf("uid", tuple(f"id{dice.randrange(300):03}" for _ in range(50))),
            policy.FromCountry("JP"),
            policy.Compared("personal", dice.choice(signs), dice.randrange(-1, 7)),
            policy.Compared(
                "embargo_until_s", dice.choice(signs), dice.choice([0, _NOW - 5, _NOW, _NOW + 5])
            ),
        ]
    )


@pytest.mark.django_db
def test_both_engines_find_and_count_the_same(tmp_path):
    if connection.vendor != "postgresql":
        pytest.skip("runs where the node's database is PostgreSQL (tests/servers)")
    dice = random.Random(4)
    several = list(_documents(dice))
    engines = [PostgreSQL(), Tantivy(tmp_path / "search")]
    for engine in engines:
        engine.begin_anew()
        engine.add(several)
        engine.finish()
    terms = {term.name: term for term in default_mapping().terms}
    found_any = 0
    for round_ in range(12):
        seen = Seen(_condition(dice), _condition(dice), frozenset({"id001"} if round_ % 2 else ()), _NOW)
        for text in _QUESTIONS:
            asked = understood(text, terms)
            question = Question(asked.clauses, sort="newest", limit=1000, facets=FACETS)
            one, other = (engine.answer(question, seen) for engine in engines)
            assert set(one.ids) == set(other.ids), (text, seen)
            assert one.total == other.total
            for name in FACETS:
                assert dict(_plain(one.counts()[name])) == dict(_plain(other.counts()[name])), (text, name)
            found_any += bool(one.total)
            loose = asked.loosened()
            if loose is not None:
                wider = Question(loose.clauses, sort="newest", limit=1000)
                assert len({frozenset(engine.answer(wider, seen).ids) for engine in engines}) == 1, text
        for prefix in ("電", "ta", "bat"):
            assert len({tuple(sorted(engine.begun_with(prefix, seen, limit=50))) for engine in engines}) == 1
    assert found_any > 100


def _plain(values):
    return [(value.casefold(), count) for value, count in values]
