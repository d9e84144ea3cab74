"""Runs of CWL documents: the document's inputs become the run's parameters, and cwltool its command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tsunagu.compute.jobs import api as jobs
from tsunagu.compute.workflows.errors import BadWorkflowError, NoCwltoolError
from tsunagu.compute.workflows.reading import ENDING, MOST_BYTES, Taken, Workflow, read
from tsunagu.core.errors import TsunaguError
from tsunagu.core.paths import check_path
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_HERE = Path(__file__).parent
_MOST_LISTED = 20


def describe(actor: Actor, card: datasets.DatasetCard, version: int, path: str) -> Workflow:
    """A CWL document of a frozen version.

    Raises:
        NotFoundError: the actor may not read the version, or the document is not there.
        BadWorkflowError: it cannot be run here; with the reason.
    """
    policy.require(actor, "dataset.read", card.resource)
    number = datasets.resolve_version(actor, card, version)
    return read(check_path(path), lambda name: jobs.file_text(actor, card, number, name, most=MOST_BYTES))


def entry_points(actor: Actor, card: datasets.DatasetCard, version: int) -> tuple[jobs.EntryPoint, ...]:
    """The documents at the top of a version that can be run, as forms show them; what cannot be run is left out.

    Raises:
        NotFoundError: the actor may not read the version.
    """
    policy.require(actor, "dataset.read", card.resource)
    number = datasets.resolve_version(actor, card, version)
    found = []
    for file in datasets.files_ending(card, number, ENDING, limit=_MOST_LISTED):
        try:
            workflow = describe(actor, card, number, file.path)
        except TsunaguError:
            continue
        found.append(
            jobs.EntryPoint(
                file.path,
                f"cwltool {file.path}",
                {"en": workflow.title, "ja": workflow.title},
                parameters=tuple(one.parameter for one in workflow.taken),
            )
        )
    return tuple(found)


def submit(actor: Actor, wanted: jobs.Wanted, path: str) -> jobs.JobCard:
    """Queue a run of a CWL document.

    Args:
        actor: Who asks.
        wanted: As for a job, without command; parameters bear the names of the document's inputs, files are paths in the
            first input. Without code the document is in the first input, too.
        path: Of the document.

    Raises:
        BadWorkflowError: the document cannot be run here, or an input of it is missing or does not fit.
        NoCwltoolError: the lock file holds no cwltool.
        TsunaguError: as for ``jobs.submit``.
    """
    if wanted.command:
        raise BadWorkflowError("A run has either a command or a CWL document.")
    if not wanted.inputs:
        raise BadWorkflowError("A run of a CWL document needs an input.")
    place, version = _code(actor, wanted)
    workflow = describe(actor, place, version, path)
    if workflow.needs_javascript and wanted.executor == "sandbox" and shutil.which("node") is None:
        raise BadWorkflowError(
            f"{path} holds expressions in JavaScript, and Node.js is not installed on this node.",
            remedy="Have its administrator install Node.js, or write the workflow without InlineJavascriptRequirement.",
        )
    lock = wanted.lock or (_HERE / "cwltool.lock").read_text("utf-8")
    if "cwltool" not in {line.partition("==")[0].strip() for line in lock.splitlines()}:
        raise NoCwltoolError
    forms = {one.parameter.name: [one.id, one.form] for one in workflow.taken}
    values = _values(workflow, wanted.parameters)
    record = {
        "place": place.slug,
        "version": version,
        "path": workflow.path,
        "name": workflow.title,
        "language": workflow.version,
        "inputs": {one.parameter.name: {"id": one.id, "type": one.type} for one in workflow.taken},
    }
    return jobs.submit(
        actor,
        replace(
            wanted,
            command=(
                "python",
                "-c",
                (_HERE / "inside.py").read_text("utf-8"),
                workflow.path,
                json.dumps(forms),
            ),
            code=f"{place.slug}@{version}",
            parameters=values,
            lock=lock,
            title=f"cwltool {workflow.path}",
            workflow=record,
        ),
    )


def _code(actor: Actor, wanted: jobs.Wanted) -> tuple[datasets.DatasetCard, int]:
    """The dataset that holds the document, and its version."""
    project, _slash, rest = (wanted.code or wanted.inputs[0]).partition("/")
    name, _at, number = rest.partition("@")
    if "/" in rest:
        raise BadWorkflowError(
            "The code of a CWL run is a whole dataset; the document is named with its folder."
        )
    card = datasets.get_dataset(actor, project, name)
    version = int(number) if number.isdigit() and len(number) < 10 else card.last_version  # noqa: PLR2004
    if version < 1:
        raise jobs.NotFrozenError
    return card, version


def _values(workflow: Workflow, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of the run from what people gave, by the names of inputs or of parameters."""
    rest, values = dict(given), {}
    for one in workflow.taken:
        name = one.id if one.id in rest else one.parameter.name
        if name in rest:
            values[one.parameter.name] = _checked(one, rest.pop(name))
        elif one.parameter.default is not None:
            values[one.parameter.name] = one.parameter.default
        elif not one.parameter.is_optional:
            raise BadWorkflowError(f"The input {one.id} ({one.type}) of {workflow.path} needs a value.")
    if rest:
        known = ", ".join(one.id for one in workflow.taken) or "none"
        raise BadWorkflowError(f"{workflow.path} has no input {min(rest)[:80]!r}; it has: {known}.")
    return values


def _checked(one: Taken, value: Any) -> Any:
    if one.form == "json":
        text = value if isinstance(value, str) else json.dumps(value)
        try:
            json.loads(text)
        except ValueError:
            raise BadWorkflowError(
                f"The input {one.id} ({one.type}) is given as JSON, and {text[:40]!r} is none.",
                remedy='Lists are written ["a", "b"], files {"class": "File", "path": "a.csv"}.',
            ) from None
        return text
    if one.form in {"File", "Directory"}:
        return check_path(str(value))
    if one.parameter.kind == "text":
        value = str(value)
    return one.parameter.checked(value)
