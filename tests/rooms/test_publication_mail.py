"""Mail on the way to publication: to whom, in which language, and without a word of the data."""

from __future__ import annotations

import pytest
from django.core import mail

from tests.rooms.publication_worlds import ready, run_queued
from tsunagu.data.publication import api as publication
from tsunagu.foundation.identity.models import Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at")]


@pytest.fixture
def asked(dataset, put, officer, person, configure):
    """A request to an institution with two curators, one of whom reads Japanese."""
    configure(mail_url="smtp://mail.example.ac.jp:25")
    owner, card = dataset
    curators = [person("kudo"), person("lee")]
    Person.objects.filter(uid=curators[0].id).update(language="ja")
    Person.objects.exclude(uid=curators[0].id).update(language="en")
    wish = {
        "name_ja": "北見山大学",
        "name_en": "Kitamiyama University",
        "curators": list(
            Person.objects.filter(uid__in=[one.id for one in curators]).values_list("email", flat=True)
        ),
    }
    publication.write_institution(officer, "kitamiyama", wish)
    made = publication.request(owner, ready(owner, card, put), institution="kitamiyama", note="a secret word")
    return owner, curators, made


def sent():
    run_queued()
    found = {one.to[0].partition("@")[0]: one for one in mail.outbox}
    mail.outbox.clear()
    return found


def test_each_hears_of_the_others_in_their_own_language(asked):
    owner, (kudo, lee), made = asked
    first = sent()
    assert set(first) == {"kudo", "lee"}
    assert "公開の申請がありました" in first["kudo"].subject
    assert "A publication was asked for" in first["lee"].subject
    for one in first.values():
        assert f"/publishing/requests/{made.id}" in one.body
        for secret in ("a secret word", "lab/data", "薄膜", "thin films"):
            assert secret not in one.body + one.subject
    publication.assign(kudo, made.id, Person.objects.get(uid=lee.id).email)
    assert set(sent()) == {"lee"}
    publication.ask_changes(lee, made.id, "Name the instrument.")
    told = sent()
    assert set(told) == {Person.objects.get(uid=owner.id).email.partition("@")[0]}
    publication.comment(owner, made.id, "It stands in the readme.")
    assert set(sent()) == {"lee"}, "the one who looks at it"


def test_without_a_mail_server_nothing_is_sent(asked, configure):
    owner, _, made = asked
    sent()
    configure(mail_url="")
    publication.comment(owner, made.id, "Hello?")
    assert sent() == {}
