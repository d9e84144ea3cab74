"""Giving roles by e-mail address, for pages and REST alike."""

from __future__ import annotations

from tsunagu.core.errors import InvalidInputError, NotFoundError
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.policy import api as policy


def give_role(
    actor: identity.Actor, scope: policy.Resource, *, email: str, instrument: str, role: str
) -> None:
    """Give a person (by address) or an instrument (by ULID) a role.

    Raises:
        InvalidInputError: no such role.
        NotFoundError: nobody here has that address.
    """
    if role not in set(policy.Role):
        raise InvalidInputError(
            f"{role!r} is no role.", remedy="Roles are owner, editor, reader and instrument."
        )
    if instrument:
        policy.grant(actor, scope, subject_kind="instrument", subject_id=instrument, role=policy.Role(role))
        return
    person = identity.find_person(email)
    if person is None:
        raise NotFoundError(
            f"Nobody here has the address {email}.",
            remedy="The administrator can invite people (tsunagu admin link).",
        )
    policy.grant(actor, scope, subject_kind="person", subject_id=person.id, role=policy.Role(role))
