"""The guard over REST and on its pages, from the question to the answer that is kept."""

from __future__ import annotations

import pytest

from tests.rooms.ai_questions import PURPOSE, settle, terms
from tests.rooms.clients import caller_of, client_of
from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.ai_use import checklist
from tsunagu.data.training import api as training
from tsunagu.foundation.policy import api as policy
from tsunagu.foundation.runs import api as runs


@pytest.mark.django_db
def test_the_whole_way_over_rest(closed, outside, person):
    owner, _card = closed
    client = caller_of(owner)
    place = "/api/v1/datasets/lab/data"
    json = {"content_type": "application/json"}
    use = {"service": "outside", "purpose": PURPOSE, "kind": "inference"}
    found = client.post(f"{place}/ai-use", use, **json).json()
    assert found["answer"] == "needs"
    for item in [one["id"] for one in found["items"] if one["may_answer"]]:
        found = client.post(f"{place}/ai-use/answers", {**use, "item": item, "answer": "yes"}, **json).json()
    assert found["answer"] == "allow"
    assert len(client.get(f"{place}/ai-use").json()["checks"]) == 4
    put = client.put(f"{place}/ai-terms", {"uses": {"training": "deny"}, "limits": ["NCU"]}, **json).json()
    assert (put["uses"]["training"], put["uses"]["index"]) == ("deny", "ask")
    assert client.get(f"{place}/ai-terms?version=1").json()["uses"]["training"] == "ask"
    fragment = client.get(f"{place}/ai-terms/croissant").json()
    back = client.put(f"{place}/ai-terms/croissant", {"croissant": fragment}, **json).json()
    assert (back["uses"], back["limits"]) == (put["uses"], put["limits"])
    names = [one["name"] for one in client.get("/api/v1/ai-services").json()["services"]]
    assert names == ["local", "outside"]
    assert client.put("/api/v1/ai-services/x", {"valid_until": "2099-01-01"}, **json).status_code == 403
    assert client.put("/api/v1/ai-checklist", {"text": "x"}, **json).status_code == 403
    assert client.get("/api/v1/ai-checklist").json()["items"][0] == "ai.T1"
    other = caller_of(person("stranger"))
    for path in ("ai-use", "ai-terms", "ai-terms/croissant"):
        assert other.get(f"{place}/{path}").status_code == 404
    assert other.post(f"{place}/ai-use", use, **json).status_code == 404


# --- Pages


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_asks_answers_and_keeps(closed, outside, language):
    owner, card = closed
    browser = client_of(owner)
    browser.cookies["django_language"] = language
    place = "/d/lab/data/ai-use"
    words = {"en": ("questions open", "allowed"), "ja": ("未回答あり", "利用可")}[language]
    assert browser.get(place).status_code == 200
    use = {"service": "outside", "kind": "inference", "purpose": PURPOSE}
    page = browser.post(place, use).content.decode()
    assert words[0] in page
    assert "ai.D8=yes" in page
    for item in ("ai.T1", "ai.D1", "ai.D8"):
        page = browser.post(
            place, {**use, "item": f"{item}=yes", f"note-{item}": "looked <b>up</b>"}
        ).content.decode()
    assert words[1] in page
    assert "looked &lt;b&gt;up&lt;/b&gt;" in page
    form = {
        "terms": "1",
        "use-training": "deny",
        "limits": "ncu, hmb",
        "countries": "JP",
        "until": "2099-01-01",
    }
    assert browser.post(place, form).status_code == 302
    found = ai_use.terms_of(card).terms
    assert (found.uses["training"], found.limits, found.countries) == ("deny", ("HMB", "NCU"), ("JP",))
    page = browser.post(place, {**use, "kind": "training"}).content.decode()
    run = runs.of_dataset(card.id, limit=1)[0]
    assert browser.get(f"/d/lab/data/runs/{run.id}").status_code == 200
    assert browser.get("/d/lab/data/provenance").status_code == 200
    assert ai_use.history(card)[0].answer == "deny"


@pytest.mark.django_db
def test_officers_keep_services_and_checklist_on_their_page(officer, closed):
    owner, _card = closed
    browser, other = client_of(officer), client_of(owner)
    facts = {"name": "llm", "title": "LLM", "countries": "JP", "keeps": "yes", "retention_days": "30",
             "valid_until": "2099-12-31", "trains": "no"}  # fmt: skip
    assert other.post("/ai-services", facts).status_code == 403
    assert browser.post("/ai-services", facts).status_code == 302
    assert ai_use.get_service("llm").retention_days == 30
    assert 'value="30"' in browser.get("/ai-services?service=llm").content.decode()
    assert browser.post("/ai-services", facts | {"retention_days": "many"}).status_code == 422
    wrong = browser.post("/ai-services", {"checklist": "items: [kept by me]"})
    assert wrong.status_code == 422
    assert "kept by me" in wrong.content.decode()
    text = checklist.default_text().replace("dated:", "dated: # again\n ")
    assert browser.post("/ai-services", {"checklist": text.replace("\n", "\r\n")}).status_code == 302
    assert ai_use.current_text() == text
    page = other.get("/ai-services").content.decode()
    assert "readonly" in page
    assert "/ai-services?service=" not in page


@pytest.mark.django_db
def test_the_provider_sees_on_the_page_what_trainings_read_and_a_reader_only_the_own(closed, person):
    owner, card = closed
    ai_use.set_terms(owner, card, terms(training="allow"))
    settle(owner, card, kind="training", purpose=PURPOSE)
    for name in ("hanako", "taro"):
        reader = person(name)
        policy.grant(
            owner, card.resource, subject_kind="person", subject_id=reader.id, role=policy.Role.READER
        )
        use = training.open_use(reader, card, training=f"net-of-{name}", purpose=PURPOSE)
        report = training.Report("a" * 8, epochs=2, rows=12345, bytes=1)
        training.note(reader, use.id, opening=use.opening, report=report)
    said = client_of(owner).get("/d/lab/data/ai-use").content.decode()
    assert "net-of-hanako" in said
    assert "net-of-taro" in said
    assert "12,345 rows read" in said
    said = client_of(reader, "ja").get("/d/lab/data/ai-use").content.decode()
    assert "net-of-taro" in said
    assert "net-of-hanako" not in said
    assert "12,345 行を読み取り" in said
