"""What every page shows around its content."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from tsunagu.core import settings
from tsunagu.data.publication import api as publication
from tsunagu.doors import sessions
from tsunagu.doors.web.views.federation import institution_name
from tsunagu.doors.who import actor_of_session


def page_frame(request: HttpRequest) -> dict[str, Any]:
    """Name of the node and theme of the person."""
    came = sessions.stood_in_for(request) if hasattr(request, "session") else None
    theme = getattr(request.user, "theme", "") if hasattr(request, "user") else ""
    return {
        "is_federated": bool(settings.current().federation_feeds),
        "has_institutions": bool(settings.current().federation_feeds or settings.current().openid_providers),
        "stood_in": came and {"name": institution_name(came.stand_in_for), "since": came.claims_at},
        "node_name": settings.current().node_name,
        "theme": theme,
        "curates": lambda: _curates(request),
        "byte_url": settings.current().bytes_address,
        "hides_search_box": False,  # the search page has a field of its own
    }


def _curates(request: HttpRequest) -> bool:
    """Whether the person reviews for an institution; asked only where a page shows the way there."""
    return request.user.is_authenticated and bool(publication.curated_by(actor_of_session(request)))
