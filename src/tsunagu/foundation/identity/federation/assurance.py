"""How sure we are: contexts and assurance values of the federations to levels, as one table.

Sources: REFEDS MFA and SFA profiles, REFEDS Assurance Framework 2.0, GakuNin AAL2 and IAL2 profiles, saml-authn-context.
An assurance belongs to a session: the same person comes today by a password and tomorrow by a passkey.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

REFEDS_MFA = "https://refeds.org/profile/mfa"
GAKUNIN_AAL2 = "https://www.gakunin.jp/profile/AAL2"
_CLASSES = "urn:oasis:names:tc:SAML:2.0:ac:classes:"


@dataclass(frozen=True, slots=True)
class Level:
    """What a context proves: authenticator assurance level, second factor, resistance to phishing."""

    aal: int
    mfa: bool = False
    phishing_resistant: bool = False


CONTEXTS: Mapping[str, Level] = {
    f"{_CLASSES}Password": Level(1),
    f"{_CLASSES}PasswordProtectedTransport": Level(1),
    "https://refeds.org/profile/sfa": Level(1),
    REFEDS_MFA: Level(2, mfa=True),
    GAKUNIN_AAL2: Level(2, mfa=True),
}
IDENTITY_LEVELS: Mapping[str, int] = {
    "https://refeds.org/assurance/IAP/low": 1,
    "https://refeds.org/assurance/IAP/medium": 2,
    "https://refeds.org/assurance/IAP/moderate": 2,
    "https://refeds.org/assurance/IAP/high": 3,
    "https://www.gakunin.jp/profile/IAL2": 2,
}
# What is asked of an institution when two factors are needed; only these count in its answer.
TWO_FACTORS = (GAKUNIN_AAL2, REFEDS_MFA)


@dataclass(frozen=True, slots=True)
class Assurance:
    """How a session was opened.

    Attributes:
        ial: Identity assurance level, 0 to 3; 0 is unknown.
        aal: Authenticator assurance level, 1 or 2; 0 is unknown.
        mfa: Whether two factors were shown.
        phishing_resistant: Whether the authenticator cannot be used on a look-alike site.
        authn_at: When the person showed the authenticator, RFC 3339; empty when unknown.
        source: ``local``, or the entity id of the identity provider.
        stand_in_for: Entity id of an institution that is down and for which this node stands in; empty otherwise.
        claims_at: With ``stand_in_for``: when the institution last said what is known of the person, RFC 3339.
    """

    ial: int = 0
    aal: int = 0
    mfa: bool = False
    phishing_resistant: bool = False
    authn_at: str = ""
    source: str = "local"
    stand_in_for: str = ""
    claims_at: str = ""

    @property
    def is_stand_in(self) -> bool:
        """Whether an institution should have answered and this node stood in for it."""
        return bool(self.stand_in_for)

    def as_json(self) -> dict[str, Any]:
        """For the session."""
        return asdict(self)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Assurance:
        """From the session."""
        return cls(**stored)


def of_assertion(contexts: Iterable[str], values: Iterable[str], *, authn_at: str, source: str) -> Assurance:
    """What an identity provider said about this sign-in; unknown contexts prove nothing."""
    levels = [CONTEXTS[context] for context in contexts if context in CONTEXTS]
    return Assurance(
        ial=max((IDENTITY_LEVELS.get(value, 0) for value in values), default=0),
        aal=max((level.aal for level in levels), default=0),
        mfa=any(level.mfa for level in levels),
        phishing_resistant=any(level.phishing_resistant for level in levels),
        authn_at=authn_at,
        source=source,
    )


def of_local(methods: Iterable[Mapping[str, Any]]) -> Assurance:
    """What this node saw itself: allauth's records of a session (``method``, ``type``, ``at`` in epoch seconds).

    A passkey counts as two factors because the node asks for its PIN or fingerprint (user verification ``required``).
    """
    told = list(methods)
    is_federated = any(item.get("method") == "federation" for item in told)
    shown = [item for item in told if item.get("method") != "federation"]
    kinds = {str(item.get("type") or item.get("method", "")) for item in shown}
    has_key, has_code = "webauthn" in kinds, bool(kinds & {"totp", "recovery_codes"})
    mfa = has_key or (has_code and (is_federated or bool(kinds & {"password", "link"})))
    last = max((float(item.get("at", 0)) for item in shown), default=0.0)
    return Assurance(
        aal=2 if mfa else int(bool(shown)),
        mfa=mfa,
        phishing_resistant=has_key,
        authn_at=dt.datetime.fromtimestamp(last, dt.UTC).isoformat() if last else "",
    )


def together(first: Assurance, local: Assurance) -> Assurance:
    """A session that the institution opened and that was raised here: the identity of one, the factors of both."""
    if local.aal <= first.aal and not (local.mfa and not first.mfa):
        return first
    return Assurance(
        ial=first.ial,
        aal=local.aal,
        mfa=local.mfa,
        phishing_resistant=local.phishing_resistant,
        authn_at=local.authn_at,
        source="local",
        stand_in_for=first.stand_in_for,
        claims_at=first.claims_at,
    )
