"""schemathesis over the OpenAPI description: whatever is sent, the answer is the described one and never a defect."""

from __future__ import annotations

import functools
import json

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tsunagu.doors.rest.api import api

pytestmark = [pytest.mark.django_db, pytest.mark.functional]

_handler = functools.cache(get_wsgi_application)


def _app(environ, start_response):
    """The node; made when the first request comes, after the static folder is there."""
    answer = _handler()(environ, start_response)
    try:
        return [b"".join(answer)]
    finally:
        answer.close()


schema = schemathesis.openapi.from_dict(json.loads(json.dumps(api.get_openapi_schema())))
schema.app = _app
_CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]


@schema.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_a_described_one(case, world):
    for name in case.path_parameters or {}:
        # Half of the time about things that are there, so that what lies behind the look-up is reached too.
        if name in world.victim and len(str(case.path_parameters[name])) % 2:
            case.path_parameters[name] = world.victim[name]
    token = world.clients["owner"].defaults["HTTP_AUTHORIZATION"]
    answer = case.call(headers={"Authorization": token})
    case.validate_response(answer, checks=_CHECKS)
