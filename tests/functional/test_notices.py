"""An article at one node tells the node of its data, whose curator accepts; a stranger is held back."""

from __future__ import annotations

import json
import urllib.request

import pytest

from tests.functional.two_nodes import wait
from tests.node import free_port, running_node

pytestmark = pytest.mark.functional
SAID = {
    "title": "薄膜のX線回折",
    "title_en": "X-ray diffraction of thin films",
    "description": "室温で測定しました。",
    "creators": ["山田 花子 (0000-0002-1825-0097)"],
    "licence": "CC BY 4.0",
}


def published(node, place, folder, *options):
    folder.mkdir()
    (folder / "scan.csv").write_text("x,y\n1,2\n")
    node.run("push", str(folder), place)
    for key, value in SAID.items():
        assert node.api("PUT", f"/datasets/{place}/metadata/{key}", {"value": value})[0] == 200
    node.run("label", place, "personal=no")
    node.run("freeze", place)
    asked = node.json("publish", place, *options)
    if asked["state"] != "published":
        asked = node.json("review", "approve", asked["id"])
    assert asked["state"] == "published"
    return asked


def know(node, other, name, right):
    partner = {"title": name, "origin_id": other.url, "inbox": f"{other.url}/inbox", "may": [right]}
    assert node.api("PUT", f"/notices/partners/{name}", partner)[0] == 200


def test_an_article_tells_the_node_of_its_data(tmp_path):
    ports = free_port(), free_port()
    extra = {"TSUNAGU_EGRESS_ALLOWED": ",".join(f"localhost:{port}" for port in ports)}
    with (
        running_node(tmp_path / "data", extra, port=ports[0]) as holder,
        running_node(tmp_path / "text", extra, port=ports[1]) as teller,
    ):
        for node in (holder, teller):
            node.run("project", "create", "lab")
        data = published(holder, "lab/films", tmp_path / "a")
        know(teller, holder, "holder", "told")
        with urllib.request.urlopen(data["url"], timeout=30) as page:
            assert f'<{holder.url}/inbox>; rel="http://www.w3.org/ns/ldp#inbox"' in page.headers["Link"]
        article = ("--type", "journal article", "--text-version", "AM", "--data", data["url"])
        text = published(teller, "lab/paper", tmp_path / "b", *article)
        (held,) = wait(
            lambda: holder.json("notices", "--state", "held")["notices"], "the notice of a stranger"
        )
        assert text["url"] not in json.dumps(holder.api("GET", f"/publications/{data['id']}")[1])
        know(holder, teller, "teller", "relations")
        holder.run("notices", "--let-through", held["id"])
        (came,) = holder.api("GET", f"/publications/{data['id']}/notices")[1]["notices"]
        assert (came["state"], came["address"], came["number"]) == ("proposed", text["url"], 1)
        holder.run("notices", "--accept", came["id"])
        with urllib.request.urlopen(data["url"], timeout=30) as page:
            assert text["url"] in page.read().decode(), "the page of the data names the article"
        (sent,) = wait(
            lambda: [one for one in teller.json("notices", "--sent")["sent"] if one["state"] == "done"],
            "the receipt",
        )
        assert sent["about"] == data["url"]
