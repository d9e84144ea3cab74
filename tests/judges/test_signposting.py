"""The package ``signposting`` finds by HTTP what we say about a record."""

from __future__ import annotations

import json

import pytest
import signposting

from tests.harvest_world import a_record, serving
from tsunagu.standards import api as s


@pytest.fixture
def served():
    """A landing page with its links, and the link set."""
    place: list[str] = []

    def application(environ, start_response):
        page = f"{place[0]}/d/lab/films/v1"
        files = (s.PublicFile(f"{page}/温度.csv", "text/csv"), s.PublicFile(f"{page}/b.csv", "text/csv"))
        record = a_record(7, url=page, files=files)
        documents = [
            s.Document(
                f"{page}/jpcoar.xml", "application/xml", "https://github.com/JPCOAR/schema/blob/master/2.0/"
            )
        ]
        links = s.links_of(record, documents)
        if environ["PATH_INFO"].endswith("linkset"):
            body = json.dumps(s.to_linkset(links)).encode()
            start_response("200 OK", [("Content-Type", "application/linkset+json")])
        else:
            body = b"<!doctype html><title>films</title>"
            header = s.link_header(links, page, f"{page}/linkset")
            start_response("200 OK", [("Content-Type", "text/html"), ("Link", header)])
        return [body] if environ["REQUEST_METHOD"] == "GET" else []

    with serving(application) as address:
        place.append(address)
        yield f"{address}/d/lab/films/v1"


def test_the_links_of_a_landing_page(served):
    found = signposting.find_signposting_http(served)
    assert str(found.citeAs.target) == "https://doi.org/10.1234/set7"
    assert {str(one.target) for one in found.authors} == {"https://orcid.org/0000-0002-1825-0097"}
    assert {str(one.target) for one in found.types} == {
        "https://schema.org/AboutPage",
        "https://schema.org/Dataset",
    }
    assert str(found.license.target) == "https://creativecommons.org/licenses/by/4.0/"
    assert {str(one.target).rpartition("/")[2] for one in found.items} == {"%E6%B8%A9%E5%BA%A6.csv", "b.csv"}
    assert {(str(one.type), len(one.profiles)) for one in found.describedBy} == {("application/xml", 1)}
    (linkset,) = found.linksets
    whole = signposting.find_signposting_linkset(str(linkset.target))
    page = whole.for_context(served)
    assert {str(one.target) for one in page.items} == {str(one.target) for one in found.items}
    assert str(page.citeAs.target) == str(found.citeAs.target)
    back = whole.for_context(f"{served}/b.csv")
    assert str(back.collection.target) == served
