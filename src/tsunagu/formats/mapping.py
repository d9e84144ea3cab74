"""Placeholder."""


class Mapping:
    mapping_version = "0" * 64
    terms = ()

    def apply(self, outcome):
        return outcome


def parse_mapping(text):
    return Mapping()


def default_mapping_text():
    return ""


def diff_fields(a, b):
    return {}
