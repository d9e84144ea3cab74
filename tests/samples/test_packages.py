"""Packages of real files are fetched once, however many processes want them at the same moment."""

from __future__ import annotations

import tarfile
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.samples import packages

pytestmark = pytest.mark.samples


def test_a_package_that_several_want_at_once_is_fetched_once(tmp_path, monkeypatch):
    wanted = packages.PACKAGES["jcamp"]
    gate, fetched = Barrier(4), []

    def download(package, scratch):
        fetched.append(package.name)
        source = tmp_path / "spectrum.jdx"
        source.write_text("##TITLE=one\n")
        with tarfile.open(scratch / "it.tar.gz", "w:gz") as tar:
            tar.add(source, f"{package.name}-{package.version}/{package.inside}/spectrum.jdx")
        return scratch / "it.tar.gz"

    def ask(_):
        gate.wait()
        return packages.folder.__wrapped__("jcamp")

    monkeypatch.setattr(packages, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(packages, "_download", download)
    with ThreadPoolExecutor(4) as people:
        (place,) = set(people.map(ask, range(4)))
    assert fetched == ["jcamp"]
    assert place.name == f"jcamp-{wanted.version}"
    assert [path.relative_to(place).as_posix() for path in place.rglob("*")] == ["spectrum.jdx"]
