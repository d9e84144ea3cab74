"""The capture agent as one file, and the script that checks a version."""

from __future__ import annotations

from importlib import resources

from django.http import HttpRequest, HttpResponse

from tsunagu.client.agent_file import agent_bytes

AGENT = "tsunagu_agent.pyz"


def agent(request: HttpRequest) -> HttpResponse:
    """The capture agent; an instrument's PC fetches it without signing in."""
    del request
    return _file(AGENT, agent_bytes(), "application/zip")


def script(request: HttpRequest) -> HttpResponse:
    """The script that recomputes the hash of a version, for everybody."""
    del request
    name = "verify_version.py"
    return _file(
        name, resources.files("tsunagu.client").joinpath(name).read_bytes(), "text/x-python; charset=utf-8"
    )


def _file(name: str, content: bytes, media_type: str) -> HttpResponse:
    return HttpResponse(
        content, content_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
