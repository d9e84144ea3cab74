"""Run by the Python of .judges: ``crate_judge.py FOLDER PROFILE``; prints the issues that roc-validator finds, as JSON.

The validator fetches the context of RO-Crate, so its cache is filled beforehand with the one that comes with the package
``rocrate``. Nothing is fetched while it judges.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from importlib import resources
from pathlib import Path

import requests
import requests_cache
import urllib3
from requests.adapters import HTTPAdapter
from rocrate_validator import services
from rocrate_validator.models import Severity, ValidationSettings

_ACCEPTS = (None, "application/ld+json", "application/ld+json, application/json")


_WEKO = "http://purl.org/wk/v1/wk-context.jsonld"
_WEKO_TERMS = {"@context": {"wk": f"{_WEKO}#", "jpcoar": "https://github.com/JPCOAR/schema#"}}


class _Bundled(HTTPAdapter):
    """Answers every address of w3id.org with the bundled context, and WEKO's with its prefixes."""

    def send(self, request: requests.PreparedRequest, **_: object) -> requests.Response:
        content = resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
        if request.url == _WEKO:
            content = json.dumps(_WEKO_TERMS).encode()
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(content),
            headers={"Content-Type": "application/ld+json"},
            status=200,
            preload_content=False,
            request_url=request.url,
        )
        return self.build_response(request, raw)


def _fill(cache: str) -> None:
    session = requests_cache.CachedSession(cache, backend="sqlite", expire_after=-1)
    session.mount("https://w3id.org/", _Bundled())
    session.mount("http://purl.org/wk/", _Bundled())
    for version in ("1.1", "1.2"):
        for accept in _ACCEPTS:
            headers = {"Accept": accept} if accept else {}
            session.get(f"https://w3id.org/ro/crate/{version}/context", headers=headers)
    for accept in _ACCEPTS:
        session.get(_WEKO, headers={"Accept": accept} if accept else {})
    session.close()


def main(folder: str, profile: str) -> None:
    """Judge one crate."""
    cache = str(Path(tempfile.mkdtemp()) / "cache")
    _fill(cache)
    settings = ValidationSettings(
        rocrate_uri=folder,
        profile_identifier=profile,
        # Profiles of runs build on RO-Crate 1.1 in the validator; ours is a 1.2, which is judged on its own.
        enable_profile_inheritance=profile.startswith("ro-crate"),
        requirement_severity=Severity.REQUIRED,
        offline=True,
        cache_path=cache,
        metadata_only=True,
    )
    result = services.validate(settings)
    print(json.dumps([f"{issue.check.identifier}: {issue.message}" for issue in result.get_issues()]))


if __name__ == "__main__":
    main(*sys.argv[1:])
