"""How django-allauth behaves here."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tsunagu.core import settings


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Strangers make accounts only where the node lets them."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """The setting ``signup``."""
        del request
        return bool(settings.current().signup)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Back to the account, not to the form that was just filled in."""
        del request
        return reverse("account")


class AddKeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A key is offered as a passkey: most people want to sign in with it alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name of the key")
        self.fields["name"].help_text = _("To tell your keys apart, like the name of the device.")
        self.fields["name"].initial = self.initial["name"] = ""
        box = self.fields["passwordless"]
        box.label = _("Sign in with this key alone (passkey)")
        box.help_text = _(
            "The device asks for a fingerprint, a face or a PIN. Without this, the key follows the password."
        )
        box.initial = True
