"""A request to every operation of the REST interface, made from its OpenAPI description.

``BODIES`` holds a body that is good enough to be acted on for each operation that takes one; ``NEEDS`` says who may do
it. An operation without a row fails the sweep: a new route cannot be forgotten.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

from tests.rooms.plan_documents import document

_SHA = "ab" * 32
TRAINED_FOR = "to see whether it can be told"

BODIES: dict[str, Any] = {
    "POST /ledger/cosign": {"note": "x", "old_size": 0, "proof": []},
    "POST /projects": {"name": "made-by-sweep"},
    "POST /datasets": {"project": "{project}", "name": "made"},
    "PATCH /datasets/{project}/{dataset}": {"title": "changed"},
    "DELETE /datasets/{project}/{dataset}/files": {"paths": ["a.csv"]},
    "PATCH /datasets/{project}/{dataset}/versions/{number}": {"is_released": False},
    "POST /datasets/{project}/{dataset}/freeze": {"note": "x"},
    "POST /datasets/{project}/{dataset}/verify": {"after": ""},
    "PUT /projects/{project}/members": {"email": "mallory@example.org", "role": "owner"},
    "PUT /datasets/{project}/{dataset}/members": {"email": "mallory@example.org", "role": "reader"},
    "POST /requests": {"place": "{project}/{dataset}", "reason": "to read"},
    "POST /requests/{asked}": {"answer": "approve"},
    "PUT /datasets/{project}/{dataset}/labels": {"name": "sensitivity", "value": "5"},
    "PUT /policy/{layer}": {"text": "", "note": "x"},
    "POST /policy/{layer}/try": {"text": "", "note": "x"},
    "PUT /datasets/{project}/{dataset}/ai-terms": {"uses": {"training": "deny"}, "reason": "x"},
    "PUT /datasets/{project}/{dataset}/ai-terms/croissant": {"croissant": {"usageInfo": [{"@id": "http://purl.obolibrary.org/obo/DUO_0000042"}]}, "reason": "x"},
    "POST /datasets/{project}/{dataset}/ai-use": {"service": "local", "purpose": "sum up", "kind": "inference"},
    "POST /datasets/{project}/{dataset}/ai-use/answers": {
        "service": "local", "purpose": "sum up", "kind": "inference", "item": "ai.T1", "answer": "yes",
    },
    "PUT /ai-services/{name}": {"title": "x", "operator": "x", "valid_until": "2099-12-31"},
    "PUT /ai-checklist": {"text": "items: []"},
    "PUT /projects/{project}/plan": document(),
    "PUT /datasets/{project}/{dataset}/metadata/{name}": {"value": "x"},
    "PUT /datasets/{project}/{dataset}/negative-result": {"tried": "x"},
    "POST /datasets/{project}/{dataset}/proposals/{proposal}/{verdict}": {},
    "POST /datasets/{project}/{dataset}/pushes": {"create": False, "kind": "push"},
    "POST /pushes/{run}/plan": {"files": [["b.csv", 4, _SHA]]},
    "POST /pushes/{run}/finish": {"outcome": "ok"},
    "POST /datasets/{project}/{dataset}/pulls": {},
    "POST /instruments": {"name": "made-by-sweep"},
    "PUT /instruments/{name}/config": {"folders": []},
    "POST /agent/heartbeat": {},
    "DELETE /datasets/{project}/{dataset}": {"reason": "x"},
    "PUT /datasets/{project}/{dataset}/retention": {"until": "2090-03-31"},
    "POST /datasets/{project}/{dataset}/exports": {"version": 1, "form": "bagit"},
    "POST /holds": {"place": "{project}", "reason": "x"},
    "DELETE /holds/{hold}": {"reason": "x"},
    "POST /accounts/succeed": {"giver": "mallory@example.org", "successor": "other@example.org"},
    "POST /accounts/close": {"email": "mallory@example.org"},
    "POST /datasets/{project}/{dataset}/shred": {"confirm": "{project}/{dataset}", "reason": "consent withdrawn"},
    "PUT /datasets/{project}/{dataset}/common-items": {"values": {"data_type": "survey data"}},
    "POST /datasets/{project}/{dataset}/page-readings": {"paths": ["p.pdf"]},
    "POST /projects/{project}/unsorted": {"name": "made by sweep"},
    "POST /projects/{project}/unsorted/proposals": {"keys": []},
    "POST /projects/{project}/unsorted/decisions": {"inbox": "unsorted", "paths": ["old/"], "verdict": "leave", "note": "x"},
    "POST /searches": {"query": "電池", "name": "made by sweep"},
    "POST /tokens": {"label": "made by sweep", "verbs": ["read"], "days": 1},
    "POST /accounts/reopen": {"email": "mallory@example.org"},
    "POST /datasets/{project}/{dataset}/readiness": {"version": 0},
    "PUT /datasets/{project}/{dataset}/readiness/attestations": {"rule": "ethics", "answer": "yes"},
    "POST /datasets/{project}/{dataset}/readiness/repairs": {"kind": "deduplicate"},
    "POST /datasets/{project}/{dataset}/sql": {"sql": "select 1"},
    "POST /arrays": {
        "inputs": ["{project}/{dataset}@1"], "command": ["true"], "output": "{project}/made-by-runs",
        "each": {"name": "n", "values": [1, 2]},
    },
    "POST /runs": {"inputs": ["{project}/{dataset}@1"], "command": ["true"], "output": "{project}/made-by-a-run"},
    "POST /notebooks": {"input": "{project}/{dataset}@1", "output": "{project}/made-by-a-notebook"},
    "POST /harvest/sources": {"url": "http://127.0.0.1:9/oai"},
    "POST /harvest/sources/{source}/ask": {"whole": False},
    "PUT /projects/{project}/budget": {"cpu_s": 1, "memory_gb_h": 1, "output_bytes": 1},
    "POST /compute/offers": {
        "title": "x", "address": "https://93.184.215.14", "bytes_address": "https://93.184.215.14:444",
        "public_key": "{public_key}", "until": "2099-03-31",
    },
    "POST /compute/sites": {
        "name": "made-by-sweep", "title": "x", "address": "https://93.184.215.14", "public_key": "{public_key}", "country": "JP",
    },
    "POST /datasets/{project}/{dataset}/uses": {"training": "t-1", "purpose": TRAINED_FOR},
    "POST /uses/{use}/files": {},
    "POST /uses/{use}/progress": {"opening": "{opening}", "reader": "abcdefgh", "epochs": 1, "rows": 1, "bytes": 1},
    "POST /uses/{use}/end": {"opening": "{opening}", "outcome": "ok"},
    "PUT /notices/partners/{service}": {
        "title": "x", "origin_id": "https://93.184.215.14", "inbox": "https://93.184.215.14/inbox", "may": ["relations"],
    },
    "POST /notices/{notice}/verdicts/{verdict}": {},
    "POST /notices/{notice}/answers": {"answer": "accept"},
    "POST /publications/{publication}/offers": {"partner": "{service}", "kind": "review"},
    "PUT /institutions/{institution}": {"contact": "data@example.org"},
    "POST /datasets/{project}/{dataset}/publications": {"access": "open"},
    "POST /datasets/{project}/{dataset}/moves/versions": {
        "source": "https://93.184.215.14/d/a/b",
        "version": {
            "number": 1, "note": "", "root": "0" * 64, "file_count": 1, "byte_count": 1, "described": {},
        },
    },
    "POST /datasets/{project}/{dataset}/moves/publications": {
        "source": "https://93.184.215.14/d/a/b", "publications": [],
    },
    "PUT /datasets/{project}/{dataset}/moves": {"to": "https://93.184.215.14/d/a/b"},
    "POST /publications/next": {},
    "PUT /publications/{publication}/article": {"text_version": "AM"},
    "POST /publications/{publication}/{step}": {"text": "x"},
    "POST /deposits/{publication}": {"to": "ir"},
}  # fmt: skip

# Who may do it to the things of a project: everybody ("all"), those who are signed in ("person"; "party": machines
# too), whoever has at least this role there, whoever the thing belongs to ("its owner": the push, the instrument),
# who administers the node ("admin"), or the instrument's own program ("machine"). Nobody of these is both a member and an
# administrator ("member admin").
NEEDS: dict[str, str] = {
    "GET /me": "party",
    "GET /verify/ledger": "party",
    "GET /ledger/heads": "all",
    "GET /ledger/proof/inclusion": "party",
    "GET /ledger/proof/consistency": "all",
    "POST /ledger/cosign": "all",
    "GET /projects": "all",
    "POST /projects": "person",
    "GET /projects/{project}": "reader",
    "GET /datasets": "all",
    "POST /datasets": "editor",
    "GET /datasets/{project}/{dataset}": "reader",
    "POST /datasets/{project}/{dataset}/page-readings": "editor",
    "GET /datasets/{project}/{dataset}/page-readings": "reader",
    "GET /datasets/{project}/{dataset}/pages": "reader",
    "GET /datasets/{project}/{dataset}/negative-result": "reader",
    "PUT /datasets/{project}/{dataset}/negative-result": "editor",
    "GET /projects/{project}/unsorted": "reader",
    "POST /projects/{project}/unsorted": "editor",
    "GET /projects/{project}/unsorted/files": "reader",
    "GET /projects/{project}/unsorted/proposals": "reader",
    "POST /projects/{project}/unsorted/proposals": "editor",
    "GET /projects/{project}/unsorted/decisions": "reader",
    "POST /projects/{project}/unsorted/decisions": "editor",
    "PATCH /datasets/{project}/{dataset}": "editor",
    "GET /datasets/{project}/{dataset}/files": "reader",
    "DELETE /datasets/{project}/{dataset}/files": "editor",
    "GET /datasets/{project}/{dataset}/tree": "reader",
    "GET /datasets/{project}/{dataset}/versions": "reader",
    "GET /datasets/{project}/{dataset}/versions/{number}": "reader",
    "PATCH /datasets/{project}/{dataset}/versions/{number}": "owner",
    "GET /datasets/{project}/{dataset}/versions/{number}/evidence": "reader",
    "POST /datasets/{project}/{dataset}/freeze": "editor",
    "GET /datasets/{project}/{dataset}/diff": "reader",
    "GET /datasets/{project}/{dataset}/runs": "reader",
    "POST /datasets/{project}/{dataset}/verify": "reader",
    "GET /projects/{project}/members": "reader",
    "PUT /projects/{project}/members": "owner",
    "DELETE /projects/{project}/members/{member}": "owner",
    "GET /datasets/{project}/{dataset}/members": "reader",
    "PUT /datasets/{project}/{dataset}/members": "owner",
    "DELETE /datasets/{project}/{dataset}/members/{member}": "owner",
    "GET /decide": "reader",
    "GET /requests": "party",
    "POST /requests": "person",
    "POST /requests/{asked}": "its owner",
    "GET /datasets/{project}/{dataset}/labels": "reader",
    "PUT /datasets/{project}/{dataset}/labels": "editor",
    "GET /policy/{layer}": "party",
    "PUT /policy/{layer}": "admin",
    "POST /policy/{layer}/try": "admin",
    "GET /datasets/{project}/{dataset}/ai-terms": "reader",
    "PUT /datasets/{project}/{dataset}/ai-terms": "owner",
    "GET /datasets/{project}/{dataset}/ai-terms/croissant": "reader",
    "PUT /datasets/{project}/{dataset}/ai-terms/croissant": "owner",
    "POST /datasets/{project}/{dataset}/ai-use": "reader",
    "GET /datasets/{project}/{dataset}/ai-use": "reader",
    "POST /datasets/{project}/{dataset}/ai-use/answers": "owner",
    "GET /ai-services": "party",
    "PUT /ai-services/{name}": "admin",
    "GET /ai-checklist": "party",
    "PUT /ai-checklist": "admin",
    "GET /projects/{project}/plan": "reader",
    "PUT /projects/{project}/plan": "owner",
    "GET /projects/{project}/plan/versions": "reader",
    "GET /projects/{project}/plan/findings": "reader",
    "POST /projects/{project}/plan/check": "reader",
    "GET /datasets/{project}/{dataset}/metadata": "reader",
    "PUT /datasets/{project}/{dataset}/metadata/{name}": "editor",
    "GET /datasets/{project}/{dataset}/proposals": "reader",
    "POST /datasets/{project}/{dataset}/proposals/{proposal}/{verdict}": "editor",
    "GET /datasets/{project}/{dataset}/reading": "reader",
    "POST /datasets/{project}/{dataset}/read-again": "editor",
    "POST /datasets/{project}/{dataset}/pushes": "editor",
    "POST /pushes/{run}/capability": "its owner",
    "POST /pushes/{run}/plan": "its owner",
    "POST /pushes/{run}/finish": "its owner",
    "GET /pushes/{run}/receipt": "reader",
    "POST /datasets/{project}/{dataset}/pulls": "reader",
    "GET /datasets/{project}/{dataset}/manifest": "reader",
    "GET /instruments": "all",
    "POST /instruments": "person",
    "GET /instruments/{name}": "its owner or admin",
    "PUT /instruments/{name}/config": "its owner or admin",
    "POST /instruments/{name}/token": "its owner or admin",
    "GET /agent/config": "machine",
    "POST /agent/heartbeat": "machine",
    "DELETE /datasets/{project}/{dataset}": "owner",
    "GET /datasets/{project}/{dataset}/keeping": "reader",
    "PUT /datasets/{project}/{dataset}/retention": "owner",
    "POST /datasets/{project}/{dataset}/exports": "reader",
    "POST /datasets/{project}/{dataset}/readiness": "editor",
    "GET /datasets/{project}/{dataset}/readiness": "reader",
    "GET /datasets/{project}/{dataset}/readiness/preparation": "reader",
    "PUT /datasets/{project}/{dataset}/readiness/attestations": "editor",
    "POST /datasets/{project}/{dataset}/readiness/repairs": "editor",
    "DELETE /datasets/{project}/{dataset}/readiness/choices/{choice}": "editor",
    "GET /holds": "admin",
    "POST /holds": "admin",
    "DELETE /holds/{hold}": "admin",
    "POST /accounts/succeed": "admin",
    "POST /accounts/close": "admin",
    "GET /datasets/{project}/{dataset}/seal": "reader",
    "POST /datasets/{project}/{dataset}/seal": "owner",
    "POST /datasets/{project}/{dataset}/shred": "owner",
    "GET /search": "all",
    "GET /search/suggestions": "all",
    "GET /searches": "party",
    "POST /searches": "person",
    "DELETE /searches/{search}": "its owner",
    "GET /tokens": "person",
    "POST /tokens": "person",
    "DELETE /tokens/{token}": "person",
    "POST /accounts/reopen": "admin",
    "GET /datasets/{project}/{dataset}/tables": "reader",
    "POST /datasets/{project}/{dataset}/sql": "reader",
    "GET /datasets/{project}/{dataset}/usage": "editor",
    "GET /usage/reports/dsr": "admin",
    "GET /datasets/{project}/{dataset}/common-items": "reader",
    "PUT /datasets/{project}/{dataset}/common-items": "editor",
    "GET /projects/{project}/common-items": "reader",
    "GET /runs": "all",
    "POST /runs": "editor",
    "POST /arrays": "editor",
    "POST /arrays/{array}/cancel": "owner",
    "GET /runs/{job}": "reader",
    "GET /runs/{job}/log": "reader",
    "POST /runs/{job}/cancel": "owner",
    "POST /runs/{job}/again": "editor",
    "POST /notebooks": "editor",
    "GET /notebooks": "all",
    "GET /notebooks/{notebook}": "its owner",
    "POST /notebooks/{notebook}/stop": "its owner",
    "GET /projects/{project}/budget": "reader",
    "GET /datasets/{project}/{dataset}/places": "reader",
    "GET /compute/own": "admin",
    "GET /compute/offers": "admin",
    "POST /compute/offers": "admin",
    "POST /compute/offers/{offer}/withdraw": "admin",
    "GET /compute/sites": "party",
    "POST /compute/sites": "admin",
    "DELETE /compute/sites/{site}": "admin",
    "GET /compute/guests": "admin",
    "POST /compute/guests/{guest}/end": "admin",
    "PUT /projects/{project}/budget": "admin",
    "GET /harvest/sources": "admin",
    "POST /harvest/sources": "admin",
    "GET /harvest/sources/{source}": "admin",
    "POST /harvest/sources/{source}/ask": "admin",
    "POST /harvest/sources/{source}/pause": "admin",
    "DELETE /harvest/sources/{source}": "admin",
    "GET /harvest/sources/{source}/records": "admin",
    "GET /harvest/sources/{source}/records/{record}": "admin",
    "GET /notices": "party",
    "GET /notices/partners": "admin",
    "PUT /notices/partners/{service}": "admin",
    "DELETE /notices/partners/{service}": "admin",
    "GET /notices/sent": "admin",
    "POST /notices/sent/{sent}/again": "admin",
    "POST /notices/{notice}/verdicts/{verdict}": "its owner or admin",
    "POST /notices/{notice}/answers": "its owner or admin",
    "POST /notices/{notice}/let-through": "admin",
    "DELETE /notices/{notice}": "admin",
    "GET /publications/{publication}/notices": "its owner or admin",
    "POST /publications/{publication}/offers": "its owner or admin",
    "GET /graph/things": "all",
    "GET /graph/things/{thing}": "reader",
    "GET /graph/things/{thing}/neighbours": "reader",
    "GET /graph/proposals": "admin",
    "POST /graph/proposals/{merge}/{decision}": "admin",
    "POST /graph/rebuild": "admin",
    "POST /datasets/{project}/{dataset}/uses": "reader",
    "GET /datasets/{project}/{dataset}/uses": "reader",
    "POST /uses/{use}/files": "its owner",
    "POST /uses/{use}/progress": "its owner",
    "POST /uses/{use}/end": "its owner",
    "GET /trainings": "party",
    "GET /trainings/{name}": "its owner",
    "GET /institutions": "all",
    "PUT /institutions/{institution}": "admin",
    "POST /datasets/{project}/{dataset}/publications": "owner",
    "GET /datasets/{project}/{dataset}/publications": "reader",
    "GET /institutions/{institution}/datasets": "all",
    "POST /datasets/{project}/{dataset}/moves": "member admin",
    "POST /datasets/{project}/{dataset}/moves/versions": "member admin",
    "POST /datasets/{project}/{dataset}/moves/publications": "member admin",
    "PUT /datasets/{project}/{dataset}/moves": "member admin",
    "GET /publications": "party",
    "GET /publications/{publication}": "reader or admin",
    "GET /publications/articles": "party",
    "POST /publications/next": "admin",
    "PUT /publications/{publication}/article": "its owner or admin",
    "POST /publications/{publication}/{step}": "its owner or admin",
    "GET /deposits/{publication}": "reader or admin",
    "POST /deposits/{publication}": "admin",
}
# Where the right person's answer is not a success, because the request is about nothing that could succeed here.
ANSWERS: dict[str, int] = {
    "GET /ledger/proof/consistency": 200,
    "POST /ledger/cosign": 422,
    "PUT /ai-checklist": 422,
    "POST /harvest/sources": 422,  # the address is no public one
    "POST /notices/{notice}/verdicts/{verdict}": 409,  # it waits for an administrator
    "POST /notices/{notice}/answers": 409,
    "POST /notices/{notice}/let-through": 409,  # nobody took its sender up
    "POST /publications/{publication}/offers": 409,  # it is not public
    "GET /graph/things": 422,  # asked for nothing
    "POST /datasets/{project}/{dataset}/shred": 409,  # it is not sealed
    "POST /datasets/{project}/{dataset}/publications": 409,  # it names no creators
    "PUT /publications/{publication}/article": 409,  # it is no article
    "POST /deposits/{publication}": 409,  # it is not published
}
# What this asks about stands in a line of the request and not in its path.
ABOUT_A_LINE = {
    "GET /decide",
    "POST /requests",
    "POST /datasets",
    "POST /runs",
    "POST /arrays",
    "POST /notebooks",
}

_PARTIES = ("stranger", "ended", "other", "machine", "reader", "editor", "owner", "admin")
_PEOPLE = tuple(name for name in _PARTIES if name != "machine")
_MAY: dict[str, tuple[str, ...]] = {
    "all": ("anonymous", *_PARTIES),
    "party": _PARTIES,
    "person": _PEOPLE,
    "reader": ("reader", "editor", "owner"),
    "reader or admin": ("reader", "editor", "owner", "admin"),
    "editor": ("editor", "owner"),
    "owner": ("owner",),
    "its owner": ("owner",),
    "its owner or admin": ("owner", "admin"),
    "admin": ("admin",),
    "member admin": (),
    "machine": ("machine",),
}
KNOWS = ("reader", "editor", "owner")


def allowed(name: str) -> tuple[str, ...]:
    """Who may use an operation."""
    return _MAY[NEEDS[name]]


@dataclass(frozen=True)
class Operation:
    """One method of one route."""

    name: str  # "GET /datasets/{project}/{dataset}"
    method: str
    path: str
    parameters: tuple[str, ...]
    queries: tuple[str, ...]  # the ones that must be there
    takes_body: bool


@functools.cache
def operations() -> tuple[Operation, ...]:
    """Everything that the OpenAPI description names."""
    from tsunagu.doors.rest.api import api

    found = []
    for path, methods in api.get_openapi_schema()["paths"].items():
        short = path.removeprefix("/api/v1")
        for method, facts in methods.items():
            rows = facts.get("parameters", ())
            found.append(
                Operation(
                    f"{method.upper()} {short}",
                    method.upper(),
                    path,
                    tuple(row["name"] for row in rows if row["in"] == "path"),
                    tuple(row["name"] for row in rows if row["in"] == "query" and row.get("required")),
                    "requestBody" in facts,
                )
            )
    return tuple(found)


def send(client: Any, operation: Operation, names: dict[str, str], query: dict[str, str]) -> Any:
    """Ask, with path parameters and places in the body taken from ``names``."""
    path = operation.path
    for name in operation.parameters:
        path = path.replace("{" + name + "}", names[name])
    asked = {name: query[name].format(**names) for name in operation.queries}
    more: dict[str, Any] = {"query_params": asked}
    if operation.takes_body:
        body = json.dumps(_filled(BODIES[operation.name], names))
        more |= {"data": body, "content_type": "application/json"}
    return client.generic(operation.method, path, **more)


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str) and "{" in value:
        return value.format(**names)
    if isinstance(value, dict):
        return {key: _filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, names) for item in value]
    return value
