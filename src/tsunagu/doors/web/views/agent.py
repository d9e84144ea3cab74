"""The capture agent as one file, and the script that checks a version."""

from __future__ import annotations

from importlib import resources

from django.http import HttpRequest, HttpResponse

_FILES = {"tsunagu_agent.py": "tsunagu.client.agent", "verify_version.py": "tsunagu.client"}


def script(request: HttpRequest, name: str) -> HttpResponse:
    """A Python file that runs with the standard library alone."""
    del request
    text = resources.files(_FILES[name]).joinpath(name).read_bytes()
    return HttpResponse(
        text,
        content_type="text/x-python; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
