"""Plans as their owners would write them, and what the checks say about them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tsunagu.data.datasets import api as datasets
from tsunagu.data.plans import api as plans

STANDARDS = Path(__file__).resolve().parents[2].parent / "shared" / "standards" / "madmp"
if not STANDARDS.is_dir():
    STANDARDS = Path(__file__).resolve().parents[2].parent.parent / "shared" / "standards" / "madmp"


def document(**row):
    """A plan with one row for lab/data that every check is content with; ``row`` replaces parts of it."""
    place = {
        "title": "Spectra",
        "data_access": "open",
        "byte_size": 1_000_000,
        "format": ["text/csv"],
        "available_until": "2040-03-31",
        "license": [
            {"license_ref": "https://creativecommons.org/licenses/by/4.0/", "start_date": "2027-03-01"}
        ],
        "host": {"title": "Tsunagu", "url": "http://localhost:8000"},
    }
    place |= row.pop("place", {})
    place = {key: value for key, value in place.items() if value is not None}
    return {
        "dmp": {
            "title": "薄膜の計画",
            "language": "jpn",
            "created": "2026-04-01T00:00:00Z",
            "modified": "2027-01-10T00:00:00Z",
            "dmp_id": {"identifier": "https://doi.org/10.1234/abc", "type": "doi"},
            "contact": {
                "name": "Owner",
                "mbox": "owner@example.org",
                "contact_id": {"identifier": "0000-0002-1825-0097", "type": "orcid"},
            },
            "ethical_issues_exist": "no",
            "project": [
                {
                    "title": "Thin films",
                    "end": "2029-03-31",
                    "funding": [
                        {
                            "funder_id": {"identifier": "https://ror.org/00hhkn466", "type": "ror"},
                            "grant_id": {"identifier": "JP24K00366", "type": "JGN"},
                        }
                    ],
                }
            ],
            "dataset": [
                {
                    "title": "Spectra",
                    "dataset_id": {"identifier": "lab/data", "type": "other"},
                    "personal_data": "no",
                    "sensitive_data": "no",
                    "distribution": [place],
                    "x_other_tool": {"keep": ["me", 1]},
                    **row,
                }
            ],
            "x_other_tool": {"also": None},
        }
    }


def states(actor, project="lab"):
    card = datasets.get_project(actor, project)
    plans.check(actor, card)
    return {(one.check, one.place): one for one in plans.findings(actor, card)}


def schema():
    if not STANDARDS.is_dir():
        pytest.skip("the official maDMP schema is not beside the repository (shared/standards)")
    return json.loads((STANDARDS / "maDMP-schema-1.2.json").read_text("utf-8"))
