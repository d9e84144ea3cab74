"""COAR Notify: the pages and the REST interface for people."""

from __future__ import annotations

import json

import pytest

from tests.rooms.clients import caller_of, client_of
from tests.rooms.notice_worlds import (
    ARTICLE,
    INBOX,
    ORIGIN,
    PAGE,
    notice,
    pairs,
    relationship,
    take,
)
from tsunagu.data.notices import api as notices
from tsunagu.data.notices.models import Sent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at", "english")]


@pytest.mark.parametrize("language", ["ja", "en"])
def test_administrators_keep_services_and_look_after_what_is_held(published, officer, open_way, language):
    owner, _ = published
    admin = client_of(officer)
    form = {
        "name": "reviews",
        "title": "査読",
        "origin_id": ORIGIN,
        "inbox": INBOX,
        "may": ["reviews"],
        "token": "sesame",
    }
    row = take(relationship())
    page = {"headers": {"accept-language": language}}
    assert ORIGIN in admin.get("/notices", **page).content.decode()
    assert admin.post("/notices", {**form, "may": ["everything"]}).status_code == 422
    assert admin.post("/notices", form).status_code == 302
    assert admin.post("/notices", {"let_through": row.uid}).status_code == 409
    assert admin.post("/notices", {**form, "may": ["reviews", "relations"], "token": ""}).status_code == 302
    assert notices.list_partners(officer)[0].has_token, "an empty field leaves the token alone"
    assert "sesame" not in admin.get("/notices?service=reviews", **page).content.decode()
    assert admin.post("/notices", {"let_through": row.uid}).status_code == 302
    spare = take(relationship(origin={"id": "https://a.example", "inbox": "https://a.example/i"}))
    assert admin.post("/notices", {"throw_away": spare.uid}).status_code == 302
    assert client_of(owner).get("/notices").status_code == 403
    assert admin.post("/notices", {"remove": "reviews"}).status_code == 302
    assert notices.list_partners(officer) == []


@pytest.mark.parametrize("language", ["ja", "en"])
def test_who_owns_the_data_decides_on_the_page_of_the_publication(
    service, told, partner, published, officer, language
):
    owner, made = published
    browser, place = client_of(owner), f"/publishing/requests/{made.id}"
    page = {"headers": {"accept-language": language}}
    row = take(relationship())
    assert ARTICLE in browser.get(place, **page).content.decode()
    assert place in client_of(officer).get("/publishing", **page).content.decode()
    assert (
        browser.post(
            place, {"step": "notice", "verdict": f"accept {row.uid}", "relation": "cites"}
        ).status_code
        == 302
    )
    assert pairs() == {("cites", ARTICLE)}
    assert browser.post(place, {"step": "notice", "verdict": f"reopen {row.uid}"}).status_code == 302
    assert browser.post(place, {"step": "notice", "verdict": "burn x"}).status_code == 404
    assert browser.post(place, {"step": "offer", "service": "review service"}).status_code == 302
    assert browser.post(place, {"step": "offer", "service": "nobody"}).status_code == 422
    offer = take(notice(["Offer", "coar-notify:ReviewAction"], {"id": PAGE}))
    assert browser.post(place, {"step": "answer_offer", "answer": f"accept {offer.uid}"}).status_code == 302
    assert sorted(Sent.objects.values_list("pattern", flat=True)) == ["accept", "offer-review"]
    assert "Service" in browser.get(place, **page).content.decode()


def test_the_interface_does_all_of_it(service, told, partner, published, officer):
    owner, made = published
    base = "/api/v1"
    api, admin = caller_of(owner), caller_of(officer)
    row = take(relationship())
    offer = take(notice(["Offer", "coar-notify:ReviewAction"], {"id": PAGE}))

    def send(client, path, body=None, method="post"):
        return getattr(client, method)(
            f"{base}{path}", json.dumps(body or {}), content_type="application/json"
        )

    assert send(api, f"/notices/{row.uid}/verdicts/accept").json()["state"] == "accepted"
    assert send(api, f"/notices/{row.uid}/verdicts/accept", {"relation": "loves"}).status_code == 200
    assert send(api, f"/notices/{row.uid}/verdicts/reopen").json()["state"] == "proposed"
    assert send(api, f"/notices/{row.uid}/verdicts/accept", {"relation": "loves"}).status_code == 422
    assert send(api, f"/notices/{offer.uid}/answers", {"answer": "reject"}).json()["pattern"] == "reject"
    assert (
        send(api, f"/publications/{made.id}/offers", {"partner": "service", "kind": "review"}).status_code
        == 201
    )
    found = api.get(f"{base}/publications/{made.id}/notices").json()
    assert (len(found["notices"]), len(found["sent"])) == (2, 2)
    assert api.get(f"{base}/notices").json() == {"notices": [], "next": None}
    first = admin.get(f"{base}/notices?limit=1").json()
    second = admin.get(f"{base}/notices?limit=1&after={first['next']}").json()
    assert {one["notices"][0]["id"] for one in (first, second)} == {row.uid, offer.uid}
    assert {one["name"] for one in admin.get(f"{base}/notices/partners").json()["partners"]} == {
        "reviews",
        "service",
    }
    assert len(admin.get(f"{base}/notices/sent").json()["sent"]) == 2
