"""Shards of pictures are read by WebDataset itself; the same pictures make the same bytes."""

from __future__ import annotations

import json
import tarfile

import pytest
from webdataset.handlers import reraise_exception
from webdataset.tariterators import group_by_keys, tar_file_expander

from tsunagu.formats import api as formats
from tsunagu.formats.tests.built import build
from tsunagu.formats.tests.making import attempt_in, planned


@pytest.fixture
def photos(tmp_path):
    """Five photos of one camera, made a table."""
    for number in range(5):
        build("photo.jpg", tmp_path).rename(tmp_path / f"shot_{number}.jpg")
        with (tmp_path / f"shot_{number}.jpg").open("ab") as file:
            file.write(bytes(number * 100))
    (plan,) = planned(tmp_path).tables
    return formats.settle(plan, attempt_in(tmp_path)).plan


def write(plan, folder, target, **more):
    """The shards as files."""
    paths = []
    target.mkdir(exist_ok=True)
    for path, pieces in formats.shards_of(
        plan, lambda n: [(folder / plan.sources[n].path).read_bytes()], **more
    ):
        place = target / path.rpartition("/")[2]
        place.write_bytes(b"".join(pieces))
        paths.append(place)
    return paths


def test_webdataset_reads_every_picture_with_its_words(photos, tmp_path):
    paths = write(photos, tmp_path, tmp_path / "out", shard_bytes=2500)
    assert len(paths) > 1
    assert [path.name for path in paths] == [f"shot-{n:06}.tar" for n in range(len(paths))]
    samples = []
    for path in paths:
        with path.open("rb") as file:
            opened = [{"url": str(path), "stream": file}]
            samples += group_by_keys(tar_file_expander(opened, handler=reraise_exception))
    assert len(samples) == 5
    for number, sample in enumerate(samples):
        assert sample["jpg"] == (tmp_path / f"shot_{number}.jpg").read_bytes()
        said = json.loads(sample["json"])
        assert said["source_file"] == f"shot_{number}.jpg"
        assert set(said) >= {column.name for column in photos.file_columns}


def test_the_same_pictures_make_the_same_bytes(photos, tmp_path):
    one, other = (write(photos, tmp_path, tmp_path / name) for name in ("one", "other"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]
    with tarfile.open(one[0]) as archive:
        assert {member.mtime for member in archive} == {0}


def test_a_picture_of_another_length_ends_the_work(photos, tmp_path):
    (tmp_path / "shot_3.jpg").write_bytes(b"short")
    with pytest.raises(OSError, match="announced"):
        write(photos, tmp_path, tmp_path / "out")
