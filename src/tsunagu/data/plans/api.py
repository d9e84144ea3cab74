"""The door of plans: versions of a project's plan, its form, and what the checks found."""

from tsunagu.data.plans.checking import check
from tsunagu.data.plans.errors import BadPlanError, NoPlanError
from tsunagu.data.plans.form import DATA_FIELDS, PLAN_FIELDS, TRI, Field, read, write
from tsunagu.data.plans.packs import checks, template, templates
from tsunagu.data.plans.selectors import (
    export_plan,
    find_plan,
    findings,
    findings_of,
    get_plan,
    list_plans,
    row_for,
    standing,
)
from tsunagu.data.plans.services import begin, row_of, write_plan
from tsunagu.data.plans.types import Check, FindingCard, PlanCard, Standing, Template

__all__ = [
    "DATA_FIELDS",
    "PLAN_FIELDS",
    "TRI",
    "BadPlanError",
    "Check",
    "Field",
    "FindingCard",
    "NoPlanError",
    "PlanCard",
    "Standing",
    "Template",
    "begin",
    "check",
    "checks",
    "export_plan",
    "find_plan",
    "findings",
    "findings_of",
    "get_plan",
    "list_plans",
    "read",
    "row_for",
    "row_of",
    "standing",
    "template",
    "templates",
    "write",
    "write_plan",
]
