"""What a curator confirms before a version is published: the institution's list, and its items for a collection.

The answers are rows of the history, so they stay: with the words of the item as they were.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from tsunagu.core import clock
from tsunagu.data.publication import selectors, steps
from tsunagu.data.publication.errors import BadRequestError
from tsunagu.data.publication.institutions import items_of
from tsunagu.data.publication.models import Publication
from tsunagu.data.publication.types import ANSWER_STEP, CheckItem, CheckLine, Finding, PublicationCard
from tsunagu.data.publication.wording import UNCHECKED
from tsunagu.foundation.identity.api import Actor

ANSWERS = ("yes", "no", "none")


def checklist_of(actor: Actor, publication_id: str) -> list[CheckLine]:
    """Every item that is asked for a publication, with what was answered.

    Raises:
        NoPublicationError: there is none, or the actor may not see it.
    """
    return _lines(selectors.row_for(actor, publication_id))


@transaction.atomic
def answer(actor: Actor, publication_id: str, answers: Mapping[str, str], text: str = "") -> PublicationCard:
    """Answer items of the checklist; what was answered so already is not written again.

    Args:
        actor: A curator.
        publication_id: Which one.
        answers: Id of an item -> ``yes``, ``no`` or ``none`` (does not apply).
        text: A note for the history.

    Raises:
        NoPublicationError, ActionDeniedError, WrongStateError: as for ``assign``.
        BadRequestError: there is no such item, or no such answer.
    """
    row = steps.row_under_review(actor, publication_id)
    lines = {one.item.id: one for one in _lines(row)}
    for key, said in answers.items():
        if key not in lines:
            raise BadRequestError(
                f"The checklist has no item {key!r}.", remedy="Open the publication again; the list may have changed."
            )  # fmt: skip
        if said not in ANSWERS:
            raise BadRequestError(f"{said!r} is no answer.", remedy=f"Answer {', '.join(ANSWERS)}.")
        if lines[key].answer != said:
            words = lines[key].item.says
            item = words["ja"] if words["ja"] == words["en"] else f"{words['ja']} / {words['en']}"
            note = f"{item}\n{text.strip()}" if text.strip() else item
            steps.note_step(actor, row, f"{ANSWER_STEP}{said}", note, field=key)
    return selectors.cards([row])[0]


def left(row: Publication) -> list[Finding]:
    """What still stands against approval: items without an answer, and those answered with no."""
    found = []
    for line in _lines(row):
        if line.answer in {"yes", "none"}:
            continue
        says, todo = UNCHECKED["no" if line.answer else "open"]
        found.append(
            Finding(
                "checklist",
                "block",
                {language: words.format(item=line.item.says[language]) for language, words in says.items()},
                todo,
            )
        )
    return found


def _lines(row: Publication) -> list[CheckLine]:
    entries = row.entries.filter(number=row.number, step__startswith=ANSWER_STEP).order_by("pk")
    last = {one.field: one for one in entries}
    lines = []
    for item in _asked(row):
        entry = last.get(item.id)
        if entry is None:
            lines.append(CheckLine(item, "", "", ""))
        else:
            said = entry.step.removeprefix(ANSWER_STEP)
            lines.append(CheckLine(item, said, entry.author_name, clock.isoformat(entry.written_at)))
    return lines


def _asked(row: Publication) -> list[CheckItem]:
    project = row.place.partition("/")[0]
    return [one for one in items_of(row.institution) if one.project in {"", project}]
