"""Citations in two languages and four forms, and the links that machines follow."""

from __future__ import annotations

import dataclasses
import re

import pytest

from tsunagu.standards import api as s
from tsunagu.standards.tests.official import full_record


def article():
    return full_record(
        resource_type="journal article",
        creators=(
            s.Party((s.Text("Suzuki, Tarō", "en"),)),
            s.Party((s.Text("Tohoku University & Co.", "en"),), is_organization=True),
        ),
        titles=(s.Text("Films of {100} % $_2$ & #more~^\\x", "en"),),
        source_titles=(s.Text("J. Films", "en"),),
        volume="3",
        issue="4",
        first_page="20",
        last_page="35",
        version="",
    )


def test_the_recommended_citation_in_both_languages():
    assert s.recommended_citation(full_record(), "ja") == (
        "山田 花子 (2026): 薄膜のX線回折 <θ-2θ>. 版 1.2. 東北大学. データセット. https://doi.org/10.1234/films.2"
    )
    assert s.recommended_citation(full_record(), "en") == (
        "Yamada, Hanako (2026): XRD of thin films & more. Version 1.2. Tohoku University. Dataset. "
        "https://doi.org/10.1234/films.2"
    )


def test_a_doi_that_is_not_registered_is_not_cited():
    waiting = full_record(is_doi_registered=False)
    said = [
        s.recommended_citation(waiting),
        s.to_bibtex(waiting),
        s.to_ris(waiting),
        str(s.to_csl(waiting)),
        s.cite(waiting, "apa"),
    ]
    assert all("10.1234" not in one and waiting.url in one for one in said)


def test_bibtex():
    assert s.to_bibtex(full_record()) == (
        "@misc{yamada_2026_ds0001,\n"
        "  author = {Yamada, Hanako},\n"
        "  title = {{XRD of thin films \\& more}},\n"
        "  year = {2026},\n"
        "  publisher = {Tohoku University},\n"
        "  version = {1.2},\n"
        "  doi = {10.1234/films.2},\n"
        "  url = {https://doi.org/10.1234/films.2}\n"
        "}\n"
    )
    said = s.to_bibtex(article())
    assert said.startswith("@article{")
    assert "author = {Suzuki, Tarō and {Tohoku University \\& Co.}}" in said
    assert (
        r"title = {{Films of \{100\} \% \$\_2\$ \& \#more\textasciitilde{}\textasciicircum{}\textbackslash{}x}}"
        in said
    )
    assert "pages = {20--35}" in said


def test_ris():
    lines = s.to_ris(full_record(descriptions=(s.Description(s.Text("one\ntwo", "en")),)), "ja").split("\r\n")
    assert lines[:3] == ["TY  - DATA", "AU  - 山田, 花子", "TI  - 薄膜のX線回折 <θ-2θ>"]
    assert "DA  - 2026/04/01" in lines
    assert "AB  - one two" in lines
    assert lines[-2:] == ["ER  - ", ""]
    assert all(re.match(r"[A-Z][A-Z0-9]  - ", line) for line in lines[:-1])


def test_csl_splits_latin_names_alone():
    assert s.to_csl(full_record(), "ja")["author"] == [{"literal": "山田 花子"}]
    assert s.to_csl(full_record(), "en")["author"] == [{"family": "Yamada", "given": "Hanako"}]
    assert s.to_csl(full_record())["issued"] == {"date-parts": [[2026, 4, 1]]}
    assert s.to_csl(article())["author"][1] == {"literal": "Tohoku University & Co."}


@pytest.mark.parametrize("style", s.STYLES)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_style_that_is_offered_cites(style, language):
    said = s.cite(full_record(), style, language)
    assert ("山田 花子" if language == "ja" else "Yamada") in said
    assert "2026" in said or style == "american-physics-society"  # it leaves the year of data away
    assert "データ集合" not in said
    assert not said.startswith(("[1]", "(1)", "1."))
    assert ", . " not in said


def test_the_words_of_a_style():
    assert s.cite(full_record(), "apa", "ja") == (
        "山田 花子. (2026年). 薄膜のX線回折 <θ-2θ> (版 1.2) [データセット]. 東北大学. https://doi.org/10.1234/films.2"
    )


@pytest.mark.parametrize("style", ["vancouver", "../../etc/passwd", "", "A" * 500, "dependent/nature"])
def test_an_unknown_style_is_said_to_be_unknown(style):
    with pytest.raises(s.UnknownStyleError, match="no citation style"):
        s.cite(full_record(), style)


DOCUMENTS = (
    s.Document(
        "https://data.example.ac.jp/d/lab/films/v2/datacite.xml",
        "application/xml",
        "http://datacite.org/schema/kernel-4",
    ),
    s.Document("https://data.example.ac.jp/d/lab/films/v2/ro-crate", "application/ld+json"),
)


def test_links_of_a_landing_page():
    record = full_record()
    header = s.link_header(s.links_of(record, DOCUMENTS), record.url, f"{record.url}/linkset")
    assert '<https://doi.org/10.1234/films.2>; rel="cite-as"' in header
    assert '<https://orcid.org/0000-0002-1825-0097>; rel="author"' in header
    assert '<https://schema.org/AboutPage>; rel="type"' in header
    assert '<https://schema.org/Dataset>; rel="type"' in header
    assert '<https://creativecommons.org/licenses/by/4.0/>; rel="license"' in header
    assert f'<{record.url}/a.csv>; rel="item"; type="text/csv"' in header
    assert (
        'rel="describedby"; type="application/xml"; profile="http://datacite.org/schema/kernel-4"' in header
    )
    assert f'<{record.url}/linkset>; rel="linkset"; type="application/linkset+json"' in header
    back = s.link_header(s.links_of(record), f"{record.url}/a.csv")
    assert back == f'<{record.url}>; rel="collection"; type="text/html"'


def test_many_files_stand_in_the_link_set_alone():
    record = full_record(files=tuple(s.PublicFile(f"https://data.example.ac.jp/d/{n}") for n in range(50)))
    links = s.links_of(record)
    assert 'rel="item"' not in s.link_header(links, record.url, "https://data.example.ac.jp/ls")
    (page,) = [one for one in s.to_linkset(links)["linkset"] if one["anchor"] == record.url]
    assert len(page["item"]) == 50


def test_an_address_ends_no_header():
    record = full_record(
        files=(s.PublicFile("https://x.example/温度 >\r\nSet-Cookie: a=b", 'text/"csv\r\n'),)
    )
    header = s.link_header(s.links_of(record), record.url)
    assert header.isascii()
    assert "\r" not in header
    assert "\n" not in header
    assert header.count(">") == header.count("<")
    without = dataclasses.replace(record, rights=(), creators=())
    assert 'rel="license"' not in s.link_header(s.links_of(without), without.url)
