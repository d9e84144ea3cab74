"""What a dataset says can be run with it: ``tsunagu.toml`` at its top, with commands and their parameters.

Form: docs/how-to/run-code-beside-data.md.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tsunagu.compute.jobs.errors import BadJobError
from tsunagu.compute.runner.api import Limits
from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.core.paths import check_path
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.storage import api as storage

FILE = "tsunagu.toml"
_MOST_BYTES, _MOST_LOCK_BYTES = 256 << 10, 1 << 20
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,49}\Z")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,49}\Z")
Kind = Literal["number", "integer", "text", "yes_no", "choice"]
_KINDS = ("number", "integer", "text", "yes_no", "choice")
_LIMITS = ("cores", "memory_bytes", "duration_s", "disk_bytes", "file_count")


class BadEntryError(InvalidInputError):
    """``tsunagu.toml`` cannot be used; the message says where."""

    code = "compute.bad_entry"
    default_message = "The file tsunagu.toml of this dataset cannot be used."


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an entry point.

    Attributes:
        title: What it is, ``en`` and ``ja``.
        default: Its value where nobody gives one; None: one must be given.
        unit: For people.
        is_optional: Whether it may be left out although it has no default.
    """

    name: str
    kind: Kind
    title: Mapping[str, str] = field(default_factory=dict)
    default: Any = None
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    is_optional: bool = False

    def read(self, text: str | None) -> Any:
        """A value as people type it; None where it may be left out and is.

        Raises:
            BadJobError: it is not what the parameter takes.
        """
        if self.kind == "yes_no":
            return text not in {None, "", "false", "no", "0"}
        if text is None or not text.strip():
            if self.default is None and not self.is_optional:
                raise BadJobError(f"The parameter {self.name} needs a value.")
            return self.default
        return self.checked(self._number(text) if self.kind in {"number", "integer"} else text)

    def _number(self, text: str) -> float:
        try:
            return int(text) if self.kind == "integer" else float(text)
        except ValueError:
            raise BadJobError(f"The parameter {self.name} is no {self.kind}: {text[:40]!r}.") from None

    def checked(self, value: Any) -> Any:
        """The value, if the parameter takes it.

        Raises:
            BadJobError: it does not.
        """
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = {
            "number": is_number and math.isfinite(value) if is_number else False,
            "integer": is_number and float(value).is_integer() if is_number else False,
            "text": isinstance(value, str),
            "choice": value in self.choices,
            "yes_no": isinstance(value, bool),
        }[self.kind]
        if fits and is_number:
            low, high = self.minimum, self.maximum
            fits = (low is None or value >= low) and (high is None or value <= high)
        if not fits:
            raise BadJobError(f"The parameter {self.name} does not take {str(value)[:40]!r}.")
        return value


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """Something that can be run with a dataset.

    Attributes:
        command: Read by the shell of the sandbox; ``$TSUNAGU_CODE`` is the dataset that names it.
        lock: Path of a lock file in the dataset; empty: the system's programs.
    """

    name: str
    command: str
    title: Mapping[str, str] = field(default_factory=dict)
    lock: str = ""
    parameters: tuple[Parameter, ...] = ()
    limits: Limits = field(default_factory=Limits)


def entry_points(actor: Actor, card: datasets.DatasetCard, version: int) -> tuple[EntryPoint, ...]:
    """What a version of a dataset says can be run with it; empty when it says nothing.

    Raises:
        NotFoundError: the actor may not read the version.
        BadEntryError: ``tsunagu.toml`` cannot be used.
    """
    try:
        text = file_text(actor, card, version, FILE, most=_MOST_BYTES)
    except NotFoundError:
        datasets.resolve_version(actor, card, version)
        return ()
    return parse(text)


def lock_text(actor: Actor, card: datasets.DatasetCard, version: int, entry: EntryPoint) -> str:
    """The lock file that an entry point names; empty when it names none.

    Raises:
        NotFoundError: the file is not there.
    """
    return file_text(actor, card, version, entry.lock, most=_MOST_LOCK_BYTES) if entry.lock else ""


def file_text(actor: Actor, card: datasets.DatasetCard, version: int, path: str, *, most: int) -> str:
    """A text file of a version.

    Raises:
        NotFoundError: it is not there for this actor.
        BadEntryError: it is larger than ``most`` bytes, or no UTF-8.
    """
    file = datasets.get_file(actor, card, path, version=version)
    if file.byte_count > most:
        raise BadEntryError(f"{path} is larger than {most:,} bytes.")
    content = b"".join(storage.read_pieces(storage.require_location(file.sha256, card.domains)))
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise BadEntryError(f"{path} is no UTF-8 text.") from None


def parse(text: str) -> tuple[EntryPoint, ...]:
    """The entry points of a ``tsunagu.toml``.

    Raises:
        BadEntryError: with the place and the reason.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadEntryError(f"tsunagu.toml is no TOML: {error}") from None
    table = content.get("run", {})
    if not isinstance(table, dict) or not all(isinstance(one, dict) for one in table.values()):
        raise BadEntryError("tsunagu.toml: [run] does not hold tables.")
    return tuple(_entry(name, one) for name, one in table.items())


def _entry(name: str, said: dict[str, Any]) -> EntryPoint:
    where = f"tsunagu.toml: [run.{name}]"
    unknown = set(said) - {"title", "title_ja", "command", "lock", "parameters", "limits"}
    if not _NAME.match(name) or unknown:
        raise BadEntryError(f"{where}: {', '.join(sorted(unknown)) or 'the name'} is not known here.")
    command, lock = said.get("command"), said.get("lock", "")
    if not isinstance(command, str) or not command.strip() or not isinstance(lock, str):
        raise BadEntryError(f"{where}: command or lock is no text.")
    limits = said.get("limits", {})
    if not isinstance(limits, dict) or not all(
        key in _LIMITS and isinstance(value, int) and value > 0 for key, value in limits.items()
    ):
        raise BadEntryError(f"{where}: limits are whole numbers named {', '.join(_LIMITS)}.")
    parameters = said.get("parameters", {})
    if not isinstance(parameters, dict) or not all(isinstance(one, dict) for one in parameters.values()):
        raise BadEntryError(f"{where}: parameters are tables.")
    return EntryPoint(
        name,
        command,
        _titles(name, said, where),
        check_path(lock) if lock else "",
        tuple(_parameter(key, one, where) for key, one in parameters.items()),
        replace(Limits(), **limits),
    )


def _parameter(name: str, said: dict[str, Any], where: str) -> Parameter:
    where = f"{where}: parameter {name}"
    kind = said.get("type", "text")
    known = {"type", "title", "title_ja", "default", "unit", "minimum", "maximum", "choices"}
    if not _PARAMETER.match(name) or kind not in _KINDS or set(said) - known:
        raise BadEntryError(f"{where}: its name, its type or a key of it is not known.")
    choices = said.get("choices", [])
    bounds = [said.get("minimum"), said.get("maximum")]
    is_sound = (
        isinstance(choices, list)
        and all(isinstance(one, str) for one in choices)
        and bool(choices) == (kind == "choice")
        and all(one is None or isinstance(one, int | float) for one in bounds)
        and isinstance(said.get("unit", ""), str)
    )
    if not is_sound:
        raise BadEntryError(f"{where}: choices, bounds or unit cannot be used.")
    made = Parameter(
        name,
        kind,
        _titles(name, said, where),
        None,
        said.get("unit", ""),
        bounds[0],
        bounds[1],
        tuple(choices),
    )
    default = said.get("default")
    try:
        return made if default is None else replace(made, default=made.checked(default))
    except BadJobError as error:
        raise BadEntryError(f"{where}: {error.message}") from None


def _titles(name: str, said: dict[str, Any], where: str) -> dict[str, str]:
    title = said.get("title", name)
    found = {"en": title, "ja": said.get("title_ja", title)}
    if not all(isinstance(one, str) and one.strip() for one in found.values()):
        raise BadEntryError(f"{where}: a title is no text.")
    return found
