"""What can go wrong with plans."""

from __future__ import annotations

from tsunagu.core.errors import InvalidInputError, NotFoundError


class NoPlanError(NotFoundError):
    """The project has no plan."""

    code = "plans.no_plan"
    default_message = "The project has no data management plan yet."
    default_remedy = "Fill in the form on the project's plan page, or run tsunagu plan import PROJECT FILE."


class BadPlanError(InvalidInputError):
    """A document that is no plan."""

    code = "plans.bad_plan"
    default_message = "This is not a data management plan of maDMP 1.2."
    default_remedy = "Correct the places named and import it again; nothing was changed."
