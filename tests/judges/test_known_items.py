"""Retrieval in two languages, judged by text that nobody here wrote: Debian's translated descriptions of packages.

A record is a package's description; somebody looks for it by words of its short description. This says how much is lost
on the way from words to records. It is no judgement of relevance by people.
"""

from __future__ import annotations

import random
import re
import shlex
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tsunagu.data.discovery.asking import understood
from tsunagu.data.discovery.clauses import Question, Seen
from tsunagu.data.discovery.documents import BOTH, Document
from tsunagu.data.discovery.embedded import Tantivy
from tsunagu.foundation.policy import api as policy

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ROOT / ".judges" / "descriptions"
_FEWEST, _ASKED, _SHORTEST = 3000, 1000, 100
_EVERYBODY = Seen(policy.Every(), policy.Every(is_none=True), frozenset(), 0)
_RUNS = re.compile(r"[\u30a0-\u30fa\u30fc-\u30ff]{2,}|[\u4e00-\u9fff\u3005]{2,}|[A-Za-z0-9]{2,}")


def _fetched(language: str) -> Path:
    """The translations of one language, from the package lists of Debian's own sources, in a folder that git ignores."""
    file = TEXTS / f"{language}.txt"
    if file.exists() and file.stat().st_size > 1_000_000:
        return file
    if not shutil.which("apt-get"):
        pytest.skip("no apt here: Debian's translated descriptions cannot be fetched")
    for folder in ("lists/partial", "cache/archives/partial"):
        (TEXTS / folder).mkdir(parents=True, exist_ok=True)
    own = f"-o Dir::State::lists={TEXTS}/lists -o Dir::Cache={TEXTS}/cache -o Acquire::Languages=ja,en"
    line = f"""
set -e
apt-get {own} update -qq
eval "$(apt-config shell M Dir::Bin::methods)"
apt-get {own} indextargets --format '$(FILENAME)' 'Created-By: Translations' 'Language: {language}' |
while read -r f; do "$M/../apt-helper" cat-file "$f"; done > {shlex.quote(str(file))}
"""
    try:
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, timeout=200)
    except subprocess.TimeoutExpired:
        pytest.skip("Debian's package lists could not be fetched in time")
    if done.returncode or not file.exists() or file.stat().st_size < 1_000_000:
        pytest.skip(f"Debian's translated descriptions could not be fetched: {done.stderr[-300:]}")
    return file


def _described(language: str) -> dict[tuple[str, str], tuple[str, str]]:
    """(package, checksum of the English text) -> short and long description."""
    found = {}
    for block in _fetched(language).read_text("utf-8").split("\n\n"):
        lines = block.splitlines()
        if len(lines) > 3 and lines[0].startswith("Package: ") and lines[1].startswith("Description-md5: "):
            body = ["\n" if line == " ." else line.removeprefix(" ") for line in lines[3:]]
            # Lines of Japanese break inside words.
            text = ("" if language == "ja" else " ").join(body)
            key = lines[0].partition(": ")[2], lines[1].partition(": ")[2]
            found[key] = lines[2].partition(": ")[2], text
    return found


@pytest.fixture(scope="module")
def pairs():
    """Descriptions in both languages of the packages that have both and that can be told from all others."""
    said = {language: _described(language) for language in ("ja", "en")}
    kept = sorted(set(said["ja"]) & set(said["en"]))
    for language in ("ja", "en"):
        texts = said[language]
        same = [Counter(texts[key][part] for key in kept) for part in (0, 1)]
        kept = [key for key in kept if all(same[part][texts[key][part]] == 1 for part in (0, 1))]
        kept = [key for key in kept if len(texts[key][1]) >= _SHORTEST]
    assert len(kept) > _FEWEST
    return {language: [said[language][key] for key in kept] for language in said}


def _recall(index: Tantivy, questions: dict[int, str]) -> float:
    hits = 0
    for number, text in questions.items():
        asked = understood(text, {})
        answer = index.answer(Question(asked.clauses, asked.ranked, limit=10), _EVERYBODY)
        if not answer.total and (loose := asked.loosened()) is not None:
            answer = index.answer(Question(loose.clauses, loose.ranked, limit=10), _EVERYBODY)
        hits += str(number) in answer.ids
    return hits / len(questions)


def _index(folder: Path, rows, *, titles: bool) -> Tantivy:
    index = Tantivy(folder)
    index.begin_anew()
    index.add(
        Document(
            id=str(number),
            face=BOTH,
            project_id="p",
            project="p",
            access="open",
            embargo_until_s=0,
            has_frozen=True,
            labels={},
            origins=(),
            titles=(short,) if titles else (),
            slug=f"p/d{number}",
            texts=(text,),
        )
        for number, (short, text) in enumerate(rows)
    )
    index.finish()
    return index


@pytest.mark.parametrize("language", ["ja", "en"])
def test_some_words_of_a_title_in_any_order_find_its_record(pairs, tmp_path, language):
    """As people remember a title: three of its words."""
    dice = random.Random(language)
    rows = pairs[language]
    words = {number: _RUNS.findall(short) for number, (short, _text) in enumerate(rows)}
    able = [number for number, found in words.items() if len(set(found)) >= 3]
    questions = {
        number: " ".join(dice.sample(sorted(set(words[number])), 3)) for number in dice.sample(able, _ASKED)
    }
    recall = _recall(_index(tmp_path, rows, titles=True), questions)
    print(f"{language}: three words of the title, recall@10 {recall:.3f} among {len(rows):,}")
    assert recall >= 0.9


@pytest.mark.parametrize(("language", "floor"), [("ja", 0.8), ("en", 0.82)])
def test_a_title_finds_a_record_that_does_not_hold_it(pairs, tmp_path, language, floor):
    """The hard case: the short description is asked for, and only the long one stands in the index."""
    dice = random.Random(language)
    rows = pairs[language]
    questions = {number: rows[number][0] for number in dice.sample(range(len(rows)), _ASKED)}
    recall = _recall(_index(tmp_path, rows, titles=False), questions)
    print(f"{language}: title not in the index, recall@10 {recall:.3f} among {len(rows):,}")
    assert recall >= floor
