"""Addresses of the Hub's wire. Names hold no slash; revisions and paths come percent-encoded and are decoded by then."""

from __future__ import annotations

from django.urls import path, re_path
from django.views.decorators.http import require_POST, require_safe

from tsunagu.doors.hub import views

_ID = r"(?P<project>[a-z0-9._-]+)/(?P<dataset>[a-z0-9._-]+)"
_API = rf"^api/datasets/{_ID}"
_REVISION = r"(?P<revision>refs/[a-z]+/[^/]+|[^/]+)"

urlpatterns = [
    path("api/whoami-v2", require_safe(views.whoami)),
    path("api/datasets", require_safe(views.list_repositories)),
    re_path(rf"{_API}$", require_safe(views.repository)),
    re_path(rf"{_API}/revision/{_REVISION}$", require_safe(views.repository)),
    re_path(rf"{_API}/auth-check$", require_safe(views.auth_check)),
    re_path(rf"{_API}/tree/{_REVISION}$", require_safe(views.tree)),
    re_path(rf"{_API}/tree/{_REVISION}/(?P<folder>.+)$", require_safe(views.tree)),
    re_path(rf"{_API}/paths-info/{_REVISION}$", require_POST(views.paths_info)),
    re_path(rf"{_API}/refs$", require_safe(views.refs)),
    re_path(rf"{_API}/commits/{_REVISION}$", require_safe(views.commits)),
    re_path(rf"^datasets/{_ID}/resolve/{_REVISION}/(?P<path>.+)$", require_safe(views.resolve)),
]
