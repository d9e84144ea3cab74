"""What a reader hands out: facts, tables, arrays and previews of one file, as frozen values.

Everything here turns into plain JSON and back; the bytes of pictures travel beside it, never inside.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    # The vocabulary of values that JSON can hold without loss.
    Scalar = str | int | float | bool | None
    FieldValue = Scalar | tuple[Scalar, ...]

Status = Literal["read", "read_with_warnings", "unrecognised", "unreadable"]
STATUSES: tuple[Status, ...] = ("read", "read_with_warnings", "unrecognised", "unreadable")
# "numbers" is a list of them in every row.
ColumnType = Literal["number", "integer", "text", "time", "boolean", "empty", "binary", "numbers", "other"]


@dataclass(frozen=True, slots=True)
class ReaderInfo:
    """The light description of a reader; importing it loads no parsing library.

    ``libraries`` names the distributions whose versions are recorded with every result.
    """

    name: str
    version: str
    media_types: tuple[str, ...]
    label_en: str
    label_ja: str
    libraries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost and how much of it is kept.

    Times in seconds, sizes in bytes. ``memory_bytes`` counts on top of what the loaded libraries hold.
    """

    wall_s: float = 60.0
    cpu_s: int = 45
    memory_bytes: int = 1 << 30
    decompressed_bytes: int = 1 << 30
    scanned_bytes: int = 256 << 20
    result_bytes: int = 16 << 20
    field_count: int = 2000
    text_length: int = 2000
    list_length: int = 32
    table_count: int = 100
    array_count: int = 500
    warning_count: int = 50
    depth: int = 32


@dataclass(frozen=True, slots=True)
class Field:
    """One fact of a file.

    ``key``, ``value`` and ``unit`` stay exactly as the file has them. A mapping adds ``name`` (the common
    name), ``normal_value`` and ``normal_unit``. ``where`` says where in the file it stood, in words a person
    can follow ("HDU 0 header, card EXPTIME"). ``personal`` marks what can point at a person.
    """

    key: str
    value: FieldValue
    unit: str | None = None
    where: str = ""
    name: str | None = None
    term: str | None = None
    personal: bool = False
    normal_value: FieldValue = None
    normal_unit: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. ``null_share`` runs from 0 to 1; ``minimum`` and ``maximum`` are raw values."""

    name: str
    type: ColumnType = "other"
    unit: str | None = None
    count: int | None = None
    null_share: float | None = None
    minimum: Scalar = None
    maximum: Scalar = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The description of a table; its rows stay in the file."""

    name: str
    columns: tuple[Column, ...]
    row_count: int | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Array:
    """The description of an array; its numbers stay in the file. Statistics only where they were cheap."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a curve: equally long x and y, at most 1,000 points; a gap is ``None`` in y."""

    name: str
    x: tuple[float | None, ...]
    y: tuple[float | None, ...]
    point_count: int


@dataclass(frozen=True, slots=True)
class CurvePreview:
    """A few series over one axis, thinned so that every peak still shows."""

    kind: ClassVar[str] = "curve"
    title: str
    series: tuple[Series, ...]
    x_label: str = ""
    x_unit: str | None = None
    y_label: str = ""
    y_unit: str | None = None
    x_reversed: bool = False
    is_sticks: bool = False


@dataclass(frozen=True, slots=True)
class ImagePreview:
    """A PNG of at most 640 pixels a side; ``original_*`` are the pixels in the file."""

    kind: ClassVar[str] = "image"
    title: str
    width: int
    height: int
    original_width: int
    original_height: int
    png: bytes


@dataclass(frozen=True, slots=True)
class TablePreview:
    """The first rows of a table as text."""

    kind: ClassVar[str] = "table"
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    row_count: int | None = None


@dataclass(frozen=True, slots=True)
class TextPreview:
    """The beginning of a text."""

    kind: ClassVar[str] = "text"
    title: str
    text: str
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive."""

    name: str
    byte_count: int
    is_folder: bool = False


@dataclass(frozen=True, slots=True)
class ListingPreview:
    """What an archive says it holds; nothing of it was unpacked."""

    kind: ClassVar[str] = "listing"
    title: str
    members: tuple[Member, ...]
    member_count: int
    byte_count: int


Preview = CurvePreview | ImagePreview | TablePreview | TextPreview | ListingPreview
PREVIEW_KINDS: dict[str, type[Preview]] = {
    cls.kind: cls for cls in (CurvePreview, ImagePreview, TablePreview, TextPreview, ListingPreview)
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found in one file."""

    fields: tuple[Field, ...] = ()
    previews: tuple[Preview, ...] = ()
    tables: tuple[Table, ...] = ()
    arrays: tuple[Array, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer for one file: always exactly one of the four words of ``status``.

    ``reason`` is empty for ``read``, the first warning for ``read_with_warnings``, otherwise one sentence that
    says what is wrong; ``reason_code`` is the stable word for it, for translation and statistics.
    """

    status: Status
    reader: str | None = None
    reader_version: str | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    reason_code: str = ""
    media_type: str | None = None
    reading: Reading = field(default_factory=Reading)
    duration_s: float = 0.0
    input_sha256: str | None = None
    mapping_version: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; pictures appear by name and their bytes come from :meth:`blobs`."""
        plain = _plain(self)
        for index, (preview, shown) in enumerate(
            zip(self.reading.previews, plain["reading"]["previews"], strict=True)
        ):
            shown["kind"] = preview.kind
            if isinstance(preview, ImagePreview):
                shown["png"] = blob_name(index)
        assert isinstance(plain, dict)
        return plain

    def blobs(self) -> dict[str, bytes]:
        """The bytes of pictures by the name under which :meth:`as_json` mentions them."""
        return {
            blob_name(index): preview.png
            for index, preview in enumerate(self.reading.previews)
            if isinstance(preview, ImagePreview)
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], blobs: Mapping[str, bytes] | None = None) -> Outcome:
        """The inverse of :meth:`as_json`. Pictures whose bytes are not given come back empty.

        Raises:
            ValueError: the data is not an outcome.
        """
        try:
            reading = _reading(data["reading"], blobs or {})
            values = {key: data[key] for key in _OUTCOME_KEYS if key in data}
            outcome = cls(**{**values, "reading": reading, "libraries": dict(data.get("libraries", {}))})
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"This is not an outcome of an extraction: {error}") from error
        if outcome.status not in STATUSES:
            raise ValueError(f"This is not an outcome of an extraction: status {outcome.status!r}")
        return outcome


def blob_name(index: int) -> str:
    """The name of the picture of the preview at ``index``."""
    return f"preview-{index}.png"


_OUTCOME_KEYS = tuple(f.name for f in fields(Outcome) if f.name not in {"reading", "libraries"})


_KNOWN_NAMES: dict[type[Any], tuple[str, ...]] = {}


def _names(cls: type[Any]) -> tuple[str, ...]:
    """The fields of a dataclass; asked for each of thousands of values, hence kept."""
    known = _KNOWN_NAMES.get(cls)
    if known is None:
        known = _KNOWN_NAMES[cls] = tuple(f.name for f in fields(cls)) if is_dataclass(cls) else ()
    return known


_ATOMS = frozenset((str, int, float, bool, type(None)))


def _plain(value: Any) -> Any:
    """Dataclasses and tuples as dicts and lists; bytes as ``None`` (they travel beside)."""
    if names := _names(type(value)):
        pairs = ((name, getattr(value, name)) for name in names)
        return {name: item if type(item) in _ATOMS else _plain(item) for name, item in pairs}
    if isinstance(value, (tuple, list)):
        return [item if type(item) in _ATOMS else _plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return None if isinstance(value, bytes) else value


def _frozen(value: Any) -> Any:
    if type(value) is not list:
        return value
    return tuple([_frozen(item) if type(item) is list else item for item in value])


def _build(cls: type[Any], data: Mapping[str, Any], **replace: Any) -> Any:
    known = _names(cls)
    values = {key: _frozen(item) for key, item in data.items() if key in known and key not in replace}
    return cls(**values, **replace)


def _preview(data: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Preview:
    cls = PREVIEW_KINDS[data["kind"]]
    built: Preview
    if cls is CurvePreview:
        built = _build(cls, data, series=tuple(_build(Series, item) for item in data["series"]))
    elif cls is ListingPreview:
        built = _build(cls, data, members=tuple(_build(Member, item) for item in data["members"]))
    elif cls is ImagePreview:
        built = _build(cls, data, png=blobs.get(data["png"], b""))
    else:
        built = _build(cls, data)
    return built


def _reading(data: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Reading:
    return Reading(
        fields=tuple(_build(Field, item) for item in data["fields"]),
        previews=tuple(_preview(item, blobs) for item in data["previews"]),
        tables=tuple(
            _build(Table, item, columns=tuple(_build(Column, column) for column in item["columns"]))
            for item in data["tables"]
        ),
        arrays=tuple(_build(Array, item) for item in data["arrays"]),
        warnings=tuple(data["warnings"]),
    )
