"""RO-Crate 1.2, with runs as actions of the Process Run Crate profile, and of Workflow Run Crate where one followed a workflow.

Sources: https://w3id.org/ro/crate/1.2, https://w3id.org/ro/wfrun/process/0.5, https://w3id.org/ro/wfrun/workflow/0.5,
https://w3id.org/workflowhub/workflow-ro-crate/1.0.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tsunagu.standards.model import Agent, Happening, Quantity, Record, Related, Workflow

VERSION = "https://w3id.org/ro/crate/1.2"
_PROCESS = "https://w3id.org/ro/wfrun/process/0.5"
_WORKFLOW = "https://w3id.org/ro/wfrun/workflow/0.5"
_WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
# RO-Crate 1.2 gave Bioschemas's terms new addresses; Workflow RO-Crate 1.0 and its validators know the old one.
_COMPUTATIONAL = "https://bioschemas.org/ComputationalWorkflow"
_CWL = "https://w3id.org/workflowhub/workflow-ro-crate#cwl"
_CWL_TYPES = {"File": "File", "Directory": "Dataset", "string": "Text", "int": "Integer", "long": "Integer"}
_CWL_TYPES |= {
    "float": "Float",
    "double": "Float",
    "boolean": "Boolean",
    "enum": "Text",
    "array": "Collection",
}
_STATUS = {"ok": "CompletedActionStatus", "failed": "FailedActionStatus", "aborted": "FailedActionStatus"}
_RUN_TERMS = "https://w3id.org/ro/terms/workflow-run#"
_TERMS = {name: f"{_RUN_TERMS}{name}" for name in ("sha256", "resourceUsage", "environment")}
NAME = "ro-crate-metadata.json"


def to_ro_crate(record: Record, *, is_attached: bool = False) -> dict[str, Any]:
    """The metadata document of a crate.

    Args:
        record: The frozen version.
        is_attached: Whether the files lie beside the document; otherwise each is named by its address.
    """
    root = "./" if is_attached else record.id
    agents = _Agents()
    licence = record.licence_url or "#licence"
    files = [_file(one, is_attached=is_attached) for one in record.files]
    actions = [_action(one, root, agents) for one in record.happenings]
    software = {one.software for one in record.happenings if one.software and not one.workflow}
    flows = _Workflows(record.happenings)
    dataset: dict[str, Any] = {
        "@id": root,
        "@type": "Dataset",
        "name": record.name,
        "description": record.description or record.name,
        "datePublished": record.published_at,
        "license": {"@id": licence},
        "identifier": f"sha256:{record.version_hash}",
        "version": str(record.version),
        "author": [agents.refer(one) for one in record.creators or (record.publisher,)],
        "publisher": agents.refer(record.publisher),
        "hasPart": [{"@id": one["@id"]} for one in (*files, *flows.documents())],
        "mentions": [{"@id": one["@id"]} for one in actions],
        "conformsTo": [{"@id": one} for one in (_PROCESS, *flows.profiles())],
        **flows.main(),
    }
    dataset |= _said_beside(record, is_attached=is_attached)
    graph: list[dict[str, Any]] = [
        {
            "@id": NAME,
            "@type": "CreativeWork",
            "about": {"@id": root},
            "conformsTo": {"@id": VERSION},
        },
        dataset,
        _licence(record, licence),
        {
            "@id": _PROCESS,
            "@type": ["CreativeWork", "Profile"],
            "name": "Process Run Crate",
            "version": "0.5",
        },
        *files,
        *flows.entities(),
        *actions,
        *(
            {**_quantity(happening, one), **flows.example(happening, one)}
            for happening in record.happenings
            for one in _quantities(happening)
        ),
        *(_program(one, record) for one in sorted(software)),
        *_sources(record),
        *agents.entities(),
    ]
    return {"@context": [f"{VERSION}/context", _TERMS], "@graph": graph}


def _said_beside(record: Record, *, is_attached: bool) -> dict[str, Any]:
    """What only some datasets have."""
    found: dict[str, Any] = {"url": record.id} if is_attached else {}
    if record.other_name:
        found["alternateName"] = record.other_name
    if record.keywords:
        found["keywords"] = ", ".join(record.keywords)
    if record.sources:
        found["isBasedOn"] = [{"@id": one.url} for one in record.sources if one.url]
    return found


def _licence(record: Record, name: str) -> dict[str, Any]:
    return {"@id": name, "@type": "CreativeWork", "name": record.licence, "description": record.licence}


def _file(file: Any, *, is_attached: bool) -> dict[str, Any]:
    return {
        "@id": quote(file.path) if is_attached else file.url,
        "@type": "File",
        "name": file.path,
        "contentSize": str(file.byte_count),
        "encodingFormat": file.media_type,
        "sha256": file.sha256,
        **({"url": file.url} if is_attached else {}),
    }


def _action(happening: Happening, root: str, agents: _Agents) -> dict[str, Any]:
    action: dict[str, Any] = {
        "@id": f"urn:tsunagu:run:{happening.id}",
        "@type": "CreateAction",
        "name": happening.kind,
        "agent": agents.refer(happening.agent),
        "result": [{"@id": root}],
        "startTime": happening.started_at,
        "endTime": happening.ended_at,
        "actionStatus": {"@id": f"http://schema.org/{_STATUS.get(happening.outcome, 'FailedActionStatus')}"},
    }
    used = [{"@id": one.url} for one in happening.used if one.url]
    used += [_refer(happening, one) for one in happening.parameters]
    if used:
        action["object"] = used
    for term, quantities in (
        ("resourceUsage", happening.resource_usage),
        ("environment", happening.environment),
    ):
        if quantities:
            action[term] = [_refer(happening, one) for one in quantities]
    said = {"description": happening.description, "error": happening.error}
    action |= {term: text for term, text in said.items() if text}
    if happening.workflow:
        action["instrument"] = {"@id": happening.workflow.url}
    elif happening.software:
        action["instrument"] = {"@id": _software_id(happening.software)}
    return action


def _quantities(happening: Happening) -> tuple[Quantity, ...]:
    return (*happening.parameters, *happening.resource_usage, *happening.environment)


def _refer(happening: Happening, quantity: Quantity) -> dict[str, str]:
    return {"@id": f"#{happening.id}-{quote(quantity.name, safe='')}"}


def _quantity(happening: Happening, quantity: Quantity) -> dict[str, Any]:
    found = {
        **_refer(happening, quantity),
        "@type": "PropertyValue",
        "name": quantity.name,
        "value": quantity.value,
    }
    return {**found, "unitText": quantity.unit} if quantity.unit else found


def _program(software: str, record: Record) -> dict[str, Any]:
    """A program as its run names it: name and version. Where to find it is not recorded, so the node stands for it."""
    name, _, version = software.rpartition(" ")
    return {
        "@id": _software_id(software),
        "@type": "SoftwareApplication",
        "name": name or software,
        "version": version,
        "url": record.publisher.id,
    }


def _software_id(name: str) -> str:
    return f"#software-{quote(name, safe='')}"


def _sources(record: Record) -> list[dict[str, Any]]:
    several: dict[str, Related] = {
        one.url: one
        for one in (*record.sources, *(used for run in record.happenings for used in run.used))
        if one.url
    }
    # Data entities would have to be parts of this crate, and these are what it was made from.
    return [{"@id": url, "@type": "CreativeWork", "name": one.name} for url, one in several.items()]


class _Workflows:
    """The documents that runs followed. The last one is what the crate is about, and its inputs are described.

    Args:
        happenings: The newest first.
    """

    def __init__(self, happenings: tuple[Happening, ...]) -> None:
        several = [one for one in happenings if one.workflow]
        self._first = next((one for one in several if one.outcome == "ok"), several[0] if several else None)
        self._known: dict[str, Workflow] = {one.workflow.url: one.workflow for one in several if one.workflow}

    def profiles(self) -> tuple[str, ...]:
        """What the crate conforms to beside."""
        return (_WORKFLOW, _WORKFLOW_CRATE) if self._first else ()

    def main(self) -> dict[str, Any]:
        """What the root says of it."""
        return (
            {"mainEntity": {"@id": self._first.workflow.url}} if self._first and self._first.workflow else {}
        )

    def example(self, happening: Happening, quantity: Quantity) -> dict[str, Any]:
        """That a value is one of an input."""
        is_one = happening is self._first and quantity.name in self._inputs()
        return {"exampleOfWork": {"@id": self._inputs()[quantity.name]["@id"]}} if is_one else {}

    def documents(self) -> list[dict[str, Any]]:
        """The documents as files of the crate."""
        inputs = [{"@id": one["@id"]} for one in self._inputs().values()]
        return [
            {
                "@id": one.url,
                "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", _COMPUTATIONAL],
                "name": one.name,
                "encodingFormat": "application/cwl",
                "programmingLanguage": {"@id": _CWL},
                **({"input": inputs} if self._first and one is self._first.workflow and inputs else {}),
            }
            for one in self._known.values()
        ]

    def entities(self) -> list[dict[str, Any]]:
        """The documents and all that they refer to."""
        if not self._first:
            return []
        language = {
            "@id": _CWL,
            "@type": "ComputerLanguage",
            "name": "Common Workflow Language",
            "alternateName": "CWL",
            "version": max(one.version for one in self._known.values()),
            "identifier": {"@id": "https://w3id.org/cwl/"},
            "url": {"@id": "https://www.commonwl.org/"},
        }
        profiles = [
            {
                "@id": _WORKFLOW,
                "@type": ["CreativeWork", "Profile"],
                "name": "Workflow Run Crate",
                "version": "0.5",
            },
            {
                "@id": _WORKFLOW_CRATE,
                "@type": ["CreativeWork", "Profile"],
                "name": "Workflow RO-Crate",
                "version": "1.0",
            },
        ]
        return [*profiles, language, *self.documents(), *self._inputs().values()]

    def _inputs(self) -> dict[str, dict[str, Any]]:
        """Those inputs that had a value, by the name of the value; the profile wants an example of each."""
        flow = self._first.workflow if self._first else None
        if flow is None or self._first is None:
            return {}
        found = {}
        for one in self._first.parameters:
            name = one.name.removeprefix("parameter ")
            kind = flow.inputs.get(name)
            if kind is not None:
                found[one.name] = {
                    "@id": f"#input-{quote(name, safe='')}",
                    "@type": "FormalParameter",
                    "name": name,
                    "additionalType": _CWL_TYPES.get(kind.removesuffix("?"), "PropertyValue"),
                    "valueRequired": not kind.endswith("?"),
                    "workExample": {"@id": _refer(self._first, one)["@id"]},
                }
        return found


class _Agents:
    """Everybody that the crate names, once."""

    def __init__(self) -> None:
        self._known: dict[str, Agent] = {}

    def refer(self, agent: Agent) -> dict[str, str]:
        """A reference to somebody."""
        key = agent.id or f"#agent-{quote(agent.name, safe='')}"
        self._known.setdefault(key, agent)
        return {"@id": key}

    def entities(self) -> list[dict[str, Any]]:
        """Those who were referred to."""
        return [{"@id": key, "@type": one.kind, "name": one.name} for key, one in sorted(self._known.items())]
