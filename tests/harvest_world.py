"""Published records in memory, as the door to harvesters asks for them; and a server over them for clients of others."""

from __future__ import annotations

import bisect
import contextlib
import datetime as dt
import socketserver
import threading
import wsgiref.simple_server
from dataclasses import dataclass, replace

from tsunagu.standards import api as s

START = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Entry:
    record: s.PublicRecord
    changed_at: dt.datetime
    is_deleted: bool = False
    sets: tuple[str, ...] = ()
    jpcoar: str | None = None

    @property
    def id(self):
        return self.record.id


@dataclass(frozen=True)
class SetCard:
    spec: str
    name_ja: str
    name_en: str


@dataclass(frozen=True)
class InstitutionCard:
    name: str
    name_ja: str
    name_en: str
    contact: str


TOHOKU = InstitutionCard("tohoku", "東北大学", "Tohoku University", "rdm@example.ac.jp")


def a_record(number, **changes):
    """A dataset as most are: two languages, one creator with an ORCID iD, a licence, a grant, two files."""
    institution = "tohoku" if number % 2 else "other"
    university = s.Party(
        (s.Text("東北大学", "ja"), s.Text("Tohoku University", "en")),
        is_organization=True,
        ids=(s.PartyId("ROR", "https://ror.org/01dq60k83"),),
    )
    person = s.Party(
        (s.Text("山田, 花子", "ja"), s.Text("Yamada, Hanako", "en")),
        ids=(s.PartyId("ORCID", "0000-0002-1825-0097", "https://orcid.org/0000-0002-1825-0097"),),
        affiliations=(university,),
    )
    values = {
        "id": f"{number:06d}",
        "url": f"https://data.example.ac.jp/d/lab/set{number}/v1",
        "resource_type": "experimental data",
        "titles": (s.Text(f"薄膜のX線回折 {number}", "ja"), s.Text(f"XRD of thin film {number}", "en")),
        "access": "open access",
        "creators": (person,),
        "rights": (
            s.Right(
                s.Text("Creative Commons Attribution 4.0 International", "en"),
                "https://creativecommons.org/licenses/by/4.0/",
            ),
        ),
        "subjects": (s.Subject(s.Text("薄膜", "ja")), s.Subject(s.Text("thin films", "en"))),
        "descriptions": (
            s.Description(s.Text("Cu Kα 線で θ-2θ 走査をした。強度は補正していない。" * 4, "ja")),
        ),
        "publishers": (university,),
        "dates": (s.Dated("2026-04-01", "Issued"),),
        "languages": ("jpn",),
        "version": "1",
        "doi": f"10.1234/set{number}",
        "doi_agency": "JaLC",
        "is_doi_registered": True,
        "fundings": (
            s.Funding(
                (s.Text("日本学術振興会", "ja"),),
                s.PartyId("ROR", "https://ror.org/00hhkn466"),
                award_number="JP24K00366",
            ),
        ),
        "files": tuple(
            s.PublicFile(
                f"https://data.example.ac.jp/d/lab/set{number}/v1/{name}", "text/csv", 123_456, label=name
            )
            for name in ("a.csv", "b.csv")
        ),
        "institution": institution,
    }
    return s.PublicRecord(**{**values, **changes})


class Publications:
    """The room's face. Records change while somebody harvests: ``put`` moves one to its new place."""

    def __init__(self, count=0):
        self._lock = threading.Lock()
        self._by_id = {}
        self._order = []
        for number in range(count):
            record = a_record(number)
            entry = Entry(
                record, START + dt.timedelta(seconds=number // 3), sets=(f"institution:{record.institution}",)
            )
            self._by_id[record.id] = entry
            self._order.append((entry.changed_at, record.id))
        self._order.sort()

    def put(self, record, moment, *, is_deleted=False):
        entry = Entry(
            record, moment.replace(microsecond=0), is_deleted, (f"institution:{record.institution}",)
        )
        with self._lock:
            old = self._by_id.get(record.id)
            if old is not None:
                self._order.remove((old.changed_at, record.id))
            self._by_id[record.id] = entry
            bisect.insort(self._order, (entry.changed_at, record.id))

    def all_ids(self):
        return set(self._by_id)

    def deleted_ids(self):
        return {entry.record.id for entry in self._by_id.values() if entry.is_deleted}

    def _span(self, institution, set_spec, since, until, after):
        wanted = {one for one in (institution and f"institution:{institution}", set_spec) if one}
        with self._lock:
            start = 0 if since is None else bisect.bisect_left(self._order, (since, ""))
            if after is not None:
                start = max(start, bisect.bisect_right(self._order, after))
            for _moment, record_id in self._order[start:]:
                entry = self._by_id[record_id]
                if until is not None and entry.changed_at > until:
                    return
                if wanted <= set(entry.sets):
                    yield entry

    def harvest(self, *, institution="", set_spec="", since, until, after, limit):
        found = []
        for entry in self._span(institution, set_spec, since, until, after):
            found.append(entry)
            if len(found) == limit:
                break
        return found

    def count(self, *, institution="", set_spec="", since, until):
        return sum(1 for _ in self._span(institution, set_spec, since, until, None))

    def find_entry(self, record_id, institution=""):
        entry = self._by_id.get(record_id)
        return entry if entry and institution in ("", entry.record.institution) else None

    def list_sets(self, institution=""):
        cards = [
            SetCard("institution:tohoku", "東北大学", "Tohoku University"),
            SetCard("institution:other", "その他", "Other"),
        ]
        return [card for card in cards if institution in ("", card.spec.partition(":")[2])]

    def earliest(self, institution=""):
        return self._order[0][0] if self._order else None

    def institution_card(self, name):
        return TOHOKU if name == "tohoku" else None


def spoilt(record):
    """The same without the language of its title: the aggregator would drop it."""
    return replace(record, titles=(s.Text("No language"),))


class _Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True


class _Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_said):
        pass


@contextlib.contextmanager
def serving(application):
    """A WSGI application on a free port of loopback; its address."""
    with wsgiref.simple_server.make_server("127.0.0.1", 0, application, _Server, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
