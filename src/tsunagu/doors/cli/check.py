"""To come."""

from __future__ import annotations

import argparse


def check(options: argparse.Namespace) -> int:
    """To come."""
    del options
    return 0
