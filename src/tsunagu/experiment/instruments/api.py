"""The door of instruments: registry, placement rules, what capture agents report."""

from tsunagu.experiment.instruments.errors import BadRuleError, NotAnInstrumentError
from tsunagu.experiment.instruments.selectors import agent_config, get_instrument, list_instruments, names
from tsunagu.experiment.instruments.services import (
    add_rule,
    create_instrument,
    describe_instrument,
    hear,
    new_token,
    remove_rule,
    set_config,
    withdraw_tokens,
)
from tsunagu.experiment.instruments.types import InstrumentCard

__all__ = [
    "BadRuleError",
    "InstrumentCard",
    "NotAnInstrumentError",
    "add_rule",
    "agent_config",
    "create_instrument",
    "describe_instrument",
    "get_instrument",
    "hear",
    "list_instruments",
    "names",
    "new_token",
    "remove_rule",
    "set_config",
    "withdraw_tokens",
]
