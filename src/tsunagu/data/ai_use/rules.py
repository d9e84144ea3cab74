"""What the machine can answer by itself: pure functions of the facts, and the verdict over all items.

Each rule says ``yes`` (in order), ``no`` or ``unknown``. Stricter terms, higher labels and shorter validities move an
answer only away from ``yes``; a property test holds that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tsunagu.data.ai_use.types import Answer, Checklist, Facts, Item, ItemResult, PersonAnswer

RANK: Mapping[str, int] = {"allow": 0, "needs": 1, "deny": 2}
HOME = "JP"
# Levels of labels, as policy orders them; 0 is "nobody has decided".
_PSEUDONYMISED, _REVIEW, _CONTROLLED, _CONTRACT, _SPECIFIC, _WITHDRAWN = 3, 2, 3, 2, 3, 4
_CONFIDENTIAL = 4  # the two highest of the five levels of sensitivity


def _terms(facts: Facts) -> str:
    wanted = {
        "inference": {"local_inference"},
        "training": {"training"},
        "release_weights": {"training", "release_weights"},
        "index": {"index"},
    }[facts.kind]
    if facts.is_external:
        wanted = (wanted - {"local_inference"}) | {"external_inference"}
    answers = {facts.terms.uses[use] for use in wanted}
    if "deny" in answers or (facts.terms.until and facts.today > facts.terms.until):
        return "no"
    return "unknown" if "ask" in answers else "yes"


def _class(facts: Facts) -> str:
    return "yes" if facts.is_open or not facts.is_external else "unknown"


def _embargo(facts: Facts) -> str:
    if not facts.is_embargoed:
        return "yes"
    if facts.kind == "release_weights":
        return "no"
    return "unknown" if facts.is_external else "yes"


def _sensitivity(facts: Facts) -> str:
    if facts.levels["sensitivity"] < _CONFIDENTIAL:
        return "yes"
    if facts.is_external or facts.kind == "release_weights":
        return "no"
    return "yes" if facts.kind == "inference" else "unknown"


def _purpose(facts: Facts) -> str:
    consent = facts.levels["consent"]
    if consent >= _WITHDRAWN:
        return "no"
    return "unknown" if facts.terms.limits or consent == _SPECIFIC else "yes"


def _personal(facts: Facts) -> str:
    level = facts.levels["personal"]
    if level >= _PSEUDONYMISED:
        if facts.is_external or facts.kind == "release_weights":
            return "no"
        return "yes" if facts.kind == "inference" else "unknown"
    is_undecided = level == 0 and not facts.is_open
    return "unknown" if is_undecided and _spreads(facts) else "yes"


def _export(facts: Facts) -> str:
    level = facts.levels["export_control"]
    if level >= _CONTROLLED and (facts.is_external or facts.kind == "release_weights"):
        return "no"
    if level >= _REVIEW:
        return "unknown"
    return "unknown" if level == 0 and not facts.is_open and _spreads(facts) else "yes"


def _rights(facts: Facts) -> str:
    level = facts.levels["contract"]
    if level >= _CONTRACT:
        return "unknown"
    return "unknown" if level == 0 and not facts.is_open and _spreads(facts) else "yes"


def _spreads(facts: Facts) -> bool:
    """Whether something of the data leaves the node, or stays in weights that do."""
    return facts.is_external or facts.kind == "release_weights"


def _retention(facts: Facts) -> str:
    return "yes" if facts.service.keeps == "no" else "unknown"


def _provider_training(facts: Facts) -> str:
    return "yes" if facts.service.trains == facts.service.human_review == "no" else "no"


def _sub_processors(facts: Facts) -> str:
    return "unknown" if facts.service.sub_processors == "unknown" else "yes"


def _location(facts: Facts) -> str:
    allowed, places = facts.terms.countries, set(facts.service.countries or ("",))
    if allowed is not None and facts.is_external and not places <= set(allowed):
        return "no"
    if not facts.is_external or (facts.is_open and not _is_bound(facts)):
        return "yes"
    return "yes" if facts.service.countries else "unknown"


def _abroad(facts: Facts) -> str:
    abroad = facts.is_external and set(facts.service.countries) != {HOME}
    return "unknown" if abroad and _is_bound(facts) else "yes"


def _is_bound(facts: Facts) -> bool:
    return facts.levels["personal"] >= _PSEUDONYMISED or facts.levels["export_control"] >= _REVIEW


def _confirmed(facts: Facts) -> str:
    if not facts.service.is_valid_on(facts.today):
        return "no"
    return "yes" if facts.service.contract or facts.service.is_local else "unknown"


def _erasable(facts: Facts) -> str:
    return "yes" if facts.service.erasable == "yes" else "unknown"


RULES: Mapping[str, Callable[[Facts], str]] = {
    "terms": _terms,
    "class": _class,
    "embargo": _embargo,
    "sensitivity": _sensitivity,
    "purpose": _purpose,
    "personal": _personal,
    "export": _export,
    "rights": _rights,
    "retention": _retention,
    "provider_training": _provider_training,
    "sub_processors": _sub_processors,
    "location": _location,
    "abroad": _abroad,
    "confirmed": _confirmed,
    "erasable": _erasable,
}
CONDITIONS: Mapping[str, Callable[[Facts], bool]] = {
    "external": lambda facts: facts.is_external,
    "not_open": lambda facts: not facts.is_open or _is_bound(facts) or facts.levels["contract"] >= _CONTRACT,
    "learns": lambda facts: facts.kind in {"training", "release_weights"},
    "releases": lambda facts: facts.kind == "release_weights",
    "keeps_copy": lambda facts: facts.kind != "inference",
}


def judge(
    facts: Facts, checklist: Checklist, answers: Mapping[str, PersonAnswer]
) -> tuple[Answer, tuple[ItemResult, ...]]:
    """The verdict: the strictest of what the items say. Items that cannot matter do not appear."""
    results = tuple(
        _result(item, facts, answers.get(item.id))
        for item in checklist.items
        if all(CONDITIONS[name](facts) for name in item.asks_when)
    )
    return max((one.answer for one in results), key=lambda one: RANK[one], default="allow"), results


def _result(item: Item, facts: Facts, person: PersonAnswer | None) -> ItemResult:
    found = RULES[item.rule](facts) if item.rule else "unknown"
    by = "machine" if item.rule else "person"
    # What the machine knows is no question: a person settles only what it does not know.
    if found == "unknown" and person is not None:
        found, by = ("yes" if person.is_yes else "no"), "person"
    effects: dict[str, Answer] = {"yes": "allow", "no": item.on_no, "unknown": item.on_unknown}
    return ItemResult(item, found, effects[found], by, person if by == "person" else None)


def open_items(answer: str, results: Sequence[ItemResult]) -> list[ItemResult]:
    """Items that a person should answer: none while something forbids the use anyway."""
    return [one for one in results if one.answer == "needs"] if answer == "needs" else []
