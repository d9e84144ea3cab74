"""FAIR Signposting: typed links in the header of a dataset's page, for programs that do not read pages.

Source: https://signposting.org/FAIR/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.encoding import iri_to_uri

from tsunagu.data.datasets.api import DatasetCard
from tsunagu.doors.web.views.documents import FORMS

# Servers in between take headers of 4 to 8 KiB; whoever wants more files finds them in the documents.
_MOST_ITEMS = 20


def links(card: DatasetCard, version: int, described: Mapping[str, Any]) -> str:
    """The value of ``Link`` for a frozen version that schema.org describes as ``described``."""
    return ", ".join(_links(card, version, described))


def _links(card: DatasetCard, version: int, described: Mapping[str, Any]) -> Iterator[str]:
    yield _link(described["@id"], "cite-as")
    yield _link("https://schema.org/Dataset", "type")
    yield _link("https://schema.org/AboutPage", "type")
    for form in FORMS:
        yield _link(form.address(card, version), "describedby", type=form.media_type, profile=form.profile)
    if isinstance(described["license"], str):  # an address; terms in words are a work with a name
        yield _link(described["license"], "license")
    for person in described["creator"]:
        if "sameAs" in person:
            yield _link(person["sameAs"], "author")
    if len(described["distribution"]) <= _MOST_ITEMS:
        for file in described["distribution"]:
            yield _link(file["contentUrl"], "item", type=file["encodingFormat"])


def _link(target: str, relation: str, **attributes: str) -> str:
    said = "".join(f'; {name}="{value}"' for name, value in attributes.items())
    return f'<{iri_to_uri(target)}>; rel="{relation}"{said}'
