"""The official schemas and samples, beside the repository; and a record that uses every corner of ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from tsunagu.standards import api as s

_ROOT = Path(__file__).resolve().parents[4]
STANDARDS = next(
    (
        place
        for above in (_ROOT.parent, _ROOT.parent.parent)
        if (place := above / "shared" / "standards").is_dir()
    ),
    _ROOT.parent / "shared" / "standards",
)
needs_official = pytest.mark.skipif(
    not STANDARDS.is_dir(), reason="reference files not present (shared/standards beside the repository)"
)
# JPCOAR's schemas ask for the schema of the XML namespace on the web.
_XML_XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
  targetNamespace="http://www.w3.org/XML/1998/namespace">
  <xs:attribute name="lang" type="xs:string"/><xs:attribute name="space" type="xs:string"/>
  <xs:attribute name="base" type="xs:anyURI"/></xs:schema>"""
_schemas: dict[Path, etree.XMLSchema] = {}


class _Offline(etree.Resolver):
    def resolve(self, url, public_id, context):
        return self.resolve_string(_XML_XSD, context) if url.endswith("xml.xsd") else None


def schema(path):
    """A schema of the official files, read without a network."""
    if path not in _schemas:
        parser = etree.XMLParser(no_network=True)
        if "jpcoar" in str(path):
            parser.resolvers.add(_Offline())
        _schemas[path] = etree.XMLSchema(etree.parse(str(path), parser))
    return _schemas[path]


def jpcoar_schema(version):
    return schema(STANDARDS / "jpcoar" / version / "jpcoar_scm.xsd")


def datacite_schema(version="4.6"):
    return schema(STANDARDS / "datacite" / f"kernel-{version}" / "metadata.xsd")


def faults(xsd, data):
    """What a schema finds wrong, as words."""
    xsd.validate(etree.fromstring(data))
    return [str(error.message) for error in xsd.error_log]


def samples(version):
    return sorted((STANDARDS / "jpcoar" / version / "samples").glob("*.xml"))


def full_record(**changes):
    """A dataset that says everything that a dataset of ours can say, without a fault."""
    university = s.Party(
        (s.Text("東北大学", "ja"), s.Text("Tohoku University", "en")),
        is_organization=True,
        ids=(s.PartyId("ROR", "https://ror.org/01dq60k83", "https://ror.org/01dq60k83"),),
    )
    person = s.Party(
        (s.Text("山田, 花子", "ja"), s.Text("Yamada, Hanako", "en"), s.Text("ヤマダ, ハナコ", "ja-Kana")),
        ids=(s.PartyId("ORCID", "0000-0002-1825-0097", "https://orcid.org/0000-0002-1825-0097"),),
        affiliations=(university,),
    )
    values = {
        "id": "ds-0001",
        "url": "https://data.example.ac.jp/d/lab/films/v2",
        "resource_type": "experimental data",
        "titles": (s.Text("薄膜のX線回折 <θ-2θ>", "ja"), s.Text("XRD of thin films & more", "en")),
        "access": "open access",
        "creators": (person,),
        "contributors": (
            s.Party(university.names, is_organization=True, ids=university.ids, role="HostingInstitution"),
        ),
        "alternatives": (s.Text("Films", "en"),),
        "rights": (
            s.Right(
                s.Text("Creative Commons Attribution 4.0 International", "en"),
                "https://creativecommons.org/licenses/by/4.0/",
            ),
        ),
        "rights_holders": (university,),
        "subjects": (s.Subject(s.Text("薄膜", "ja")), s.Subject(s.Text("自然科学一般", "ja"), "e-Rad_field")),
        "descriptions": (
            s.Description(s.Text("500 枚の薄膜を測定した。", "ja")),
            s.Description(s.Text("Cu Kα", "en"), "Methods"),
        ),
        "publishers": (university,),
        "dates": (s.Dated("2026-04-01", "Issued"), s.Dated("2025-01-01/2025-03-31", "Collected")),
        "languages": ("jpn",),
        "version": "1.2",
        "doi": "10.1234/films.2",
        "doi_agency": "JaLC",
        "is_doi_registered": True,
        "relations": (
            s.Relation(
                "isSupplementTo", "DOI", "https://doi.org/10.5555/article", (s.Text("An article", "en"),)
            ),
            s.Relation("cites", "URI", "https://example.org/x"),
        ),
        "temporal": (s.Text("2025年", "ja"),),
        "places": (s.Place("仙台", (140.84, 38.25)), s.Place(box=(-10.5, 20.0, 30.25, 40.0))),
        "fundings": (
            s.Funding(
                (s.Text("日本学術振興会", "ja"), s.Text("Japan Society for the Promotion of Science", "en")),
                s.PartyId("ROR", "https://ror.org/00hhkn466"),
                stream_names=(s.Text("科学研究費助成事業", "ja"),),
                award_number="JP24K00366",
                award_url="https://kaken.nii.ac.jp/ja/grant/KAKENHI-PROJECT-24K00366/",
                award_titles=(s.Text("薄膜", "ja"),),
            ),
        ),
        "extents": (s.Text("500 枚", "ja"),),
        "formats": ("text/csv",),
        "files": (
            s.PublicFile(
                "https://data.example.ac.jp/d/lab/films/v2/a.csv", "text/csv", 1_234_567, label="a.csv"
            ),
        ),
        "institution": "tohoku",
    }
    return s.PublicRecord(**{**values, **changes})
