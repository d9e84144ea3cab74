"""Sign-ins under way, by SAML or by OpenID Connect: one row each, answered once, finished by the browser that began."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from tsunagu.core import clock
from tsunagu.foundation.identity.federation import answers
from tsunagu.foundation.identity.federation.assurance import Assurance
from tsunagu.foundation.identity.federation.claims import Claims, Subject
from tsunagu.foundation.identity.federation.groups import Membership
from tsunagu.foundation.identity.federation.models import InstitutionState, SignInRequest

Purpose = Literal["login", "link", "stepup"]
_LIFETIME = dt.timedelta(minutes=15)
_FINISH_WITHIN = dt.timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Asked:
    """What this node wants of an identity provider, and for whom.

    Attributes:
        issuer: Entity id or issuer of the identity provider.
        browser: A secret of the browser's session; only the same browser can finish.
        purpose: What becomes of the answer.
        person_id: Who is signed in, for ``link`` and ``stepup``.
        contexts: Authentication contexts of which the answer must name one; empty accepts any.
        is_forced: Have the person show the authenticator anew.
        next_path: A path of this node, checked by the caller.
    """

    issuer: str
    browser: str
    purpose: Purpose = "login"
    person_id: str = ""
    contexts: tuple[str, ...] = ()
    is_forced: bool = False
    next_path: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A sign-in at an identity provider that ended well, not yet a session.

    Attributes:
        purpose: Why it was begun.
        person_id: Who was signed in when it was begun; empty for a login.
        next_path: Where the person wanted to go.
    """

    purpose: Purpose
    person_id: str
    next_path: str
    claims: Claims
    assurance: Assurance


def begin(asked: Asked, *, request_id: str, handle: str, verifier: str = "") -> None:
    """Keep what was asked until the answer comes.

    Args:
        asked: What was asked.
        request_id: What the answer must repeat: the ID of a SAML request, the nonce of an OpenID one.
        handle: The secret that went out with the request and comes back beside the answer.
        verifier: PKCE code verifier of an OpenID request.
    """
    now = clock.now()
    SignInRequest.objects.filter(expires_at__lt=now - dt.timedelta(hours=1)).delete()
    SignInRequest.objects.create(
        request_id=request_id,
        handle_hash=digest(handle),
        browser_hash=digest(asked.browser),
        entity_id=asked.issuer,
        purpose=asked.purpose,
        person_uid=asked.person_id,
        contexts=list(asked.contexts),
        is_forced=asked.is_forced,
        next_path=asked.next_path[:2000],
        verifier=verifier,
        created_at=now,
        expires_at=now + _LIFETIME,
    )


def open_request(handle: str) -> SignInRequest:
    """The request that an answer belongs to.

    Raises:
        AssertionRefusedError: unknown, expired or answered already.
    """
    row = SignInRequest.objects.filter(handle_hash=digest(handle), expires_at__gt=clock.now()).first()
    if row is None or row.answered_at:
        raise answers.refused(row.entity_id if row else "", "no open request")
    return row


def settle(row: SignInRequest, said: Claims, assurance: Assurance) -> str:
    """Keep a verified answer; returns the code by which the browser finishes.

    Raises:
        AssertionRefusedError: another answer was faster.
    """
    code = secrets.token_urlsafe(24)
    changed = SignInRequest.objects.filter(pk=row.pk, answered_at=None).update(
        answered_at=clock.now(),
        finish_hash=digest(code),
        outcome={"claims": asdict(said), "assurance": assurance.as_json()},
    )
    if not changed:
        raise answers.refused(row.entity_id, "two answers to one request")
    return code


def finish(code: str, *, browser: str) -> Outcome:
    """What a sign-in brought, once, for the browser that began it.

    Raises:
        AssertionRefusedError: unknown, used or old code, or another browser.
    """
    now = clock.now()
    row = SignInRequest.objects.filter(finish_hash=digest(code), finished_at=None).first() if code else None
    if (
        row is None
        or row.answered_at is None
        or row.answered_at < now - _FINISH_WITHIN
        or not secrets.compare_digest(row.browser_hash, digest(browser))
        or not SignInRequest.objects.filter(pk=row.pk, finished_at=None).update(finished_at=now)
    ):
        raise answers.refused(row.entity_id if row else "", "finished by another browser, twice or too late")
    outcome: dict[str, Any] = row.outcome or {}
    return Outcome(
        purpose=cast("Purpose", row.purpose),
        person_id=row.person_uid,
        next_path=row.next_path,
        claims=claims_of(outcome["claims"]),
        assurance=Assurance.of(outcome["assurance"]),
    )


def claims_of(stored: Mapping[str, Any]) -> Claims:
    """Claims from their JSON form."""
    values: dict[str, Any] = dict(stored)
    values["subjects"] = tuple(Subject(**item) for item in values["subjects"])
    values["memberships"] = tuple(
        Membership(**{**item, "path": tuple(item["path"])}) for item in values["memberships"]
    )
    plain: dict[str, Any] = {key: tuple(it) if isinstance(it, list) else it for key, it in values.items()}
    return Claims(**plain)


def note_failure(issuer: str, why: str) -> None:
    """Keep when an institution last did not answer as it should, for the administrator."""
    InstitutionState.objects.update_or_create(
        entity_hash=digest(issuer),
        defaults={"entity_id": issuer, "failed_at": clock.now(), "failure": why[:300]},
    )


def stand_in_ends_at(issuer: str) -> dt.datetime | None:
    """Until when this node stands in for an institution; None when it does not."""
    row = InstitutionState.objects.filter(
        entity_hash=digest(issuer), stand_in_until__gt=clock.now(), stand_in_since__isnull=False
    ).first()
    return row.stand_in_until if row is not None else None


def traffic(issuer: str, *, within: dt.timedelta) -> tuple[int, int]:
    """How many sign-ins at an institution were begun a while ago, and how many of them came back."""
    now = clock.now()
    rows = SignInRequest.objects.filter(entity_id=issuer, created_at__gt=now - within)
    # Whoever went a minute ago may still be typing the password.
    begun = rows.filter(created_at__lt=now - dt.timedelta(minutes=2))
    return begun.count(), begun.filter(answered_at__isnull=False).count()


def is_of_browser(row: SignInRequest, browser: str) -> bool:
    """Whether this browser began the sign-in."""
    return secrets.compare_digest(row.browser_hash, digest(browser))


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
