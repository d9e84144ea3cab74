"""The control server's WSGI application."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "tsunagu.config.settings"  # whatever the shell says

application = get_wsgi_application()

# After Django is ready, and in no other process than this: what visitors did waits here and is written now and then.
from tsunagu.data.usage import api as usage  # noqa: E402

usage.start()
