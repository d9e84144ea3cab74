"""Damaged and hostile files: always an answer with a reason, never more than the limits, never another file."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import random
import struct
import tarfile
import threading
import time
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsunagu.formats.api import ExtractorPool, Limits, Outcome
from tsunagu.formats.tests.built import BUILDERS
from tsunagu.formats.types import STATUSES

# Text has no end mark: half a log is a log.
WITHOUT_END = {
    "utf8.csv", "bom.csv", "shift_jis.csv", "euc.csv", "utf16.tsv", "utf16be_without_mark.tsv", "semicolon.csv", "pipe.txt",
    "blanks.dat", "lines.jsonl", "log.txt", "salt.cif", "protein.cif",
}  # fmt: skip
# FITS says nowhere how many HDUs follow: cut between two of them it is a smaller whole.
WHOLE_WITHOUT_REST = {("sky.fits", 5760)}
SENTENCE_ENDS = (".", "…")


def check(outcome: Outcome) -> None:
    """What holds for every answer."""
    assert outcome.status in STATUSES
    if outcome.status == "read":
        assert outcome.reason == outcome.reason_code == ""
    else:
        assert outcome.reason.strip()
        assert "Traceback" not in outcome.reason
        assert "/proc/self/fd" not in outcome.reason
    if outcome.status in {"unreadable", "unrecognised"}:
        assert outcome.reason_code
        assert outcome.reason.endswith(SENTENCE_ENDS)
    assert Outcome.from_json(json.loads(json.dumps(outcome.as_json())), outcome.blobs()) == outcome


@pytest.mark.parametrize("name", BUILDERS)
def test_cut_off_anywhere(name: str, pool: ExtractorPool, built: dict[str, Path]):
    whole = built[name].read_bytes()
    points = {0, 1, 3, 7, 8, 16, 100, 127, 128, 132, len(whole) - 1}
    points |= {len(whole) * n // 12 for n in range(1, 12)}
    silent = []
    for point in sorted(p for p in points if 0 <= p < len(whole)):
        outcome = pool.extract_bytes(whole[:point], name=name)
        check(outcome)
        assert outcome.reason_code not in {"crashed", "out_of_time", "out_of_memory"}, point
        if outcome.status == "read" and outcome.reader not in {"text", "csv"}:
            silent.append(point)
    # A reader that takes half of a file for the whole is worse than one that refuses it. The last byte may be padding.
    if name not in WITHOUT_END:
        assert [
            point for point in silent if point < 0.9 * len(whole) and (name, point) not in WHOLE_WITHOUT_REST
        ] == []


def test_empty_files_say_so(pool: ExtractorPool):
    for name in ("a.dcm", "a.csv", "a", "a.h5"):
        outcome = pool.extract_bytes(b"", name=name)
        assert (outcome.status, outcome.reason_code, outcome.reason) == (
            "unrecognised",
            "empty",
            "The file is empty.",
        )


@pytest.mark.parametrize("name", BUILDERS)
def test_flipped_bits(name: str, pool: ExtractorPool, built: dict[str, Path]):
    whole = built[name].read_bytes()
    chance = random.Random(name)
    for _ in range(12):
        damaged = bytearray(whole)
        for _ in range(chance.choice([1, 2, 8, 40])):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        outcome = pool.extract_bytes(bytes(damaged), name=name, limits=Limits(wall_s=20, cpu_s=15))
        check(outcome)
        assert outcome.reason_code not in {"out_of_time", "reader_failed"}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_mutation_raises(data: st.DataObject, pool: ExtractorPool, built: dict[str, Path]):
    name = data.draw(st.sampled_from(sorted(BUILDERS)))
    whole = built[name].read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 200)))
    put = data.draw(
        st.one_of(
            st.binary(max_size=64), st.sampled_from([b"\xff" * 8, b"\0" * 8, b"9" * 12, b"-1", b"[" * 50])
        )
    )
    check(pool.extract_bytes(whole[:start] + put + whole[end:], name=data.draw(st.sampled_from([name, "x"]))))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=3000), name=st.text(max_size=40))
def test_no_bytes_raise(content: bytes, name: str, pool: ExtractorPool):
    check(pool.extract_bytes(content, name=name))


def test_a_file_that_grows_while_it_is_read(pool: ExtractorPool, tmp_path: Path):
    path = tmp_path / "growing.csv"
    path.write_text("t,v\n0,0\n1,1\n2,2\n")
    stop = threading.Event()

    def grow() -> None:
        with path.open("a") as out:
            while not stop.is_set():
                out.write("3,4\n" * 500)
                out.flush()
                time.sleep(0.001)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        for _ in range(10):
            outcome = pool.extract(path, name=path.name)
            check(outcome)
            assert outcome.reader == "csv"
    finally:
        stop.set()
        writer.join()


def test_a_file_that_vanished_or_is_none(pool: ExtractorPool, tmp_path: Path):
    outcome = pool.extract(tmp_path / "gone", name="gone")
    assert (outcome.status, outcome.reason_code) == ("unreadable", "not_accessible")
    check(pool.extract(tmp_path, name="folder"))


def test_hdf5_never_leaves_the_file(pool: ExtractorPool, tmp_path: Path):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["word"] = "do not tell"
    raw = tmp_path / "raw.bin"
    raw.write_bytes(np.full(4, 77.0).tobytes())
    path = tmp_path / "links.h5"
    with h5py.File(path, "w") as file:
        file["link"] = h5py.ExternalLink(str(secret), "/word")
        file["soft"] = h5py.SoftLink("/link")
        file.create_dataset("outside", shape=(4,), dtype="f8", external=[(str(raw), 0, 32)])
        layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
        layout[:] = h5py.VirtualSource(str(secret), "word", shape=(4,))
        file.create_virtual_dataset("virtual", layout)
        file.attrs.update(default="link", NX_class="NXroot")
    outcome = pool.extract(path, name="links.h5")
    check(outcome)
    assert outcome.status == "read_with_warnings"
    assert "do not tell" not in json.dumps(outcome.as_json())
    assert "77.0" not in json.dumps(outcome.as_json())
    said = " ".join(outcome.reading.warnings)
    assert "not followed" in said
    assert "raw.bin" in said or "outside" in said


class Trap:
    """Runs when unpickled."""

    def __reduce__(self):
        return (open, ("/tmp/tsunagu-unpickled", "w"))


def test_numpy_pickles_are_never_loaded(pool: ExtractorPool):
    for is_zip in (False, True):
        out = io.BytesIO()
        array = np.array([Trap()], dtype=object)
        np.savez(out, x=array) if is_zip else np.save(out, array, allow_pickle=True)
        outcome = pool.extract_bytes(out.getvalue(), name="x.npy")
        check(outcome)
        assert outcome.status in {"unreadable", "read_with_warnings"}
        assert "pickle" in (outcome.reason + " ".join(outcome.reading.warnings)).lower()
    check(pool.extract_bytes(pickle.dumps(Trap()), name="x.pkl"))
    assert not Path("/tmp/tsunagu-unpickled").exists()


SMALL = Limits(wall_s=20, cpu_s=10, decompressed_bytes=8 << 20)


def test_a_gzip_bomb(pool: ExtractorPool):
    packed = gzip.compress(b"\0" * (64 << 20))
    outcome = pool.extract_bytes(packed, name="x.csv.gz", limits=SMALL)
    assert (outcome.status, outcome.reason_code) == ("unreadable", "too_big")
    assert "8,388,608 bytes" in outcome.reason
    nested = gzip.compress(gzip.compress(gzip.compress(b"a,b\n" * 1000)))
    check(pool.extract_bytes(nested, name="x.gz"))


def test_a_zip_bomb_and_members_that_climb(pool: ExtractorPool):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zero", b"\0" * (64 << 20))
        archive.writestr("../../etc/cron.d/x", "x")
        archive.writestr("/etc/passwd", "x")
    started = time.monotonic()
    outcome = pool.extract_bytes(out.getvalue(), name="x.zip", limits=SMALL)
    check(outcome)
    assert time.monotonic() - started < 40
    assert outcome.status == "read_with_warnings"
    assert "leave" in outcome.reason or "outside" in outcome.reason
    assert outcome.reading.previews[0].member_count == 3
    tape = io.BytesIO()
    with tarfile.open(fileobj=tape, mode="w") as archive:
        for name, kind in (("../x", tarfile.REGTYPE), ("dev", tarfile.CHRTYPE), ("link", tarfile.SYMTYPE)):
            item = tarfile.TarInfo(name)
            item.type, item.linkname = kind, "/etc/passwd"
            archive.addfile(item)
    outcome = pool.extract_bytes(tape.getvalue(), name="x.tar")
    check(outcome)
    assert outcome.status == "read_with_warnings"


def test_a_workbook_bomb(pool: ExtractorPool):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", b" " * (64 << 20))
    outcome = pool.extract_bytes(out.getvalue(), name="x.xlsx", limits=SMALL)
    assert (outcome.reader, outcome.status, outcome.reason_code) == ("excel", "unreadable", "too_big")


def test_a_picture_of_absurd_size(pool: ExtractorPool):
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 100_000)) + chunk(b"IEND", b"")
    outcome = pool.extract_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body, name="x.png")
    check(outcome)
    assert outcome.reader == "image"
    assert outcome.status != "read"
    assert "100,000" in outcome.reason or outcome.reason_code in {"too_big", "truncated"}


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
XML_BOMBS = {
    "laughs": f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><{{root}}>&l9;</{{root}}>',
    "outside": '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><{root}>&e;</{root}>',
    "blow-up": f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "{"a" * 50000}">]><{{root}}>{"&a;" * 50000}</{{root}}>',
}


@pytest.mark.parametrize("root", ["x", "mzML", "xrdMeasurements"])
@pytest.mark.parametrize("bomb", XML_BOMBS)
def test_xml_entities_are_refused(root: str, bomb: str, pool: ExtractorPool):
    started = time.monotonic()
    outcome = pool.extract_bytes(XML_BOMBS[bomb].replace("{root}", root).encode(), name="x.xml")
    check(outcome)
    assert time.monotonic() - started < 40
    assert outcome.status == "unreadable"
    assert "root:" not in json.dumps(outcome.as_json())


@pytest.mark.parametrize(
    "content",
    [b"[" * 200_000, b'{"a":' * 200_000, b"[" * 200_000 + b"]" * 200_000, b'{"a":' + b"9" * 100_000 + b"}", b"<a>" * 100_000],
    ids=["brackets", "braces", "closed", "digits", "elements"],
)  # fmt: skip
def test_deep_nesting(content: bytes, pool: ExtractorPool):
    outcome = pool.extract_bytes(content, name="x", limits=Limits(wall_s=20, cpu_s=15))
    check(outcome)
    assert outcome.reason_code != "out_of_time"


def test_header_values_beyond_the_cap_are_counted(pool: ExtractorPool):
    keys = {f"k{n}": n for n in range(9000)}
    outcome = pool.extract_bytes(json.dumps(keys).encode(), name="x.json", limits=Limits(field_count=100))
    assert len(outcome.reading.fields) <= 100
    assert any("left out" in text for text in outcome.reading.warnings)


def test_names_of_every_kind(pool: ExtractorPool, built: dict[str, Path]):
    for name in ("試料\n1.csv", "a" * 255, "..", "/etc/passwd", "x\0y", "ﾃﾞｰﾀ.csv", "\ud800", ""):
        assert pool.extract(built["utf8.csv"], name=name.encode("utf-8", "replace").decode()).reader == "csv"
