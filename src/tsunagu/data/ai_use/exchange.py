"""Terms in other people's words: codes of the Data Use Ontology, and an ODRL offer, as ``usageInfo`` of Croissant 1.1.

Sources: https://github.com/EBISPOT/DUO (codes), https://www.w3.org/TR/odrl-vocab/ (actions, operands),
https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html (usageInfo).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from tsunagu.core.errors import InvalidInputError
from tsunagu.data.ai_use.terms import LIMITS, parse
from tsunagu.data.ai_use.types import TERM_ANSWERS, USES, Terms

DUO_IRI = "http://purl.obolibrary.org/obo/DUO_"
DUO: Mapping[str, tuple[str, str]] = {
    "GRU": ("0000042", "general research use"),
    "HMB": ("0000006", "health or medical or biomedical research"),
    "DS": ("0000007", "disease specific research"),
    "POA": ("0000011", "population origins or ancestry research only"),
    "NCU": ("0000046", "non-commercial use only"),
    "NPU": ("0000045", "not for profit organisation use only"),
    "PUB": ("0000019", "publication required"),
    "COL": ("0000020", "collaboration required"),
    "GSO": ("0000016", "genetic studies only"),
    "MOR": ("0000024", "publication moratorium"),
    "IRB": ("0000021", "ethics approval required"),
    "TS": ("0000025", "time limit on use"),
    "US": ("0000026", "user specific restriction"),
    "PS": ("0000027", "project specific restriction"),
    "IS": ("0000028", "institution specific restriction"),
    "RTN": ("0000029", "return to database or resource"),
    "GS": ("0000022", "geographical restriction"),
}
_BY_NUMBER = {number: code for code, (number, _label) in DUO.items()}
CONTEXT = {
    "@vocab": "https://schema.org/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "cr": "http://mlcommons.org/croissant/",
    "tsunagu": "urn:tsunagu:ai-use:",
}
_ANSWER_OF = {"odrl:permission": "allow", "odrl:prohibition": "deny"}


def to_croissant(terms: Terms) -> dict[str, Any]:
    """The terms as a fragment of a Croissant 1.1 description.

    A use that is ``ask`` is a permission with the duty to obtain consent; ``deny`` is a prohibition.
    """
    offer: dict[str, Any] = {"@type": "odrl:Offer", "odrl:permission": [], "odrl:prohibition": []}
    bounds = _constraints(terms)
    for use in USES:
        answer = terms.uses[use]
        rule: dict[str, Any] = {"odrl:action": {"@id": f"tsunagu:{use}"}}
        if answer == "deny":
            offer["odrl:prohibition"].append(rule)
            continue
        if answer == "ask":
            rule["odrl:duty"] = [{"odrl:action": {"@id": "odrl:obtainConsent"}}]
        if bounds:
            rule["odrl:constraint"] = bounds
        offer["odrl:permission"].append(rule)
    codes = [
        {
            "@type": "DefinedTerm",
            "@id": DUO_IRI + DUO[code][0],
            "termCode": f"DUO:{DUO[code][0]}",
            "alternateName": code,
            "name": DUO[code][1],
            "inDefinedTermSet": "http://purl.obolibrary.org/obo/duo.owl",
        }
        for code in _codes(terms)
    ]
    return {
        "@context": CONTEXT,
        "@type": "Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "usageInfo": [*codes, offer],
    }


def _codes(terms: Terms) -> list[str]:
    implied = ({"TS"} if terms.until else set()) | ({"GS"} if terms.countries is not None else set())
    return [code for code in LIMITS if code in terms.limits or code in implied]


def _constraints(terms: Terms) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if terms.until:
        day = {"@type": "http://www.w3.org/2001/XMLSchema#date", "@value": terms.until.isoformat()}
        found.append(_constraint("dateTime", "lteq", day))
    if terms.countries is not None:
        found.append(_constraint("spatial", "isAnyOf", list(terms.countries)))
    return found


def _constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {
        "odrl:leftOperand": {"@id": f"odrl:{left}"},
        "odrl:operator": {"@id": f"odrl:{operator}"},
        "odrl:rightOperand": right,
    }


def from_croissant(content: Mapping[str, Any]) -> Terms:
    """Terms of a Croissant description with ``usageInfo``; what it does not say is ``ask``.

    Raises:
        InvalidInputError: it has no usage information, or holds rules that nobody here can keep.
    """
    parts = _list(content.get("usageInfo") or content.get("https://schema.org/usageInfo"))
    if not parts:
        raise InvalidInputError(
            "This description says nothing of its use.", remedy="Give a Croissant description with usageInfo."
        )
    uses: dict[str, str] = {}
    limits: set[str] = set()
    bounds: dict[str, Any] = {}
    for part in parts:
        if not isinstance(part, dict):
            raise InvalidInputError(f"usageInfo {str(part)[:100]!r} cannot be read.", remedy=_REMEDY)
        if str(part.get("@type", "")).endswith("Offer"):
            _read_offer(part, uses, bounds)
        else:
            limits.add(_duo(part))
    # The codes TS and GS say that a limit exists; where the offer says which, the code adds nothing.
    limits -= ({"TS"} if "until" in bounds else set()) | ({"GS"} if "countries" in bounds else set())
    return parse({"uses": uses, "limits": sorted(limits, key=LIMITS.index), **bounds})


_REMEDY = "Use DUO codes and an odrl:Offer as this node exports them."


def _duo(part: Mapping[str, Any]) -> str:
    text = str(part.get("termCode") or part.get("@id") or "")
    number = text.rpartition("DUO:")[2] if "DUO:" in text else text.rpartition("DUO_")[2]
    if number not in _BY_NUMBER:
        raise InvalidInputError(f"{text[:100]!r} is no DUO code that is known here.", remedy=_REMEDY)
    return _BY_NUMBER[number]


def _read_offer(offer: Mapping[str, Any], uses: dict[str, str], bounds: dict[str, Any]) -> None:
    for kind, answer in _ANSWER_OF.items():
        for rule in _list(offer.get(kind)):
            use = _id(rule.get("odrl:action")).removeprefix("tsunagu:") if isinstance(rule, dict) else ""
            if use not in USES:
                raise InvalidInputError(f"{kind} of {use[:100]!r} is not known here.", remedy=_REMEDY)
            # A duty is not done yet, whatever it is: a person must look.
            said = "ask" if answer == "allow" and rule.get("odrl:duty") else answer
            uses[use] = max(said, uses.get(use, said), key=TERM_ANSWERS.index)
            for constraint in _list(rule.get("odrl:constraint")):
                _read_constraint(constraint, bounds)


def _read_constraint(constraint: Any, bounds: dict[str, Any]) -> None:
    if not isinstance(constraint, dict):
        raise InvalidInputError(f"The constraint {str(constraint)[:100]!r} cannot be read.", remedy=_REMEDY)
    left, operator = _id(constraint.get("odrl:leftOperand")), _id(constraint.get("odrl:operator"))
    right = constraint.get("odrl:rightOperand")
    if (left, operator) == ("odrl:dateTime", "odrl:lteq"):
        day = str(right.get("@value", "") if isinstance(right, dict) else right)[:10]
        bounds["until"] = min(day, bounds.get("until") or dt.date.max.isoformat())
    elif (left, operator) == ("odrl:spatial", "odrl:isAnyOf"):
        places = {str(code) for code in _list(right)}
        before = bounds.get("countries")
        bounds["countries"] = sorted(places if before is None else places & set(before))
    else:
        raise InvalidInputError(f"A constraint on {left[:100]!r} cannot be kept here.", remedy=_REMEDY)


def _id(value: Any) -> str:
    """A name in its short form, whichever form it was written in."""
    name = str(value.get("@id", "")) if isinstance(value, dict) else str(value or "")
    for prefix in ("odrl", "tsunagu"):
        name = name.replace(CONTEXT[prefix], f"{prefix}:")
    return name


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, (str, dict)) else [value]


def known_codes() -> dict[str, str]:
    """Limit -> what it means, in English, as the ontology words it."""
    return {code: DUO[code][1] for code in LIMITS}
