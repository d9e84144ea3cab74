"""A published version as libraries see it: the one record that JPCOAR, DataCite, Dublin Core and citations are made from.

Words of vocabularies are JPCOAR's (https://schema.irdb.nii.ac.jp/): it is the finest of them, and the others are mapped
from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Text:
    """Words in a language: ``ja``, ``en``, ``ja-Kana``, ``ja-Latn`` or another tag of BCP 47; empty where unknown.

    Attributes:
        kind: Of another title, DataCite's ``Subtitle``, ``TranslatedTitle``, ...; mostly empty.
    """

    value: str
    language: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Identifier:
    """``DOI``, ``HDL``, ``URI``, ``PISSN``, ``EISSN``, ``NCID``, ... and the value as the scheme writes it."""

    scheme: str
    value: str


@dataclass(frozen=True, slots=True)
class PartyId:
    """An identifier of a person or an organisation.

    Attributes:
        scheme: ``ORCID``, ``ROR``, ``e-Rad_Researcher``, ``ISNI``, ``kakenhi``, ...
        value: Bare (``0000-0002-1825-0097``); a ROR is its whole address.
        url: Its address, where there is one.
    """

    scheme: str
    value: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """Who made something, helped with it, published it or holds its rights.

    Attributes:
        names: ``Family, Given`` of a person, once a language; the name of an organisation.
        role: ``contributorType`` of a contributor; of a creator what it did in free words (著), mostly empty.
        affiliations: The institutions as of then.
        family_names: Without the reading, as ``given_names``; ``names`` says the same in one.
        alternatives: Other names of the same person.
    """

    names: tuple[Text, ...]
    is_organization: bool = False
    ids: tuple[PartyId, ...] = ()
    affiliations: tuple[Party, ...] = ()
    role: str = ""
    family_names: tuple[Text, ...] = ()
    given_names: tuple[Text, ...] = ()
    alternatives: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Right:
    """A licence or another word on use; ``uri`` names it for machines.

    Attributes:
        kind: Of a catalog's licence, what it is for: ``file``, ``metadata`` or ``thumbnail``.
        identifier: Its name in the list of ``identifier_scheme`` (``CC-BY-4.0``).
    """

    text: Text
    uri: str = ""
    kind: str = ""
    identifier: str = ""
    identifier_scheme: str = "SPDX"


@dataclass(frozen=True, slots=True)
class Subject:
    """A keyword (scheme ``Other``) or the code of a classification (``NDC``, ``e-Rad_field``, ...).

    Attributes:
        uri: Of the subject; ``scheme_uri`` is that of its scheme.
        code: Where the text is the words of a classification.
    """

    text: Text
    scheme: str = "Other"
    uri: str = ""
    scheme_uri: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """``type`` is Abstract, Methods, TableOfContents, TechnicalInfo or Other."""

    text: Text
    type: str = "Abstract"


@dataclass(frozen=True, slots=True)
class Dated:
    """A day, a moment or a range (W3CDTF, ``a/b``); ``type`` is Issued, Available, Created, Collected, Updated, ..."""

    value: str
    type: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """Something else that this has to do with.

    Attributes:
        type: ``isSupplementTo``, ``isVersionOf``, ``isDerivedFrom``, ``cites``, ...; empty where no word fits.
        scheme: Of the identifier: ``DOI``, ``HDL``, ``URI``, ``CRID``, ...
        identifier: The address of a DOI is written in full.
        general_type: DataCite's ``resourceTypeGeneral`` of the other thing.
        note: More about how the two hang together.
    """

    type: str
    scheme: str = ""
    identifier: str = ""
    titles: tuple[Text, ...] = ()
    general_type: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class RelatedItem:
    """Something that this has to do with, described in place because nothing registers it (DataCite's relatedItem).

    Attributes:
        type: ``isPublishedIn``, ``cites``, ...
        general_type: ``resourceTypeGeneral`` of the item.
    """

    type: str
    general_type: str
    titles: tuple[Text, ...]
    identifier: Identifier | None = None
    creators: tuple[Party, ...] = ()
    contributors: tuple[Party, ...] = ()
    year: str = ""
    volume: str = ""
    issue: str = ""
    number: str = ""
    number_type: str = ""
    first_page: str = ""
    last_page: str = ""
    publisher: str = ""
    edition: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Funding:
    """Who paid, under which programme and number (``JP24K00366``).

    Attributes:
        stream_scheme: Of ``stream_id``: ``JGN_fundingStream`` or ``Crossref Funder``.
        award_type: ``JGN`` is written only with a number that begins with JP.
    """

    funder_names: tuple[Text, ...]
    funder_id: PartyId | None = None
    stream_id: str = ""
    stream_names: tuple[Text, ...] = ()
    award_number: str = ""
    award_url: str = ""
    award_titles: tuple[Text, ...] = ()
    stream_scheme: str = "JGN_fundingStream"
    award_type: str = "JGN"


@dataclass(frozen=True, slots=True)
class Place:
    """A point (longitude, latitude), a box (west, east, south, north), polygons in degrees, or words."""

    words: str = ""
    point: tuple[float, float] | None = None
    box: tuple[float, float, float, float] | None = None
    polygons: tuple[tuple[tuple[float, float], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class PublicFile:
    """A file that is offered, or the page where one gets the files.

    Attributes:
        type: ``dataset``, ``fulltext``, ``summary``, ``thumbnail``, ``software``, ``other``.
        available_on: The day on which its embargo ends, or empty.
        extents: Sizes in words (``24 pages``), beside or instead of ``byte_count``.
    """

    url: str
    media_type: str = ""
    byte_count: int | None = None
    type: str = "dataset"
    available_on: str = ""
    label: str = ""
    extents: tuple[str, ...] = ()
    dates: tuple[Dated, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True)
class Imprint:
    """A publisher of old or printed things: with notes, places and countries (three letters)."""

    names: tuple[Text, ...] = ()
    descriptions: tuple[Text, ...] = ()
    locations: tuple[Text, ...] = ()
    countries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conference:
    """Where something was presented.

    Attributes:
        date: In words; ``days`` is the same as year, month, day of the start and of the end, ``""`` where unknown.
        country: Three letters.
    """

    names: tuple[Text, ...] = ()
    sequence: str = ""
    sponsors: tuple[Text, ...] = ()
    date: Text | None = None
    days: tuple[str, str, str, str, str, str] = ("", "", "", "", "", "")
    venues: tuple[Text, ...] = ()
    places: tuple[Text, ...] = ()
    country: str = ""


@dataclass(frozen=True, slots=True)
class Degree:
    """Of a thesis: number (甲第123号), name of the degree, day (``2017-03-25``), who granted it."""

    number: str = ""
    names: tuple[Text, ...] = ()
    granted_on: str = ""
    grantors: tuple[Party, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalog:
    """The data base that a record of a digital archive stands in."""

    contributors: tuple[Party, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    titles: tuple[Text, ...] = ()
    descriptions: tuple[Description, ...] = ()
    subjects: tuple[Subject, ...] = ()
    licences: tuple[Right, ...] = ()
    rights: tuple[Right, ...] = ()
    access: str = ""
    file: PublicFile | None = None


@dataclass(frozen=True, slots=True)
class PublicRecord:
    """A published version, or an article beside it.

    Attributes:
        id: Never changes, also not when the record moves to another node: the local part of the OAI identifier.
        url: The landing page, which a DOI resolves to.
        resource_type: JPCOAR's label: ``dataset``, ``experimental data``, ``journal article``, ``software``, ...
        access: ``open access``, ``embargoed access``, ``restricted access`` or ``metadata only access``.
        doi: Bare, lower case (``10.1234/abc``), or empty.
        doi_agency: ``JaLC`` or ``DataCite``; empty without a DOI.
        is_doi_registered: The agency has confirmed it; a DOI that is not is never shown to others, except that a harvested
            JPCOAR record is what asks JaLC for it.
        institution: Key of the institution that publishes it, also the OAI set ``institution:KEY``.
        text_version: Of an article: ``AM``, ``VoR``, ...; empty for data.
        withdrawn_on: The day of withdrawal; empty while it stands.
        formats: Media types of the files. ``physical_forms`` is JPCOAR's format: what an old thing is made of.
        identifiers: More identifiers of the thing itself, beside ``doi`` and ``url``.
        resource_type_uri: Only of a record from elsewhere whose address does not belong to its label.
        general_type: DataCite's ``resourceTypeGeneral`` and its free words, where a record from elsewhere gave them.
        publication_year: Where no date of type Issued says it.
        date_words: Dates in words (安永6-文政13).
        is_series: Whether this is a series of datasets; None where nobody said.
        page_count: A whole number as text.
    """

    id: str
    url: str
    resource_type: str
    titles: tuple[Text, ...]
    access: str
    creators: tuple[Party, ...] = ()
    contributors: tuple[Party, ...] = ()
    alternatives: tuple[Text, ...] = ()
    rights: tuple[Right, ...] = ()
    rights_holders: tuple[Party, ...] = ()
    subjects: tuple[Subject, ...] = ()
    descriptions: tuple[Description, ...] = ()
    publishers: tuple[Party, ...] = ()
    dates: tuple[Dated, ...] = ()
    languages: tuple[str, ...] = ()
    version: str = ""
    text_version: str = ""
    doi: str = ""
    doi_agency: str = ""
    is_doi_registered: bool = False
    relations: tuple[Relation, ...] = ()
    temporal: tuple[Text, ...] = ()
    places: tuple[Place, ...] = ()
    fundings: tuple[Funding, ...] = ()
    extents: tuple[Text, ...] = ()
    formats: tuple[str, ...] = ()
    files: tuple[PublicFile, ...] = ()
    institution: str = ""
    withdrawn_on: str = ""
    source_titles: tuple[Text, ...] = field(default=())
    volume: str = ""
    issue: str = ""
    first_page: str = ""
    last_page: str = ""
    identifiers: tuple[Identifier, ...] = ()
    resource_type_uri: str = ""
    general_type: str = ""
    type_words: str = ""
    publication_year: str = ""
    imprints: tuple[Imprint, ...] = ()
    date_words: tuple[Text, ...] = ()
    source_ids: tuple[Identifier, ...] = ()
    editions: tuple[Text, ...] = ()
    volume_titles: tuple[Text, ...] = ()
    original_languages: tuple[str, ...] = ()
    physical_forms: tuple[Text, ...] = ()
    holding: Party | None = None
    is_series: bool | None = None
    page_count: str = ""
    degree: Degree | None = None
    conferences: tuple[Conference, ...] = ()
    catalog: Catalog | None = None
    related_items: tuple[RelatedItem, ...] = ()
