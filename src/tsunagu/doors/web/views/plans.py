"""The plan of a project: does it hold, what is to be done, the form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as later

from tsunagu.core.errors import TsunaguError
from tsunagu.data.datasets import api as datasets
from tsunagu.data.plans import api as plans
from tsunagu.doors.web.views.frame import done, member
from tsunagu.foundation.identity.api import Actor
from tsunagu.foundation.policy import api as policy

_SHOWN = 200
_MOST_BYTES = 4_000_000
_EMPTY_ROWS = 1
LABELS = {
    "title": later("Title of the plan"),
    "description": later("Description"),
    "contact_name": later("Contact"),
    "contact_mail": later("E-mail address of the contact"),
    "contact_id": later("ORCID iD or e-Rad researcher number"),
    "project_title": later("Title of the project"),
    "project_end": later("Last day of the project"),
    "funder_name": later("Funder"),
    "funder": later("Funder's ROR address"),
    "grant": later("Grant number (JP...)"),
    "erad": later("e-Rad project number"),
    "ethics": later("Are there ethical issues?"),
    "data_title": later("Name of the data"),
    "data_description": later("What they are"),
    "data_names": later("Datasets here (names; * stands for anything)"),
    "data_size": later("Volume (500 GB)"),
    "data_formats": later("Formats (image/tiff, csv)"),
    "data_access": later("Who may see them"),
    "data_licence": later("Address of the licence"),
    "data_opens": later("Opens on"),
    "data_personal": later("Personal data"),
    "data_sensitive": later("Sensitive data"),
    "data_host": later("Stored at"),
    "data_host_url": later("Address of the store"),
    "data_keep": later("Kept until"),
    "data_security": later("Measures for security"),
}
TRI = {"unknown": later("not decided"), "no": later("no, there are none"), "yes": later("yes, there are")}
# Where the next step of a finding is taken: a page of the dataset; everything else is in the plan's form.
_PAGES = {
    "plan.access": "access",
    "plan.publication": "access",
    "plan.personal": "access",
    "plan.licence": "metadata",
}


@member
def plan(request: HttpRequest, actor: Actor, *, project: str) -> HttpResponse:
    """Counts, what is broken first, what is due next, and the button that leads there."""
    card = datasets.get_project(actor, project)
    if request.method == "POST":
        plans.check(actor, card)
        return done(request, _("The plan was checked."), "plan", project=project)
    standing = plans.standing(actor, card, first=_SHOWN)
    kept = plans.findings(actor, card, states=("green",), limit=_SHOWN)
    context = {
        "project": card,
        "plan": plans.find_plan(card.id),
        "versions": plans.list_plans(actor, card, limit=20),
        "may_manage": bool(policy.decide(actor, "project.manage", card.resource)),
        "counts": standing.counts if standing else {},
        "next_due": standing.next_due if standing else "",
        "checked_at": standing.checked_at if standing else "",
        "findings": [_shown(card, one) for one in standing.first] if standing else [],
        "kept": [_shown(card, one) for one in kept],
    }
    return render(request, "web/plan.html", context)


def card_of(project: str, standing: plans.Standing | None) -> dict[str, Any]:
    """What the card of a project's page shows."""
    if standing is None:
        return {"project": project}
    return {
        "project": project,
        "counts": standing.counts,
        "next_due": standing.next_due,
        "first": [_in_short(one) for one in standing.first],
    }


def card_of_dataset(dataset: datasets.DatasetCard) -> dict[str, Any]:
    """What the card of a dataset's page shows."""
    found = plans.findings_of(dataset)
    if not found:
        return {}  # no plan, or it was not checked yet: the project's page says which
    return {
        "project": dataset.project,
        "counts": {state: sum(one.state == state for one in found) for state in ("broken", "due", "green")},
        "next_due": min((one.due_on for one in found if one.due_on and one.state == "due"), default=""),
        "first": [_in_short(one) for one in found if one.state != "green"][:3],
    }


def _in_short(one: plans.FindingCard) -> dict[str, str]:
    return {"state": one.state, "says": one.says.get(_language(), "")}


def _language() -> str:
    return "ja" if (get_language() or "en").startswith("ja") else "en"


def _shown(project: datasets.ProjectCard, one: plans.FindingCard) -> dict[str, Any]:
    language = _language()
    page = _PAGES.get(one.check, "") if one.dataset_id else ""
    name = one.place.partition("/")[2]
    where = (
        reverse(page, kwargs={"project": project.name, "dataset": name})
        if page
        else reverse("plan_edit", kwargs={"project": project.name})
    )
    return {
        "state": one.state,
        "place": one.place,
        "title": one.title[language],
        "says": one.says.get(language, ""),
        "todo": one.todo.get(language, ""),
        "basis": one.basis[language],
        "basis_date": one.basis_date,
        "blocks": bool(one.blocks) and one.state == "broken",
        "due_on": one.due_on,
        "where": where,
    }


@member
def edit(request: HttpRequest, actor: Actor, *, project: str) -> HttpResponse:
    """The form of the main fields; what it does not show stays as it is."""
    card = datasets.get_project(actor, project)
    policy.require(actor, "project.manage", card.resource)
    kept = plans.find_plan(card.id)
    body = dict(kept.body) if kept else plans.begin(actor, card)
    own = body["dmp"].get("jp")
    chosen = own.get("template", "") if isinstance(own, dict) else ""
    template = plans.template(request.POST.get("template") or request.GET.get("template") or chosen)
    shown, rows = plans.read(body)
    wrong: TsunaguError | None = None
    if request.method == "POST":
        shown, rows = _posted(request.POST)
        try:
            made = _document(request) or plans.write(body, shown, rows)
            jp = made["dmp"].get("jp")
            made["dmp"]["jp"] = {**(jp if isinstance(jp, dict) else {}), "template": template.id}
            plans.write_plan(actor, card, made, note=request.POST.get("note", ""))
            plans.check(actor, card)
            return done(request, _("The plan was saved and checked."), "plan", project=project)
        except TsunaguError as error:
            wrong = error
    else:
        shown = {name: value or template.defaults.get(name, "") for name, value in shown.items()}
        rows = [*rows, *({} for _number in range(_EMPTY_ROWS))]
    context = {
        "project": card,
        "template": template,
        "templates": plans.templates(),
        "fields": [_input(one, shown, "", template) for one in plans.PLAN_FIELDS],
        "rows": [
            {
                "number": number + 1,
                "fields": [_input(one, row, f"-{number}", template) for one in plans.DATA_FIELDS],
            }
            for number, row in enumerate(rows)
        ],
        "row_count": len(rows),
        "accesses": list(policy.Access),
        "tri": [(value, gettext(word)) for value, word in TRI.items()],
        "wrong": gettext(wrong.default_message) if wrong else "",
        "detail": wrong.message if wrong else "",
        "note": request.POST.get("note", ""),
    }
    return render(request, "web/plan_edit.html", context, status=wrong.status if wrong else 200)


def _posted(form: Mapping[str, str]) -> tuple[dict[str, str], list[dict[str, str]]]:
    count = form.get("rows", "0")
    rows = int(count) if count.isdigit() and len(count) < 5 else 0  # noqa: PLR2004
    plan = {one.name: form[one.name] for one in plans.PLAN_FIELDS if one.name in form}
    return plan, [
        {one.name: form[key] for one in plans.DATA_FIELDS if (key := f"{one.name}-{number}") in form}
        for number in range(min(rows, 2000))
    ]


def _document(request: HttpRequest) -> dict[str, Any] | None:
    """A maDMP file that was sent in place of the form."""
    sent = request.FILES.get("document")
    if sent is None or isinstance(sent, list):
        return None
    if (sent.size or 0) > _MOST_BYTES:
        raise plans.BadPlanError(_("The file is larger than 4 MB."))
    try:
        found = json.loads(sent.read().decode("utf-8-sig"))
    except ValueError:
        raise plans.BadPlanError(_("The file is not JSON.")) from None
    if not isinstance(found, dict) or not isinstance(found.get("dmp"), dict):
        raise plans.BadPlanError
    return found


def _input(
    field: plans.Field, shown: Mapping[str, str], suffix: str, template: plans.Template
) -> dict[str, Any]:
    types = {"mail": "email", "date": "date"}
    return {
        "id": f"{field.name}{suffix}",
        "label": gettext(LABELS[field.name]),
        "value": shown.get(field.name, "unknown" if field.kind == "tri" else ""),
        "kind": field.kind,
        "type": types.get(field.kind, "text"),
        "is_needed": field.name in template.required,
    }


@member
def document(request: HttpRequest, actor: Actor, *, project: str) -> HttpResponse:
    """The plan as a file of maDMP 1.2; ``?version=`` names an older one."""
    number = request.GET.get("version", "")
    card = datasets.get_project(actor, project)
    chosen = int(number) if number.isdigit() and len(number) < 10 else None  # noqa: PLR2004
    body = orjson.dumps(plans.export_plan(actor, card, number=chosen), option=orjson.OPT_INDENT_2)
    answer = HttpResponse(body, content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="{card.name}-plan.json"'
    return answer
