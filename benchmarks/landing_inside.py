"""A bare template of Django behind gunicorn: ``python -m benchmarks.landing_inside FILE PORT`` shows the lines of a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path
from gunicorn.app.base import BaseApplication

LINES = Path(sys.argv[1]).read_text("utf-8").splitlines()
PAGE = "<!doctype html><html><body>{% for line in lines %}<p>{{ line }}</p>\n{% endfor %}</body></html>"


class Server(BaseApplication):  # type: ignore[misc]
    """As a node's own server is set."""

    def load_config(self) -> None:
        """One process, some threads."""
        options = {
            "bind": f"127.0.0.1:{sys.argv[2]}",
            "worker_class": "gthread",
            "threads": 8,
            "keepalive": 15,
        }
        for name, value in {**options, "control_socket_disable": True}.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """The application."""
        settings.configure(
            ROOT_URLCONF=__name__,
            ALLOWED_HOSTS=["*"],
            SECRET_KEY="bare",
            TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        )
        django.setup()
        return get_wsgi_application()


def show(_request: HttpRequest) -> HttpResponse:
    """The page."""
    return HttpResponse(engines["django"].from_string(PAGE).render({"lines": LINES}))


urlpatterns = [path("", show)]

if __name__ == "__main__":
    Server().run()
