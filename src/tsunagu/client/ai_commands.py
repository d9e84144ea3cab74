"""Commands about use of data by AI: asking the guard, answering items, setting terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import language, text
from tsunagu.client.names import at_version
from tsunagu.client.node import dataset_path
from tsunagu.client.workspace import connect

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tsunagu.client.output import Output

# A script goes on only at 0; 3 is final, 5 says that people have to answer first.
_EXIT = {"allow": 0, "deny": 3, "needs": 5}


def run_ai_use(options: argparse.Namespace, output: Output) -> int:
    """Ask whether a service may use a dataset; the exit code tells the answer."""
    dataset, version = at_version(options.dataset)
    place = f"{dataset_path(dataset)}/ai-use"
    use = {"service": options.service, "purpose": options.purpose, "kind": options.kind}
    if version is not None:
        use["version"] = version
    answers = _pairs(options.answers, "ITEM=yes|no")
    with connect(options.url, options.token) as client:
        for item, answer in answers.items():
            client.node.post(
                f"{place}/answers", {**use, "item": item, "answer": answer, "note": options.note}
            )
        verdict = client.node.post(place, use)
    if output.as_json:
        output.json(verdict)
    else:
        output.line(text(f"ai_answer_{verdict['answer']}"))
        if not verdict["items"]:  # the rules said no before the checklist was asked
            output.table((text("answer_reason"), reason) for reason in verdict["reasons"])
        spoken = language()
        decisive = [one for one in verdict["items"] if one["answer"] != "allow"]
        output.table(
            (one["id"], one["ask"][spoken], text("ai_you") if one["may_answer"] else "/".join(one["who"]))
            for one in decisive
        )
        output.table(
            (text("answer_remedy"), remedy)
            for remedy in dict.fromkeys(one["remedy"][spoken] for one in decisive)
        )
    return _EXIT[verdict["answer"]]


def run_ai_terms(options: argparse.Namespace, output: Output) -> None:
    """Show the terms of a dataset for AI, or change some of them."""
    place = f"{dataset_path(options.dataset)}/ai-terms"
    uses = _pairs(options.uses, "USE=ANSWER")
    with connect(options.url, options.token) as client:
        if options.croissant:
            output.json(client.node.get(f"{place}/croissant"))
            return
        answer = client.node.get(place)
        if uses or options.limits or options.countries or options.until:
            answer = client.node.put(place, _changed(answer["own"], uses, options))
    if output.as_json:
        output.json(answer)
        return
    output.table(
        (use, said, text("ai_from", names=", ".join(answer["inherited"][use])))
        if use in answer["inherited"]
        else (use, said, "")
        for use, said in answer["uses"].items()
    )
    bounds = {"limits": answer["limits"], "countries": answer["countries"], "until": answer["until"]}
    output.table(
        (name, ", ".join(value) if isinstance(value, list) else value)
        for name, value in bounds.items()
        if value not in (None, [])
    )


def _changed(own: dict[str, Any], uses: dict[str, str], options: argparse.Namespace) -> dict[str, Any]:
    """The dataset's own terms with what the command says; what it does not say stays."""
    wish = {**own, "uses": {**own["uses"], **uses}, "reason": options.reason}
    # Whoever names a use and gives a reason means to free it from the sources, even where its own answer stays.
    wish["release"] = list(uses) if options.reason else []
    if options.limits:
        wish["limits"] = [code for code in options.limits if code != "none"]
    if options.countries:
        wish["countries"] = None if "none" in options.countries else options.countries
    if options.until:
        wish["until"] = None if options.until == "none" else options.until
    return wish


def _pairs(given: Sequence[str], form: str) -> dict[str, str]:
    found = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise UsageError(text("ai_bad_pair", pair=pair, form=form))
        found[name] = value
    return found
