"""Reading who has which role."""

from __future__ import annotations

from django.db.models import Q

from tsunagu.core import clock
from tsunagu.foundation.policy.models import Grant
from tsunagu.foundation.policy.types import Member, Resource, Role


def people_with_roles(*, limit: int) -> list[str]:
    """ULIDs of the people who were given roles last."""
    rows = Grant.objects.filter(subject_kind="person").order_by("-pk").values_list("subject_id", flat=True)
    return list(dict.fromkeys(rows[: limit * 20]))[:limit]


def members(scope: Resource) -> list[Member]:
    """Everybody with a role in force on exactly this scope, owners first."""
    order = {role: number for number, role in enumerate(Role)}
    in_force = Q(expires_at=None) | Q(expires_at__gt=clock.now())
    rows = Grant.objects.filter(in_force, scope_kind=scope.kind, scope_id=scope.id).order_by(
        "granted_at", "pk"
    )
    found = [
        Member(
            "instrument" if row.subject_kind == "instrument" else "person",
            row.subject_id,
            Role(row.role),
            clock.isoformat(row.expires_at) if row.expires_at else None,
        )
        for row in rows
    ]
    return sorted(found, key=lambda member: order[member.role])
