"""Pages of paper become text with places; what cannot be read says why; nothing that was read is lost."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from reportlab.pdfgen import canvas

from tests.rooms.scanned_pages import LINES, as_bytes, needs_engine, scanned, wrong_share
from tsunagu.core import jobs
from tsunagu.core.errors import NotFoundError, StorageFullError, UnavailableError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.datasets.services import sealing
from tsunagu.data.discovery import api as discovery
from tsunagu.data.discovery.embedded import Tantivy
from tsunagu.data.scans import api as scans
from tsunagu.data.scans import keeping, reading, tasks
from tsunagu.data.scans.models import Scan, ScannedPage
from tsunagu.data.sharing import api as sharing
from tsunagu.formats.api import PageReading
from tsunagu.foundation.policy.api import Access, ActionDeniedError
from tsunagu.foundation.runs import api as runs
from tsunagu.foundation.storage import api as storage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def stop_reader():
    yield
    reading.reader().close()
    reading.reader.cache_clear()


@pytest.fixture
def index(tmp_path, monkeypatch):
    made = Tantivy(tmp_path / "search")
    for module in ("engines", "indexing", "selectors"):
        monkeypatch.setattr(f"tsunagu.data.discovery.{module}.engine", lambda: made)


@pytest.fixture
def read(dataset, put):
    """Puts files into the dataset and reads their pages; the cards by path."""
    owner, card = dataset

    def do(files):
        put(owner, card, files)
        fresh = datasets.get_dataset(owner, card.project, card.name)
        for scan in scans.start(owner, fresh, list(files)):
            reading.go_on(scan.id)
        return owner, fresh, {path: scans.scan_of(owner, fresh, path) for path in files}

    return do


def typed_pdf(*, password=""):
    out = io.BytesIO()
    paper = canvas.Canvas(out, pagesize=(300, 200), encrypt=password or None)
    paper.drawString(50, 150, "Nothing reacted below 900 K.")
    paper.showPage()
    paper.save()
    return out.getvalue()


@needs_engine
def test_japanese_and_english_pages_are_recognised(read):
    pages = [scanned(), scanned(LINES[::-1]).rotate(90, expand=True), Image.new("L", (600, 800), 255)]
    owner, card, found = read({"scan.pdf": as_bytes(pages, "PDF")})
    done = found["scan.pdf"]
    assert (done.state, done.page_count, done.text_count, done.empty_count) == ("done", 3, 2, 1)
    first, second = (scans.page(owner, card, "scan.pdf", number) for number in (1, 2))
    assert wrong_share(first.text, "".join(LINES)) < 0.05
    assert wrong_share(second.text, "".join(LINES[::-1])) < 0.05
    assert second.rotation == 90
    assert first.width < first.height
    word = next(word for word in first.words if word.text == "Failed")
    # Where it was drawn: 110 and 150 + 4 * 95 pixels at 200 dpi; the PDF is drawn at 300.
    assert abs(word.left / first.width - 110 / 1165) < 0.02
    assert abs(word.top / first.height - 540 / 1654) < 0.03
    run = runs.get(done.run)
    assert (run.kind, run.outcome) == ("ocr", "ok")
    assert run.parameters["engine"].startswith("Tesseract ")
    assert run.parameters["recognised_count"] == 2


@needs_engine
def test_vertical_writing_and_pages_of_a_tiff(read):
    pages = [scanned(LINES[:4], is_vertical=True, askew=0), scanned()]
    owner, card, _ = read({"book.tif": as_bytes(pages, "TIFF")})
    first, second = (scans.page(owner, card, "book.tif", number) for number in (1, 2))
    assert first.is_vertical
    assert not second.is_vertical
    assert wrong_share(first.text, "".join(LINES[:4])) < 0.1
    assert wrong_share(second.text, "".join(LINES)) < 0.05


def test_a_text_layer_is_taken_as_it_stands(read):
    owner, card, found = read({"typed.pdf": typed_pdf()})
    assert found["typed.pdf"].state == "done"
    page = scans.page(owner, card, "typed.pdf", 1)
    assert (page.status, page.text, page.engine) == ("text_layer", "Nothing reacted below 900 K.", "")
    first = page.words[0]
    assert abs(first.left - 50 * 300 / 72) < 6
    assert abs(first.top + first.height - (200 - 150) * 300 / 72) < 12  # g reaches below the line


def test_what_cannot_be_read_says_why(read):
    huge = io.BytesIO()
    Image.new("1", (100_000, 2_000)).save(huge, "PNG")
    files = {
        "locked.pdf": typed_pdf(password="x"),
        "cut.pdf": b"%PDF-1.4\n1 0 obj <<",
        "huge.png": huge.getvalue(),
        "words.tif": b"no picture at all",
        "half.png": as_bytes([scanned()], "PNG")[:5000],
    }
    _, _, found = read(files)
    assert {path: (one.state, one.reason_code) for path, one in found.items()} == {
        "locked.pdf": ("failed", "encrypted"),
        "cut.pdf": ("failed", "truncated"),
        "huge.png": ("failed", "too_big"),
        "words.tif": ("failed", "unsupported"),
        "half.png": ("failed", "truncated"),
    }
    assert runs.get(found["huge.png"].run).outcome == "failed"
    assert "100,000 by 2,000" in found["huge.png"].reason


def test_without_the_engine_the_page_says_what_is_missing(read, monkeypatch):
    from tsunagu.formats.api import PageReader

    def no_engine(_reader, _path, number, **_limits):
        said = "Tesseract is not installed on this node"
        return PageReading(number, 2, "unreadable", reason=said, reason_code="no_engine")

    monkeypatch.setattr(PageReader, "read", no_engine)
    _, _, found = read({"scan.png": as_bytes([scanned()], "PNG")})
    assert (found["scan.png"].state, found["scan.png"].reason_code) == ("failed", "no_engine")


def test_a_killed_worker_goes_on_at_the_page_where_it_was(read, dataset, put, monkeypatch):
    owner, card = dataset
    paper = io.BytesIO()
    pen = canvas.Canvas(paper, pagesize=(300, 200))
    for number in range(1, 5):
        pen.drawString(50, 150, f"This is the text of page {number}.")
        pen.showPage()
    pen.save()
    put(owner, card, {"four.pdf": paper.getvalue()})
    fresh = datasets.get_dataset(owner, card.project, card.name)
    (scan,) = scans.start(owner, fresh, ["four.pdf"])
    real, asked = reading.reader().read, []

    def killed_at_three(path, number, *, limits):
        asked.append(number)
        if asked.count(3) <= 3 and number == 3:
            raise KeyboardInterrupt
        return real(path, number, limits=limits)

    monkeypatch.setattr(reading.reader(), "read", killed_at_three)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            reading.go_on(scan.id)
    assert scans.scan_of(owner, fresh, "four.pdf").done_count == 2
    reading.go_on(scan.id)
    assert asked == [1, 2, 3, 3, 3, 4]  # the fourth time the page is left with its reason
    done = scans.scan_of(owner, fresh, "four.pdf")
    assert (done.state, done.done_count, done.text_count, done.unreadable_count) == ("done", 4, 3, 1)
    assert scans.page(owner, fresh, "four.pdf", 3).reason_code == "crashed"
    assert scans.page(owner, fresh, "four.pdf", 4).text.endswith("page 4.")


def lines_pdf(*lines):
    out = io.BytesIO()
    pen = canvas.Canvas(out, pagesize=(300, 200))
    for line in lines:
        pen.drawString(50, 150, line)
        pen.showPage()
    pen.save()
    return out.getvalue()


@pytest.fixture
def four(dataset, put):
    """A file of four pages that waits to be read."""
    owner, card = dataset
    put(
        owner,
        card,
        {"four.pdf": lines_pdf(*(f"This is the text of page {number}." for number in range(1, 5)))},
    )
    fresh = datasets.get_dataset(owner, card.project, card.name)
    (scan,) = scans.start(owner, fresh, ["four.pdf"])
    return owner, fresh, scan


def queued(scan):
    return jobs.waiting(reading.read_pages, scan=scan.id)


def test_every_file_is_read_a_thousand_at_a_go(dataset, put, monkeypatch):
    owner, card = dataset
    monkeypatch.setattr("tsunagu.data.scans.services.MOST_FILES", 2)
    monkeypatch.setattr("tsunagu.data.scans.services._LOOKED_AT", 3)
    names = [f"{number}.pdf" for number in range(5)]
    put(owner, card, {name: name.encode() for name in names} | {f"{name}.txt": b"x" for name in names})
    fresh = datasets.get_dataset(owner, card.project, card.name)
    first, after = scans.start_some(owner, fresh)
    assert [one.path for one in first] == names[:2]
    assert [one.path for one in scans.start_some(owner, fresh, after=after)[0]] == names[2:4]
    every = scans.start(owner, fresh)
    assert [one.path for one in every] == names
    assert [len(queued(one)) for one in every] == [1] * 5


def test_a_file_is_fetched_once_for_all_its_pages(four, monkeypatch):
    _, _, scan = four
    fetch, fetched = storage.as_file, []

    def counted(place):
        fetched.append(place)
        return fetch(place)

    monkeypatch.setattr(storage, "as_file", counted)
    assert not reading.go_on(scan.id)
    assert (Scan.objects.get().done_count, len(fetched)) == (4, 1)


@pytest.mark.parametrize("part", ["as_file", "put_pack", "locate"])
@pytest.mark.parametrize("error", [UnavailableError, StorageFullError, OSError])
def test_an_outage_puts_reading_off_and_says_nothing_of_the_file(four, monkeypatch, part, error):
    owner, card, scan = four

    def down(*_args):
        raise error

    before = len(queued(scan))
    with monkeypatch.context() as patch:
        patch.setattr(storage, part, down)
        for _ in range(5):
            reading.read_pages.call(scan=scan.id)
    waits = scans.scan_of(owner, card, "four.pdf")
    assert (waits.state, waits.reason_code, waits.done_count) == ("reading", "put_off", 0)
    assert len(queued(scan)) == before + 5
    reading.read_pages.call(scan=scan.id)
    done = scans.scan_of(owner, card, "four.pdf")
    assert (done.state, done.reason, done.reason_code, done.text_count) == ("done", "", "", 4)


def test_a_first_page_that_breaks_does_not_keep_the_others_from_being_read(four, monkeypatch):
    owner, card, scan = four
    read = reading.reader().read

    def breaks(path, number, *, limits):
        if number == 1:
            return PageReading(1, 0, "unreadable", reason="It took too long.", reason_code="out_of_time")
        return read(path, number, limits=limits)

    monkeypatch.setattr(reading.reader(), "read", breaks)
    reading.go_on(scan.id)
    done = scans.scan_of(owner, card, "four.pdf")
    assert (done.state, done.page_count, done.text_count, done.unreadable_count) == ("done", 4, 3, 1)
    assert scans.page(owner, card, "four.pdf", 1).reason == "It took too long."


def test_pages_of_what_was_destroyed_are_not_waited_for(four):
    owner, card, _ = four
    datasets.seal(owner, card.id)
    while sealing.move_some(card.id):
        pass
    datasets.shred(owner, card.id, confirm=card.slug, reason="consent withdrawn")
    Scan.objects.all().delete()
    shredded = datasets.get_dataset(owner, card.project, card.name)
    for paths in (["four.pdf"], []):
        with pytest.raises(storage.KeyDestroyedError):
            scans.start(owner, shredded, paths)
    assert not Scan.objects.exists()


@pytest.fixture
def carried(four, put):
    """What was read, and a dataset in which the same file stands."""
    owner, card, scan = four
    reading.go_on(scan.id)
    datasets.create_dataset(owner, "lab", "target")
    put(owner, datasets.get_dataset(owner, "lab", "target"), {"a.pdf": b"the same"})
    target = datasets.get_dataset(owner, "lab", "target")
    return owner, card, target, {bytes(Scan.objects.get(uid=scan.id).sha256): "a.pdf"}


def test_what_was_read_is_carried_over_once(carried, monkeypatch):
    _, card, target, files = carried
    real = datasets.lock_dataset

    def and_somebody_was_faster(actor, dataset_id):
        monkeypatch.setattr(datasets, "lock_dataset", real)
        assert scans.carry_over(card, target, files) == 1
        return real(actor, dataset_id)

    monkeypatch.setattr(datasets, "lock_dataset", and_somebody_was_faster)
    assert scans.carry_over(card, target, files) == 0
    assert Scan.objects.filter(dataset_id=target.id).count() == 1


def test_nothing_plain_is_carried_into_what_is_sealed_at_this_moment(carried, monkeypatch):
    owner, card, target, files = carried
    real = datasets.lock_dataset

    def and_it_is_sealed(actor, dataset_id):
        datasets.seal(owner, target.id)
        return real(actor, dataset_id)

    monkeypatch.setattr(datasets, "lock_dataset", and_it_is_sealed)
    assert scans.carry_over(card, target, files) == 0
    assert not ScannedPage.objects.filter(scan__dataset_id=target.id).exists()


def test_bytes_that_are_moved_at_this_moment_are_looked_for_again(four, monkeypatch):
    owner, card, scan = four
    fetch, asked = storage.as_file, []

    def moved_once(place):
        asked.append(place)
        if len(asked) == 1:
            raise FileNotFoundError
        return fetch(place)

    monkeypatch.setattr(storage, "as_file", moved_once)
    reading.read_pages.call(scan=scan.id)
    assert scans.scan_of(owner, card, "four.pdf").text_count == 4


def test_a_lost_file_is_given_up(four, monkeypatch):
    owner, card, scan = four

    def gone(*_args):
        raise FileNotFoundError(2, "No such file", "/srv/store/ab/cd")

    monkeypatch.setattr(storage, "as_file", gone)
    reading.read_pages.call(scan=scan.id)
    failed = scans.scan_of(owner, card, "four.pdf")
    assert (failed.state, failed.reason_code) == ("failed", "not_accessible")
    assert "/srv" not in failed.reason


def test_a_page_of_what_is_being_sealed_is_not_kept_plain(four, monkeypatch):
    owner, card, scan = four
    put_pack, sealed = storage.put_pack, []

    def and_then_sealed(contents, domain=""):
        kept = put_pack(contents, domain)
        if not sealed:
            sealed.append(datasets.seal(owner, card.id))
        return kept

    monkeypatch.setattr(storage, "put_pack", and_then_sealed)
    reading.go_on(scan.id)
    assert ScannedPage.objects.count() == 4
    assert {page.domain for page in ScannedPage.objects.all()} == {card.id}


def test_a_picture_that_a_worker_adds_while_a_scan_is_forgotten_goes_with_it(four, monkeypatch):
    _, _, scan = four
    row, picture = Scan.objects.get(uid=scan.id), storage.put_pack([b"a picture"])[0]
    forget = keeping.forget_pages

    def and_then_a_worker_adds(one):
        forget(one)
        if not one.pages.exists() and not added:
            added.append(ScannedPage.objects.create(scan=one, number=1, content=b"", picture=picture))

    added = []
    monkeypatch.setattr(keeping, "forget_pages", and_then_a_worker_adds)
    keeping.forget_scan(row)
    assert not Scan.objects.exists()
    assert not storage.locate([picture])


def test_only_who_describes_may_ask_and_only_who_reads_may_look(read, person):
    owner, card, _ = read({"typed.pdf": typed_pdf()})
    stranger = person("stranger")
    with pytest.raises(NotFoundError):
        scans.start(stranger, card, ["typed.pdf"])
    sharing.share(owner, card, role="reader", email="stranger@example.org")
    seen = datasets.get_dataset(stranger, card.project, card.name)
    assert scans.page(stranger, seen, "typed.pdf", 1).number == 1
    with pytest.raises(ActionDeniedError):
        scans.start(stranger, seen, ["typed.pdf"])
    with pytest.raises(scans.NoPagesError):
        scans.start(owner, datasets.create_dataset(owner, "lab", "empty"))


def test_pages_of_sealed_bytes_are_sealed_and_go_with_the_key(read):
    owner, card, _ = read({"typed.pdf": typed_pdf()})
    datasets.seal(owner, card.id)
    while sealing.move_some(card.id):
        pass
    tasks.read_sealed.call(card.id)
    assert not ScannedPage.objects.exists()
    for scan in Scan.objects.all():
        reading.go_on(scan.uid)
    row = ScannedPage.objects.get()
    assert row.domain
    assert b"reacted" not in bytes(row.content)
    sealed = datasets.get_dataset(owner, card.project, card.name)
    assert scans.page(owner, sealed, "typed.pdf", 1).text.startswith("Nothing reacted")
    assert scans.texts(card.id, {bytes(row.scan.sha256): "typed.pdf"}) == []
    datasets.shred(owner, card.id, confirm=card.slug, reason="consent withdrawn")
    tasks.forget.call(card.id)
    assert not Scan.objects.exists()


def test_asked_twice_it_is_read_once_and_again_on_demand(read):
    owner, card, found = read({"typed.pdf": typed_pdf()})
    (same,) = scans.start(owner, card)
    assert same.run == found["typed.pdf"].run
    (anew,) = scans.start(owner, card, again=True)
    assert anew.run != same.run
    assert anew.state == "waiting"
    reading.go_on(anew.id)
    assert Scan.objects.count() == ScannedPage.objects.count() == 1


def test_search_finds_pages_and_says_which(read, index, person):
    paper = io.BytesIO()
    pen = canvas.Canvas(paper, pagesize=(300, 200))
    for line in ("An introduction of some length.", "The quenched perovskite decomposed."):
        pen.drawString(50, 150, line)
        pen.showPage()
    pen.save()
    owner, card, _ = read({"report.pdf": paper.getvalue()})
    discovery.catch_up()
    (hit,) = discovery.search(owner, "perovskite").hits
    assert (hit.page_path, hit.page) == ("report.pdf", 2)
    assert [piece.text for piece in hit.why if piece.is_match] == ["perovskite"]
    assert not discovery.search(person("stranger"), "perovskite").hits
    datasets.remove_files(owner, card.id, ["report.pdf"])
    discovery.catch_up()
    assert not discovery.search(owner, "perovskite").hits


def test_who_sees_a_version_learns_no_path_of_the_draft(dataset, put, index, person):
    owner, card = dataset
    content = lines_pdf("The quenched perovskite decomposed.")
    put(owner, card, {"report.pdf": content})
    datasets.freeze_version(owner, card.id)
    datasets.set_access(owner, card.id, Access.OPEN)
    datasets.remove_files(owner, card.id, ["report.pdf"])
    put(owner, card, {"not yet told.pdf": content})
    fresh = datasets.get_dataset(owner, card.project, card.name)
    (scan,) = scans.start(owner, fresh, ["not yet told.pdf"])
    reading.go_on(scan.id)
    discovery.catch_up()
    (hit,) = discovery.search(person("stranger"), "perovskite").hits
    assert (hit.page_path, hit.page) == ("report.pdf", 1)
    (hit,) = discovery.search(owner, "perovskite").hits
    assert hit.page_path == "not yet told.pdf"
