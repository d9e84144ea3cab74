"""Second factors are sealed in the database."""

from __future__ import annotations

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret


@pytest.mark.django_db
def test_a_copy_of_the_database_does_not_hold_the_secret_of_an_app():
    from tsunagu.foundation.identity import api as identity
    from tsunagu.foundation.identity.models import Person

    identity.ensure_person("sato@example.org")
    secret = generate_totp_secret()
    TOTP.activate(Person.objects.get(), secret)
    kept = Authenticator.objects.get().data["secret"]
    assert secret not in kept
    assert kept.startswith("sealed:")
    assert get_adapter().decrypt(kept) == secret


def test_what_an_older_node_wrote_in_clear_still_opens():
    assert get_adapter().decrypt("JBSWY3DPEHPK3PXP") == "JBSWY3DPEHPK3PXP"
