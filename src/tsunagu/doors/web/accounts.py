"""How django-allauth behaves here."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from cryptography.fernet import Fernet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tsunagu.core import settings
from tsunagu.core.errors import TsunaguError
from tsunagu.doors import sessions
from tsunagu.doors.web.views.frame import problem_page
from tsunagu.foundation.identity import api as identity


class InstitutionNeededError(TsunaguError):
    """The node admits people of institutions through their institution alone."""

    code = "web.institution_needed"
    status = 403
    exit_code = 3
    default_message = (
        "Your account belongs to an institution, so you sign in there and not with a password or passkey."
    )
    default_remedy = (
        "Choose your institution on the sign-in page; if it is down, ask the administrator to stand in."
    )


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Strangers make accounts only where the node lets them."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """The setting ``signup``."""
        del request
        return bool(settings.current().signup)

    def pre_login(self, request: HttpRequest, user: Any, **more: Any) -> HttpResponse | None:
        """Where the node wants it so, people of an institution come by it, unless this node stands in for it."""
        if sessions.must_come_by_institution(user) and not identity.may_be_stood_in_for(user):
            return problem_page(request, InstitutionNeededError())
        answer: HttpResponse | None = super().pre_login(request, user, **more)
        return answer

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Back to the account, not to the form that was just filled in."""
        del request
        return reverse("account")


_SEALED = "sealed:"


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of authenticator apps and recovery codes are sealed: a copy of the database alone opens no account."""

    def encrypt(self, text: str) -> str:
        """Seal with the key in HOME/secrets."""
        return (
            _SEALED
            + _mfa_key(settings.current().home / "secrets" / "mfa.key").encrypt(text.encode()).decode()
        )

    def decrypt(self, encrypted_text: str) -> str:
        """Open what ``encrypt`` sealed; what an older node wrote in clear comes back as it is."""
        if not encrypted_text.startswith(_SEALED):
            return encrypted_text
        key = _mfa_key(settings.current().home / "secrets" / "mfa.key")
        return key.decrypt(encrypted_text.removeprefix(_SEALED).encode()).decode()


@functools.lru_cache(maxsize=4)
def _mfa_key(file: Path) -> Fernet:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
        file.write_bytes(Fernet.generate_key())
    return Fernet(file.read_bytes())


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
