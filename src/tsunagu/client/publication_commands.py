"""Commands about publishing: ask for it, review, institutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tsunagu.client.errors import UsageError
from tsunagu.client.messages import language, text
from tsunagu.client.node import dataset_path
from tsunagu.client.workspace import connect
from tsunagu.core.errors import TsunaguError

if TYPE_CHECKING:
    import argparse

    from tsunagu.client.output import Output

_TEXTS = ("name_ja", "name_en", "ror", "address", "contact", "doi_prefix", "doi_agency", "policies", "colour")


def run_publish(options: argparse.Namespace, output: Output) -> int:
    """Ask for the publication of a version; the exit code is 5 where checks found gaps."""
    wish = {
        "version": options.number,
        "institution": options.institution,
        "access": options.access,
        "opens_on": options.opens_on,
        "resource_type": options.type,
        "note": options.note,
    }
    if article := _article(options):
        wish["article"] = article
    with connect(options.url, options.token) as client:
        try:
            answer = client.node.post(f"{dataset_path(options.dataset)}/publications", wish)
        except TsunaguError as error:
            _tell_gaps(error, output)
            raise
    if output.as_json:
        output.json(answer)
        return 0
    place, number = options.dataset, answer["version"]
    if answer["state"] == "published":
        output.line(text("publish_done", place=place, number=number, url=answer["url"]))
    else:
        output.line(text("publish_asked", place=place, number=number, id=answer["id"]))
    _findings(answer, output)
    return 0


def _article(options: argparse.Namespace) -> dict[str, Any]:
    """What was said of an article; nothing of data."""
    names = ("text_version", "journal", "issn", "published_on", "no_data", "planned_on", "data")
    code, _colon, words = options.oa_reason.partition(":")
    said = {name: getattr(options, name) for name in names}
    said |= {"doi": options.article_doi, "reason_code": code.strip(), "reason": words.strip()}
    return said if any(said.values()) else {}


def _tell_gaps(error: TsunaguError, output: Output) -> None:
    """Every gap with its remedy; the error itself comes below."""
    for one in error.fields.get("findings", ()):
        output.note(f"- {one['says'][language()]}")
        output.note(f"  {one['todo'][language()]}")


def run_review(options: argparse.Namespace, output: Output) -> None:
    """List what waits, show one, or take a step."""
    with connect(options.url, options.token) as client:
        if options.action == "list":
            asked = {name: getattr(options, name) or None for name in ("institution", "state", "assigned")}
            answer = {"publications": list(client.node.pages("/publications", "publications", **asked))}
        elif options.action == "articles":
            found = client.node.get("/publications/articles", status=options.state or None)
            _articles(found, output)
            return
        elif options.action == "next":
            answer = client.node.post("/publications/next", {"institution": options.institution})
        else:
            if not options.id:
                raise UsageError(text("review_needs_id"), remedy="tsunagu review list")
            place = f"/publications/{quote(options.id, safe='')}"
            if options.action == "show":
                answer = client.node.get(place)
            else:
                body = {name: getattr(options, name) for name in ("text", "field", "path", "to")}
                body["answers"] = dict(_pair(one) for one in options.answers)
                try:
                    answer = client.node.post(f"{place}/{options.action}", body)
                except TsunaguError as error:
                    _tell_gaps(error, output)
                    raise
    if output.as_json:
        output.json(answer)
    elif options.action == "list":
        _list(answer["publications"], output)
    else:
        _show(answer, output, is_whole=options.action in {"show", "next"})


def _articles(answer: dict[str, Any], output: Output) -> None:
    if output.as_json:
        output.json(answer)
        return
    if not answer["articles"]:
        output.line(text("articles_empty"))
    output.table(
        (
            one["id"],
            text(f"open_access_{one['open_access']['status']}"),
            one["open_access"]["published_on"],
            one["text_version"],
            text("articles_data", count=one["data_count"]),
            one["title"],
        )
        for one in answer["articles"]
    )


def _pair(said: str) -> tuple[str, str]:
    name, mark, value = said.partition("=")
    if not mark:
        raise UsageError(text("review_bad_answer", said=said), remedy="--answer ITEM=yes")
    return name.strip(), value.strip()


def _list(rows: list[dict[str, Any]], output: Output) -> None:
    if not rows:
        output.line(text("review_empty"))
    output.table(
        (
            one["id"],
            text(f"publication_{one['state']}"),
            f"{one['place']}@{one['version']}",
            _waits(one),
            one["assigned_to"] or text("review_nobody"),
            one["title"],
        )
        for one in rows
    )


def _waits(one: dict[str, Any]) -> str:
    if one["is_late"]:
        return text("review_late", day=one["due_at"][:10])
    if one["due_at"]:
        return text("review_due", day=one["due_at"][:10])
    return text("review_age", days=one["age_days"])


def _show(answer: dict[str, Any], output: Output, *, is_whole: bool) -> None:
    state = text(f"publication_{answer['state']}")
    output.line(f"{answer['place']}@{answer['version']}  {state}  {answer['url']}")
    if not is_whole:
        return
    output.line(answer["title"])
    output.line(
        text("review_facts", **{name: answer[name] for name in ("institution", "access", "requested_by")})
    )
    output.line(f"{answer['id']}  {_waits(answer)}")
    for one in answer["checklist"]:
        said = text(f"check_{one['answer'] or 'open'}")
        output.line(f"[{said}] {one['id']}  {one[language()]}  {one['author']}".rstrip())
    _findings(answer, output)
    for one in answer["effects"]:
        state = text(f"effect_{one['state']}")
        output.line(f"{one['doi']}  {state}  {one['last_error']}".rstrip())
    for one in answer["history"]:
        about = " ".join(part for part in (one["field"], one["path"]) if part)
        done = text(f"step_{one['step']}")
        head = f"{one['written_at'][:16].replace('T', ' ')}  {one['author']}  {done}"
        output.line(f"{head}  {about}".rstrip())
        if one["text"]:
            output.line(f"    {one['text']}")


def _findings(answer: dict[str, Any], output: Output) -> None:
    for one in answer["findings"]:
        output.line(f"- {one['says'][language()]}")


def _curating(options: argparse.Namespace) -> dict[str, Any]:
    """How an institution reviews, as far as it was said."""
    wish: dict[str, Any] = {}
    if options.answer_days is not None:
        wish["answer_days"] = options.answer_days
    if options.hands_out:
        wish["hands_out"] = options.hands_out == "yes"
    if options.skills is not None:
        said = dict(_pair(one) for one in options.skills if one)
        wish["skills"] = {address: _known(words.split(",")) for address, words in said.items()}
    if options.checklist is not None:
        parts = [[*one.split("|"), "", ""][:3] for one in options.checklist]
        wish["checklist"] = [{"ja": ja, "en": en, "project": project} for ja, en, project in parts]
    return wish


def _known(words: list[str]) -> dict[str, list[str]]:
    """Words of two small letters are languages, all others fields."""
    words = [one.strip() for one in words]
    languages = [one for one in words if len(one) == 2 and one.isascii() and one.islower()]  # noqa: PLR2004 - ja, en
    return {"fields": [one for one in words if one not in languages], "languages": languages}


def run_institution(options: argparse.Namespace, output: Output) -> None:
    """List institutions, or write one."""
    with connect(options.url, options.token) as client:
        if options.action == "set":
            if not options.name:
                raise UsageError(text("institution_needs_name"), remedy="tsunagu institution list")
            wish: dict[str, Any] = {
                name: value for name in _TEXTS if (value := getattr(options, name)) is not None
            }
            if options.members_may_publish:
                wish["members_may_publish"] = options.members_may_publish == "yes"
            wish |= _curating(options)
            if options.curators is not None:
                wish["curators"] = [one for one in options.curators if one]
            answer = client.node.put(f"/institutions/{quote(options.name, safe='')}", wish)
            rows = [answer]
        else:
            answer = client.node.get("/institutions")
            rows = answer["institutions"]
    if output.as_json:
        output.json(answer)
        return
    name = f"name_{language()}"
    output.table(
        (
            one["name"],
            one[name],
            one["doi_prefix"],
            text("institution_free") if one["members_may_publish"] else text("institution_reviews"),
            ", ".join(one["curators"]),
        )
        for one in rows
    )
