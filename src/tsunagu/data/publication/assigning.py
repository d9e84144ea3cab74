"""Who looks at a request: by hand, by "take next", or by itself, after field, language and load."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Count

from tsunagu.core import clock
from tsunagu.data.datasets import api as datasets
from tsunagu.data.publication import record, selectors, steps
from tsunagu.data.publication.errors import BadRequestError
from tsunagu.data.publication.institutions import skill_of
from tsunagu.data.publication.models import Publication
from tsunagu.data.publication.types import Candidate, PublicationCard, Skill
from tsunagu.foundation.identity import api as identity
from tsunagu.foundation.identity.api import SYSTEM, Actor
from tsunagu.foundation.policy import api as policy

_LOOKED_AT = 50


@transaction.atomic
def assign(actor: Actor, publication_id: str, to: str = "") -> PublicationCard:
    """Say which curator looks at it; the review begins with that.

    Args:
        actor: A curator.
        publication_id: Which one.
        to: Mail address of a curator; empty: oneself.

    Raises:
        NoPublicationError: there is none, or the actor may not see it.
        ActionDeniedError: the actor does not review it.
        WrongStateError: it is decided already.
        BadRequestError: nobody of that address reviews for the institution.
    """
    row = steps.row_under_review(actor, publication_id)
    person = identity.find_person(to) if to else identity.people([actor.id]).get(actor.id)
    if person is None or not (person.id == actor.id or _reviews(row, person)):
        raise BadRequestError(
            f"{to} does not review for this institution, or asked for this publication.",
            remedy="Name one of the institution's curators.",
        )
    _give(actor, row, person)
    return selectors.cards([row])[0]


def take_next(actor: Actor, institution: str = "") -> PublicationCard | None:
    """Give the actor what they should look at next: what is late, what is theirs by field and language, the oldest.

    Two who ask at once get two different ones.

    Returns:
        What is theirs now; None where nothing waits for somebody.
    """
    now = clock.now()
    waiting = selectors.free_rows(actor, institution, _LOOKED_AT)
    fits = {row.uid: _fit(_words(row), skill_of(row.institution, actor.id)) for row in waiting}

    def order(row: Publication) -> tuple[bool, int, bool]:
        fields, speaks = fits[row.uid]
        return not selectors.is_late(row, now), -len(fields), not speaks

    for row in sorted(waiting, key=order):
        with transaction.atomic():
            free = Publication.objects.select_for_update().filter(pk=row.uid, assigned_to="")
            if free.filter(state__in=selectors.WAITING).exists():
                return assign(actor, row.uid)
    return None


def hand_out(row: Publication) -> None:
    """Give a new request to the curator who fits best, where its institution wants that."""
    if not row.institution.hands_out or row.assigned_to or row.state != "requested":
        return
    found = candidates(row)
    if found:
        _give(SYSTEM, row, found[0].person)


def candidates_of(actor: Actor, publication_id: str) -> list[Candidate]:
    """Curators who could review it, the one who fits best first.

    Raises:
        NoPublicationError: there is none, or the actor may not see it.
        ActionDeniedError: the actor does not review it.
    """
    row = selectors.row_for(actor, publication_id)
    policy.require(actor, "publication.review", selectors.resource_of(row))
    return candidates(row)


def candidates(row: Publication) -> list[Candidate]:
    """The same, as the node itself sees it."""
    people = [
        one for one in identity.people(row.institution.curators).values() if _reviews(row, one)
    ]  # fmt: skip
    open_ones = Publication.objects.filter(
        assigned_to__in=[one.id for one in people], state__in=selectors.WAITING
    )
    loads = dict(open_ones.values_list("assigned_to").annotate(Count("pk")))
    words = _words(row)
    found = [
        Candidate(one, *_fit(words, skill_of(row.institution, one.id)), loads.get(one.id, 0))
        for one in people
    ]
    return sorted(
        found, key=lambda one: (-len(one.fields), not one.speaks, one.load, one.person.name, one.person.id)
    )


def _reviews(row: Publication, person: identity.PersonCard) -> bool:
    other = Actor("person", person.id, person.name)
    return bool(policy.decide(other, "publication.review", selectors.resource_of(row)))


def _give(actor: Actor, row: Publication, person: identity.PersonCard) -> None:
    row.assigned_to = person.id
    row.state = "in_review" if row.state == "requested" else row.state
    row.changed_at = clock.now()
    row.save()
    steps.note_step(actor, row, "assign", said={"to": person.id})


def _words(row: Publication) -> tuple[str, frozenset[str]]:
    """What a publication says of itself, folded, and the languages of its titles and descriptions."""
    card = selectors.dataset_of(row)
    if card is None:
        return _folded(row.title), frozenset()
    described: Mapping[str, Any] = datasets.get_version(card, row.number).described
    said = {name: one["value"] for name, one in record.values_of(described, row.corrected).items()}
    texts = [*record.texts(said, "title"), *record.texts(said, "description")]
    named = [row.place, row.title, *record.names(said.get("keywords")), *(one.value for one in texts)]
    return _folded("\n".join(named)), frozenset(one.language for one in texts)


def _fit(words: tuple[str, frozenset[str]], skill: Skill) -> tuple[tuple[str, ...], bool]:
    text, languages = words
    fields = tuple(one for one in skill.fields if _folded(one) in text)
    return fields, not skill.languages or not languages or bool(languages & set(skill.languages))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
