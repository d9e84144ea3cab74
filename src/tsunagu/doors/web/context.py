"""What every page shows around its content."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from tsunagu.core import settings


def page_frame(request: HttpRequest) -> dict[str, Any]:
    """Name of the node and theme of the person."""
    theme = getattr(request.user, "theme", "") if hasattr(request, "user") else ""
    return {
        "is_federated": bool(settings.current().federation_feeds),
        "has_institutions": bool(settings.current().federation_feeds or settings.current().openid_providers),
        "node_name": settings.current().node_name,
        "theme": theme,
        "byte_url": settings.current().bytes_address,
    }
