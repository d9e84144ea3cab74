"""Runs as W3C PROV-JSON: activities, what they used and made, and who was behind them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAMESPACE = "urn:tsunagu:"
_AGENTS = {"person": "prov:Person", "instrument": "tsunagu:Instrument", "service": "prov:SoftwareAgent"}


def document(runs: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """PROV-JSON of runs as REST gives them.

    Source: https://www.w3.org/submissions/prov-json/ (Member Submission, 2013-04-24).
    """
    parts: dict[str, dict[str, Any]] = {
        name: {} for name in ("entity", "activity", "agent", "used", "wasGeneratedBy", "wasAssociatedWith")
    }
    for run in runs:
        activity = f"tsunagu:run/{run['id']}"
        parts["activity"][activity] = _activity(run)
        _agent(parts, activity, run)
        for link in run["links"]:
            _link(parts, activity, link)
    return {
        "prefix": {"tsunagu": _NAMESPACE, "prov": "http://www.w3.org/ns/prov#"},
        **{name: found for name, found in parts.items() if found},
    }


def _activity(run: dict[str, Any]) -> dict[str, Any]:
    said = {
        "prov:type": f"tsunagu:{run['kind']}",
        "prov:startTime": run["started_at"],
        "tsunagu:outcome": run["outcome"],
        "tsunagu:reason": run["reason"],
        "tsunagu:parameters": run["parameters"] or None,
        "tsunagu:software": run["software"] or None,
    }
    if run["ended_at"]:
        said["prov:endTime"] = run["ended_at"]
    return {key: value for key, value in said.items() if value}


def _agent(parts: dict[str, dict[str, Any]], activity: str, run: dict[str, Any]) -> None:
    actor = run["actor"]
    agent = f"tsunagu:{actor['kind']}/{actor['id'] or 'unknown'}"
    parts["agent"][agent] = {
        "prov:type": _AGENTS.get(actor["kind"], "prov:Agent"),
        "prov:label": actor["name"],
    }
    _relate(parts["wasAssociatedWith"], {"prov:activity": activity, "prov:agent": agent})


def _link(parts: dict[str, dict[str, Any]], activity: str, link: dict[str, Any]) -> None:
    if not link["id"]:
        return  # something that the reader of the archive may not see
    entity = f"tsunagu:{link['kind']}/{link['id']}"
    parts["entity"].setdefault(entity, {"prov:type": f"tsunagu:{link['kind']}"})
    if link["label"]:
        parts["entity"][entity]["prov:label"] = link["label"]
    name = "used" if link["direction"] == "in" else "wasGeneratedBy"
    _relate(parts[name], {"prov:activity": activity, "prov:entity": entity})


def _relate(relations: dict[str, Any], relation: dict[str, str]) -> None:
    relations[f"_:r{len(relations) + 1}"] = relation
