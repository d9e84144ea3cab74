"""What every page shows around its content."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from tsunagu.core import settings
from tsunagu.doors import sessions
from tsunagu.doors.web.views.federation import institution_name


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
        "byte_url": settings.current().bytes_address,
        "hides_search_box": False,  # the search page has a field of its own
    }
