"""Metadata feeds: good ones are indexed, bad ones are refused with the reason, the last good copy stays."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.federation import AUTHORITY, Signer, aggregate, entity, feed
from tsunagu.core import clock, egress
from tsunagu.core import settings as node_settings
from tsunagu.foundation.identity import api as identity

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    return Signer(tmp_path_factory.mktemp("signer"))


@pytest.fixture
def federation(signer, tmp_path, monkeypatch):
    """The setting, and a function that puts a feed in place and refreshes it."""
    row = {"name": "test", "file": str(tmp_path / "feed.xml"), "certificate": str(signer.certificate)}

    def configure(**more: Any) -> None:
        node = node_settings.current()
        values = {**node.values, "federation_feeds": ({**row, **more},)}
        monkeypatch.setattr(node_settings, "current", lambda: node_settings.Settings(node.home, values))

    def put(xml: str) -> identity.FeedCard:
        (tmp_path / "feed.xml").write_text(xml, "utf-8")
        (card,) = identity.refresh_feeds()
        return card

    configure()
    put.configure = configure
    return put


def names() -> list[str]:
    return sorted(card.entity_id for card in identity.search_providers(""))


def test_a_signed_feed_is_indexed(signer, federation):
    card = federation(feed(signer, 3))
    assert (card.state, card.entity_count, card.problem) == ("good", 3, "")
    (found,) = identity.search_providers("第1大学")
    assert found.entity_id == "https://idp1.example.ac.jp/idp/shibboleth"
    assert (found.name("ja"), found.name("en")) == ("第1大学", "University 1")
    assert found.registration_authority == AUTHORITY


@pytest.mark.parametrize(
    "words", ["だい2", "ダイ2だいがく", "ﾀﾞｲ2", "UNIVERSITY 2", "u2.example", "university　２"]
)
def test_people_find_their_institution_however_they_write(signer, federation, words):
    federation(feed(signer, 4))
    assert [card.name("en") for card in identity.search_providers(words)] == ["University 2"]


def unsigned(signer: Signer) -> str:
    return aggregate([entity(n, certificate=signer.base64) for n in range(3)])


def wrapped(signer: Signer) -> str:
    """The signed original hangs below a forged root, where a search for the first Signature finds it."""
    signed = feed(signer, 1)
    evil = entity(666, certificate=signer.base64)
    return aggregate([evil]).replace("</md:Extensions>", f"{signed}</md:Extensions>", 1)


def wrapped_with_signature(signer: Signer) -> str:
    """The forged root bears the signature itself; the element that it covers hangs below."""
    signed = feed(signer, 1)
    start, end = signed.index("<ds:Signature"), signed.index("</ds:Signature>") + len("</ds:Signature>")
    moved, original = signed[start:end], signed[:start] + signed[end:]
    forged = aggregate([entity(666, certificate=signer.base64)]).replace('ID="feed"', 'ID="forged"')
    return forged.replace("<md:Extensions>", f"{moved}<md:Extensions>{original}", 1)


def two_with_one_id(signer: Signer) -> str:
    return wrapped_with_signature(signer).replace('ID="forged"', 'ID="feed"')


BAD = {
    "not signed at its root": [unsigned, wrapped],
    "covers another element": [wrapped_with_signature],
    "bear the ID": [two_with_one_id],
    "does not fit the pinned certificate": [
        lambda s: Signer(s.certificate.parent, "other").sign(unsigned(s)),
        lambda s: feed(s, 3).replace("University 1", "University 9"),
    ],
    "weak or unknown algorithm": [
        lambda s: s.sign(unsigned(s), method="http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        lambda s: s.sign(unsigned(s), digest="http://www.w3.org/2000/09/xmldsig#sha1"),
    ],
    "expired at": [
        lambda s: s.sign(
            aggregate([entity(1, certificate=s.base64)], valid_until=clock.now() - dt.timedelta(minutes=1))
        )
    ],
    "too long": [
        lambda s: s.sign(
            aggregate([entity(1, certificate=s.base64)], valid_until=clock.now() + dt.timedelta(days=4000))
        )
    ],
    "until when it is valid": [
        lambda s: s.sign(aggregate([entity(1, certificate=s.base64)], has_validity=False))
    ],
    "shrank from 10 to 2": [lambda s: feed(s, 2)],
    "is older": [
        lambda s: s.sign(
            aggregate(
                [entity(n, certificate=s.base64) for n in range(12)],
                made_at=clock.now() - dt.timedelta(days=2),
            )
        )
    ],
    "document type": [lambda s: "<!DOCTYPE x [<!ENTITY e 'x'>]>" + feed(s, 12)],
    "is not XML": [lambda _: "<md:EntitiesDescriptor"],
    "no identity provider": [lambda s: s.sign(aggregate([]))],
}


@pytest.mark.parametrize(("reason", "make"), [(reason, make) for reason in BAD for make in BAD[reason]])
def test_a_bad_feed_is_refused_and_the_last_good_copy_stays(signer, federation, reason, make):
    assert federation(feed(signer, 10)).state == "good"
    before = names()
    card = federation(make(signer))
    assert reason in card.problem
    assert (card.state, card.entity_count) == ("old", 10)
    assert names() == before
    assert federation(feed(signer, 11)).state == "good"


def test_an_expired_copy_lets_nobody_in(signer, federation, monkeypatch):
    federation(feed(signer, 2))
    later = clock.now() + dt.timedelta(days=15)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert identity.feed_status()[0].state == "expired"
    assert names() == []


def test_only_entities_of_the_named_registrars_are_taken(signer, federation):
    federation.configure(registration_authorities=["https://other.example.org"])
    assert "no identity provider" in federation(feed(signer, 2)).problem
    federation.configure(registration_authorities=[AUTHORITY])
    assert federation(feed(signer, 2)).entity_count == 2


def test_both_certificates_work_while_the_signer_changes(signer, federation, tmp_path):
    new = Signer(tmp_path, "new")
    both = tmp_path / "both.crt"
    both.write_bytes(signer.certificate.read_bytes() + new.certificate.read_bytes())
    federation.configure(certificate=str(both))
    assert federation(feed(signer, 2)).state == "good"
    assert federation(feed(new, 2)).state == "good"


def test_a_missing_file_or_certificate_is_said(signer, federation, tmp_path):
    federation(feed(signer, 2))
    (tmp_path / "feed.xml").unlink()
    (card,) = identity.refresh_feeds()
    assert "cannot be read" in card.problem
    federation.configure(certificate="nowhere.crt")
    assert "nowhere.crt" in federation(feed(signer, 2)).problem


def test_feeds_are_fetched_by_the_one_way_out(signer, federation, monkeypatch):
    asked = []

    def fetch(url: str, **_: Any) -> egress.Fetched:
        asked.append(url)
        return egress.Fetched(feed(signer, 2).encode(), "application/samlmetadata+xml", url)

    monkeypatch.setattr(egress, "fetch", fetch)
    federation.configure(file=None, url="https://metadata.example.org/feed.xml")
    (card,) = identity.refresh_feeds()
    assert card.state == "good"
    assert asked == ["https://metadata.example.org/feed.xml"]


def test_six_thousand_providers_within_two_seconds_and_200_megabytes(signer, tmp_path):
    """In a process of its own, as a worker is. Seconds of the processor: the tests beside this one take the rest."""
    (tmp_path / "feed.xml").write_text(feed(signer, 6000), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.federation", str(tmp_path / "feed.xml"), str(signer.certificate)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    report = __import__("json").loads(done.stdout.splitlines()[-1])
    assert report["entities"] == 6000
    assert report["cpu_s"] <= 2
    assert report["peak_bytes"] <= 200e6


def test_nobody_replaced_the_xmlsec_module():
    """pyXMLSecurity installs a module of the same name, with which no signature is checked any more."""
    import xmlsec

    assert hasattr(xmlsec, "SignatureContext")


def test_control_loads_no_xml_library_before_it_is_needed():
    code = (
        "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'tsunagu.config.test_settings'; django.setup();"
        "import sys, tsunagu.config.urls;"
        "print([m for m in ('lxml', 'xmlsec', 'onelogin') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
