"""Every address of control."""

from __future__ import annotations

from django.urls import include, path

from tsunagu.config import health
from tsunagu.data.publication import api as publication
from tsunagu.doors.internal import jobs as internal_jobs
from tsunagu.doors.internal import notebooks as internal_notebooks
from tsunagu.doors.internal import partners as internal_partners
from tsunagu.doors.internal import views as internal
from tsunagu.doors.notify.views import addresses as notify_addresses
from tsunagu.doors.oai.views import addresses as oai_addresses
from tsunagu.doors.records.views import addresses as record_addresses
from tsunagu.doors.rest.api import api

urlpatterns = [
    path("api/v1/", api.urls),
    path("internal/commit", internal.commit),
    path("internal/known", internal.known),
    path("internal/listing", internal.listing),
    path("internal/staged", internal.staged),
    path("internal/notebooks/admit", internal_notebooks.admit),
    path("internal/notebooks/check", internal_notebooks.check),
    path("internal/notebooks/idle", internal_notebooks.idle),
    path("internal/notebooks/listing", internal_notebooks.listing),
    path("compute/line/<str:run>", internal_jobs.line),
    path("compute/partner", internal_partners.ask),
    path("healthz", health.healthz),
    path("metrics", health.metrics),
    *notify_addresses(),
    *oai_addresses(publication),
    *record_addresses(publication.find_record, publication.moved_to),
    path("accounts/", include("allauth.urls")),
    path("", include("tsunagu.doors.hub.urls")),
    path("", include("tsunagu.doors.oauth.views")),
    path("", include("tsunagu.doors.web.urls")),
]

handler404 = "tsunagu.doors.web.views.frame.not_found"
handler403 = "tsunagu.doors.web.views.frame.refused"
handler500 = "tsunagu.doors.web.views.frame.broken"
