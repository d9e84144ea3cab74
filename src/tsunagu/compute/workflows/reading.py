"""A CWL document as a command with parameters: what it takes, and what of it cannot be had behind walls.

Source: Common Workflow Language v1.2, https://www.commonwl.org/v1.2/ (CommandLineTool and Workflow).
"""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from tsunagu.compute.jobs.api import Parameter
from tsunagu.compute.workflows.errors import BadWorkflowError
from tsunagu.core.errors import NotFoundError

ENDING = ".cwl"
MOST_BYTES = 1 << 20
_VERSIONS = ("v1.0", "v1.1", "v1.2")
_MOST_INPUTS, _MOST_FILES, _MOST_NODES, _DEEPEST = 100, 50, 50_000, 60
_SCALARS = {
    "string": "text",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "boolean": "yes_no",
    "File": "text",
    "Directory": "text",
    "stdin": "text",
}
_REFUSED = {
    "DockerRequirement": "it asks for a container (DockerRequirement), and runs have none here",
    "NetworkAccess": "it asks for the network (NetworkAccess), and runs have none",
}
_REMEDIES = {
    "DockerRequirement": "Move DockerRequirement from requirements to hints, and name a lock file (--env) with the"
    " packages that the tool needs.",
    "NetworkAccess": "Put what it fetches into a dataset and give that as an input.",
}
Fetch = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Taken:
    """An input of a workflow, as a parameter of the run.

    Attributes:
        id: Its name in the document.
        form: What its value becomes: ``value``, ``File``, ``Directory``, or ``json`` for what has parts.
        type: Its type in the words of CWL.
    """

    id: str
    form: str
    type: str
    parameter: Parameter


@dataclass(frozen=True, slots=True)
class Workflow:
    """A document that can be run.

    Attributes:
        path: In its dataset.
        kind: ``CommandLineTool`` or ``Workflow``.
        version: ``v1.2`` and the like.
        needs_javascript: Whether expressions in it are JavaScript.
    """

    path: str
    kind: str
    version: str
    title: str
    taken: tuple[Taken, ...]
    needs_javascript: bool = False
    outputs: tuple[str, ...] = field(default=())


def read(path: str, fetch: Fetch) -> Workflow:
    """A document with all that it refers to.

    Args:
        path: Of the document in its dataset.
        fetch: The text of a file of the dataset.

    Raises:
        NotFoundError: the document is not there.
        BadWorkflowError: it cannot be run here; with the reason.
    """
    document = _parsed(path, fetch(path))
    version = str(document.get("cwlVersion"))
    if version not in _VERSIONS:
        raise BadWorkflowError(f"{path}: cwlVersion is {version[:20]!r}; {', '.join(_VERSIONS)} can be run.")
    process = _main(path, document)
    everything = list(_reached(path, document, fetch))
    for place, one in everything:
        _check(place, one)
    inputs = list(_named(process.get("inputs"), path))
    if len(inputs) > _MOST_INPUTS:
        raise BadWorkflowError(f"{path}: it has more than {_MOST_INPUTS} inputs.")
    taken: list[Taken] = []
    for name, said in inputs:
        taken.append(_taken(path, name, said, {one.parameter.name for one in taken}))
    return Workflow(
        path,
        str(process["class"]),
        version,
        str(process.get("label") or posixpath.basename(path))[:200],
        tuple(taken),
        any(
            "InlineJavascriptRequirement" in _requirements(one, "requirements") for _place, one in everything
        ),
        tuple(name for name, _said in _named(process.get("outputs"), path)),
    )


def _parsed(path: str, text: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadWorkflowError(f"{path} is no YAML: {str(error)[:300]}") from None
    if not isinstance(found, dict):
        raise BadWorkflowError(f"{path} is no CWL document.")
    if sum(1 for _node in _nodes(found)) > _MOST_NODES:
        raise BadWorkflowError(f"{path} is too large.")
    return found


def _nodes(found: Any, depth: int = 0) -> Iterator[Any]:
    """Every part of a document; what repeats itself by aliases counts each time, so that it ends soon."""
    if depth > _DEEPEST:
        raise BadWorkflowError("The document is nested too deeply.")
    yield found
    parts = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    count = 0
    for part in parts:
        for node in _nodes(part, depth + 1):
            count += 1
            if count > _MOST_NODES:
                return
            yield node


def _main(path: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The process that is run: the document, or the ``main`` of a graph."""
    graph = document.get("$graph")
    several = graph if isinstance(graph, list) else [document]
    chosen = [one for one in several if isinstance(one, dict) and _short(str(one.get("id"))) == "main"]
    process = (chosen or several)[0] if len(several) == 1 or chosen else None
    if not isinstance(process, dict) or process.get("class") not in {"CommandLineTool", "Workflow"}:
        raise BadWorkflowError(
            f"{path}: it is neither a CommandLineTool nor a Workflow (in a $graph: one named main)."
        )
    return process


def _reached(path: str, document: dict[str, Any], fetch: Fetch) -> Iterator[tuple[str, dict[str, Any]]]:
    """The document, and every process in it or in files of the dataset that it runs."""
    waiting, seen = [(path, document)], {path}
    while waiting:
        place, found = waiting.pop()
        for node in _nodes(found):
            if not isinstance(node, dict):
                continue
            if "class" in node:
                yield place, node
            run = node.get("run")
            if not isinstance(run, str) or run.startswith("#"):
                continue
            if re.match(r"[a-z][a-z0-9+.-]*:", run):
                raise BadWorkflowError(
                    f"{place}: it runs {run[:200]}, which lies elsewhere, and runs have no network.",
                    remedy="Put that document into the dataset.",
                )
            target = posixpath.normpath(posixpath.join(posixpath.dirname(place), run.partition("#")[0]))
            if target in seen or target.startswith((".", "/")):
                continue
            if len(seen) >= _MOST_FILES:
                raise BadWorkflowError(f"{path}: it runs more than {_MOST_FILES} documents.")
            seen.add(target)
            try:
                text = fetch(target)
            except NotFoundError:
                raise BadWorkflowError(f"{place}: it runs {target}, which is not in the dataset.") from None
            waiting.append((target, _parsed(target, text)))


def _check(place: str, process: Mapping[str, Any]) -> None:
    for name in _requirements(process, "requirements"):
        if name in _REFUSED:
            raise BadWorkflowError(f"{place} cannot be run: {_REFUSED[name]}.", remedy=_REMEDIES[name])


def _requirements(process: Mapping[str, Any], which: str) -> set[str]:
    found = process.get(which) or ()
    if isinstance(found, dict):
        return set(map(str, found))
    return {str(one.get("class")) for one in found if isinstance(one, dict)}


def _named(found: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Inputs or outputs, which stand as a table or as a list."""
    if isinstance(found, dict):
        yield from ((str(name), said) for name, said in found.items())
    elif isinstance(found, list):
        for one in found:
            if not isinstance(one, dict) or "id" not in one:
                raise BadWorkflowError(f"{path}: an input or output has no id.")
            yield _short(str(one["id"])), one
    elif found is not None:
        raise BadWorkflowError(f"{path}: inputs or outputs are neither a table nor a list.")


def _taken(path: str, name: str, said: Any, known: set[str]) -> Taken:
    facts = said if isinstance(said, dict) and "type" in said else {"type": said}
    kind, is_optional = _type(facts.get("type"))
    default = facts.get("default")
    choices: tuple[str, ...] = ()
    form, parameter_kind = "value", ""
    if isinstance(kind, dict) and kind.get("type") == "enum":
        choices = tuple(_short(str(one)) for one in kind.get("symbols") or ())
        parameter_kind = "choice"
    elif isinstance(kind, str) and kind in _SCALARS:
        parameter_kind = _SCALARS[kind]
        form = {"File": "File", "stdin": "File", "Directory": "Directory"}.get(kind, "value")
    else:
        form, parameter_kind = "json", "text"
    title = str(facts.get("label") or name)[:200]
    made = Parameter(
        _parameter_name(name, known),
        parameter_kind,  # type: ignore[arg-type]
        {"en": title, "ja": title},
        default if _is_plain(default, parameter_kind) and form == "value" else None,
        choices=choices,
        is_optional=is_optional or default is not None,
    )
    shown = (
        kind
        if isinstance(kind, str)
        else str(kind.get("type"))
        if isinstance(kind, dict)
        else "any of several"
    )
    if made.kind == "choice" and not choices:
        raise BadWorkflowError(f"{path}: the input {name} is an enum without symbols.")
    return Taken(name, form, f"{shown}?" if is_optional else shown, made)


def _type(said: Any) -> tuple[Any, bool]:
    """A type without its ``null``, and whether it had one."""
    if isinstance(said, str):
        return _bare(said.removesuffix("?")), said.endswith("?")
    if isinstance(said, list):
        rest = [one for one in said if one != "null"]
        kind = rest[0] if len(rest) == 1 else rest
        return (_bare(kind) if isinstance(kind, str) else kind), len(rest) < len(said)
    return said, False


def _bare(name: str) -> Any:
    return {"type": "array", "items": name[:-2]} if name.endswith("[]") else name


def _is_plain(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "yes_no"
    if isinstance(value, int | float):
        return kind in {"integer", "number"} and math.isfinite(value)
    return isinstance(value, str) and kind in {"text", "choice"}


def _parameter_name(name: str, known: set[str]) -> str:
    """A name that a run's parameter may have, for an input that may be called anything."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "input"
    plain = plain if plain[0].isalpha() else f"input_{plain}"
    number = 1
    found = plain
    while found in known or found == "array_index":
        number += 1
        found = f"{plain}_{number}"
    return found


def _short(name: str) -> str:
    """The last part of an id: ``#main/count`` -> ``count``."""
    return re.split(r"[#/]", name)[-1]
