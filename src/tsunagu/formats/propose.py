"""Placeholder."""


def propose(outcomes):
    return []
