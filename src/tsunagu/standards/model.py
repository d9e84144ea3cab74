"""A frozen version of a dataset as standards see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Agent:
    """A person, an organisation or an instrument; ``id`` is an address (ORCID, ROR) or empty."""

    name: str
    id: str = ""
    kind: str = "Person"  # Person, Organization, IndividualProduct (an instrument), SoftwareApplication


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; ``type`` is number, integer, text, time, boolean or other."""

    name: str
    type: str
    unit: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class TextLayout:
    """Where a table stands in a text. Columns are told apart by their order: its own names may hold units.

    Attributes:
        skipped_lines: Lines before the first row of data, the line of names among them.
        null_words: What a cell says when there is no value.
    """

    delimiter: str
    skipped_lines: int
    encoding: str = "utf-8"
    decimal_sign: str = "."
    null_words: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class Table:
    """What the rows of a file are; ``layout`` is for text, other forms say it themselves."""

    columns: tuple[Column, ...]
    row_count: int | None = None
    layout: TextLayout | None = None


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file: where it is fetched from, how large, its SHA-256 in hexadecimal, what it holds."""

    path: str
    url: str
    byte_count: int
    sha256: str
    media_type: str = "application/octet-stream"
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class ArrayEntry:
    """An array of a store: a name and a length an axis."""

    name: str
    dimensions: tuple[tuple[str, int], ...]
    type: str
    unit: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of files that hold arrays together; ``media_type`` says how."""

    path: str
    arrays: tuple[ArrayEntry, ...] = ()
    media_type: str = "application/vnd.zarr; version=3"


@dataclass(frozen=True, slots=True)
class Related:
    """Another dataset that this one was made from; both empty where the asker may not see it."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something with a name and a value: a parameter, a measured amount, a limit."""

    name: str
    value: Any
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Workflow:
    """The document that a run followed.

    Attributes:
        url: Where its text is.
        version: Of the language, ``v1.2``.
        inputs: Name of a parameter -> its type in the language's words.
    """

    url: str
    name: str
    version: str
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Happening:
    """A run: what happened, who, when (RFC 3339), with what outcome.

    Attributes:
        description: The command of a compute run.
        error: Why it did not succeed, in words.
        parameters: What it was given beside its inputs.
        resource_usage: What it took: CPU time, memory, time.
        environment: Under which conditions: limits, packages, machine.
        workflow: What it followed; None: a command of its own.
    """

    id: str
    kind: str
    agent: Agent
    started_at: str
    ended_at: str
    outcome: str
    software: str = ""
    used: tuple[Related, ...] = ()
    description: str = ""
    error: str = ""
    parameters: tuple[Quantity, ...] = ()
    resource_usage: tuple[Quantity, ...] = ()
    environment: tuple[Quantity, ...] = ()
    workflow: Workflow | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A frozen version.

    Attributes:
        id: The address of the version's page; it names the dataset everywhere.
        slug: ``project/dataset``.
        name: Title.
        other_name: The title in the other language, or empty.
        language: Of the title, ``ja`` or ``en``.
        licence: A URL, or the words of the record where there is none; ``licence_url`` says which.
        published_at: When it was frozen, RFC 3339.
        version: Number of the version.
        version_hash: Its SHA-256 name.
        terms: ``usageInfo`` of Croissant: DUO terms and an ODRL offer.
        is_free: Whether anybody may read the version without asking.
        conditions: Who may read it, in words.
        personal: What the label says of personal information, in words; empty when nothing was decided.
    """

    id: str
    slug: str
    name: str
    description: str
    licence: str
    licence_url: str
    published_at: str
    version: int
    version_hash: str
    publisher: Agent
    other_name: str = ""
    language: str = "en"
    creators: tuple[Agent, ...] = ()
    keywords: tuple[str, ...] = ()
    created_at: str = ""
    files: tuple[FileEntry, ...] = ()
    stores: tuple[Store, ...] = ()
    sources: tuple[Related, ...] = ()
    happenings: tuple[Happening, ...] = ()
    terms: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    is_free: bool = False
    conditions: str = ""
    personal: str = ""
