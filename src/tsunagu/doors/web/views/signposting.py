"""FAIR Signposting: typed links in the header of a dataset's page, for programs that do not read pages.

Source: https://signposting.org/FAIR/.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tsunagu.data.datasets.api import DatasetCard
from tsunagu.doors.web.views.documents import FORMS
from tsunagu.standards import api as standards


def links(card: DatasetCard, version: int, described: Mapping[str, Any]) -> str:
    """The value of ``Link`` for a frozen version that schema.org describes as ``described``."""
    page = described["@id"]
    found = [
        standards.Link(page, "cite-as", page),
        standards.Link(page, "type", "https://schema.org/Dataset"),
        standards.Link(page, "type", "https://schema.org/AboutPage"),
    ]
    found += [
        standards.Link(page, "describedby", form.address(card, version), form.media_type, form.profile)
        for form in FORMS
    ]
    if isinstance(described["license"], str):  # an address; terms in words are a work with a name
        found.append(standards.Link(page, "license", described["license"]))
    found += [
        standards.Link(page, "author", one["sameAs"]) for one in described["creator"] if "sameAs" in one
    ]
    found += [
        standards.Link(page, "item", file["contentUrl"], file["encodingFormat"])
        for file in described["distribution"]
    ]
    return standards.link_header(found, page)
