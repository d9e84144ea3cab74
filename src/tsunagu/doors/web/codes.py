"""Codes of authenticator apps count once, the first one too, on every process and after a restart.

django-allauth 65 remembers a used code for one period in the cache of a process, which is shorter than the window in
which a late phone's code is taken, and does not remember the code that a person enrolled with (RFC 6238, 5.2).
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.mfa.totp.internal import auth
from allauth.mfa.utils import decrypt
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

_LAST = "last_counter"


def _counter(secret: str, code: str) -> int:
    """The period that a code belongs to; 0 when it is no code of this time."""
    spelled = "".join(code.split())
    for counter in auth.yield_hotp_counters_from_time():
        if auth.format_hotp_value(auth.hotp_value(secret, counter)) == spelled:
            return int(counter)
    return 0


@transaction.atomic
def _use(authenticator: Authenticator, code: str) -> bool:
    """Use a code up, with every earlier one; whether it was still good."""
    row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
    counter = _counter(decrypt(row.data["secret"]), code)
    if counter <= row.data.get(_LAST, 0):
        return False
    row.data[_LAST] = counter
    row.save(update_fields=["data"])
    authenticator.data = row.data  # allauth saves the row again when it notes the sign-in
    return True


class _Once:
    """A form whose code may be one of an app."""

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        authenticator: Authenticator = self.authenticator  # type: ignore[attr-defined]
        if authenticator.type == Authenticator.Type.TOTP and not _use(authenticator, code):
            raise get_adapter().validation_error("incorrect_code")
        return code


class AuthenticateForm(_Once, forms.AuthenticateForm):  # type: ignore[misc]
    """The second step of signing in."""


class ReauthenticateForm(_Once, forms.ReauthenticateForm):  # type: ignore[misc]
    """The same person confirms anew."""


@receiver(authenticator_added)
def _use_first_code(request: HttpRequest, authenticator: Authenticator, **_: Any) -> None:
    """The code of enrolment is used up."""
    if authenticator.type == Authenticator.Type.TOTP:
        _use(authenticator, request.POST.get("code", ""))
