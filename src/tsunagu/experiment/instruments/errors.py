"""What can go wrong with instruments."""

from __future__ import annotations

from tsunagu.core.errors import InvalidInputError, TsunaguError


class BadRuleError(InvalidInputError):
    """A placement rule cannot be used; the message names folder, rule and reason."""

    code = "instruments.bad_rule"
    default_message = "A rule of this instrument cannot be used."


class NotAnInstrumentError(TsunaguError):
    """Only an instrument's own token works here."""

    code = "instruments.not_an_instrument"
    status = 403
    exit_code = 3
    default_message = "Only an instrument's own token works here."
    default_remedy = "Use the command that the instrument's page shows."
