"""A published version as libraries see it: the one record that JPCOAR, DataCite, Dublin Core and citations are made from.

Words of vocabularies are JPCOAR's (https://schema.irdb.nii.ac.jp/): it is the finest of them, and the others are mapped
from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Text:
    """Words in a language: ``ja``, ``en``, ``ja-Kana``, ``ja-Latn`` or another tag of BCP 47; empty where unknown."""

    value: str
    language: str = ""


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
        role: ``contributorType`` of a contributor; empty for creators.
        affiliations: The institutions as of then.
    """

    names: tuple[Text, ...]
    is_organization: bool = False
    ids: tuple[PartyId, ...] = ()
    affiliations: tuple[Party, ...] = ()
    role: str = ""


@dataclass(frozen=True, slots=True)
class Right:
    """A licence or another word on use; ``uri`` names it for machines."""

    text: Text
    uri: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """A keyword (scheme ``Other``) or the code of a classification (``NDC``, ``e-Rad_field``, ...)."""

    text: Text
    scheme: str = "Other"
    uri: str = ""


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


@dataclass(frozen=True, slots=True)
class Relation:
    """Something else that this has to do with.

    Attributes:
        type: ``isSupplementTo``, ``isVersionOf``, ``isDerivedFrom``, ``cites``, ...; empty where no word fits.
        scheme: Of the identifier: ``DOI``, ``HDL``, ``URI``, ``CRID``, ...
        identifier: The address of a DOI is written in full.
    """

    type: str
    scheme: str = ""
    identifier: str = ""
    titles: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Funding:
    """Who paid, under which programme and number (``JP24K00366``)."""

    funder_names: tuple[Text, ...]
    funder_id: PartyId | None = None
    stream_id: str = ""
    stream_names: tuple[Text, ...] = ()
    award_number: str = ""
    award_url: str = ""
    award_titles: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A point (longitude, latitude), a box (west, east, south, north) in degrees, or words."""

    words: str = ""
    point: tuple[float, float] | None = None
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class PublicFile:
    """A file that is offered, or the page where one gets the files.

    Attributes:
        type: ``dataset``, ``fulltext``, ``summary``, ``thumbnail``, ``software``, ``other``.
        available_on: The day on which its embargo ends, or empty.
    """

    url: str
    media_type: str = ""
    byte_count: int | None = None
    type: str = "dataset"
    available_on: str = ""
    label: str = ""


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
        is_doi_registered: The agency has confirmed it; a DOI that is not is never shown to others.
        institution: Key of the institution that publishes it, also the OAI set ``institution:KEY``.
        text_version: Of an article: ``AM``, ``VoR``, ...; empty for data.
        withdrawn_on: The day of withdrawal; empty while it stands.
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
