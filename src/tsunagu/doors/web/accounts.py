"""How django-allauth behaves here."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from tsunagu.core import settings


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Strangers make accounts only where the node lets them."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """The setting ``signup``."""
        del request
        return bool(settings.current().signup)
