"""What the description of the interface says beyond ninja: how one signs in, how errors look; and strict bodies."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI, Schema
from ninja.openapi.schema import OpenAPISchema
from pydantic import ConfigDict


class Input(Schema):
    """A body that people send: a field that nobody knows is refused, so that a slip of the pen is no silent wish."""

    model_config = ConfigDict(extra="forbid")


_PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457 problem details; ``code`` is stable, ``remedy`` says what to do.",
    "type": "object",
    "required": ["type", "code", "status", "title"],
    "properties": {
        "type": {"type": "string"},
        "code": {"type": "string"},
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "reasons": {"type": "array", "items": {"type": "string"}},
        "basis": {"type": "string"},
        "remedy": {"type": "string"},
        "fields": {"type": "object"},
    },
}
_TOKEN = {"type": "http", "scheme": "bearer", "description": "An access token (tsunagu login makes one)."}
_ANSWER = {
    "description": "The request was refused; the body says why.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class DescribedAPI(NinjaAPI):
    """Ninja's interface, whose description names the errors and the token too."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """The OpenAPI description."""
        found = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        parts = found.setdefault("components", {})
        parts.setdefault("schemas", {})["Problem"] = _PROBLEM
        parts["securitySchemes"] = {"token": _TOKEN}
        found["security"] = [{"token": []}, {}]
        for methods in found["paths"].values():
            for operation in methods.values():
                operation["responses"]["default"] = _ANSWER
        return found
