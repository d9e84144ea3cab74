"""What people allowed programs: made at the consent, ended by the person, by time, or by a theft that was noticed.

Secrets are random, kept as hashes, and all hang on the connection. A refresh token is good once; when it comes again,
somebody has a copy, and the whole connection ends.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction

from tsunagu.core import clock, events, settings
from tsunagu.foundation.identity.errors import BadScopeError, NotSignedInError
from tsunagu.foundation.identity.federation.assurance import Assurance
from tsunagu.foundation.identity.federation.groups import Membership
from tsunagu.foundation.identity.federation.sign_ins import stand_in_ends_at
from tsunagu.foundation.identity.models import Person
from tsunagu.foundation.identity.program_models import Connection, Program, ProgramSecret
from tsunagu.foundation.identity.programs.registry import card, digest
from tsunagu.foundation.identity.programs.types import Asked, ConnectionCard, Consent
from tsunagu.foundation.identity.services import actor_for_person
from tsunagu.foundation.identity.types import VERBS, Actor, TokenScope

PREFIX = "tso_"
CODE_LIVES = dt.timedelta(seconds=60)
ACCESS_LIVES = dt.timedelta(hours=1)
REFRESH_LIVES = dt.timedelta(days=30)
LONGEST = dt.timedelta(days=365)
_NOTED_EVERY = dt.timedelta(minutes=5)
_PROJECT = "project:"


def api_resource() -> str:
    """The REST interface as a resource (RFC 8707): what a token for it must be made for."""
    return f"{settings.current().control_address}/api/v1"


def tell(kind: str, actor: Actor, parameters: dict[str, Any], reason: str = "") -> None:
    """Have it recorded as a run; that room lies above this one."""
    events.record(
        "identity.happened",
        kind=kind,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        parameters=parameters,
        reason=reason,
    )


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The session in which somebody agrees: whose it is, how it was opened, which groups it carries."""

    actor: Actor
    assurance: Assurance
    memberships: tuple[Membership, ...] = ()


@transaction.atomic
def connect(session: SignedIn, asked: Asked, consent: Consent) -> Connection:
    """Write down what a person allowed; never more than was asked for, and not longer than a year.

    Raises:
        BadScopeError: nothing of what was asked for is left.
    """
    verbs = tuple(verb for verb in VERBS if verb in consent.verbs and verb in asked.verbs)
    if not verbs and not asked.about:
        raise BadScopeError
    now = clock.now()
    until = now + min(max(consent.lifetime, dt.timedelta(minutes=5)), LONGEST)
    if session.assurance.is_stand_in:
        # What a stand-in opened does not outlive it.
        until = min(until, stand_in_ends_at(session.assurance.stand_in_for) or now)
    row = Connection.objects.create(
        program=Program.objects.get(client_id=asked.program.id),
        person=Person.objects.get(uid=session.actor.id),
        verbs=" ".join(verbs),
        projects=list(consent.projects),
        scopes=" ".join([*verbs, *asked.about]),
        resource=asked.resource,
        assurance=session.assurance.as_json(),
        groups=[asdict(found) for found in session.memberships],
        place=(asked.place or consent.place)[:300],
        created_at=now,
        expires_at=until,
    )
    tell(
        "connect_program",
        session.actor,
        {
            "connection": row.uid,
            "program": asked.program.id,
            "verbs": list(verbs),
            "projects": list(consent.projects),
            "resource": row.resource,
            "until": clock.isoformat(row.expires_at),
        },
    )
    return row


def issue(
    connection: Connection,
    kind: str,
    *,
    lifetime: dt.timedelta,
    scopes: Iterable[str] = (),
    secret: str = "",
    detail: dict[str, Any] | None = None,
) -> str:
    """A secret that stands for a connection, no longer than the connection itself."""
    secret = secret or new_secret()
    now = clock.now()
    ProgramSecret.objects.create(
        kind=kind,
        secret_hash=digest(secret),
        connection=connection,
        scopes=" ".join(scopes),
        detail=detail or {},
        created_at=now,
        expires_at=min(now + lifetime, connection.expires_at),
    )
    return secret


def new_secret() -> str:
    """A random secret; the prefix lets scanners of code find one that was left there."""
    return PREFIX + secrets.token_urlsafe(32)


def living(kind: str, secret: str) -> ProgramSecret | None:
    """The secret, when it and everything it hangs on is in force; used ones are found too."""
    row = (
        ProgramSecret.objects.select_related("connection__program", "connection__person")
        .filter(kind=kind, secret_hash=digest(secret), expires_at__gt=clock.now())
        .first()
    )
    return row if row is not None and is_in_force(row.connection) else None


def is_in_force(connection: Connection) -> bool:
    """Whether nobody ended it, its time is not over, and its program and person are still here."""
    now = clock.now()
    person, stood_in_for = connection.person, str(connection.assurance.get("stand_in_for", ""))
    return (
        connection.ended_at is None
        and connection.expires_at > now
        and connection.program.withdrawn_at is None
        and person is not None
        and person.is_active
        and (person.stay_until is None or person.stay_until > now)
        and (not stood_in_for or stand_in_ends_at(stood_in_for) is not None)
    )


def use_once(row: ProgramSecret) -> bool:
    """Use a code or a refresh token up. A second use ends the connection: one of the two users is a thief."""
    if ProgramSecret.objects.filter(pk=row.pk, used_at=None).update(used_at=clock.now()):
        return True
    _end(row.connection, "used twice")
    return False


def _end(row: Connection, why: str) -> None:
    with transaction.atomic():
        if Connection.objects.filter(pk=row.pk, ended_at=None).update(ended_at=clock.now(), ended_why=why):
            person = row.person
            assert person is not None
            parameters = {"connection": row.uid, "program": row.program.client_id}
            tell("disconnect_program", actor_for_person(person), parameters, why)


def end(actor: Actor, connection_id: str) -> None:
    """End what one allowed a program; its tokens stop at once."""
    row = Connection.objects.filter(uid=connection_id, person__uid=actor.id).first()
    if row is not None:
        _end(row, "by the person")


def end_by_program(row: ProgramSecret) -> None:
    """The program gave its token back (RFC 7009): signing out there ends the whole connection."""
    _end(row.connection, "by the program")


def end_all(person_id: str) -> int:
    """The account is being closed: what was allowed to programs ends with it; returns how many connections."""
    rows = list(Connection.objects.filter(person__uid=person_id, ended_at=None))
    for row in rows:
        _end(row, "with the account")
    return len(rows)


def connections_of(person_id: str) -> list[ConnectionCard]:
    """The connections of a person that are in force, newest first."""
    rows = (
        Connection.objects.select_related("program", "person")
        .filter(person__uid=person_id, ended_at=None, expires_at__gt=clock.now())
        .filter(program__withdrawn_at=None)
        .order_by("-created_at", "-pk")
    )
    return [
        ConnectionCard(
            id=row.uid,
            program=card(row.program),
            scope=TokenScope(tuple(row.verbs.split()), tuple(row.projects)),
            scopes=tuple(row.scopes.split()),
            resource=row.resource,
            place=row.place,
            created_at=clock.isoformat(row.created_at),
            expires_at=clock.isoformat(row.expires_at),
            last_used_at=clock.isoformat(row.last_used_at) if row.last_used_at else None,
        )
        for row in rows[:200]
    ]


def reach(connection: Connection, scopes: Iterable[str] | None = None) -> TokenScope | None:
    """What a token lets through: what the person allowed, and of that what the token was narrowed to."""
    whole = TokenScope(tuple(connection.verbs.split()), tuple(connection.projects))
    if scopes is None:
        return whole
    words = list(scopes)
    projects = tuple(word.removeprefix(_PROJECT) for word in words if word.startswith(_PROJECT))
    return whole.narrowed(TokenScope(tuple(verb for verb in VERBS if verb in words), projects))


def may_narrow(connection: Connection, scope: str) -> bool:
    """Whether a token for one task may be narrowed to this: a project among those that were allowed."""
    if not scope.startswith(_PROJECT):
        return False
    return not connection.projects or scope.removeprefix(_PROJECT) in connection.projects


def actor_of(connection: Connection, scopes: Iterable[str] | None = None) -> Actor | None:
    """The person, as far as a program may act for them; None where it may not act at all."""
    scope = reach(connection, scopes)
    person = connection.person
    if scope is None or not scope.verbs or person is None:
        return None
    program = connection.program
    return actor_for_person(
        person,
        token_id=connection.uid,
        assurance=Assurance.of(connection.assurance),
        memberships=tuple(Membership(**{**item, "path": tuple(item["path"])}) for item in connection.groups),
        scope=scope,
        agent="" if program.origin == "shipped" else program.name,
    )


def actor_for(secret: str) -> Actor:
    """Who is behind a program's access token for the REST interface.

    Raises:
        NotSignedInError: unknown, expired, ended, or made for another service.
    """
    row = living("access", secret)
    if row is None or row.connection.resource != api_resource():
        raise NotSignedInError
    actor = actor_of(row.connection, row.scopes.split())
    if actor is None:
        raise NotSignedInError
    now, connection = clock.now(), row.connection
    if connection.last_used_at is None or now - connection.last_used_at > _NOTED_EVERY:
        Connection.objects.filter(pk=connection.pk).update(last_used_at=now)
        Program.objects.filter(pk=connection.program_id).update(last_used_at=now)
    return actor


def recorded(token_id: str) -> Connection | None:
    """The connection that a long-lived record names, when it is still in force."""
    row = Connection.objects.select_related("program", "person").filter(uid=token_id).first()
    return row if row is not None and is_in_force(row) else None


def forget_old() -> int:
    """Remove secrets that are over, and device requests; returns how many."""
    from tsunagu.foundation.identity.program_models import DeviceRequest

    limit = clock.now() - dt.timedelta(days=1)
    removed, _ = ProgramSecret.objects.filter(expires_at__lt=limit).delete()
    DeviceRequest.objects.filter(expires_at__lt=limit).delete()
    return removed
