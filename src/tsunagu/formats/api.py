"""Placeholder until the readers land."""

from dataclasses import dataclass


class MappingError(ValueError):
    line = 0


@dataclass
class Limits:
    wall_s: float = 60
    memory_bytes: int = 2**31


@dataclass
class Outcome:
    status: str
    reader: str | None = None
    reader_version: str | None = None
    reason: str | None = None
    reading: object = None


class Mapping:
    version = "0"

    def apply(self, outcome):
        return outcome

    def labels(self, language):
        return {}


class ExtractorPool:
    def __init__(self, limits):
        pass

    def extract(self, path, *, name):
        return Outcome("unrecognised", reason="no reader")


def default_mapping_text():
    return ""


def parse_mapping(text):
    return Mapping()


def unreadable(reason):
    return Outcome("unreadable", reason=reason)


def split_previews(outcome):
    return [], []


def outcome_as_json(outcome):
    return {"status": outcome.status}


def outcome_from_json(value):
    return Outcome(value["status"])


def propose(outcomes):
    return []


def evidence_as_json(item):
    return {}


def without_personal(outcome):
    return outcome


def diff_as_json(a, b):
    return {}
