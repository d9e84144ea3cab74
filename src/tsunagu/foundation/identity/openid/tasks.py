"""What is done about OpenID providers in the background."""

from __future__ import annotations

import datetime as dt

from tsunagu.core import jobs
from tsunagu.foundation.identity.federation import sign_ins
from tsunagu.foundation.identity.openid import providers
from tsunagu.foundation.identity.openid.errors import BadProviderSettingError, ProviderDownError


@jobs.every(dt.timedelta(minutes=10))
@jobs.job(priority=-30)
def look_at_providers() -> None:
    """Ask every provider for its description and keys, so that an outage is known before people complain."""
    providers.forget()
    try:
        rows = providers.configured()
    except BadProviderSettingError:  # tsunagu check names it
        return
    for row in rows:
        try:
            providers.look_at(row)
        except ProviderDownError as error:
            sign_ins.note_failure(row.issuer, error.message)
