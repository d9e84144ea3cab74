"""Addresses of the Hub's wire. Names hold no slash; revisions and paths come percent-encoded and are decoded by then."""

from __future__ import annotations

from django.urls import path, re_path
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tsunagu.doors.hub import commits, gates, repositories, uploads, views

_ID = r"(?P<project>[a-z0-9._-]+)/(?P<dataset>[a-z0-9._-]+)"
_API = rf"^api/datasets/{_ID}"
_GATE = rf"{_API}/user-access-request"
_LFS = rf"^datasets/{_ID}\.git/info/lfs/objects"
_REVISION = r"(?P<revision>refs/[a-z]+/[^/]+|[^/]+)"

urlpatterns = [
    path("api/whoami-v2", require_safe(views.whoami)),
    path("api/datasets", require_safe(views.list_repositories)),
    re_path(rf"{_API}$", require_safe(views.repository)),
    re_path(rf"{_API}/revision/{_REVISION}$", require_safe(views.repository)),
    re_path(rf"{_API}/auth-check$", require_safe(views.auth_check)),
    re_path(rf"{_API}/auth-check/write$", require_safe(gates.may_write)),
    re_path(rf"{_GATE}/(?P<status>pending|accepted|rejected)$", require_safe(gates.requests)),
    re_path(rf"{_GATE}/handle$", require_POST(gates.handle)),
    re_path(rf"{_GATE}/grant$", require_POST(gates.grant)),
    re_path(rf"{_API}/tree/{_REVISION}$", require_safe(views.tree)),
    re_path(rf"{_API}/tree/{_REVISION}/(?P<folder>.+)$", require_safe(views.tree)),
    re_path(rf"{_API}/paths-info/{_REVISION}$", require_POST(views.paths_info)),
    re_path(rf"{_API}/refs$", require_safe(views.refs)),
    re_path(rf"{_API}/commits/{_REVISION}$", require_safe(views.commits)),
    re_path(rf"{_API}/preupload/{_REVISION}$", require_POST(uploads.preupload)),
    re_path(rf"{_API}/commit/{_REVISION}$", require_POST(commits.commit)),
    re_path(rf"{_API}/xet-write-token/{_REVISION}$", require_safe(uploads.xet_token)),
    path("api/repos/create", require_POST(repositories.create)),
    path("api/repos/delete", require_http_methods(["DELETE"])(repositories.delete)),
    path("api/repos/move", require_POST(repositories.keep_name)),
    re_path(rf"{_API}/settings$", require_http_methods(["PUT"])(repositories.change)),
    re_path(rf"{_API}/(?P<kind>branch|tag|super-squash)/(?P<name>.+)$", repositories.keep_line),
    path("api/validate-yaml", require_POST(repositories.validate_card)),
    re_path(rf"{_LFS}/batch$", require_POST(uploads.batch)),
    re_path(rf"{_LFS}/verify$", require_POST(uploads.verify)),
    re_path(rf"^datasets/{_ID}$", require_safe(views.page)),
    re_path(rf"^datasets/{_ID}/(?:commit|tree)/{_REVISION}/?$", require_safe(views.page)),
    re_path(rf"^datasets/{_ID}/tree/{_REVISION}/(?P<folder>.+)$", require_safe(views.page)),
    re_path(rf"^datasets/{_ID}/blob/{_REVISION}/(?P<path>.+)$", require_safe(views.page)),
    re_path(rf"^datasets/{_ID}/resolve/{_REVISION}/(?P<path>.+)$", require_safe(views.resolve)),
]
