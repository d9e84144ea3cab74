"""What the tests of the guard ask and answer."""

from __future__ import annotations

from tsunagu.data.ai_use import api as ai_use
from tsunagu.data.datasets import api as datasets
from tsunagu.foundation.policy import api as policy

CHECKED = {
    "operator": "Example", "countries": ["JP"], "law": "Japan", "keeps": "no", "trains": "no",
    "human_review": "no", "sub_processors": "none", "contract": "C-1", "erasable": "yes",
}  # fmt: skip
PURPOSE = "summarise the spectra"


def ask(actor, card, service="local", kind="inference", purpose=PURPOSE):
    card = datasets.get_dataset_by_id(actor, card.id)
    return ai_use.check_use(actor, card, service=service, purpose=purpose, kind=kind)


def say(actor, card, item, *, is_yes=True, service="local", kind="inference", purpose=PURPOSE):
    card = datasets.get_dataset_by_id(actor, card.id)
    ai_use.answer_item(
        actor, card, service=service, purpose=purpose, kind=kind, item=item, is_yes=is_yes, note="looked at"
    )


def terms(**uses):
    return ai_use.parse({"uses": uses})


def opened(owner, card):
    datasets.set_access(owner, card.id, policy.Access.OPEN)
    return datasets.get_dataset(owner, card.project, card.name)


def settle(actor, card, *, kind, purpose, service="local"):
    """Answer yes to everything that a person has to answer about a use."""
    for item in ask(actor, card, service=service, kind=kind, purpose=purpose).items:
        if item.answer == "needs":
            say(actor, card, item.item.id, service=service, kind=kind, purpose=purpose)
