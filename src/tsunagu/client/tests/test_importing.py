"""What archives and crates may not do, and what a DOI's agency may answer."""

from __future__ import annotations

import hashlib
import http.server
import json
import stat
import threading
import zipfile
from pathlib import Path

import pytest

from tsunagu.client.errors import UnreachableError, UsageError
from tsunagu.client.importing import made_ready

DATA = b"x,y\n1,2\n"


def document(**more):
    said = {"@id": "data/a.csv", "@type": "File", **more}
    graph = [{"@id": "ro-crate-metadata.json", "about": {"@id": "./"}}, {"@id": "./", "name": "Films"}, said]
    return json.dumps({"@graph": graph})


def packed(path: Path, members: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("top", ["", "films/", "data/", "films/data/"])
def test_a_crate_is_found_where_people_put_it(tmp_path, top):
    whole = document(contentSize=str(len(DATA)), sha256=hashlib.sha256(DATA).hexdigest())
    source = packed(tmp_path / "a.zip", {f"{top}ro-crate-metadata.json": whole, f"{top}data/a.csv": DATA})
    with made_ready(str(source)) as made:
        assert (made.kind, made.file_count, made.problems) == ("crate", 1, ())
        folder = Path(made.folder)
        assert (folder / "data/a.csv").read_bytes() == DATA
        assert (folder / "ro-crate-metadata.json").is_file()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"contentSize": "9"}, "other_size"),
        ({"sha256": "0" * 64}, "other_hash"),
        ({"@id": "data/b.csv"}, "missing"),
        ({"@id": "../../etc/passwd"}, "missing"),
        ({"contentSize": "many", "sha256": "none"}, None),
    ],
)
def test_what_a_crate_says_of_its_files_is_checked(tmp_path, said, problem):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.csv").write_bytes(DATA)
    (tmp_path / "ro-crate-metadata.json").write_text(document(**said))
    with made_ready(str(tmp_path)) as made:
        assert [why for _path, why in made.problems] == ([problem] if problem else [])
        assert made.folder == str(tmp_path)


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "name", ["../out.txt", "/etc/out.txt", "a/../../out.txt", "a\\..\\out.txt", "C:/out.txt"]
)
def test_nothing_is_written_outside(tmp_path, name):
    source = packed(tmp_path / "a.zip", {"ro-crate-metadata.json": document(), name: "out"})
    with pytest.raises(UsageError), made_ready(str(source)):
        pass
    assert not list(tmp_path.rglob("out.txt"))


def test_a_link_is_refused(tmp_path):
    source = tmp_path / "a.zip"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("ro-crate-metadata.json", document())
        archive.writestr(link("data/a.csv"), "/etc/passwd")
    with pytest.raises(UsageError, match="link"), made_ready(str(source)):
        pass


def test_damaged_and_doubled_archives_are_refused(tmp_path):
    source = packed(tmp_path / "a.zip", {"ro-crate-metadata.json": document(), "data/a.csv": DATA * 999})
    whole = source.read_bytes()
    place = whole.index(b"data/a.csv") + 20
    source.write_bytes(whole[:place] + b"\xff\xff\xff" + whole[place + 3 :])
    with pytest.raises(UsageError), made_ready(str(source)):
        pass
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("ro-crate-metadata.json", document())
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("ro-crate-metadata.json", document())
    with pytest.raises(UsageError), made_ready(str(source)):
        pass


def test_an_archive_larger_than_the_room_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    source = packed(tmp_path / "a.zip", {"ro-crate-metadata.json": document(), "big": b"0" * 5_000_000})
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr("tsunagu.client.importing.shutil.disk_usage", lambda _path: usage)
    with pytest.raises(UsageError, match="5,000"), made_ready(str(source)):
        pass


@pytest.mark.parametrize("source", ["nothing-here", "10.12/", "https://example.org/a.zip", ""])
def test_what_is_no_source_says_so(source):
    with pytest.raises(UsageError), made_ready(source):
        pass


@pytest.mark.parametrize("content", ["{}", "no json", '{"@graph": [1]}'])
def test_a_folder_without_a_crate_says_so(tmp_path, content):
    (tmp_path / "ro-crate-metadata.json").write_text(content)
    with pytest.raises(UsageError, match=r"[Cc]rate|graph"), made_ready(str(tmp_path)):
        pass


class Agency(http.server.BaseHTTPRequestHandler):
    """A resolver of DOIs, with agencies of several kinds behind it."""

    asked: list[str] = []  # noqa: RUF012 - what the tests look at

    def do_GET(self):
        self.asked.append(self.headers["Accept"])
        kind = self.path.rpartition("/")[2]
        if kind in {"good", "round"}:
            self.send_response(302)
            self.send_header("Location", f"/agency/{'last' if kind == 'good' else 'round'}")
            self.end_headers()
            return
        self.send_response(404 if kind == "gone" else 200)
        self.send_header("Content-Type", "text/html" if kind == "page" else "application/xml")
        self.end_headers()
        self.wfile.write(b"<resource/>")

    def log_message(self, *_):
        pass


@pytest.fixture
def resolver():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Agency)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("spelling", ["10.1234/good", "doi:10.1234/GOOD", "https://doi.org/10.1234/good"])
def test_the_record_of_a_doi_is_fetched_through_its_redirects(resolver, spelling):
    with made_ready(spelling, resolver=resolver) as made:
        assert (Path(made.folder) / "datacite.xml").read_bytes() == b"<resource/>"
    assert "datacite+xml" in Agency.asked[-1]


@pytest.mark.parametrize("kind", ["page", "gone", "round"])
def test_an_agency_without_such_a_record_says_so(resolver, kind):
    with pytest.raises(UsageError, match=r"10\.1234"), made_ready(f"10.1234/{kind}", resolver=resolver):
        pass


def test_an_agency_that_is_silent(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _s: None)
    with pytest.raises(UnreachableError), made_ready("10.1234/a", resolver="http://127.0.0.1:9"):
        pass
