"""A record comes back from a database as it was."""

from __future__ import annotations

import json

import pytest

from tsunagu.standards import api as s
from tsunagu.standards.tests import official
from tsunagu.standards.tests.official import full_record, needs_official


def test_a_record_comes_back():
    record = full_record(is_series=True, conferences=(s.Conference(days=("2026", "4", "1", "", "", "")),))
    assert s.from_kept(s.to_kept(record)) == record


@needs_official
def test_every_sample_comes_back():
    for path in official.samples("2.1"):
        record = s.from_jpcoar(path.read_bytes())
        assert s.from_kept(s.to_kept(record)) == record
    for path in sorted((official.STANDARDS / "datacite" / "kernel-4.7" / "example").glob("*.xml")):
        record = s.from_datacite(path.read_bytes())
        assert s.from_kept(s.to_kept(record)) == record


def test_a_text_of_another_release_is_read():
    kept = json.loads(s.to_kept(full_record()))
    kept["from_the_future"] = {"a": 1}
    for name in ("catalog", "related_items", "files"):
        del kept[name]
    assert s.from_kept(json.dumps(kept)) == full_record(files=())


@pytest.mark.parametrize("text", ["", "{}", '{"id": 1}', "[]"])
def test_what_is_no_record_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's words are its own
        s.from_kept(text)
